// Signals as strace writes them: names, sets, siginfo.
#pragma once

#include <signal.h>

#include <cstdint>

#include "tools/dump/text.h"

namespace rec::dump {

// SIGTERM, SIGRTMIN, SIGRT_1; other numbers as they are.
void put_signal(Text& out, std::int64_t number);
// Always the name, whatever form constants are to have.
void put_signal_name(Text& out, int number);

// [INT CHLD]; ~[KILL STOP] where most are in it.
void put_signal_set(Text& out, std::uint64_t bits);

// {si_signo=SIGCHLD, si_code=CLD_EXITED, …}
void put_siginfo(Text& out, const siginfo_t& info);

// {WIFEXITED(s) && WEXITSTATUS(s) == 0}
void put_wait_status(Text& out, std::int32_t status);

}  // namespace rec::dump

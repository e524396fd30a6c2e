// A task gets another tracer, unseen by the program.
//
// The kernel knows no way to do that but to let the task go and to seize it anew, and in between it must not
// run: it waits in pause(2), which rec's filter lets pass from rec's own instruction, with all signals
// blocked. Then it makes again, for its new tracer, the call at whose entry the old one let it go. (Should
// rec be killed in between, some 50 µs, the task is left there.)
#pragma once

#include <cstdint>
#include <optional>

#include "format/base/ids.h"
#include "format/registers.h"
#include "tracee/stopped.h"
#include "tracee/wait_status.h"

namespace rec {

// A task that nobody traces.
struct LetGo {
  Tid tid;
  Registers registers;  // with which it makes its call again
  std::uint64_t signal_mask;
};

// Whether this process may seize the task once it has let it go (ptrace(2), "Ptrace access mode checking";
// the Yama module is one that lets nobody in but ancestors, and asks that only then).
[[nodiscard]] bool may_be_seized(Tid task);

// Precondition: the task is the only one of its process, not a child of this process, in a seccomp stop for a
// `syscall` of 64-bit code, and has rec's code at agent_area::code. Throws TaskGone.
[[nodiscard]] LetGo let_go(const Stopped& task);

// The calling thread traces the task. What it is about besides: its end, or a stop of its process, that came
// meanwhile and is to be dealt with; nullopt: nothing, and it has gone on to its call.
[[nodiscard]] std::optional<WaitResult> seize_again(const LetGo& task, std::uint64_t ptrace_options);

}  // namespace rec

// Instructions that rec sees because they trap: those that fault by themselves, and those that an int3 of
// rec's stands for.
#pragma once

#include <csignal>

namespace rec {

class Session;
struct Task;

// The signal stop of a trapped instruction: carries it out, records what the task was handed, and lets the
// task go on. False: the signal is none of rec's doing.
bool handle_trap(Session& session, Task& task, const siginfo_t& info);

// After a fault that was none of the program's doing: what force_sig (kernel/signal.c) did to a blocked or
// ignored signal's disposition is undone.
void restore_disposition(Task& task, int signal);

}  // namespace rec

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

}  // namespace rec

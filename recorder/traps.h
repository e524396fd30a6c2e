// Instructions that rec sees because they trap: those that fault by themselves, and those that an int3 of
// rec's stands for.
#pragma once

#include <csignal>
#include <cstdint>

namespace rec {

class Session;
class Stopped;
struct Task;
struct TrappedInstruction;

// The signal stop of a trapped instruction: carries it out, records what the task was handed, and lets the
// task go on. False: the signal is none of rec's doing.
bool handle_trap(Session& session, Task& task, const siginfo_t& info);

// The task stands in front of an int3 of rec's, or right behind it: what the int3 stands for is carried out
// and recorded, and the task goes on.
void carry_out_trapped(Session& session, Task& task, std::uint64_t address);

// The task stands in front of such an instruction, in code that was not known to hold it: an int3 takes its
// place from here on, and it is carried out as if it had trapped.
void record_found_instruction(Session& session, Task& task, const TrappedInstruction& found);

// After a step: the flag by which it was made is not the program's, though the kernel takes it for that
// behind a popf (arch/x86/kernel/step.c, is_setting_trap_flag). Precondition: the program had not set it.
void hide_trap_flag(const Stopped& stopped);

// After a fault that was none of the program's doing: what force_sig (kernel/signal.c) did to a blocked or
// ignored signal's disposition is undone.
void restore_disposition(Task& task, int signal);

}  // namespace rec

// One JSON object in a line for each event. The fields, which keep their names:
//
//   event, kind, tid, pid, enter_ns, leave_ns   of every object; kind is call, exec, start, signal, stop,
//   exit,
//                                               trap or note; times count from the start of the recording
//   call, nr, args, result, result_text         call and exec: args is a list of {name, raw, text}, raw being
//   the
//                                               register in hexadecimal (a number of JSON has 53 bits);
//                                               result is null for a call that did not return
//   error                                       the errno's name, of calls that failed
//   answered_by_rec                             true where rec answered in the kernel's place
//   text                                        the line as strace has it, without task and time
//   parent, executable                          start; exec
//   signal, siginfo                             signal, stop (signal is null when the task goes on)
//   exit_status or killed_by, core_dumped       exit
//   trap, values                                trap: the instruction; rax, rbx, rcx, rdx
//   note                                        note
#pragma once

#include <unordered_map>

#include "format/event.h"
#include "tools/dump/call.h"

namespace rec::dump {

// `tasks` are the processes of the tasks that are alive.
void put_json(const Event& event, const Writer& writer, const std::unordered_map<Tid, Pid>& tasks);

}  // namespace rec::dump

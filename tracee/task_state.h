// What the kernel says a task is doing.
#pragma once

#include "format/base/ids.h"

namespace rec {

// The state letter of /proc/PID/stat (proc(5)): 'R' running, 'S' asleep, 'Z' a zombie, …; 0 when the task is
// gone.
[[nodiscard]] char task_state(Tid tid);

// The parent of the task's process, by the same file; 0 when the task is gone, or the parent is outside of
// this process's pid namespace.
[[nodiscard]] Pid parent_process(Tid tid);

// Whether the task numbers others as rec does (pid_namespaces(7)).
[[nodiscard]] bool is_in_our_pid_namespace(Tid tid);

}  // namespace rec

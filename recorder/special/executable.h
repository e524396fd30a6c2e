// What can be told of a program before it is executed.
#pragma once

namespace rec {
struct Task;
}

namespace rec::special {

enum class Executable {
  usual,
  is_32_bit,         // i386 or x32: rec cannot record it
  loses_privileges,  // setuid or setgid, and the kernel does not honour that under a tracer without
                     // privileges
};

// At the entry of execve or execveat: what the file that it names is. `usual`, too, when rec may not read the
// file or cannot find it; the kernel has the say then.
[[nodiscard]] Executable look_at_executable(const Task& task);

}  // namespace rec::special

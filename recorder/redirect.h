// Output buffers that stand in for the program's while a call blocks and other tasks of the domain run.
//
// The kernel writes when it likes; a task that looks at the buffer meanwhile would see it at a moment that
// replay cannot reproduce. So the kernel writes to scratch memory, and the result moves to its place when the
// caller has its turn again:
//
//      program's memory          scratch
//      msghdr ─▶ iovec ─▶ buf    msghdr' ─▶ iovec' ─▶ buf'      in the call: registers and pointers lead to
//      the right side
//                          ◀──── settled bytes are moved to the left at the call's end
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "format/syscalls/plan.h"
#include "tracee/remote_memory.h"
#include "tracee/stopped.h"

namespace rec {

struct Scratch {
  std::uint64_t start = 0;
  static constexpr std::uint64_t size = 256 * 1024;
};

class Redirect {
 public:
  // At the call's entry: copies what the kernel will read, turns the pointers, and changes the argument
  // registers of `task`. nullopt: nothing to redirect, or too much; then nothing was changed.
  [[nodiscard]] static std::optional<Redirect> begin(const Stopped& task, const Scratch& scratch,
                                                     const syscalls::Plan& plan);

  // At the exit stop: puts the program's own values back into the argument registers.
  void restore_arguments(Registers* registers) const;

  // At the exit stop: settles the plan with what the kernel wrote, and moves it to where the program expects
  // it.
  void finish(const RemoteMemory& memory, syscalls::Plan* plan, const syscalls::CallArguments& call,
              std::int64_t result) const;

 private:
  struct Piece {
    std::size_t extent;     // its place in the plan
    std::uint64_t address;  // the program's
    std::uint64_t size;
    std::uint64_t scratch;
  };
  struct Pointer {
    std::uint64_t in_scratch;  // where the turned pointer lies
    std::uint64_t original;    // what was there
  };
  class View;

  [[nodiscard]] const Piece* piece_of(std::size_t extent) const;
  void turn_pointers(const RemoteMemory& memory, const syscalls::Plan& plan, Registers* registers);

  std::vector<Piece> pieces_;
  std::vector<Pointer> pointers_;
  std::array<std::uint64_t, 6> arguments_{};
};

}  // namespace rec

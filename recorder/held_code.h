// Code that is written to memory which is writable and executable at once (a just-in-time compiler's). rec
// has to see some instructions in it (tracee/instruction_finder.h) before they run, and cannot tell from the
// bytes alone which are instructions. So such memory is first made writable only:
//
//     mmap(RWX) ──▶ rw-   … the program writes code …   call ──▶ fault:
//         the page holds no such bytes        ──▶ rwx, for good
//         it does: rwx, and the task is stepped through it. Where it stands in front of such an instruction,
//         that is recorded and replaced by an int3; when it leaves the page   ──▶ rw-
//         all of them are replaced, or it takes too long                      ──▶ rwx, for good
//
// The program finds no difference. What is written to a page that was let go is not looked at.
#pragma once

#include <csignal>
#include <cstdint>
#include <map>

namespace rec {

class Session;
struct Task;

// Of one address space: the pages that are not executable although the program thinks so.
class HeldCode {
 public:
  void add(std::uint64_t start, std::uint64_t end);
  void remove(std::uint64_t start, std::uint64_t end);
  void move(std::uint64_t from, std::uint64_t old_size, std::uint64_t to, std::uint64_t new_size);
  [[nodiscard]] bool contains(std::uint64_t address) const;

  std::uint64_t instructions = 0;  // stepped so far

 private:
  std::map<std::uint64_t, std::uint64_t> ranges_;  // start to end; they do not touch
};

// At a memory call's entry: true if what it makes writable and executable is to be made writable only, for
// which the kernel gets this instead of the call's third argument (its protection).
[[nodiscard]] bool holds_code(const Task& task);

// After a successful memory call: what is held now. `is_held`: holds_code() was true.
void update_held_code(Task& task, std::int64_t result, bool is_held);

// The signal stop of an execution in a held page: deals with it and lets the task go on. False: the signal is
// something else.
bool handle_held_code(Session& session, Task& task, const siginfo_t& info);

}  // namespace rec

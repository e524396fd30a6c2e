// Replaces a `syscall` instruction of the program's by a jump to the agent.
//
//     site:        jmp trampoline                      5 bytes in place of
//                                                        mov $nr, %eax ; syscall         (then `syscall`
//                                                        itself stays), or syscall ; what follows it
//     trampoline:  [mov $nr, %eax]
//                  lea L1, %rcx ; mov $entry, %r11d ; jmp *%r11
//              L0: syscall                             the traced call, when the agent will not make it
//              L1: [what followed] ; jmp back
//
// Only rcx and r11 change, which a real `syscall` changes as well; the agent gives them the same values.
//
// And a `cpuid` by a jump to where a routine answers it (tracee/cpuid_answers.h):
//
//     trampoline:  [mov $leaf, %eax]
//                  lea -128(%rsp), %rsp ; call routine ; lea 128(%rsp), %rsp ; [what followed] ; jmp back
//
// And an `rdtsc` by a jump to the agent, which reads the counter or knows what it was:
//
//     trampoline:  lea -128(%rsp), %rsp ; push %rcx ; push %r11
//                  lea L1, %rcx ; mov $entry, %r11d ; jmp *%r11
//                  jmp F                               the trapped way, when the agent will not
//              L1: pop %r11 ; pop %rcx ; lea 128(%rsp), %rsp ; jmp L2
//              F:  pop %r11 ; pop %rcx ; lea 128(%rsp), %rsp
//              L0: int3 ; (the rest of the instruction)
//              L2: what followed ; jmp back
//
// A window is patched only when nothing can jump into its midst: not by a 32-bit displacement anywhere in the
// file, nor by an 8-bit one nearby, as far as bytes that look like one are not the middle of another
// instruction. (A jump table could; no compiler makes one that leads behind a system call's own instruction.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tracee/jump_targets.h"

namespace rec {

// What was done to one site.
struct CodePatch {
  std::uint64_t start = 0;          // of the window, where the jump stands
  std::uint64_t length = 0;         // of the window
  std::uint64_t site = 0;           // where `syscall` was
  std::vector<std::byte> jump;      // what is written at `start`, and …
  std::vector<std::byte> original;  // … what was there
  std::uint64_t trampoline = 0;
  std::vector<std::byte> code;   // of the trampoline
  std::uint64_t l0 = 0, l1 = 0;  // of an rdtsc: L0 and L2
  bool keeps_site = false;       // the `syscall` itself stands as it was
  // Instructions behind `syscall` that were moved: where they were, where they are.
  struct Moved {
    std::uint64_t from, to;
  };
  std::vector<Moved> moved;

  // Where a task goes on whose instruction pointer is in the window: nullopt if it is not, or at its start.
  [[nodiscard]] std::optional<std::uint64_t> into_trampoline(std::uint64_t rip) const;
  // What the program would call a place in the trampoline: nullopt if it is none, or has no such name.
  [[nodiscard]] std::optional<std::uint64_t> out_of_trampoline(std::uint64_t rip) const;
  // The same for the same code, mapped so many bytes further on (modulo 2^64) together with its trampoline
  // and, of a cpuid, the routine: all jumps between them are relative. (The agent does not move.)
  [[nodiscard]] CodePatch moved_by(std::uint64_t distance) const;
};

// How much a trampoline may take.
inline constexpr std::uint64_t trampoline_size = 96;

// The code around a site: `bytes` begin at address `address`, whose file offset is `offset`; empty targets:
// code without a file, where 32-bit jumps into the window cannot be excluded.
struct Surroundings {
  std::span<const std::byte> bytes;
  std::uint64_t address = 0;
  std::uint64_t offset = 0;
};
// So many bytes in front of a site and behind it are looked at, if they are there: most functions' starts
// are.
inline constexpr std::uint64_t surroundings_before = 4096;
inline constexpr std::uint64_t surroundings_behind = 192;

// nullopt: this site stays as it is. `nr`: the call that was made there just now; `trampoline`: where it is
// to be, within 2 GiB.
[[nodiscard]] std::optional<CodePatch> make_patch(const Surroundings& code, const JumpTargets& targets,
                                                  std::uint64_t site, std::uint32_t nr,
                                                  std::uint64_t trampoline, std::uint64_t entry);

// The same for a `cpuid`, in whose place `routine` is to be called. Where the window is in front of the
// site (CodePatch::keeps_site), the `cpuid` itself stays for what may jump to it.
[[nodiscard]] std::optional<CodePatch> make_cpuid_patch(const Surroundings& code, const JumpTargets& targets,
                                                        std::uint64_t site, std::uint64_t trampoline,
                                                        std::uint64_t routine);

// The same for an `rdtsc`; `entry`: the agent's for it. A task that executes the int3 at `l0` has its own
// registers, and is to go on with them at `l1`, two bytes on.
[[nodiscard]] std::optional<CodePatch> make_counter_patch(const Surroundings& code,
                                                          const JumpTargets& targets, std::uint64_t site,
                                                          std::uint64_t trampoline, std::uint64_t entry);

}  // namespace rec

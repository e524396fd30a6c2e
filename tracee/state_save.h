// Where the dynamic loader saves the SIMD registers around the binding of a function (glibc's
// sysdeps/x86_64/dl-trampoline.h and dl-tlsdesc-dynamic.h), and code that saves them the same way every time.
//
// xsave writes down, in the header of its area, which parts of the state were not in their initial
// configuration (XINUSE): processors are free to forget that a part is, and do when a task is switched. The
// header stays behind on the stack, so memory would not be the same at replay. Instead:
//
//     mov $0xee,%eax ; xor %edx,%edx ; …             as before
//     jmp ─▶ trampoline                              in place of xsave 0x40(%rsp)
//                mov   $states,%eax                  of 0xee those that the program can see
//                xsave 0x40(%rsp)
//                mov   %eax,0x240(%rsp)              all of them are in use
//                mov   $0xee,%eax ; jmp back
//
// The trampoline lies behind the code, where its last page has nothing but zeros. xsavec, which would leave
// parts out, is not met: cpuid does not tell of it (format/cpu_features.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rec {

struct StateSave {
  std::uint64_t at = 0;            // of the xsave, in the file
  std::uint64_t room = 0;          // where the trampoline goes, in the file
  std::uint32_t states = 0;        // that it asks for
  std::uint32_t displacement = 0;  // of its area, from rsp
  std::uint8_t length = 0;         // of the instruction, in bytes
};

inline constexpr std::size_t state_save_room = 48;

// Those in the executable part [start, end) of a file that have room for their trampolines behind it.
[[nodiscard]] std::vector<StateSave> find_state_saves(std::span<const std::byte> file, std::uint64_t start,
                                                      std::uint64_t end);

// What replaces the instruction (its first 5 bytes).
[[nodiscard]] std::vector<std::byte> state_save_jump(const StateSave& save);
// What to write at `room`. `states`: those that the program can see.
[[nodiscard]] std::vector<std::byte> state_save_trampoline(const StateSave& save, std::uint64_t states);

}  // namespace rec

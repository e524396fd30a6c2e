// The part of every tracee's address space that belongs to rec. The same when recording and when replaying,
// so that the program's own mappings never meet it.
//
//   0x70000000  RX  one page: `syscall; ret` for calls that rec makes in the tracee (and, with the in-process
//   agent of
//                   DESIGN §5, the agent's code and its trampolines)
//   0x70100000  RW  scratch: arguments of such calls; buffers that stand in for the program's while a call
//   blocks
#pragma once

#include <array>
#include <cstdint>

#include "format/base/remote_ptr.h"

namespace rec::agent_area {

inline constexpr std::uint64_t code = 0x70000000;
inline constexpr std::uint64_t code_size = 0x1000;
inline constexpr std::uint64_t data = 0x70100000;
inline constexpr std::uint64_t data_size = 0x10000;

inline constexpr std::array<unsigned char, 3> code_bytes{0x0f, 0x05, 0xc3};
inline constexpr std::uint64_t syscall_instruction = code;
// What the kernel gives as the instruction pointer of a call: that of the next instruction.
inline constexpr std::uint64_t after_syscall_instruction = code + 2;

[[nodiscard]] constexpr bool contains(std::uint64_t address) {
  return (address >= code && address < code + code_size) || (address >= data && address < data + data_size);
}

}  // namespace rec::agent_area

// The part of every tracee's address space that belongs to rec. The same when recording and when replaying,
// so that the program's own mappings never meet it.
//
//   0x70000000  RX  one page: `syscall; jmp *%r12` for calls that rec makes in the tracee, and a loop that
//                   makes many in a row (tracee/remote_batch.h); behind it, the in-process agent
//                   (tracee/agent/layout.h)
//   0x70100000  RW  scratch: arguments of such calls
#pragma once

#include <array>
#include <cstdint>

#include "format/base/remote_ptr.h"

namespace rec::agent_area {

inline constexpr std::uint64_t code = 0x70000000;
inline constexpr std::uint64_t code_size = 0x1000;
inline constexpr std::uint64_t data = 0x70100000;
inline constexpr std::uint64_t data_size = 0x10000;

// No `ret` behind a call: the kernel's returns, made safe against speculation, leave the processor's stack of
// return addresses full of their own, so that each `ret` on the way back from a call costs some 7 ns.
inline constexpr std::array<unsigned char, 0x5d> code_bytes{
    0x0f, 0x05,                                            // syscall
    0x41, 0xff, 0xe4,                                      // jmp *%r12
    0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,  //
    0xcc, 0xcc,                                            //
    0x48, 0x8b, 0x03,                                      // loop: mov (%rbx), %rax
    0x48, 0x83, 0xf8, 0xff,                                // cmp $-1, %rax
    0x74, 0x3d,                                            // je end
    0x48, 0x83, 0xf8, 0xfe,                                // cmp $-2, %rax
    0x74, 0x27,                                            // je copy
    0x48, 0x8b, 0x7b, 0x08,                                // mov 8(%rbx), %rdi
    0x48, 0x8b, 0x73, 0x10,                                // mov 16(%rbx), %rsi
    0x48, 0x8b, 0x53, 0x18,                                // mov 24(%rbx), %rdx
    0x4c, 0x8b, 0x53, 0x20,                                // mov 32(%rbx), %r10
    0x4c, 0x8b, 0x43, 0x28,                                // mov 40(%rbx), %r8
    0x4c, 0x8b, 0x4b, 0x30,                                // mov 48(%rbx), %r9
    0xe9, 0xc4, 0xff, 0xff, 0xff,                          // jmp syscall
    0x48, 0x89, 0x43, 0x38,                                // called: mov %rax, 56(%rbx)
    0x48, 0x83, 0xc3, 0x40,                                // next: add $64, %rbx
    0xeb, 0xca,                                            // jmp loop
    0x48, 0x8b, 0x73, 0x08,                                // copy: mov 8(%rbx), %rsi
    0x48, 0x8b, 0x06,                                      // mov (%rsi), %rax
    0x48, 0x8b, 0x7b, 0x10,                                // mov 16(%rbx), %rdi
    0x48, 0x89, 0x07,                                      // mov %rax, (%rdi)
    0xeb, 0xea,                                            // jmp next
    0xb8, 0x27, 0x00, 0x00, 0x00,                          // end: mov $39, %eax (getpid)
    0x0f, 0x05,  // syscall: the filter stops it, unlike the one above
};
inline constexpr std::uint64_t batch_loop = code + 0x10;    // rbx: the first call; r12: …
inline constexpr std::uint64_t batch_called = code + 0x3c;  // … this
inline constexpr std::uint64_t syscall_instruction = code;
// What the kernel gives as the instruction pointer of a call: that of the next instruction.
inline constexpr std::uint64_t after_syscall_instruction = code + 2;

[[nodiscard]] constexpr bool contains(std::uint64_t address) {
  return (address >= code && address < code + code_size) || (address >= data && address < data + data_size);
}

}  // namespace rec::agent_area

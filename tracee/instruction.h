// One machine instruction, as far as rec has to know it to stop in front of it, to run past it and to run it
// somewhere else. The disassembler (Capstone) stays behind this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace rec {

// Where an instruction's operand lies in memory: the sum of its parts.
struct MemoryOperand {
  std::uint64_t fixed = 0;                          // with the instruction pointer, if it is relative to that
  std::optional<std::uint8_t> base = std::nullopt;  // general registers, as instructions number them
  std::optional<std::uint8_t> index = std::nullopt;
  std::uint8_t scale = 1;
};

struct Instruction {
  enum class Kind {
    plain,          // does the same anywhere
    rip_relative,   // … once its displacement is adjusted
    jump,           // unconditional, to `target`
    conditional,    // to `target` or on; `condition` as in jcc
    counted,        // loop, jrcxz: to `target` or on, by rcx
    call,           // to `target`
    call_register,  // to where a register other than the stack pointer says; its last byte is the ModRM byte
    fixed,          // cannot be moved: a call by memory, or one that the disassembler may get wrong
    repeated,       // a string instruction with a prefix: it can be interrupted half-way, at its own address
    leaves          // enters the kernel, or traps: another event is about to come
  };
  Kind kind = Kind::fixed;
  std::uint8_t length = 0;
  std::uint8_t displacement_at = 0;  // rip_relative: where its 4 bytes are
  std::uint8_t condition = 0;        // conditional
  std::uint64_t target = 0;          // jump, conditional, counted, call
  bool pushes_flags = false;
  bool goes_elsewhere = false;                          // always: a return, an unconditional jump
  bool touches_memory = false;                          // other than by the stack or frame pointer
  std::optional<MemoryOperand> written = std::nullopt;  // not what string instructions and calls write

  [[nodiscard]] bool can_be_moved() const {
    return kind != Kind::fixed && kind != Kind::repeated && kind != Kind::leaves;
  }
};

// The longest instruction there is (Intel SDM, volume 2, 2.3.11).
inline constexpr std::size_t longest_instruction = 15;
// jmp rel32.
inline constexpr std::size_t jump_length = 5;

// The instruction at the start of `code`, which lies at `address`. nullopt: none that is known.
[[nodiscard]] std::optional<Instruction> decode_instruction(std::span<const std::byte> code,
                                                            std::uint64_t address);

}  // namespace rec

// Capstone behind one small type: one instruction at a time, with what rec wants to know of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace rec {

struct Instruction {
  enum class Kind : std::uint8_t {
    plain,         // can be executed anywhere
    rip_relative,  // has a displacement from its own end: at displacement_at, 4 bytes
    jump,          // jmp with a displacement
    conditional,   // jcc with a displacement
    ret,
    other,  // call, loop, jrcxz, system call, interrupt, …: means something else elsewhere, or stays
  };
  std::uint64_t length = 0;
  Kind kind = Kind::other;
  std::uint8_t displacement_at = 0;  // rip_relative
  std::uint8_t condition = 0;        // conditional: the low four bits of its opcode
  std::int64_t target = 0;           // jump, conditional: relative to the instruction's start
};

class Disassembler {
 public:
  // Throws Error when Capstone cannot be started.
  Disassembler();
  Disassembler(const Disassembler&) = delete;
  Disassembler& operator=(const Disassembler&) = delete;
  ~Disassembler();

  // The instruction at the start of `bytes`; nullopt when it is none, or one that Capstone does not know.
  [[nodiscard]] std::optional<Instruction> decode(std::span<const std::byte> bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rec

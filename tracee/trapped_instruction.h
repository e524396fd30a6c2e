// Instructions that PR_SET_TSC makes fault, recognised at the fault.
#pragma once

#include <optional>

#include "format/base/memory.h"
#include "format/event.h"

namespace rec {

struct TrappedInstruction {
  TrapKind kind;
  std::uint32_t length;  // in bytes
};

// The instruction at `rip`, if it is one of them (Intel SDM: RDTSC 0F 31, RDTSCP 0F 01 F9).
[[nodiscard]] std::optional<TrappedInstruction> trapped_instruction_at(const Memory& memory, RemotePtr<> rip);

// What the instruction yields here and now, as args of a trap event: rax, rbx, rcx, rdx. rbx (and rcx for rdtsc) are
// those passed in.
[[nodiscard]] std::array<std::uint64_t, 4> execute_trapped(TrapKind kind, const Registers& registers);

// Puts the values in place and moves on behind the instruction.
void apply_trapped(Registers* registers, std::span<const std::uint64_t, 4> values, std::uint32_t length);

}  // namespace rec

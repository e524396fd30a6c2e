#include "tracee/trapped_instruction.h"

#include <x86intrin.h>

#include "format/base/error.h"

namespace rec {

std::optional<TrappedInstruction> trapped_instruction_at(const Memory& memory, RemotePtr<> rip) {
  std::array<std::byte, 3> code{};
  const std::size_t got = memory.read_some(rip, code);
  if (got >= 2 && code[0] == std::byte{0x0f} && code[1] == std::byte{0x31}) {
    return TrappedInstruction{TrapKind::rdtsc, 2};
  }
  if (got == 3 && code[0] == std::byte{0x0f} && code[1] == std::byte{0x01} && code[2] == std::byte{0xf9}) {
    return TrappedInstruction{TrapKind::rdtscp, 3};
  }
  return std::nullopt;
}

std::array<std::uint64_t, 4> execute_trapped(TrapKind kind, const Registers& registers) {
  unsigned processor = 0;
  std::uint64_t rcx = registers.rcx;
  std::uint64_t ticks = 0;
  switch (kind) {
    case TrapKind::rdtsc:
      ticks = __rdtsc();
      break;
    case TrapKind::rdtscp:
      ticks = __rdtscp(&processor);
      rcx = processor;
      break;
    case TrapKind::cpuid:
      ENSURE(false, "cpuid is not trapped by PR_SET_TSC");
  }
  return {ticks & 0xffffffff, registers.rbx, rcx, ticks >> 32};
}

void apply_trapped(Registers* registers, std::span<const std::uint64_t, 4> values, std::uint32_t length) {
  registers->rax = values[0];
  registers->rbx = values[1];
  registers->rcx = values[2];
  registers->rdx = values[3];
  registers->rip += length;
}

}  // namespace rec

// Instructions whose results rec records: those that PR_SET_TSC or CPUID faulting (arch_prctl(2)) make fault,
// and those that an int3 of rec's stands for.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "format/base/memory.h"
#include "format/cpu_features.h"
#include "format/event.h"

namespace rec {

struct TrappedInstruction {
  TrapKind kind = TrapKind::rdtsc;
  std::uint8_t length = 0;  // in bytes
  std::uint8_t destination =
      0;  // rdrand, rdseed, rdpid: the register, as instructions number it (0: rax … 15: r15)
  std::uint8_t operand_size = 0;  // … and how much of it they write: 2, 4 or 8 bytes
};

// As args of a trap event; see EventKind::trap.
using TrapArguments = std::array<std::uint64_t, 6>;

[[nodiscard]] std::string_view name_of(TrapKind kind);
// nullopt: the number of no kind.
[[nodiscard]] std::optional<TrapKind> trap_kind(std::int32_t number);

// The instruction at the start of `code`, if it is one of them, as assemblers encode it (Intel SDM, volume
// 2).
[[nodiscard]] std::optional<TrappedInstruction> decode_trapped(std::span<const std::byte> code);
[[nodiscard]] std::optional<TrappedInstruction> decode_trapped_at(const Memory& memory, RemotePtr<> rip);

// The same, for one that has faulted by itself: rdtsc, rdtscp, cpuid.
[[nodiscard]] std::optional<TrappedInstruction> faulting_instruction_at(const Memory& memory,
                                                                        RemotePtr<> rip);

// Whether this processor has the instruction at all.
[[nodiscard]] bool processor_has(TrapKind kind);

// What the instruction yields here and now for a task with these registers; args[4] (its address) is the
// caller's to set. Precondition: processor_has(kind), and is not xgetbv with an ECX other than 0. cpuid
// and xgetbv tell of what `baseline` shows.
[[nodiscard]] TrapArguments execute_trapped(const TrappedInstruction& instruction, const Registers& registers,
                                            CpuBaseline baseline = CpuBaseline::native);

// Puts the values in place and moves on behind the instruction. Precondition: registers->rip is its address.
// Throws Error when the arguments are such as no recorder writes.
void apply_trapped(Registers* registers, TrapKind kind, const TrapArguments& args, std::uint64_t length);

}  // namespace rec

#include "tracee/trapped_instruction.h"

#include <cpuid.h>
#include <x86intrin.h>

#include <array>

#include "format/base/error.h"
#include "tracee/this_processor.h"
#include "tracee/time_stamp_trap.h"

namespace rec {
namespace {

constexpr std::size_t longest = 5;  // F3 REX 0F C7 /7

// Flags that rdrand and rdseed set: CF tells of success, the others become 0 (Intel SDM, RDRAND).
constexpr std::uint64_t carry_flag = 0x1;
constexpr std::uint64_t arithmetic_flags = 0x8d5;  // OF, SF, ZF, AF, PF, CF

// Registers as instructions number them.
std::uint64_t& register_by_number(Registers& registers, std::uint64_t number) {
  const std::array<std::uint64_t*, 16> all{&registers.rax, &registers.rcx, &registers.rdx, &registers.rbx,
                                           &registers.rsp, &registers.rbp, &registers.rsi, &registers.rdi,
                                           &registers.r8,  &registers.r9,  &registers.r10, &registers.r11,
                                           &registers.r12, &registers.r13, &registers.r14, &registers.r15};
  if (number >= all.size()) fail("the trace is damaged: there is no register {}", number);
  return *all[number];
}

bool hardware_random(TrapKind kind, std::uint64_t* value) {
  bool success = false;
  if (kind == TrapKind::rdrand) {
    __asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(success));
  } else {
    __asm__ volatile("rdseed %0" : "=r"(*value), "=@ccc"(success));
  }
  return success;
}

// Writing 4 bytes of a register clears its upper half; writing 2 leaves the rest alone.
std::uint64_t merge(std::uint64_t before, std::uint64_t value, std::uint8_t size) {
  if (size == 2) return (before & ~std::uint64_t{0xffff}) | (value & 0xffff);
  return size == 4 ? value & 0xffffffff : value;
}

TrapArguments execute_random(const TrappedInstruction& instruction, Registers registers) {
  std::uint64_t value = 0;
  const bool success = hardware_random(instruction.kind, &value);
  const std::uint64_t before = register_by_number(registers, instruction.destination);
  const std::uint64_t flags = (registers.eflags & ~arithmetic_flags) | (success ? carry_flag : 0);
  return {merge(before, success ? value : 0, instruction.operand_size), instruction.destination, flags};
}

TrapArguments execute_cpuid(const Registers& registers, CpuBaseline baseline) {
  const auto leaf = static_cast<std::uint32_t>(registers.rax);
  const auto subleaf = static_cast<std::uint32_t>(registers.rcx);
  const CpuidAnswer shown = shown_answer(baseline, leaf, subleaf, ask_processor(leaf, subleaf));
  return {shown.eax, shown.ebx, shown.ecx, shown.edx, 0, std::uint64_t{subleaf} << 32 | leaf};
}

struct TimeStamp {
  std::uint64_t ticks = 0;
  unsigned processor = 0;
};

std::uint64_t read_time_stamp_counter() {
  const TimeStampsAllowed allowed;
  return __rdtsc();
}

// With rdtscp, which the processor has to have.
TimeStamp read_time_stamp() {
  const TimeStampsAllowed allowed;
  TimeStamp now;
  now.ticks = __rdtscp(&now.processor);
  return now;
}

}  // namespace

std::string_view name_of(TrapKind kind) {
  switch (kind) {
    case TrapKind::rdtsc:
      return "rdtsc";
    case TrapKind::rdtscp:
      return "rdtscp";
    case TrapKind::cpuid:
      return "cpuid";
    case TrapKind::rdrand:
      return "rdrand";
    case TrapKind::rdseed:
      return "rdseed";
    case TrapKind::rdpid:
      return "rdpid";
    case TrapKind::xgetbv:
      return "xgetbv";
  }
  return "?";
}

std::optional<TrapKind> trap_kind(std::int32_t number) {
  if (number < 0 || number > static_cast<std::int32_t>(last_trap_kind)) return std::nullopt;
  return static_cast<TrapKind>(number);
}

std::optional<TrappedInstruction> decode_trapped(std::span<const std::byte> code) {
  std::size_t at = 0;
  const auto byte = [&](std::size_t i) { return i < code.size() ? std::to_integer<unsigned>(code[i]) : 0; };
  const unsigned prefix = byte(0) == 0x66 || byte(0) == 0xf3 ? byte(at++) : 0;
  const unsigned rex = (byte(at) & 0xf0) == 0x40 ? byte(at++) : 0;
  if (byte(at) != 0x0f) return std::nullopt;
  const unsigned second = byte(at + 1);
  const unsigned third = byte(at + 2);
  if (prefix == 0 && rex == 0) {
    if (second == 0x31) return TrappedInstruction{.kind = TrapKind::rdtsc, .length = 2};
    if (second == 0xa2) return TrappedInstruction{.kind = TrapKind::cpuid, .length = 2};
    if (second == 0x01 && third == 0xf9) return TrappedInstruction{.kind = TrapKind::rdtscp, .length = 3};
    if (second == 0x01 && third == 0xd0) return TrappedInstruction{.kind = TrapKind::xgetbv, .length = 3};
  }
  if (second != 0xc7 || third < 0xf0) return std::nullopt;
  const bool is_seventh = third >= 0xf8;
  if (prefix == 0xf3 && !is_seventh) return std::nullopt;  // senduipi
  TrappedInstruction found;
  found.kind = is_seventh ? TrapKind::rdseed : TrapKind::rdrand;
  if (prefix == 0xf3) found.kind = TrapKind::rdpid;
  found.length = static_cast<std::uint8_t>(at + 3);
  found.destination = static_cast<std::uint8_t>((third & 7) | ((rex & 1) != 0 ? 8 : 0));
  found.operand_size = prefix == 0x66 ? 2 : 4;
  if ((rex & 8) != 0 || found.kind == TrapKind::rdpid) found.operand_size = 8;
  return found;
}

std::optional<TrappedInstruction> decode_trapped_at(const Memory& memory, RemotePtr<> rip) {
  std::array<std::byte, longest> code{};
  const std::size_t got = memory.read_some(rip, code);
  return decode_trapped(std::span(code).first(got));
}

std::optional<TrappedInstruction> faulting_instruction_at(const Memory& memory, RemotePtr<> rip) {
  auto found = decode_trapped_at(memory, rip);
  const bool faults = found && (found->kind == TrapKind::rdtsc || found->kind == TrapKind::rdtscp ||
                                found->kind == TrapKind::cpuid);
  return faults ? found : std::nullopt;
}

bool processor_has(TrapKind kind) {
  switch (kind) {
    case TrapKind::rdtsc:
    case TrapKind::cpuid:
      return true;
    case TrapKind::rdtscp:
      return (this_processor(0x80000001, 0).edx & (1u << 27)) != 0;
    case TrapKind::rdrand:
      return (this_processor(1, 0).ecx & bit_RDRND) != 0;
    case TrapKind::xgetbv:
      return (this_processor(1, 0).ecx & bit_OSXSAVE) != 0;
    case TrapKind::rdseed:
      return (this_processor(7, 0).ebx & (1u << 18)) != 0;
    case TrapKind::rdpid:
      return (this_processor(7, 0).ecx & (1u << 22)) != 0;
  }
  return false;
}

TrapArguments execute_trapped(const TrappedInstruction& instruction, const Registers& registers,
                              CpuBaseline baseline) {
  TimeStamp now;
  std::uint64_t states = 0;
  switch (instruction.kind) {
    case TrapKind::rdtsc:
      now.ticks = read_time_stamp_counter();
      return {now.ticks & 0xffffffff, registers.rbx, registers.rcx, now.ticks >> 32};
    case TrapKind::rdtscp:
      now = read_time_stamp();
      return {now.ticks & 0xffffffff, registers.rbx, now.processor, now.ticks >> 32};
    case TrapKind::cpuid:
      return execute_cpuid(registers, baseline);
    case TrapKind::rdrand:
    case TrapKind::rdseed:
      return execute_random(instruction, registers);
    case TrapKind::rdpid:
      return {read_time_stamp().processor, instruction.destination, registers.eflags & arithmetic_flags};
    case TrapKind::xgetbv:
      states = shown_xcr0(baseline, xstate_features());
      return {states & 0xffffffff, registers.rbx, registers.rcx, states >> 32};
  }
  return {};
}

void apply_trapped(Registers* registers, TrapKind kind, const TrapArguments& args, std::uint64_t length) {
  switch (kind) {
    case TrapKind::rdtsc:
    case TrapKind::rdtscp:
    case TrapKind::cpuid:
    case TrapKind::xgetbv:
      registers->rax = args[0];
      registers->rbx = args[1];
      registers->rcx = args[2];
      registers->rdx = args[3];
      break;
    case TrapKind::rdrand:
    case TrapKind::rdseed:
    case TrapKind::rdpid:
      register_by_number(*registers, args[1]) = args[0];
      registers->eflags = (registers->eflags & ~arithmetic_flags) | (args[2] & arithmetic_flags);
      break;
  }
  registers->rip += length;
}

}  // namespace rec

#include "tracee/disassembler.h"

#include <capstone/capstone.h>

#include "format/base/error.h"

namespace rec {

struct Disassembler::State {
  csh handle = 0;
  cs_insn* instruction = nullptr;
};

Disassembler::Disassembler() : state_(std::make_unique<State>()) {
  const cs_err opened = cs_open(CS_ARCH_X86, CS_MODE_64, &state_->handle);
  if (opened != CS_ERR_OK) fail("cannot start the disassembler: {}", cs_strerror(opened));
  state_->instruction = cs_malloc(state_->handle);
  ENSURE(state_->instruction != nullptr, "no memory for an instruction");
}

Disassembler::~Disassembler() {
  cs_free(state_->instruction, 1);
  cs_close(&state_->handle);
}

namespace {

// No program runs these.
bool is_for_kernels_only(unsigned id) {
  switch (id) {
    case X86_INS_HLT:
    case X86_INS_IN:
    case X86_INS_OUT:
    case X86_INS_INSB:
    case X86_INS_INSD:
    case X86_INS_INSW:
    case X86_INS_OUTSB:
    case X86_INS_OUTSD:
    case X86_INS_OUTSW:
    case X86_INS_CLI:
    case X86_INS_STI:
    case X86_INS_INT1:
    case X86_INS_IRET:
    case X86_INS_IRETD:
    case X86_INS_IRETQ:
    case X86_INS_RETF:
    case X86_INS_RETFQ:
      return true;
    default:
      return false;
  }
}

bool is_unpredictable(unsigned id) {
  return id == X86_INS_CPUID || id == X86_INS_XGETBV || id == X86_INS_RDRAND || id == X86_INS_RDSEED ||
         id == X86_INS_RDTSC || id == X86_INS_RDTSCP;
}

// The length of an instruction with a VEX or EVEX prefix (Intel SDM, volume 2, 2.3 and 2.7), of which
// Capstone 4 does not know all: prefix, opcode, operands in memory as everywhere, and an immediate byte where
// the opcode has one.
std::optional<std::uint64_t> vector_length(std::span<const std::byte> bytes) {
  const auto at = [&](std::uint64_t i) {
    return i < bytes.size() ? std::to_integer<unsigned>(bytes[i]) : 0U;
  };
  const unsigned first = at(0);
  const std::uint64_t prefix = first == 0xc5 ? 2 : first == 0xc4 ? 3 : 4;
  const unsigned map = first == 0xc5 ? 1 : at(1) & (first == 0xc4 ? 31U : 7U);
  const bool is_reserved = first == 0x62 && ((at(1) & 8) != 0 || (at(2) & 4) == 0);
  if (map == 0 || map == 4 || map > 6 || is_reserved) return std::nullopt;
  const unsigned opcode = at(prefix);
  std::uint64_t length = prefix + 2;
  if (map == 1 && opcode == 0x77) {  // vzeroupper, vzeroall: nothing follows
    return length - 1 <= bytes.size() ? std::optional(length - 1) : std::nullopt;
  }
  const unsigned modrm = at(prefix + 1);
  const unsigned mode = modrm >> 6;
  const bool has_index = (modrm & 7) == 4 && mode != 3;
  const unsigned base = has_index ? at(length) & 7 : modrm & 7;
  if (has_index) ++length;
  if (mode == 1) length += 1;
  if (mode == 2 || (mode == 0 && base == 5)) length += 4;
  const bool takes_byte =
      (opcode >= 0x70 && opcode <= 0x73) || opcode == 0xc2 || (opcode >= 0xc4 && opcode <= 0xc6);
  if (map == 3 || (map == 1 && takes_byte)) length += 1;
  return length <= bytes.size() ? std::optional(length) : std::nullopt;
}

// In 64-bit mode nothing else begins with these.
bool has_vector_prefix(std::span<const std::byte> bytes) {
  return !bytes.empty() &&
         (bytes[0] == std::byte{0x62} || bytes[0] == std::byte{0xc4} || bytes[0] == std::byte{0xc5});
}

}  // namespace

std::optional<DecodedLength> Disassembler::decode(std::span<const std::byte> bytes) {
  DecodedLength instruction;
  if (has_vector_prefix(bytes)) {
    const auto length = vector_length(bytes);
    if (!length) return std::nullopt;
    instruction.length = *length;
    return instruction;
  }
  const auto* code = reinterpret_cast<const std::uint8_t*>(bytes.data());
  std::size_t size = bytes.size();
  std::uint64_t address = 0;
  if (!cs_disasm_iter(state_->handle, &code, &size, &address, state_->instruction)) return std::nullopt;
  const cs_insn& raw = *state_->instruction;
  instruction.length = raw.size;
  instruction.is_unpredictable = is_unpredictable(raw.id);
  instruction.is_privileged = is_for_kernels_only(raw.id);
  return instruction;
}

}  // namespace rec

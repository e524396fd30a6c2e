#include "tracee/instruction.h"

#include <capstone/capstone.h>

#include <algorithm>
#include <array>

#include "format/base/error.h"

namespace rec {
namespace {

class Decoder {
 public:
  Decoder() {
    const cs_err opened = cs_open(CS_ARCH_X86, CS_MODE_64, &handle_);
    if (opened != CS_ERR_OK) fail("cannot start the disassembler: {}", cs_strerror(opened));
    cs_option(handle_, CS_OPT_DETAIL, CS_OPT_ON);
    instruction_ = cs_malloc(handle_);
    ENSURE(instruction_ != nullptr, "no memory for an instruction");
  }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() {
    cs_free(instruction_, 1);
    cs_close(&handle_);
  }

  [[nodiscard]] const cs_insn* decode(std::span<const std::byte> bytes, std::uint64_t address) {
    const auto* code = reinterpret_cast<const std::uint8_t*>(bytes.data());
    std::size_t size = bytes.size();
    return cs_disasm_iter(handle_, &code, &size, &address, instruction_) ? instruction_ : nullptr;
  }

  [[nodiscard]] bool in_group(unsigned group) const { return cs_insn_group(handle_, instruction_, group); }

 private:
  csh handle_ = 0;
  cs_insn* instruction_ = nullptr;
};

// Those that fault, trap or call the kernel, by design or because rec made them; popf and iret may change the
// flag by which the tracer steps.
constexpr std::array leaving{X86_INS_SYSCALL, X86_INS_SYSENTER, X86_INS_INT,    X86_INS_INT1,
                             X86_INS_INT3,    X86_INS_INTO,     X86_INS_UD2,    X86_INS_HLT,
                             X86_INS_RDTSC,   X86_INS_RDTSCP,   X86_INS_CPUID,  X86_INS_RDRAND,
                             X86_INS_RDSEED,  X86_INS_XGETBV,   X86_INS_XBEGIN, X86_INS_POPF,
                             X86_INS_POPFQ,   X86_INS_IRET,     X86_INS_IRETD,  X86_INS_IRETQ};

// loop, loope, loopne and jrcxz: E0 to E3, perhaps behind prefixes.
bool is_counted(unsigned id) {
  return id == X86_INS_LOOP || id == X86_INS_LOOPE || id == X86_INS_LOOPNE || id == X86_INS_JRCXZ ||
         id == X86_INS_JECXZ;
}

// FF /2 with a register, and at most a REX prefix (Intel SDM, volume 2, CALL). What `call *%rsp` jumps to is
// lost once something was pushed.
bool is_call_by_register(const cs_insn& found) {
  const unsigned modrm = found.bytes[found.size - 1];
  const bool has_rex = found.size == 3 && (found.bytes[0] & 0xf0) == 0x40;
  const bool by_register =
      (found.size == 2 || has_rex) && found.bytes[found.size - 2] == 0xff && (modrm & 0xf8) == 0xd0;
  return by_register && found.detail->x86.operands[0].reg != X86_REG_RSP;
}

void set_branch(const cs_insn& found, Instruction::Kind kind, Instruction* instruction) {
  const cs_x86& detail = found.detail->x86;
  if (detail.op_count != 1 || detail.operands[0].type != X86_OP_IMM) {
    // Through a register or memory. A jump is the same anywhere; a call pushes where it stands.
    if (kind == Instruction::Kind::call) {
      instruction->kind =
          is_call_by_register(found) ? Instruction::Kind::call_register : Instruction::Kind::fixed;
    }
    return;
  }
  instruction->kind = kind;
  instruction->target = static_cast<std::uint64_t>(detail.operands[0].imm);
  const bool two_bytes = detail.opcode[0] == 0x0f;
  instruction->condition = (two_bytes ? detail.opcode[1] : detail.opcode[0]) & 0xf;
}

bool touches_memory(const cs_insn& found) {
  const cs_x86& detail = found.detail->x86;
  if (found.id == X86_INS_LEA || found.id == X86_INS_NOP) return false;
  return std::any_of(detail.operands, detail.operands + detail.op_count, [](const cs_x86_op& operand) {
    return operand.type == X86_OP_MEM && operand.mem.base != X86_REG_RSP && operand.mem.base != X86_REG_RBP;
  });
}

// As instructions number them; nullopt: none of the 64-bit general registers.
std::optional<std::uint8_t> register_number(x86_reg which) {
  static constexpr std::array numbered{
      X86_REG_RAX, X86_REG_RCX, X86_REG_RDX, X86_REG_RBX, X86_REG_RSP, X86_REG_RBP, X86_REG_RSI, X86_REG_RDI,
      X86_REG_R8,  X86_REG_R9,  X86_REG_R10, X86_REG_R11, X86_REG_R12, X86_REG_R13, X86_REG_R14, X86_REG_R15};
  const auto at = std::find(numbered.begin(), numbered.end(), which);
  if (at == numbered.end()) return std::nullopt;
  return static_cast<std::uint8_t>(at - numbered.begin());
}

std::optional<MemoryOperand> written_operand(const cs_insn& found) {
  const cs_x86& detail = found.detail->x86;
  for (unsigned i = 0; i < detail.op_count; ++i) {
    const cs_x86_op& operand = detail.operands[i];
    const bool is_written = operand.type == X86_OP_MEM && (operand.access & CS_AC_WRITE) != 0;
    if (!is_written || operand.mem.segment != X86_REG_INVALID) continue;
    MemoryOperand written;
    written.fixed = static_cast<std::uint64_t>(operand.mem.disp);
    written.scale = static_cast<std::uint8_t>(operand.mem.scale);
    if (operand.mem.base == X86_REG_RIP) {
      written.fixed += found.address + found.size;
    } else if (operand.mem.base != X86_REG_INVALID) {
      written.base = register_number(operand.mem.base);
      if (!written.base) continue;
    }
    if (operand.mem.index != X86_REG_INVALID) {
      written.index = register_number(operand.mem.index);
      if (!written.index) continue;
    }
    return written;
  }
  return std::nullopt;
}

void set_rip_relative(const cs_insn& found, std::span<const std::byte> code, Instruction* instruction) {
  const cs_x86& detail = found.detail->x86;
  const bool is_relative = std::any_of(
      detail.operands, detail.operands + detail.op_count,
      [](const cs_x86_op& operand) { return operand.type == X86_OP_MEM && operand.mem.base == X86_REG_RIP; });
  if (!is_relative) return;
  const std::size_t modrm = detail.encoding.modrm_offset;
  // Mod 00, r/m 101 is followed by the displacement (Intel SDM, volume 2, 2.2.1.6).
  const bool is_certain =
      modrm != 0 && modrm + 5 <= found.size && (std::to_integer<unsigned>(code[modrm]) & 0xc7U) == 0x05;
  instruction->displacement_at = static_cast<std::uint8_t>(modrm + 1);
  instruction->kind = is_certain ? Instruction::Kind::rip_relative : Instruction::Kind::fixed;
}

}  // namespace

std::optional<Instruction> decode_instruction(std::span<const std::byte> code, std::uint64_t address) {
  static thread_local Decoder decoder;
  const cs_insn* found = decoder.decode(code.first(std::min(code.size(), longest_instruction)), address);
  if (found == nullptr) return std::nullopt;
  Instruction instruction;
  instruction.kind = Instruction::Kind::plain;
  instruction.length = static_cast<std::uint8_t>(found->size);
  instruction.pushes_flags = found->id == X86_INS_PUSHF || found->id == X86_INS_PUSHFQ;
  const bool always_jumps = found->id == X86_INS_JMP || found->id == X86_INS_LJMP;
  instruction.goes_elsewhere = always_jumps || decoder.in_group(CS_GRP_RET);
  instruction.touches_memory = touches_memory(*found);
  instruction.written = written_operand(*found);
  const std::uint8_t prefix = found->detail->x86.prefix[0];
  // movs, cmps, stos, lods, scas: A4 to A7, AA to AF.
  const unsigned opcode = found->detail->x86.opcode[0];
  const bool is_string = (opcode >= 0xa4 && opcode <= 0xa7) || (opcode >= 0xaa && opcode <= 0xaf);
  // EVEX: Capstone 4 gets the length of some wrong.
  const bool is_doubtful = code[0] == std::byte{0x62};
  if (std::find(leaving.begin(), leaving.end(), static_cast<x86_insn>(found->id)) != leaving.end()) {
    instruction.kind = Instruction::Kind::leaves;
  } else if (is_string && (prefix == X86_PREFIX_REP || prefix == X86_PREFIX_REPNE)) {
    instruction.kind = Instruction::Kind::repeated;
  } else if (is_doubtful || instruction.pushes_flags) {
    instruction.kind = Instruction::Kind::fixed;
  } else {
    set_rip_relative(*found, code, &instruction);
    if (decoder.in_group(CS_GRP_CALL)) {
      set_branch(*found, Instruction::Kind::call, &instruction);
    } else if (is_counted(found->id)) {
      set_branch(*found, Instruction::Kind::counted, &instruction);
    } else if (decoder.in_group(CS_GRP_JUMP)) {
      set_branch(*found, always_jumps ? Instruction::Kind::jump : Instruction::Kind::conditional,
                 &instruction);
    }
  }
  return instruction;
}

}  // namespace rec

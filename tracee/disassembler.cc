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
  cs_option(state_->handle, CS_OPT_DETAIL, CS_OPT_ON);
  state_->instruction = cs_malloc(state_->handle);
  ENSURE(state_->instruction != nullptr, "no memory for an instruction");
}

Disassembler::~Disassembler() {
  cs_free(state_->instruction, 1);
  cs_close(&state_->handle);
}

namespace {

bool in_group(const cs_detail& detail, std::uint8_t group) {
  for (std::uint8_t i = 0; i < detail.groups_count; ++i) {
    if (detail.groups[i] == group) return true;
  }
  return false;
}

bool uses_rip(const cs_x86& x86) {
  for (std::uint8_t i = 0; i < x86.op_count; ++i) {
    if (x86.operands[i].type == X86_OP_MEM && x86.operands[i].mem.base == X86_REG_RIP) return true;
  }
  return false;
}

void describe_jump(const cs_insn& raw, Instruction& instruction) {
  const cs_x86& x86 = raw.detail->x86;
  if (x86.op_count != 1 || x86.operands[0].type != X86_OP_IMM) return;  // indirect
  instruction.target = x86.operands[0].imm - static_cast<std::int64_t>(raw.address);
  if (raw.id == X86_INS_JMP) {
    instruction.kind = Instruction::Kind::jump;
    return;
  }
  // 70+cc rel8, 0F 80+cc rel32; loop and jrcxz have other opcodes.
  const bool is_short = (x86.opcode[0] & 0xf0) == 0x70;
  const bool is_near = x86.opcode[0] == 0x0f && (x86.opcode[1] & 0xf0) == 0x80;
  if (!is_short && !is_near) return;
  instruction.kind = Instruction::Kind::conditional;
  instruction.condition = static_cast<std::uint8_t>((is_short ? x86.opcode[0] : x86.opcode[1]) & 15);
}

}  // namespace

std::optional<Instruction> Disassembler::decode(std::span<const std::byte> bytes) {
  const auto* code = reinterpret_cast<const std::uint8_t*>(bytes.data());
  std::size_t size = bytes.size();
  std::uint64_t address = 0x1000;  // so that targets before it are no negative numbers
  if (!cs_disasm_iter(state_->handle, &code, &size, &address, state_->instruction)) return std::nullopt;
  const cs_insn& raw = *state_->instruction;
  const cs_detail& detail = *raw.detail;
  Instruction instruction;
  instruction.length = raw.size;
  if (in_group(detail, CS_GRP_RET)) {
    instruction.kind = Instruction::Kind::ret;
  } else if (in_group(detail, CS_GRP_JUMP)) {
    describe_jump(raw, instruction);
  } else if (in_group(detail, CS_GRP_CALL) || in_group(detail, CS_GRP_INT) || in_group(detail, CS_GRP_IRET) ||
             in_group(detail, CS_GRP_PRIVILEGE) || raw.id == X86_INS_SYSCALL || raw.id == X86_INS_SYSENTER ||
             raw.id == X86_INS_LOOP || raw.id == X86_INS_LOOPE || raw.id == X86_INS_LOOPNE ||
             raw.id == X86_INS_XBEGIN) {
    instruction.kind = Instruction::Kind::other;
  } else if (uses_rip(detail.x86)) {
    instruction.kind = Instruction::Kind::rip_relative;
    instruction.displacement_at = detail.x86.encoding.disp_offset;
    if (detail.x86.encoding.disp_size != 4) instruction.kind = Instruction::Kind::other;
  } else {
    instruction.kind = Instruction::Kind::plain;
  }
  return instruction;
}

}  // namespace rec

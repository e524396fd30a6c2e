#include "tracee/written_memory.h"

#include <deque>
#include <set>

#include "tracee/instruction.h"
#include "tracee/point_stub.h"

namespace rec {
namespace {

// A longer loop takes so long for a pass that a stop for each does not matter much.
constexpr int most_instructions = 96;

std::uint64_t address_of(const MemoryOperand& operand, const Registers& registers) {
  std::uint64_t address = operand.fixed;
  if (operand.base) address += general_register(registers, *operand.base);
  if (operand.index) address += general_register(registers, *operand.index) * operand.scale;
  return address;
}

}  // namespace

std::vector<std::uint64_t> written_memory(std::span<const std::byte> code, std::uint64_t address,
                                          const Registers& registers) {
  std::vector<std::uint64_t> found;
  std::set<std::uint64_t> seen;
  std::deque<std::uint64_t> starts{registers.rip};
  int left = most_instructions;
  while (!starts.empty()) {
    std::uint64_t at = starts.front();
    starts.pop_front();
    while (at - address < code.size() && left > 0 && seen.insert(at).second) {
      --left;
      const auto instruction = decode_instruction(code.subspan(at - address), at);
      if (!instruction || instruction->kind == Instruction::Kind::leaves) break;
      if (instruction->written) found.push_back(address_of(*instruction->written, registers));
      if (instruction->kind == Instruction::Kind::jump ||
          instruction->kind == Instruction::Kind::conditional ||
          instruction->kind == Instruction::Kind::counted) {
        starts.push_back(instruction->target);
      }
      if (instruction->goes_elsewhere) break;
      at += instruction->length;
    }
  }
  return found;
}

}  // namespace rec

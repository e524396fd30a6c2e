#include "tracee/code_patch.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "tracee/instruction.h"
#include "tracee/instruction_length.h"

namespace rec {
namespace {

// Writes a trampoline.
class Assembler {
 public:
  explicit Assembler(std::uint64_t address) : address_(address) {}

  [[nodiscard]] std::uint64_t here() const { return address_ + bytes_.size(); }
  [[nodiscard]] bool is_in_reach() const { return in_reach_; }
  [[nodiscard]] std::vector<std::byte> take() { return std::move(bytes_); }

  void put(std::initializer_list<unsigned> bytes) {
    for (const unsigned byte : bytes) bytes_.push_back(static_cast<std::byte>(byte));
  }
  void put(std::span<const std::byte> bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  void put_word(std::uint32_t word) {
    for (unsigned shift = 0; shift < 32; shift += 8) bytes_.push_back(static_cast<std::byte>(word >> shift));
  }
  // The last four bytes of an instruction: from its end to `target`.
  void put_displacement(std::uint64_t target) { put_word(distance(target, here() + 4)); }
  void patch_displacement(std::uint64_t at, std::uint64_t target, std::uint64_t from) {
    const std::uint32_t word = distance(target, from);
    std::memcpy(bytes_.data() + (at - address_), &word, sizeof word);
  }

 private:
  std::uint32_t distance(std::uint64_t target, std::uint64_t from) {
    const auto difference = static_cast<std::int64_t>(target - from);
    if (difference != static_cast<std::int32_t>(difference)) in_reach_ = false;
    return static_cast<std::uint32_t>(difference);
  }

  std::uint64_t address_;
  std::vector<std::byte> bytes_;
  bool in_reach_ = true;
};

// Moves what follows a site into the trampoline.
class Mover {
 public:
  Mover(const Surroundings& code, Assembler& assembler) : code_(code), assembler_(assembler) {}

  // Whole instructions from `from` on, until at least `least` bytes are free. False: there is one that cannot
  // be moved.
  bool move(std::uint64_t from, std::uint64_t least, std::vector<CodePatch::Moved>& moved) {
    at_ = from;
    while (at_ < from + least) {
      const auto bytes =
          code_.bytes.subspan(std::min<std::uint64_t>(at_ - code_.address, code_.bytes.size()));
      if (bytes.empty()) return false;
      // Behind an instruction that does not go on stands padding.
      if (ended_ && byte_at(bytes, 0) != 0x90 && byte_at(bytes, 0) != 0xcc) return false;
      const auto instruction = decode_instruction(bytes, at_);
      if (!instruction) return false;
      if (!ended_) {
        moved.push_back({at_, assembler_.here()});
        if (!move_one(*instruction, bytes.first(instruction->length))) return false;
      }
      at_ += instruction->length;
    }
    return true;
  }
  [[nodiscard]] std::uint64_t end() const { return at_; }
  // The last one does not go on behind itself.
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  bool move_one(const Instruction& instruction, std::span<const std::byte> bytes) {
    switch (instruction.kind) {
      case Instruction::Kind::plain:
        assembler_.put(bytes);
        ended_ = is_return(bytes);
        return true;
      case Instruction::Kind::rip_relative: {
        const std::uint64_t to = assembler_.here();
        const std::int64_t displacement = rec::displacement_at(bytes, instruction.displacement_at);
        assembler_.put(bytes);
        assembler_.patch_displacement(to + instruction.displacement_at,
                                      at_ + bytes.size() + static_cast<std::uint64_t>(displacement),
                                      to + bytes.size());
        return true;
      }
      case Instruction::Kind::jump:
        assembler_.put({0xe9});
        assembler_.put_displacement(instruction.target);
        ended_ = true;
        return true;
      case Instruction::Kind::conditional:
        assembler_.put({0x0f, 0x80U | instruction.condition});
        assembler_.put_displacement(instruction.target);
        return true;
      case Instruction::Kind::counted:
      case Instruction::Kind::call:
      case Instruction::Kind::call_register:
      case Instruction::Kind::fixed:
      case Instruction::Kind::repeated:
      case Instruction::Kind::leaves:
        return false;
    }
    return false;
  }

  // ret, with or without an immediate, a rep or a notrack prefix.
  static bool is_return(std::span<const std::byte> bytes) {
    const std::uint8_t first = byte_at(bytes, 0);
    const std::uint8_t opcode =
        (first == 0xf3 || first == 0xf2) && bytes.size() > 1 ? byte_at(bytes, 1) : first;
    return opcode == 0xc3 || opcode == 0xc2;
  }

  const Surroundings& code_;
  Assembler& assembler_;
  std::uint64_t at_ = 0;
  bool ended_ = false;
};

// Whether what stands at `at` is certainly not an instruction, but part of one (or of data that decodes like
// one).
bool is_inside_instruction(const Surroundings& code, const JumpTargets& targets, std::uint64_t at) {
  const std::uint64_t to_offset = code.offset - code.address;
  const auto function = targets.function_at(at + to_offset);
  if (!function || function->start < code.offset) return false;
  std::uint64_t here = function->start - to_offset;
  while (here < at) {
    auto bytes = code.bytes.subspan(here - code.address);
    bytes = bytes.first(std::min(bytes.size(), longest_instruction));
    if (const auto length = instruction_length(bytes)) {
      here += *length;
      continue;
    }
    const auto instruction = decode_instruction(bytes, here);
    if (!instruction) return false;
    here += instruction->length;
  }
  return here != at;
}

// Whether anything that looks like a jump with an 8-bit displacement, and stands within its reach, leads to
// one of [start, end).
bool short_jump_into(const Surroundings& code, const JumpTargets& targets, const CodePatch& patch,
                     std::uint64_t start, std::uint64_t end) {
  constexpr std::uint64_t reach = 130;
  const auto bytes = code.bytes;
  const std::uint64_t window_end = patch.start + patch.length;
  const std::uint64_t from = patch.start - code.address;
  for (std::uint64_t i = from - std::min(from, reach); i + 1 < bytes.size(); ++i) {
    const std::uint64_t at = code.address + i;
    if (at >= patch.start && at < window_end) continue;
    if (at > window_end + reach) break;
    const std::uint8_t opcode = byte_at(bytes, i);
    const bool jumps = (opcode & 0xf0) == 0x70 || opcode == 0xeb || (opcode & 0xfc) == 0xe0;
    if (!jumps) continue;
    const auto displacement = static_cast<std::int8_t>(byte_at(bytes, i + 1));
    const std::uint64_t target = at + 2 + static_cast<std::uint64_t>(std::int64_t{displacement});
    if (target >= start && target < end && !is_inside_instruction(code, targets, at)) return true;
  }
  return false;
}

bool can_be_jumped_into(const Surroundings& code, const JumpTargets& targets, const CodePatch& patch) {
  const std::uint64_t start = patch.start + 1;
  const std::uint64_t end = patch.keeps_site ? patch.site : patch.start + patch.length;
  const std::uint64_t to_offset = code.offset - code.address;
  if (!targets.is_known() || targets.any_in(start + to_offset, end + to_offset)) return true;
  std::optional<bool>& known = targets.short_jumps_into(start + to_offset, end + to_offset);
  if (!known) known = short_jump_into(code, targets, patch, start, end);
  return *known;
}

// `mov $…, %eax` right before the site: its operand.
std::optional<std::uint32_t> number_before(const Surroundings& code, std::uint64_t site) {
  const std::uint64_t at = site - code.address;
  if (at < jump_length || byte_at(code.bytes, at - jump_length) != 0xb8) return std::nullopt;
  return static_cast<std::uint32_t>(displacement_at(code.bytes, at - 4));
}

void finish(CodePatch& patch, Assembler& assembler) {
  patch.code = assembler.take();
  Assembler jump(patch.start);
  jump.put({0xe9});
  jump.put_displacement(patch.trampoline);
  patch.jump = jump.take();
  // Nothing gets there any more; if something does, it shall be seen.
  const std::uint64_t written = patch.keeps_site ? jump_length : patch.length;
  patch.jump.resize(written, std::byte{0xcc});
}

}  // namespace

std::optional<std::uint64_t> CodePatch::into_trampoline(std::uint64_t rip) const {
  if (keeps_site) return std::nullopt;  // what the window took from the program is before the call
  for (const Moved& one : moved) {
    if (one.from == rip) return one.to;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> CodePatch::out_of_trampoline(std::uint64_t rip) const {
  if (rip < trampoline || rip >= trampoline + code.size()) return std::nullopt;
  for (const Moved& one : moved) {
    if (one.to == rip) return one.from;
  }
  if (rip == l1) return site + site_length;  // nothing was moved
  if (rip == l0) return site;  // the program makes the call (again), by the jump or by the instruction
  return std::nullopt;
}

CodePatch CodePatch::moved_by(std::uint64_t distance) const {
  CodePatch there = *this;
  for (std::uint64_t* address : {&there.start, &there.site, &there.trampoline, &there.l0, &there.l1})
    *address += distance;
  for (Moved& one : there.moved) {
    one.from += distance;
    one.to += distance;
  }
  return there;
}

namespace {

// What follows the replaced instruction, and the way back; then the patch as a whole. nullopt: not here.
std::optional<CodePatch> complete(const Surroundings& code, const JumpTargets& targets, CodePatch patch,
                                  Assembler& assembler) {
  std::uint64_t back = patch.site + site_length;
  bool goes_back = true;
  if (!patch.keeps_site) {
    Mover mover(code, assembler);
    if (!mover.move(back, jump_length - site_length, patch.moved)) return std::nullopt;
    back = mover.end();
    goes_back = !mover.ended();
  }
  if (goes_back) {
    assembler.put({0xe9});
    assembler.put_displacement(back);
  }
  patch.length = patch.keeps_site ? jump_length + site_length : back - patch.site;
  finish(patch, assembler);
  const auto far = static_cast<std::int64_t>(patch.trampoline - (patch.start + jump_length));
  const bool in_reach = assembler.is_in_reach() && far == static_cast<std::int32_t>(far);
  if (!in_reach || patch.code.size() > trampoline_size || can_be_jumped_into(code, targets, patch)) {
    return std::nullopt;
  }
  const auto original = code.bytes.subspan(patch.start - code.address, patch.jump.size());
  patch.original.assign(original.begin(), original.end());
  return patch;
}

}  // namespace

std::optional<CodePatch> make_patch(const Surroundings& code, const JumpTargets& targets, std::uint64_t site,
                                    std::uint32_t nr, std::uint64_t trampoline, std::uint64_t entry) {
  const bool number_is_before = number_before(code, site) == nr;
  for (const bool keeps_site : {true, false}) {
    if (keeps_site && !number_is_before) continue;
    CodePatch patch;
    patch.site = site;
    patch.trampoline = trampoline;
    patch.keeps_site = keeps_site;
    patch.start = keeps_site ? site - jump_length : site;
    Assembler assembler(trampoline);
    if (keeps_site) {
      assembler.put({0xb8});
      assembler.put_word(nr);
    }
    assembler.put({0x48, 0x8d, 0x0d});  // lea L1, %rcx
    assembler.put_word(6 + 3 + site_length);
    assembler.put({0x41, 0xbb});  // mov $entry, %r11d
    assembler.put_word(static_cast<std::uint32_t>(entry));
    assembler.put({0x41, 0xff, 0xe3});  // jmp *%r11
    patch.l0 = assembler.here();
    assembler.put({0x0f, 0x05});
    patch.l1 = assembler.here();
    if (auto made = complete(code, targets, std::move(patch), assembler)) return made;
  }
  return std::nullopt;
}

std::optional<CodePatch> make_cpuid_patch(const Surroundings& code, const JumpTargets& targets,
                                          std::uint64_t site, std::uint64_t trampoline,
                                          std::uint64_t routine) {
  for (const auto& leaf : {std::optional<std::uint32_t>(), number_before(code, site)}) {
    CodePatch patch;
    patch.keeps_site = leaf.has_value();
    patch.site = site;
    patch.start = leaf ? site - jump_length : site;
    patch.trampoline = patch.l0 = trampoline;
    Assembler assembler(trampoline);
    if (leaf) {
      assembler.put({0xb8});
      assembler.put_word(*leaf);
    }
    assembler.put({0x48, 0x8d, 0x64, 0x24, 0x80});  // lea -128(%rsp), %rsp: a leaf function's red zone
    assembler.put({0xe8});
    assembler.put_displacement(routine);
    assembler.put({0x48, 0x8d, 0xa4, 0x24, 0x80, 0, 0, 0});  // lea 128(%rsp), %rsp
    patch.l1 = assembler.here();
    if (auto made = complete(code, targets, std::move(patch), assembler)) return made;
  }
  return std::nullopt;
}

std::optional<CodePatch> make_counter_patch(const Surroundings& code, const JumpTargets& targets,
                                            std::uint64_t site, std::uint64_t trampoline,
                                            std::uint64_t entry) {
  CodePatch patch;
  patch.site = patch.start = site;
  patch.trampoline = trampoline;
  Assembler assembler(trampoline);
  assembler.put({0x48, 0x8d, 0x64, 0x24, 0x80});  // lea -128(%rsp), %rsp: a leaf function's red zone
  assembler.put({0x51, 0x41, 0x53});              // push %rcx ; push %r11
  assembler.put({0x48, 0x8d, 0x0d});              // lea L1, %rcx
  assembler.put_word(6 + 3 + 2);
  assembler.put({0x41, 0xbb});  // mov $entry, %r11d
  assembler.put_word(static_cast<std::uint32_t>(entry));
  assembler.put({0x41, 0xff, 0xe3});  // jmp *%r11
  const std::initializer_list<unsigned> restore{0x41, 0x5b, 0x59, 0x48, 0x8d, 0xa4, 0x24, 0x80, 0, 0, 0};
  const auto length = static_cast<unsigned>(restore.size());
  assembler.put({0xeb, length + 2});  // two bytes before L1, where the agent's fallback leads
  assembler.put(restore);
  assembler.put({0xeb, length + 2});
  assembler.put(restore);
  patch.l0 = assembler.here();
  assembler.put({0xcc, 0x31});
  patch.l1 = assembler.here();
  return complete(code, targets, std::move(patch), assembler);
}

}  // namespace rec

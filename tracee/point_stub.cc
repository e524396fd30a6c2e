#include "tracee/point_stub.h"

#include <algorithm>
#include <cstring>

#include "format/base/error.h"

namespace rec {
namespace {

// The stub's data: saved registers, then the area that xsave64 fills (which has to be aligned to 64 bytes).
constexpr std::uint64_t saved_rax_at = 0;
constexpr std::uint64_t saved_rcx_at = 8;
constexpr std::uint64_t saved_rdx_at = 16;
constexpr std::uint64_t xsave_area_at = 64;

constexpr unsigned rcx_number = 1;

class Assembler {
 public:
  explicit Assembler(std::uint64_t at) : at_(at) {}

  void bytes(std::initializer_list<unsigned> values) {
    for (const unsigned value : values) code_.push_back(static_cast<std::byte>(value));
  }
  void bytes(std::span<const std::byte> values) { code_.insert(code_.end(), values.begin(), values.end()); }
  void number(std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) code_.push_back(static_cast<std::byte>(value >> (8 * i)));
  }
  // A displacement from behind its own 4 bytes.
  void displacement(std::uint64_t target) {
    const auto offset = static_cast<std::int64_t>(target - (here() + 4));
    if (offset != static_cast<std::int32_t>(offset)) in_reach_ = false;
    number(static_cast<std::uint64_t>(offset), 4);
  }
  void jump_far(std::uint64_t target) {
    bytes({0xff, 0x25, 0, 0, 0, 0});  // jmp *0(%rip)
    number(target, 8);
  }
  void jump(std::uint64_t target) {
    const auto offset = static_cast<std::int64_t>(target - (here() + 5));
    if (offset != static_cast<std::int32_t>(offset)) return jump_far(target);
    bytes({0xe9});
    displacement(target);
  }

  // A jump whose target is not known yet.
  void jump_later(std::vector<std::size_t>* places) {
    bytes({0xe9});
    places->push_back(code_.size());
    number(0, 4);
  }
  void land(const std::vector<std::size_t>& places) {
    for (const std::size_t place : places) {
      const auto offset = static_cast<std::uint32_t>(code_.size() - (place + 4));
      std::memcpy(&code_[place], &offset, sizeof offset);
    }
  }

  [[nodiscard]] std::uint64_t here() const { return at_ + code_.size(); }
  [[nodiscard]] bool in_reach() const { return in_reach_; }
  [[nodiscard]] std::vector<std::byte> take() { return std::move(code_); }

 private:
  std::uint64_t at_;
  std::vector<std::byte> code_;
  bool in_reach_ = true;
};

class StubBuilder {
 public:
  StubBuilder(std::uint64_t at, std::uint64_t data) : out_(at), data_(data) {}

  void compare(std::span<const StubCheck> checks) {
    if (checks.empty()) return;
    out_.bytes({0x48, 0x89, 0x0d});  // mov %rcx,(saved)
    out_.displacement(data_ + saved_rcx_at);
    for (const StubCheck& check : checks) {
      if (check.what == StubCheck::What::xstate && !has_saved_state_) save_state(checks);
      difference(check);
      out_.bytes({0xe3, 0x05});  // jrcxz over the jump
      out_.jump_later(&differs_);
    }
    restore_rcx();
  }

  void trap() { out_.bytes({0xcc}); }
  void differs() {
    if (differs_.empty()) return;
    // What passed the checks has rcx restored already and jumps over this.
    out_.land(differs_);
    restore_rcx();
  }

  Assembler& out() { return out_; }

 private:
  void restore_rcx() {
    out_.bytes({0x48, 0x8b, 0x0d});  // mov (saved),%rcx
    out_.displacement(data_ + saved_rcx_at);
  }
  void save_rax() {
    out_.bytes({0x48, 0x89, 0x05});
    out_.displacement(data_ + saved_rax_at);
  }
  void restore_rax() {
    out_.bytes({0x48, 0x8b, 0x05});
    out_.displacement(data_ + saved_rax_at);
  }

  // mov $-value,%rcx
  void negative(std::uint64_t value) {
    out_.bytes({0x48, 0xb9});
    out_.number(~value + 1, 8);
  }

  // Leaves in rcx what the check finds less what it is to be.
  void difference(const StubCheck& check) {
    switch (check.what) {
      case StubCheck::What::general:
        if (check.index == rcx_number) return memory_difference(data_ + saved_rcx_at, check.value);
        negative(check.value);
        // lea 0(%reg,%rcx),%rcx
        out_.bytes({check.index >= 8 ? 0x49U : 0x48U, 0x8d, 0x4c, 0x08U | (check.index & 7U), 0x00});
        return;
      case StubCheck::What::vector:
        save_rax();
        // movq %xmm,%rcx
        out_.bytes({0x66, check.index >= 8 ? 0x4cU : 0x48U, 0x0f, 0x7e, 0xc1U | (check.index & 7U) << 3});
        out_.bytes({0x48, 0xb8});  // mov $-value,%rax
        out_.number(~check.value + 1, 8);
        out_.bytes({0x48, 0x8d, 0x0c, 0x01});  // lea (%rcx,%rax),%rcx
        restore_rax();
        return;
      case StubCheck::What::memory:
        return memory_difference(check.where, check.value);
      case StubCheck::What::xstate:
        return memory_difference(data_ + xsave_area_at + check.where, check.value);
    }
  }

  void memory_difference(std::uint64_t address, std::uint64_t value) {
    save_rax();
    out_.bytes({0x48, 0xa1});  // mov (address),%rax
    out_.number(address, 8);
    negative(value);
    out_.bytes({0x48, 0x8d, 0x0c, 0x01});  // lea (%rcx,%rax),%rcx
    restore_rax();
  }

  void save_state(std::span<const StubCheck> checks) {
    has_saved_state_ = true;
    // A part in its initial configuration (zeros, for all that is compared) need not be written by xsave64:
    // what an earlier pass left there must not be taken for it.
    for (const StubCheck& check : checks) {
      if (check.what != StubCheck::What::xstate) continue;
      out_.bytes({0x48, 0xc7, 0x05});  // movq $0,(area)
      out_.displacement(data_ + xsave_area_at + check.where - sizeof(std::uint32_t));
      out_.number(0, sizeof(std::uint32_t));
    }
    save_rax();
    out_.bytes({0x48, 0x89, 0x15});  // mov %rdx,(saved)
    out_.displacement(data_ + saved_rdx_at);
    out_.bytes({0xb8, 0xff, 0xff, 0xff, 0xff});  // mov $-1,%eax: all parts
    out_.bytes({0xba, 0xff, 0xff, 0xff, 0xff});  // mov $-1,%edx
    out_.bytes({0x48, 0x0f, 0xae, 0x25});        // xsave64 (area)
    out_.displacement(data_ + xsave_area_at);
    out_.bytes({0x48, 0x8b, 0x15});
    out_.displacement(data_ + saved_rdx_at);
    restore_rax();
  }

  Assembler out_;
  std::uint64_t data_;
  std::vector<std::size_t> differs_;
  bool has_saved_state_ = false;
};

// Changes no flags.
void push_address(Assembler& out, std::uint64_t address) {
  out.bytes({0x48, 0x8d, 0x64, 0x24, 0xf8});  // lea -8(%rsp),%rsp
  out.bytes({0xc7, 0x04, 0x24});              // movl $…,(%rsp)
  out.number(address, 4);
  out.bytes({0xc7, 0x44, 0x24, 0x04});  // movl $…,4(%rsp)
  out.number(address >> 32, 4);
}

// The instruction as it does here what it does at `address`, except for going on behind it.
void move_instruction(Assembler& out, const Instruction& instruction, std::uint64_t address,
                      std::span<const std::byte> original) {
  const auto code = original.first(instruction.length);
  const std::uint64_t behind = address + instruction.length;
  switch (instruction.kind) {
    case Instruction::Kind::rip_relative: {
      std::int32_t displacement = 0;
      std::memcpy(&displacement, &code[instruction.displacement_at], sizeof displacement);
      const std::uint64_t target = behind + static_cast<std::uint64_t>(std::int64_t{displacement});
      out.bytes(code.first(instruction.displacement_at));
      // Relative to the end of the instruction, which may have an immediate value behind the displacement.
      const std::uint64_t tail = instruction.length - instruction.displacement_at - sizeof displacement;
      out.displacement(target - tail);
      out.bytes(code.last(tail));
      return;
    }
    case Instruction::Kind::jump:
      out.jump_far(instruction.target);
      return;
    case Instruction::Kind::conditional:
      out.bytes({0x70U | (instruction.condition ^ 1U), 14});  // the opposite, over the far jump
      out.jump_far(instruction.target);
      return;
    case Instruction::Kind::counted:
      out.bytes(code.first(code.size() - 1));
      out.bytes({2, 0xeb, 14});  // to the far jump, else over it
      out.jump_far(instruction.target);
      return;
    case Instruction::Kind::call:
      push_address(out, behind);
      out.jump_far(instruction.target);
      return;
    case Instruction::Kind::call_register: {
      push_address(out, behind);
      out.bytes(code.first(code.size() - 1));
      const auto modrm = std::to_integer<unsigned>(code.back());
      out.bytes({0xe0U | (modrm & 7U)});  // FF /4: jmp
      return;
    }
    case Instruction::Kind::plain:
      out.bytes(code);
      return;
    case Instruction::Kind::fixed:
    case Instruction::Kind::repeated:
    case Instruction::Kind::leaves:
      ENSURE(false, "the instruction at {:#x} cannot be moved", address);
  }
}

}  // namespace

std::uint64_t general_register(const Registers& r, unsigned index) {
  const std::array<std::uint64_t, 16> all{r.rax, r.rcx, r.rdx, r.rbx, r.rsp, r.rbp, r.rsi, r.rdi,
                                          r.r8,  r.r9,  r.r10, r.r11, r.r12, r.r13, r.r14, r.r15};
  return all.at(index);
}

std::optional<PointStub> build_point_stub(const Instruction& instruction, std::uint64_t address,
                                          std::span<const std::byte> original, std::uint64_t at,
                                          std::uint64_t data, std::span<const StubCheck> checks) {
  StubBuilder builder(at, data);
  Assembler& out = builder.out();
  PointStub stub;
  builder.compare(checks);
  builder.trap();
  stub.trapped_at = out.here();
  // After the trap the tracer sends the task on behind the restoring of rcx, which is done.
  builder.differs();
  stub.resume_at = out.here();
  move_instruction(out, instruction, address, original);
  out.jump(address + instruction.length);
  if (!out.in_reach()) return std::nullopt;
  stub.code = out.take();
  return stub;
}

}  // namespace rec

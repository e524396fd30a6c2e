#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "format/base/unique_fd.h"
#include "tracee/code_patch.h"
#include "tracee/disassembler.h"

namespace rec {
namespace {

constexpr std::uint64_t base = 0x400000;
constexpr std::uint64_t trampoline = 0x70020000;
constexpr std::uint64_t entry = 0x70001000;

std::vector<std::byte> bytes_of(std::initializer_list<unsigned> values) {
  std::vector<std::byte> bytes;
  for (const unsigned value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

std::string hex(const std::vector<std::byte>& bytes) {
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

// Jump targets of a file that holds no code like the one under test: of this test program itself, beyond
// whose end the offsets of the test lie.
const JumpTargets& no_targets() {
  static const UniqueFd self(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  static const JumpTargets targets(self.get());
  return targets;
}

// A place in the file for each code under test: what is found out about one holds for all processes.
std::uint64_t far_offset() {
  static std::uint64_t next = std::uint64_t{1} << 40;
  return next += 0x10000;
}

std::optional<CodePatch> patch(const std::vector<std::byte>& code, std::uint64_t site, std::uint32_t nr) {
  REQUIRE(no_targets().is_known());
  return make_patch({code, base, far_offset()}, no_targets(), base + site, nr, trampoline, entry);
}

// lea L1, %rcx ; mov $entry, %r11d ; jmp *%r11 ; syscall
const std::string way_to_agent = "488d0d0b00000041bb0010007041ffe30f05";

}  // namespace

TEST_CASE("a call whose number is loaded right before it keeps its syscall instruction") {
  // mov $39, %eax ; syscall ; ret
  const auto code = bytes_of({0x90, 0xb8, 0x27, 0, 0, 0, 0x0f, 0x05, 0xc3, 0x90});
  const auto made = patch(code, 6, 39);
  REQUIRE(made);
  CHECK(made->keeps_site);
  CHECK(made->start == base + 1);
  CHECK(hex(made->jump) == "e9faffc16f");
  CHECK(hex(made->original) == "b827000000");
  // … and the jump back to behind the syscall: base + 8 from trampoline + 28
  CHECK(hex(made->code) == "b827000000" + way_to_agent + "e9ecff3d90");
  CHECK(made->out_of_trampoline(made->l1) == base + 8);
  CHECK(made->out_of_trampoline(made->l0) == base + 6);
  CHECK_FALSE(made->into_trampoline(base + 8));
}

TEST_CASE("what follows a call moves into the trampoline") {
  // xor %eax, %eax ; syscall ; cmp $-4096, %rax ; ret
  const auto code = bytes_of({0x31, 0xc0, 0x0f, 0x05, 0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff, 0xc3});
  const auto made = patch(code, 2, 0);
  REQUIRE(made);
  CHECK_FALSE(made->keeps_site);
  CHECK(made->length == 8);
  CHECK(hex(made->jump) == "e9f9ffc16fcccccc");
  CHECK(hex(made->original) == "0f05483d00f0ffff");
  CHECK(hex(made->code).substr(0, way_to_agent.size() + 12) == way_to_agent + "483d00f0ffff");
  CHECK(made->into_trampoline(base + 4) == made->l1);
  CHECK(made->out_of_trampoline(made->l1) == base + 4);
}

TEST_CASE("displacements of moved instructions are adjusted") {
  // syscall ; mov 0x10(%rip), %rdx
  const auto data = patch(bytes_of({0x0f, 0x05, 0x48, 0x8b, 0x15, 0x10, 0, 0, 0, 0xc3}), 0, 0);
  REQUIRE(data);
  const std::uint64_t end_of_moved = data->l1 + 7;
  const auto displacement = static_cast<std::uint32_t>(base + 9 + 0x10 - end_of_moved);
  const std::size_t at = (data->l1 - data->trampoline) + 3;
  std::uint32_t found = 0;
  for (unsigned i = 0; i < 4; ++i) found |= std::to_integer<std::uint32_t>(data->code[at + i]) << (8 * i);
  CHECK(found == displacement);

  // syscall ; test %rax, %rax ; js …: the window takes only the test
  const auto test = patch(bytes_of({0x0f, 0x05, 0x48, 0x85, 0xc0, 0x78, 0x10, 0xc3}), 0, 0);
  REQUIRE(test);
  CHECK(test->length == 5);
}

TEST_CASE("a return and the padding behind it may stand in the window") {
  const auto made = patch(bytes_of({0x0f, 0x05, 0xc3, 0x90, 0x90, 0x90, 0x90, 0x90}), 0, 0);
  REQUIRE(made);
  CHECK(hex(made->code) == way_to_agent + "c3");
}

TEST_CASE("a site stays traced when its window would break something") {
  // syscall ; ret ; and then other code at once
  CHECK_FALSE(patch(bytes_of({0x0f, 0x05, 0xc3, 0x55, 0x53, 0x50, 0x90, 0x90}), 0, 0));
  // syscall ; call …
  CHECK_FALSE(patch(bytes_of({0x0f, 0x05, 0xe8, 1, 2, 3, 4, 0xc3}), 0, 0));
  // two of them in a row
  CHECK_FALSE(patch(bytes_of({0x0f, 0x05, 0x0f, 0x05, 0x90, 0x90, 0x90, 0x90}), 0, 0));
  // a jump from behind leads right behind the syscall
  CHECK_FALSE(patch(bytes_of({0x0f, 0x05, 0x48, 0x85, 0xc0, 0x90, 0xeb, 0xfa}), 0, 0));
  // … while one that leads to its start does no harm
  CHECK(patch(bytes_of({0x0f, 0x05, 0x48, 0x85, 0xc0, 0x90, 0xeb, 0xf8}), 0, 0));
  // too far away for a jump of 32 bits
  const auto code = bytes_of({0x0f, 0x05, 0x48, 0x85, 0xc0, 0x90, 0x90, 0xc3});
  CHECK_FALSE(
      make_patch({code, base, std::uint64_t{1} << 40}, no_targets(), base, 0, std::uint64_t{1} << 46, entry));
}

TEST_CASE("lengths of vector instructions that the disassembler does not know are right") {
  Disassembler disassembler;
  const auto length = [&](std::initializer_list<unsigned> values) {
    auto bytes = bytes_of(values);
    bytes.resize(16, std::byte{0x90});
    const auto decoded = disassembler.decode(bytes);
    return decoded ? decoded->length : 0;
  };
  CHECK(length({0xc5, 0xfb, 0x93, 0xc9}) == 4);                           // kmovd %k1, %ecx
  CHECK(length({0xc5, 0xf8, 0x77}) == 3);                                 // vzeroupper
  CHECK(length({0xc4, 0xe3, 0x7d, 0x39, 0xc1, 0x01}) == 6);               // vextracti128 $1, …
  CHECK(length({0xc5, 0xfd, 0x6f, 0x44, 0x24, 0x20}) == 6);               // vmovdqa 0x20(%rsp), %ymm0
  CHECK(length({0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x06}) == 6);               // vmovdqu64 (%rsi), %zmm0
  CHECK(length({0x62, 0xf3, 0x7d, 0x20, 0x3f, 0x0e, 0x00}) == 7);         // vpcmpub $0, (%rsi), …
  CHECK(length({0x62, 0xf1, 0x7d, 0x28, 0x7f, 0x05, 1, 2, 3, 4}) == 10);  // … to rip + displacement
}

TEST_CASE("a cpuid becomes a jump to where a routine is called that answers it") {
  // cpuid ; mov %eax, %edx ; and $0x1f, %edx ; ret
  const auto code = bytes_of({0x90, 0x0f, 0xa2, 0x89, 0xc2, 0x83, 0xe2, 0x1f, 0xc3});
  const auto made =
      make_cpuid_patch({code, base, far_offset()}, no_targets(), base + 1, trampoline, trampoline + 0x1000);
  REQUIRE(made);
  CHECK_FALSE(made->keeps_site);
  CHECK(made->start == base + 1);
  CHECK(hex(made->original) == "0fa289c283e21f");
  CHECK(hex(made->jump) == "e9faffc16fcccc");
  // lea -128(%rsp), %rsp ; call ; lea 128(%rsp), %rsp ; what was moved ; the jump back
  CHECK(hex(made->code) == "488d642480e8f60f0000488da4248000000089c283e21fe9ecff3d90");
}

TEST_CASE("a cpuid before which its leaf is loaded is patched there when code jumps to right behind it") {
  // jmp behind ; mov $4, %eax ; cpuid ; behind: mov %eax, %edx ; ret
  const auto code = bytes_of({0xeb, 0x07, 0xb8, 4, 0, 0, 0, 0x0f, 0xa2, 0x89, 0xc2, 0xc3, 0x90, 0x90, 0x90});
  const auto made =
      make_cpuid_patch({code, base, far_offset()}, no_targets(), base + 7, trampoline, trampoline + 0x1000);
  REQUIRE(made);
  CHECK(made->keeps_site);
  CHECK(made->start == base + 2);
  CHECK(hex(made->original) == "b804000000");
}

TEST_CASE("an rdtsc becomes a jump to where the agent reads the counter, and an int3 where it does not") {
  // rdtsc ; shl $32, %rdx ; or %rdx, %rax ; ret
  const auto code = bytes_of({0x90, 0x0f, 0x31, 0x48, 0xc1, 0xe2, 0x20, 0x48, 0x09, 0xd0, 0xc3});
  const auto made =
      make_counter_patch({code, base, far_offset()}, no_targets(), base + 1, trampoline, entry + 8);
  REQUIRE(made);
  CHECK(made->start == base + 1);
  CHECK(hex(made->original) == "0f3148c1e220");
  CHECK(hex(made->jump) == "e9faffc16fcc");
  // lea -128(%rsp), %rsp ; push %rcx ; push %r11, then the way to the agent; two bytes in front of where it
  // comes back to, a jump over that; twice what was saved; int3; what was moved; the jump back
  const std::string restored = "415b59488da42480000000";
  CHECK(hex(made->code) == "488d642480514153488d0d0b00000041bb0810007041ffe3eb0d" + restored + "eb0d" +
                               restored + "cc3148c1e220e9caff3d90");
  CHECK(made->out_of_trampoline(made->l1) == base + 3);
  CHECK(made->into_trampoline(base + 3) == made->l1);
}

}  // namespace rec

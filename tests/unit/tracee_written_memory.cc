#include <doctest/doctest.h>

#include <initializer_list>
#include <vector>

#include "tests/unit/bytes.h"
#include "tracee/written_memory.h"

namespace rec::test {
namespace {

using Addresses = std::vector<std::uint64_t>;

constexpr std::uint64_t start = 0x401000;

Addresses written_from(std::uint64_t rip, std::initializer_list<unsigned> code) {
  Registers registers{};
  registers.rip = rip;
  registers.rbx = 0x7000;
  registers.rcx = 3;
  return written_memory(bytes_of(code), start, registers);
}

}  // namespace

TEST_CASE("what a loop counts in memory is found from anywhere in it") {
  // 0: mov 0x100(%rip),%rax   7: add $3,%rax   11: mov %rax,0xf5(%rip)   18: cmp $1,%eax   21: jle 0   23:
  // ret
  const std::initializer_list<unsigned> loop = {0x48, 0x8b, 0x05, 0x00, 0x01, 0,    0,    0x48,
                                                0x83, 0xc0, 0x03, 0x48, 0x89, 0x05, 0xf5, 0,
                                                0,    0,    0x83, 0xf8, 0x01, 0x7e, 0xe9, 0xc3};
  const Addresses counter = {start + 18 + 0xf5};
  CHECK(written_from(start, loop) == counter);
  CHECK(written_from(start + 11, loop) == counter);
  CHECK(written_from(start + 18, loop) == counter);
}

TEST_CASE("an operand of registers is where they say now") {
  // incq 8(%rbx,%rcx,4)
  CHECK(written_from(start, {0x48, 0xff, 0x44, 0x8b, 0x08}) == Addresses{0x7000 + 12 + 8});
}

TEST_CASE("what is only read is not taken for written") {
  // cmp %rax,(%rbx); mov (%rbx),%rax
  CHECK(written_from(start, {0x48, 0x39, 0x03, 0x48, 0x8b, 0x03}).empty());
}

TEST_CASE("behind a return, and outside of the code given, nothing is looked at") {
  // ret; incq (%rbx)
  CHECK(written_from(start, {0xc3, 0x48, 0xff, 0x03}).empty());
  CHECK(written_from(start - 1, {0x48, 0xff, 0x03}).empty());
  CHECK(written_from(start + 100, {0x48, 0xff, 0x03}).empty());
}

}  // namespace rec::test

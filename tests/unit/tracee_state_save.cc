// The dynamic loader's xsave around lazy binding, found and made to save the same bytes every time.
#include <doctest/doctest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "format/base/remote_ptr.h"
#include "tests/unit/bytes.h"
#include "tracee/state_save.h"
#include "tracee/this_processor.h"

namespace rec::test {
namespace {

// mov $0xee,%eax ; xor %edx,%edx ; mov %rdx,0x250(%rsp) ; xsave 0x40(%rsp) ; ret
Bytes saving_code() {
  return bytes_of({0xb8, 0xee, 0, 0, 0,    0x31, 0xd2, 0x48, 0x89, 0x94, 0x24,
                   0x50, 0x02, 0, 0, 0x0f, 0xae, 0x64, 0x24, 0x40, 0xc3});
}

// A file of one page with that code at its start, and `behind` zeros behind it.
Bytes file_with(const Bytes& code, std::size_t size = page_size) {
  Bytes file(size);
  std::copy(code.begin(), code.end(), file.begin());
  return file;
}

TEST_CASE("the loader's way of saving the state is found, with its states, place and length") {
  const Bytes code = saving_code();
  const auto found = find_state_saves(file_with(code), 0, code.size());
  REQUIRE(found.size() == 1);
  CHECK(found[0].at == 15);
  CHECK(found[0].length == 5);
  CHECK(found[0].states == 0xee);
  CHECK(found[0].displacement == 0x40);
  CHECK(found[0].room == 32);
}

TEST_CASE("all saves are found in their order, however many words each clears first") {
  const Bytes clearing = bytes_of({0x48, 0x89, 0x94, 0x24, 0x58, 0x02, 0, 0});
  Bytes code;
  std::vector<std::uint64_t> expected;
  for (const std::size_t words : {0, 1, 7}) {
    const Bytes one = saving_code();
    code.insert(code.end(), one.begin(), one.begin() + 7);
    for (std::size_t i = 0; i < words; ++i) code.insert(code.end(), clearing.begin(), clearing.end());
    expected.push_back(code.size());
    code.insert(code.end(), one.begin() + 15, one.end());
  }
  const auto found = find_state_saves(file_with(code), 0, code.size());
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i].at == expected[i]);
}

TEST_CASE("an xsave that comes by its states in another way is left alone") {
  Bytes code = saving_code();
  code[5] = std::byte{0x33};  // not xor %edx,%edx
  CHECK(find_state_saves(file_with(code), 0, code.size()).empty());
  code = saving_code();
  code[17] = std::byte{0x65};  // xsave 0x40(%rbp)
  CHECK(find_state_saves(file_with(code), 0, code.size()).empty());
}

TEST_CASE("without room behind the code an xsave is left alone") {
  const Bytes code = saving_code();
  CHECK(find_state_saves(file_with(code, code.size() + 20), 0, code.size()).empty());
  Bytes full = file_with(code);
  full[40] = std::byte{1};
  CHECK(find_state_saves(full, 0, code.size()).empty());
}

TEST_CASE("code cut off anywhere is read without harm") {
  const Bytes code = saving_code();
  for (std::size_t size = 0; size < 20; ++size) CHECK(find_state_saves(code, 0, size).empty());
}

// Runs the code above, patched, on a stack of its own, and hands out the area that it filled.
TEST_CASE("the trampoline saves every state asked for, says so, and leaves the registers alone") {
  const std::uint64_t states = xstate_features();
  if ((states & 4) == 0) return;  // without AVX there is nothing to leave out
  // push %rbp ; mov %rsp,%rbp ; mov %rdi,%rsp ; [save] ; mov %rbp,%rsp ; pop %rbp ; ret
  Bytes code = bytes_of({0x55, 0x48, 0x89, 0xe5, 0x48, 0x89, 0xfc});
  const Bytes saving = saving_code();
  code.insert(code.end(), saving.begin(), saving.end() - 1);
  for (const std::byte byte : bytes_of({0x48, 0x89, 0xec, 0x5d, 0xc3})) code.push_back(byte);
  Bytes file = file_with(code);
  const auto found = find_state_saves(file, 0, code.size());
  REQUIRE(found.size() == 1);
  const Bytes jump = state_save_jump(found[0]), trampoline = state_save_trampoline(found[0], states);
  std::copy(jump.begin(), jump.end(), file.begin() + static_cast<std::ptrdiff_t>(found[0].at));
  std::copy(trampoline.begin(), trampoline.end(), file.begin() + static_cast<std::ptrdiff_t>(found[0].room));
  void* const page =
      ::mmap(nullptr, page_size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(page != MAP_FAILED);
  std::memcpy(page, file.data(), file.size());
  alignas(64) static std::byte stack[32768];
  std::memset(stack, 0, sizeof stack);
  std::byte* const top = stack + 8192;  // the area is at 0x40 from it
  std::uint64_t in_eax = 0;
  __asm__ volatile("vzeroupper" ::: "memory");
  __asm__ volatile("call *%[code]"
                   : "=a"(in_eax)
                   : [code] "r"(page), "D"(top)
                   : "rdx", "rcx", "memory", "cc");
  std::uint64_t in_use = 0;
  std::memcpy(&in_use, top + 0x40 + 512, sizeof in_use);
  CHECK(in_use == (0xee & states));
  CHECK(in_eax == 0xee);
  ::munmap(page, page_size);
}

}  // namespace
}  // namespace rec::test

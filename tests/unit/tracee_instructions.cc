#include <doctest/doctest.h>
#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

#include "format/base/error.h"
#include "tests/unit/bytes.h"
#include "tests/unit/fake_memory.h"
#include "tracee/elf_functions.h"
#include "tracee/instruction_finder.h"
#include "tracee/trapped_instruction.h"

namespace rec::test {
namespace {

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

const Bytes cpuid = bytes_of({0x0f, 0xa2});
const Bytes ret = bytes_of({0xc3});

// An ELF file with one executable segment (file position 0x1000, address 0x401000) and function symbols,
// which is all that the finder needs of it.
//
//   0     ELF header, program header
//   256   section headers: none, symbol table
//   1024  symbols
//   4096  code
class ElfFile {
 public:
  static constexpr std::uint64_t code_at = 4096;
  static constexpr std::uint64_t code_address = 0x401000;

  explicit ElfFile(const Bytes& code) : file_(code_at) {
    file_ = file_ + code;
    header_.e_ident[EI_CLASS] = ELFCLASS64;
    std::memcpy(header_.e_ident, ELFMAG, SELFMAG);
    header_.e_machine = EM_X86_64;
    header_.e_phoff = sizeof header_;
    header_.e_phentsize = sizeof(Elf64_Phdr);
    header_.e_phnum = 1;
    header_.e_shoff = 256;
    header_.e_shentsize = sizeof(Elf64_Shdr);
    header_.e_shnum = 2;
    Elf64_Phdr segment{};
    segment.p_type = PT_LOAD;
    segment.p_flags = PF_R | PF_X;
    segment.p_offset = code_at;
    segment.p_vaddr = code_address;
    segment.p_filesz = code.size();
    put(0, header_);
    put(header_.e_phoff, segment);
  }

  // `offset`: from the start of the code.
  ElfFile& function(std::uint64_t offset, std::uint64_t size) {
    Elf64_Sym symbol{};
    symbol.st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC);
    symbol.st_shndx = 1;
    symbol.st_value = code_address + offset;
    symbol.st_size = size;
    put(1024 + symbols_++ * sizeof symbol, symbol);
    Elf64_Shdr section{};
    section.sh_type = SHT_SYMTAB;
    section.sh_offset = 1024;
    section.sh_size = symbols_ * sizeof symbol;
    put(256 + sizeof section, section);
    return *this;
  }

  [[nodiscard]] const Bytes& bytes() const { return file_; }

 private:
  template <class T>
  void put(std::uint64_t at, const T& value) {
    std::memcpy(file_.data() + at, &value, sizeof value);
  }

  Elf64_Ehdr header_{};
  Bytes file_;
  std::uint64_t symbols_ = 0;
};

void check_decodes(std::initializer_list<unsigned> code, TrapKind kind, unsigned destination, unsigned size) {
  const Bytes bytes = bytes_of(code);
  const auto found = decode_trapped(bytes);
  REQUIRE(found.has_value());
  CHECK(found->kind == kind);
  CHECK(found->length == bytes.size());
  CHECK(found->destination == destination);
  CHECK(found->operand_size == size);
  // One byte less is no instruction.
  CHECK_FALSE(decode_trapped(std::span(bytes).first(bytes.size() - 1)).has_value());
}

}  // namespace

TEST_CASE("trapped instructions are decoded with their register and operand size") {
  check_decodes({0x0f, 0x31}, TrapKind::rdtsc, 0, 0);
  check_decodes({0x0f, 0x01, 0xf9}, TrapKind::rdtscp, 0, 0);
  check_decodes({0x0f, 0xa2}, TrapKind::cpuid, 0, 0);
  check_decodes({0x0f, 0x01, 0xd0}, TrapKind::xgetbv, 0, 0);
  check_decodes({0x0f, 0xc7, 0xf3}, TrapKind::rdrand, 3, 4);
  check_decodes({0x66, 0x0f, 0xc7, 0xf1}, TrapKind::rdrand, 1, 2);
  check_decodes({0x48, 0x0f, 0xc7, 0xf0}, TrapKind::rdrand, 0, 8);
  check_decodes({0x49, 0x0f, 0xc7, 0xf7}, TrapKind::rdrand, 15, 8);
  check_decodes({0x66, 0x41, 0x0f, 0xc7, 0xf8}, TrapKind::rdseed, 8, 2);
  check_decodes({0x0f, 0xc7, 0xfe}, TrapKind::rdseed, 6, 4);
  check_decodes({0xf3, 0x0f, 0xc7, 0xfa}, TrapKind::rdpid, 2, 8);
  check_decodes({0xf3, 0x41, 0x0f, 0xc7, 0xfc}, TrapKind::rdpid, 12, 8);
}

TEST_CASE("neighbours of trapped instructions in the opcode map are not taken for them") {
  CHECK_FALSE(decode_trapped(bytes_of({0x0f, 0xc7, 0x0f})));        // cmpxchg8b (%rdi)
  CHECK_FALSE(decode_trapped(bytes_of({0xf3, 0x0f, 0xc7, 0xf0})));  // senduipi
  CHECK_FALSE(decode_trapped(bytes_of({0x0f, 0x01, 0xd1})));        // xsetbv
  CHECK_FALSE(decode_trapped(bytes_of({0x0f, 0x05})));              // syscall
  CHECK_FALSE(decode_trapped({}));
}

TEST_CASE("a recorded random number goes to its register and sets the flags; nothing else changes") {
  Registers registers{};
  registers.r13 = 1;
  registers.rax = 2;
  registers.rip = 0x1000;
  registers.eflags = 0x202 | 0x8d4;  // interrupts on; overflow, sign, zero, adjust, parity
  Registers expected = registers;
  apply_trapped(&registers, TrapKind::rdrand, {0x55, 13, 0x1}, 4);
  expected.r13 = 0x55;
  expected.rip = 0x1004;
  expected.eflags = 0x203;
  CHECK(registers == expected);
}

TEST_CASE("a trap event with the number of no register is refused") {
  Registers registers{};
  CHECK_THROWS_AS(apply_trapped(&registers, TrapKind::rdseed, {1, 16, 0}, 3), Error);
}

TEST_CASE("only the numbers of trap kinds are trap kinds") {
  CHECK(trap_kind(0) == TrapKind::rdtsc);
  CHECK(trap_kind(static_cast<std::int32_t>(last_trap_kind)) == last_trap_kind);
  CHECK_FALSE(trap_kind(-1));
  CHECK_FALSE(trap_kind(static_cast<std::int32_t>(last_trap_kind) + 1));
}

TEST_CASE("cpuid announces neither random numbers nor transactional memory") {
  Registers registers{};
  registers.rax = 1;
  CHECK((execute_trapped({.kind = TrapKind::cpuid, .length = 2}, registers)[2] & (1u << 30)) == 0);
  registers.rax = 7;
  const TrapArguments seventh = execute_trapped({.kind = TrapKind::cpuid, .length = 2}, registers);
  CHECK((seventh[1] & (1u << 18 | 1u << 11 | 1u << 4)) == 0);
  CHECK((seventh[2] & (1u << 22)) == 0);
  CHECK(seventh[5] == 7);
}

TEST_CASE("a short operand keeps the rest of its register") {
  if (!processor_has(TrapKind::rdrand)) return;
  Registers registers{};
  registers.rdx = 0x1122334455667788;
  const TrappedInstruction word{.kind = TrapKind::rdrand, .length = 4, .destination = 2, .operand_size = 2};
  CHECK((execute_trapped(word, registers)[0] >> 16) == 0x112233445566);
  const TrappedInstruction half{.kind = TrapKind::rdrand, .length = 3, .destination = 2, .operand_size = 4};
  CHECK((execute_trapped(half, registers)[0] >> 32) == 0);
}

TEST_CASE("an instruction is found at its first byte, prefixes included") {
  const Bytes code = bytes_of({0x55, 0x49, 0x0f, 0xc7, 0xf1, 0x5d}) + ret;  // push; rdrand %r9; pop; ret
  const ElfFile file = ElfFile(code).function(0, code.size());
  const FoundInstructions found = find_instructions_in_elf(file.bytes());
  REQUIRE(found.sites.size() == 1);
  CHECK(found.sites[0].at == ElfFile::code_at + 1);
  CHECK(found.sites[0].instruction.kind == TrapKind::rdrand);
  CHECK(found.sites[0].instruction.destination == 9);
  CHECK(found.left_alone.empty());
}

TEST_CASE("the bytes of an instruction within another one are not an instruction") {
  const Bytes code = bytes_of({0xb8, 0x0f, 0xa2, 0x0f, 0xa2}) + cpuid + ret;  // mov $0xa20fa20f, %eax; cpuid
  const ElfFile file = ElfFile(code).function(0, code.size());
  const FoundInstructions found = find_instructions_in_elf(file.bytes());
  REQUIRE(found.sites.size() == 1);
  CHECK(found.sites[0].at == ElfFile::code_at + 5);
  CHECK(found.left_alone.empty());
}

TEST_CASE("what no function covers is left alone") {
  const Bytes code = ret + cpuid + cpuid + ret;
  const ElfFile file = ElfFile(code).function(0, 1).function(3, 3);
  const FoundInstructions found = find_instructions_in_elf(file.bytes());
  REQUIRE(found.sites.size() == 1);
  CHECK(found.sites[0].at == ElfFile::code_at + 3);
  REQUIRE(found.left_alone.size() == 1);
  CHECK(found.left_alone[0] == ElfFile::code_at + 1);
}

TEST_CASE("behind bytes that do not decode all of the function is left alone") {
  const Bytes code =
      cpuid + bytes_of({0x06}) + cpuid + cpuid + ret;  // 06 (push %es) is invalid in 64-bit code
  const ElfFile file = ElfFile(code).function(0, code.size());
  const FoundInstructions found = find_instructions_in_elf(file.bytes());
  CHECK(found.sites.size() == 1);
  CHECK(found.left_alone.size() == 2);
}

TEST_CASE("in a file that is not ELF everything is left alone") {
  const FoundInstructions found = find_instructions_in_elf(cpuid + ret);
  CHECK(found.sites.empty());
  CHECK(found.left_alone.size() == 1);
}

TEST_CASE("a function that ends in the middle of an instruction is no reason to read on") {
  const Bytes code = bytes_of({0x90, 0x0f, 0xa2});
  const ElfFile file = ElfFile(code).function(0, 2);
  const FoundInstructions found = find_instructions_in_elf(file.bytes());
  CHECK(found.sites.empty());
  CHECK(found.left_alone.size() == 1);
}

TEST_CASE("an ELF file cut off anywhere is read without harm") {
  const Bytes code = bytes_of({0x90}) + cpuid + ret;
  const ElfFile file = ElfFile(code).function(0, code.size());
  for (std::size_t size = 0; size < file.bytes().size(); ++size) {
    const FoundInstructions found = find_instructions_in_elf(std::span(file.bytes()).first(size));
    CHECK(found.sites.size() <= 1);
  }
}

TEST_CASE("the beginning of an ELF file tells where its code is") {
  const ElfFile file{Bytes(100, std::byte{0x90})};
  const std::span<const std::byte> bytes(file.bytes());
  const ElfFunctions beginning(bytes.first(200), bytes.size());
  CHECK(beginning.has_all_headers());
  REQUIRE(beginning.code().size() == 1);
  CHECK(beginning.code()[0].start == ElfFile::code_at);
  CHECK(beginning.code()[0].end == ElfFile::code_at + 100);
  CHECK_FALSE(ElfFunctions(bytes.first(100), bytes.size()).has_all_headers());
}

TEST_CASE("in memory without a file decoding begins at the start and ends at what is not code") {
  const FoundInstructions plain = find_instructions_in_memory(bytes_of({0x53, 0x31, 0xc9}) + cpuid + ret);
  REQUIRE(plain.sites.size() == 1);
  CHECK(plain.sites[0].at == 3);
  const FoundInstructions zeros = find_instructions_in_memory(bytes_of({0xc3, 0x00, 0x00, 0x90}) + cpuid);
  CHECK(zeros.sites.empty());
  CHECK(zeros.left_alone.size() == 1);
  const FoundInstructions privileged = find_instructions_in_memory(bytes_of({0xf4}) + cpuid);
  CHECK(privileged.sites.empty());
  CHECK(privileged.left_alone.size() == 1);
}

TEST_CASE("the finder reads the unwind tables of this very program, which uses cpuid") {
  InstructionFinder finder;
  const FoundInstructions* found = finder.in_file(*SeenFile::look("/proc/self/exe"));
  REQUIRE(found != nullptr);
  CHECK(std::any_of(found->sites.begin(), found->sites.end(),
                    [](const FoundInstruction& site) { return site.instruction.kind == TrapKind::cpuid; }));
  CHECK_FALSE(SeenFile::look("/dev/zero").has_value());
  CHECK_FALSE(SeenFile::look("/no/such/file").has_value());
}

}  // namespace rec::test

// The machine code that finds points: where its jump can lead, and that it stops at the wanted state only.
#include <doctest/doctest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "format/base/remote_ptr.h"
#include "tests/unit/bytes.h"
#include "tracee/instruction.h"
#include "tracee/jump_place.h"
#include "tracee/point_stub.h"

namespace rec::test {
namespace {

MapsEntry mapping(std::uint64_t start, std::uint64_t end) {
  MapsEntry entry;
  entry.start = RemotePtr<>(start);
  entry.end = RemotePtr<>(end);
  return entry;
}

constexpr std::uint64_t place = 0x555500000100;
constexpr std::uint64_t room = 4 * page_size;

// Where the bytes at `place`, with those of `code` behind them, jump to.
std::uint64_t target_of(const JumpPlace& found, Bytes code) {
  std::copy(found.bytes.begin(), found.bytes.end(), code.begin());
  std::size_t at = 0;
  while (code[at] != std::byte{0xe9}) ++at;
  std::int32_t displacement = 0;
  std::memcpy(&displacement, &code[at + 1], sizeof displacement);
  return place + at + 5 + static_cast<std::uint64_t>(std::int64_t{displacement});
}

bool is_free(const std::vector<MapsEntry>& maps, std::uint64_t start, std::uint64_t end) {
  return std::none_of(maps.begin(), maps.end(), [&](const MapsEntry& entry) {
    return entry.start.address() < end && entry.end.address() > start;
  });
}

TEST_CASE("a long instruction's jump leads to a free page nearby") {
  const Bytes code(20, std::byte{0x90});
  const std::vector<MapsEntry> maps{mapping(0x555500000000, 0x555500100000)};
  const auto found = find_jump_place(place, 7, code, maps, room);
  REQUIRE(found.has_value());
  CHECK(found->bytes.size() == 5);
  CHECK(target_of(*found, code) == found->target);
  CHECK(found->target % page_size == 0);
  CHECK(is_free(maps, page_down(found->target), page_down(found->target) + room));
}

TEST_CASE("a short instruction's jump leads to where the next instruction's bytes say") {
  const std::vector<MapsEntry> maps{mapping(0x555500000000, 0x555500001000)};
  for (std::size_t length = 1; length < 5; ++length) {
    CAPTURE(length);
    Bytes code(20, std::byte{0x10});  // a displacement of some 0x10101010: upwards, free
    const auto found = find_jump_place(place, length, code, maps, room);
    REQUIRE(found.has_value());
    CHECK(found->bytes.size() <= length);
    CHECK(target_of(*found, code) == found->target);
    CHECK(is_free(maps, page_down(found->target), page_down(found->target) + room));
  }
}

TEST_CASE("a jump whose only targets are taken has no place") {
  const Bytes code(20, std::byte{0x10});
  const std::vector<MapsEntry> maps{mapping(0x10000, 0x7ffffffff000)};
  CHECK_FALSE(find_jump_place(place, 7, code, maps, room).has_value());
  CHECK_FALSE(find_jump_place(place, 2, code, maps, room).has_value());
}

TEST_CASE("code that ends before the jump does has no place") {
  const Bytes code(3, std::byte{0x10});
  CHECK_FALSE(find_jump_place(place, 3, code, {}, room).has_value());
}

// A function in this process, one instruction of which leads through a stub. There is no tracer: a trap that
// is reached ends the test.
class StubRun {
 public:
  // The code is a function that returns rax; the instruction at `at` in it is the stub's.
  StubRun(Bytes code, std::size_t at, const std::vector<StubCheck>& checks) {
    constexpr std::size_t size = 16 * page_size;
    memory_ = static_cast<std::byte*>(
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    REQUIRE(memory_ != MAP_FAILED);
    const auto start = reinterpret_cast<std::uint64_t>(memory_);
    code.resize(code.size() + 16, std::byte{0x90});
    std::memcpy(memory_, code.data(), code.size());
    const auto original = std::span(code).subspan(at);
    const auto instruction = decode_instruction(original, start + at);
    REQUIRE(instruction.has_value());
    const std::uint64_t stub_at = start + page_size;
    const auto stub =
        build_point_stub(*instruction, start + at, original, stub_at, stub_at + stub_code_size, checks);
    REQUIRE(stub.has_value());
    std::memcpy(memory_ + page_size, stub->code.data(), stub->code.size());
    const auto displacement = static_cast<std::int32_t>(stub_at - (start + at + 5));
    REQUIRE(code.size() >= at + 5);
    memory_[at] = std::byte{0xe9};
    std::memcpy(memory_ + at + 1, &displacement, sizeof displacement);
    trap_ = stub->trapped_at - 1;
  }
  StubRun(const StubRun&) = delete;
  StubRun& operator=(const StubRun&) = delete;
  ~StubRun() { ::munmap(memory_, 16 * page_size); }

  [[nodiscard]] std::uint64_t call(std::uint64_t argument) const {
    return reinterpret_cast<std::uint64_t (*)(std::uint64_t)>(memory_)(argument);
  }
  [[nodiscard]] std::uint64_t start() const { return reinterpret_cast<std::uint64_t>(memory_); }
  // Takes the trap away: what comes there goes on.
  void pass_traps() const { *reinterpret_cast<std::byte*>(trap_) = std::byte{0x90}; }

 private:
  std::byte* memory_ = nullptr;
  std::uint64_t trap_ = 0;
};

// mov %rdi,%rax ; add $0x1000,%rax ; ret
Bytes adding() { return bytes_of({0x48, 0x89, 0xf8, 0x48, 0x05, 0x00, 0x10, 0x00, 0x00, 0xc3}); }

constexpr std::uint8_t rdi_number = 7;

TEST_CASE("an instruction in a stub does what it does in its own place") {
  const StubRun run(adding(), 3, {});
  run.pass_traps();
  CHECK(run.call(5) == 0x1005);
}

TEST_CASE("a stub whose checks fail goes on without a trap") {
  // The trap is still there: reaching it would end this test.
  const StubRun run(adding(), 3, {{StubCheck::What::general, rdi_number, 0, 42}});
  for (std::uint64_t value : {0ULL, 41ULL, 43ULL, ~0ULL}) CHECK(run.call(value) == value + 0x1000);
}

TEST_CASE("a stub checks memory as well") {
  static std::uint64_t word = 7;
  const StubRun run(adding(), 3,
                    {{StubCheck::What::general, rdi_number, 0, 1},
                     {StubCheck::What::memory, 0, reinterpret_cast<std::uint64_t>(&word), 8}});
  CHECK(run.call(1) == 0x1001);
}

TEST_CASE("a jump and a call are moved with their targets") {
  // call +1 (over the ret) ; ret ; mov $7,%eax ; ret
  const StubRun called(bytes_of({0xe8, 1, 0, 0, 0, 0xc3, 0xb8, 7, 0, 0, 0, 0xc3}), 0, {});
  called.pass_traps();
  CHECK(called.call(0) == 7);
  // jmp +6 ; mov $1,%eax ; ret ; mov $2,%eax ; ret
  const StubRun jumped(bytes_of({0xe9, 6, 0, 0, 0, 0xb8, 1, 0, 0, 0, 0xc3, 0xb8, 2, 0, 0, 0, 0xc3}), 0, {});
  jumped.pass_traps();
  CHECK(jumped.call(0) == 2);
}

TEST_CASE("a call by a register is moved with the address behind it") {
  // 0: lea 5(%rip),%rax ; 7: call *%rax ; (room for the jump) ; 12: pop %rax ; ret
  const StubRun called(bytes_of({0x48, 0x8d, 0x05, 5, 0, 0, 0, 0xff, 0xd0, 0x90, 0x90, 0x90, 0x58, 0xc3}), 7,
                       {});
  called.pass_traps();
  CHECK(called.call(0) == called.start() + 9);
}

TEST_CASE("a call by the stack pointer or by memory cannot be moved") {
  CHECK(decode_instruction(bytes_of({0xff, 0xd5}), 0)->can_be_moved());        // call *%rbp
  CHECK(decode_instruction(bytes_of({0x41, 0xff, 0xd4}), 0)->can_be_moved());  // call *%r12
  CHECK_FALSE(decode_instruction(bytes_of({0xff, 0xd4}), 0)->can_be_moved());  // call *%rsp
  CHECK_FALSE(decode_instruction(bytes_of({0xff, 0x10}), 0)->can_be_moved());  // call *(%rax)
}

TEST_CASE("a conditional jump is moved both ways") {
  // xor %eax,%eax ; cmp $3,%rdi ; je +1 (6 bytes) ; ret ; inc %eax ; ret
  const Bytes code =
      bytes_of({0x31, 0xc0, 0x48, 0x83, 0xff, 3, 0x0f, 0x84, 1, 0, 0, 0, 0xc3, 0xff, 0xc0, 0xc3});
  const StubRun run(code, 6, {});
  run.pass_traps();
  CHECK(run.call(3) == 1);
  CHECK(run.call(4) == 0);
}

TEST_CASE("an instruction that names memory relative to itself finds it from the stub") {
  // mov 4(%rip),%eax ; ret ; 3 bytes ; number
  const Bytes code = bytes_of({0x8b, 0x05, 4, 0, 0, 0, 0xc3, 0, 0, 0, 0x2a, 0, 0, 0});
  const StubRun run(code, 0, {});
  run.pass_traps();
  CHECK(run.call(0) == 0x2a);
}

}  // namespace
}  // namespace rec::test

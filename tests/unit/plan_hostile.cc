// Arguments that a program may pass by mistake or to do harm: the plan stays bounded and says only what can
// be.
#include <doctest/doctest.h>

#include <cerrno>
#include <numeric>
#include <string>

#include "fake_memory.h"
#include "format/syscalls/layout.h"
#include "format/syscalls/plan.h"

using namespace rec;
using namespace rec::test;
using namespace rec::syscalls;

namespace {

constexpr std::uint64_t all_ones = ~std::uint64_t{0};

std::uint64_t total(const Plan& plan) {
  return std::accumulate(plan.extents.begin(), plan.extents.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const Extent& extent) { return sum + extent.size; });
}

}  // namespace

TEST_CASE("no argument makes a plan that is too big, wraps around or contains itself") {
  FakeMemory memory;
  for (std::uint64_t at = 0x1000; at < 0x2000; at += 8) memory.put<std::uint64_t>(at, all_ones);
  for (const std::uint64_t value :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{0x1000}, std::uint64_t{0x1ff8},
        std::uint64_t{0x7fffffff}, std::uint64_t{0x80000000}, all_ones, all_ones >> 1, std::uint64_t{1} << 47,
        (std::uint64_t{1} << 56) - 1}) {
    for (const Syscall& entry : all()) {
      CallArguments call{.nr = entry.nr};
      call.args.fill(value);
      for (std::size_t pointer = 0; pointer < 6; ++pointer) {
        CallArguments one = call;
        one.args.at(pointer) = 0x1000;
        Plan planned = plan(one, memory);
        CHECK_MESSAGE(planned.extents.size() <= max_extents, entry.name);
        CHECK_MESSAGE(total(planned) <= max_extent_bytes, entry.name);
        for (std::size_t i = 0; i < planned.extents.size(); ++i) {
          const Extent& extent = planned.extents[i];
          REQUIRE_MESSAGE(extent.address.address() + extent.size > extent.address.address(), entry.name);
          if (extent.pointer_in != Extent::no_extent) REQUIRE_MESSAGE(extent.pointer_in < i, entry.name);
        }
        const std::uint64_t before = total(planned);
        settle(planned, one, static_cast<std::int64_t>(value), memory);
        CHECK_MESSAGE(total(planned) <= before, entry.name);
      }
    }
  }
}

TEST_CASE("a null pointer gives no extent") {
  const FakeMemory memory;
  CHECK(plan(call_of("read", {0, 0, 100}), memory).extents.empty());
  CHECK(plan(call_of("stat", {0, 0}), memory).extents.empty());
  CHECK(plan(call_of("execve", {0, 0, 0}), memory).extents.empty());
  CHECK(plan(call_of("recvmsg", {3, 0, 0}), memory).extents.empty());
}

TEST_CASE("an address of the kernel's half gives no extent") {
  const FakeMemory memory;
  CHECK(plan(call_of("read", {0, 0xffff800000000000, 100}), memory).extents.empty());
}

TEST_CASE("a buffer that would wrap around ends with user memory") {
  const FakeMemory memory;
  const std::uint64_t address = (std::uint64_t{1} << 56) - 0x1000 - 16;
  const Plan planned = plan(call_of("read", {0, address, 100}), memory);
  REQUIRE(planned.extents.size() == 1);
  CHECK(planned.extents[0].size == 16);
}

TEST_CASE("an unreadable string gives no extent, one that runs into unreadable memory ends there") {
  FakeMemory memory;
  CHECK(plan(call_of("chdir", {0x5000}), memory).extents.empty());
  memory.put_bytes(0x5000, std::as_bytes(std::span("abc", 3)));
  CHECK(plan(call_of("chdir", {0x5000}), memory).extents[0].size == 3);
}

TEST_CASE("a huge count is cut where the kernel cuts it") {
  const FakeMemory memory;
  const Plan planned = plan(call_of("read", {0, 0x5000, all_ones}), memory);
  REQUIRE(planned.extents.size() == 1);
  CHECK(planned.extents[0].size == 0x7ffff000);
  CHECK(planned.modelled);
}

TEST_CASE("an iovec array at the end of memory has no buffers") {
  FakeMemory memory;
  memory.put_all<layout::Iovec>(0x1ff0, {{0x8000, 10}});
  const Plan planned = plan(call_of("readv", {0, 0x1ff0, 2}), memory);
  CHECK(planned.extents.size() == 1);
}

TEST_CASE("more iovecs than the kernel takes have no buffers, as the call fails") {
  FakeMemory memory;
  for (std::uint64_t i = 0; i < 1025; ++i) memory.put(0x1000 + i * 16, layout::Iovec{0x80000, 1});
  CHECK(plan(call_of("readv", {0, 0x1000, 1025}), memory).extents.size() == 1);
  CHECK(plan(call_of("readv", {0, 0x1000, 1024}), memory).extents.size() == 1025);
}

TEST_CASE("iovecs together are cut at what one call can transfer") {
  FakeMemory memory;
  memory.put_all<layout::Iovec>(0x1000, {{0x10000, 0x70000000}, {0x90000000, 0x70000000}, {0x20000, 5}});
  const Plan planned = plan(call_of("readv", {0, 0x1000, 3}), memory);
  REQUIRE(planned.extents.size() == 3);
  CHECK(planned.extents[2].size == 0x7ffff000 - 0x70000000);
}

TEST_CASE("buffers that overlap are planned each") {
  FakeMemory memory;
  memory.put_all<layout::Iovec>(0x1000, {{0x1000, 64}, {0x1008, 64}});
  const CallArguments call = call_of("readv", {0, 0x1000, 2});
  Plan planned = plan(call, memory);
  REQUIRE(planned.extents.size() == 3);
  settle(planned, call, 128, memory);
  CHECK(planned.extents[2].size == 64);
}

TEST_CASE("outputs beyond the number of pieces that a plan may have are said not to be modelled") {
  FakeMemory memory;
  // Each of 1024 messages points to the same 1024 iovecs.
  for (std::uint64_t i = 0; i < 1024; ++i) memory.put(0x100000 + i * 16, layout::Iovec{0x800000, 1});
  for (std::uint64_t i = 0; i < 1024; ++i) {
    layout::Mmsghdr header{};
    header.header.iov = 0x100000;
    header.header.iovlen = 1024;
    memory.put(0x10000 + i * sizeof header, header);
  }
  const Plan planned = plan(call_of("recvmmsg", {3, 0x10000, 1024, 0, 0}), memory);
  CHECK(planned.extents.size() == max_extents);
  CHECK_FALSE(planned.modelled);
}

TEST_CASE("an argv without an end is cut") {
  FakeMemory memory;
  memory.put_string(0x500, "/bin/true");
  memory.put_string(0x600, "a");
  for (std::uint64_t i = 0; i < 20'000; ++i) memory.put<std::uint64_t>(0x10000 + i * 8, 0x600);
  const Plan planned = plan(call_of("execve", {0x500, 0x10000, 0}), memory);
  CHECK(planned.extents.size() == max_extents);
  CHECK(planned.modelled);
}

TEST_CASE("a negative length behind a pointer is no room at all") {
  FakeMemory memory;
  memory.put<std::int32_t>(0x2000, -1);
  const CallArguments call = call_of("getsockname", {3, 0x1000, 0x2000});
  Plan planned = plan(call, memory);
  REQUIRE(planned.extents.size() == 1);
  CHECK(planned.extents[0].argument == 2);
  layout::Msghdr message{};
  message.name = 0x3000;
  message.namelen = -5;
  memory.put(0x4000, message);
  CHECK(plan(call_of("recvmsg", {3, 0x4000, 0}), memory).extents.size() == 1);
}

TEST_CASE("unreadable lengths at exit mean that nothing was written") {
  FakeMemory memory;
  memory.put<std::int32_t>(0x2000, 16);
  const CallArguments call = call_of("getsockname", {3, 0x1000, 0x2000});
  Plan planned = plan(call, memory);
  REQUIRE(planned.extents.size() == 2);
  settle(planned, call, 0, FakeMemory());
  CHECK(planned.extents[0].size == 0);
}

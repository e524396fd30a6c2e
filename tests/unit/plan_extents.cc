// What each rule of the table makes of one argument.
#include <doctest/doctest.h>
#include <linux/capability.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/ioctl.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <string>
#include <vector>

#include "fake_memory.h"
#include "format/syscalls/plan.h"

using namespace rec;
using namespace rec::test;
using syscalls::CallArguments;
using syscalls::Extent;
using syscalls::Plan;

namespace {

constexpr std::uint64_t buffer = 0x10000;
constexpr std::uint64_t other = 0x20000;

// The sizes after the call returned `result`.
std::vector<std::uint64_t> settled(Plan plan, const CallArguments& call, std::int64_t result,
                                   const FakeMemory& memory) {
  syscalls::settle(plan, call, result, memory);
  std::vector<std::uint64_t> sizes;
  for (const Extent& extent : plan.extents) sizes.push_back(extent.size);
  return sizes;
}

using Sizes = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("read may write as much as asked and wrote as much as it returned") {
  const FakeMemory memory;
  const CallArguments call = call_of("read", {3, buffer, 100});
  const Plan plan = syscalls::plan(call, memory);
  REQUIRE(plan.extents.size() == 1);
  CHECK(plan.modelled);
  const Extent& extent = plan.extents[0];
  CHECK(extent.address == RemotePtr<>(buffer));
  CHECK(extent.size == 100);
  CHECK(extent.output);
  CHECK_FALSE(extent.input);
  CHECK(extent.bulk);
  CHECK(extent.argument == 1);
  CHECK(extent.pointer_in == Extent::no_extent);
  CHECK(settled(plan, call, 40, memory) == Sizes{40});
  CHECK(settled(plan, call, 0, memory) == Sizes{0});
  CHECK(settled(plan, call, failure(EINTR), memory) == Sizes{0});
  CHECK(settled(plan, call, -512, memory) == Sizes{0});
  CHECK(settled(plan, call, 1000, memory) == Sizes{100});
}

TEST_CASE("write reads its buffer; settling leaves inputs alone") {
  const FakeMemory memory;
  const CallArguments call = call_of("write", {1, buffer, 12});
  const Plan plan = syscalls::plan(call, memory);
  REQUIRE(plan.extents.size() == 1);
  CHECK(plan.extents[0].input);
  CHECK_FALSE(plan.extents[0].output);
  CHECK(plan.extents[0].bulk);
  CHECK(settled(plan, call, 5, memory) == Sizes{12});
}

TEST_CASE("a path is as long as its string with the NUL") {
  FakeMemory memory;
  memory.put_string(buffer, "/etc/passwd");
  const Plan plan = syscalls::plan(call_of("openat", {0, buffer, 0, 0}), memory);
  REQUIRE(plan.extents.size() == 1);
  CHECK(plan.extents[0].size == 12);
  CHECK(plan.extents[0].input);
  CHECK_FALSE(plan.extents[0].bulk);
}

TEST_CASE("a string longer than a read at a time is measured whole, and at most PATH_MAX") {
  FakeMemory memory;
  memory.put_string(buffer, std::string(1000, 'x'));
  CHECK(syscalls::plan(call_of("chdir", {buffer}), memory).extents[0].size == 1001);
  FakeMemory endless;
  endless.put_string(buffer, std::string(9000, 'x'));
  CHECK(syscalls::plan(call_of("chdir", {buffer}), endless).extents[0].size == 4096);
}

TEST_CASE("structures are written when the call succeeds") {
  const FakeMemory memory;
  const CallArguments call = call_of("fstat", {3, buffer});
  const Plan plan = syscalls::plan(call, memory);
  CHECK(settled(plan, call, 0, memory) == Sizes{144});
  CHECK(settled(plan, call, failure(EBADF), memory) == Sizes{0});
}

TEST_CASE("results count elements where the argument does") {
  const FakeMemory memory;
  const CallArguments call = call_of("epoll_wait", {3, buffer, 64, 1000});
  const Plan plan = syscalls::plan(call, memory);
  CHECK(plan.extents[0].size == 64 * 12);
  CHECK(settled(plan, call, 3, memory) == Sizes{36});
  const CallArguments groups = call_of("getgroups", {0, buffer});
  CHECK(syscalls::plan(groups, memory).extents.empty());
}

TEST_CASE("a negative or wide count is taken as the kernel takes it") {
  const FakeMemory memory;
  CHECK(syscalls::plan(call_of("epoll_wait", {3, buffer, 0xffffffff, 0}), memory).extents.empty());
  CHECK(syscalls::plan(call_of("epoll_wait", {3, buffer, 0x5'00000002, 0}), memory).extents[0].size == 24);
}

TEST_CASE("accept fills the address up to the room there was, whatever length it reports") {
  FakeMemory memory;
  memory.put<std::uint32_t>(other, 16);
  const CallArguments call = call_of("accept", {3, buffer, other});
  const Plan plan = syscalls::plan(call, memory);
  REQUIRE(plan.extents.size() == 2);
  CHECK(plan.extents[0].size == 16);
  CHECK(plan.extents[1].input);
  CHECK(plan.extents[1].output);
  memory.put<std::uint32_t>(other, 110);
  CHECK(settled(plan, call, 4, memory) == Sizes{16, 4});
  memory.put<std::uint32_t>(other, 2);
  CHECK(settled(plan, call, 4, memory) == Sizes{2, 4});
  CHECK(settled(plan, call, failure(EAGAIN), memory) == Sizes{0, 0});
}

TEST_CASE("select's sets are whole words, and its timeout changes even when it fails") {
  const FakeMemory memory;
  const CallArguments call = call_of("select", {65, buffer, 0, 0, other});
  const Plan plan = syscalls::plan(call, memory);
  REQUIRE(plan.extents.size() == 2);
  CHECK(plan.extents[0].size == 16);
  CHECK(settled(plan, call, 0, memory) == Sizes{16, 16});
  CHECK(settled(plan, call, -514, memory) == Sizes{0, 16});
}

TEST_CASE("poll's events are written when it was interrupted, not when it was refused") {
  const FakeMemory memory;
  const CallArguments call = call_of("poll", {buffer, 3, 100});
  const Plan plan = syscalls::plan(call, memory);
  CHECK(settled(plan, call, 0, memory) == Sizes{24});
  CHECK(settled(plan, call, -516, memory) == Sizes{24});
  CHECK(settled(plan, call, failure(EINVAL), memory) == Sizes{0});
}

TEST_CASE("nanosleep writes the remainder only when a signal ended it") {
  const FakeMemory memory;
  const CallArguments call = call_of("nanosleep", {buffer, other});
  const Plan plan = syscalls::plan(call, memory);
  CHECK(settled(plan, call, 0, memory) == Sizes{16, 0});
  CHECK(settled(plan, call, failure(EINTR), memory) == Sizes{16, 16});
  CHECK(settled(plan, call, -516, memory) == Sizes{16, 16});
  CHECK(settled(plan, call, failure(EINVAL), memory) == Sizes{16, 0});
}

TEST_CASE("wait4 writes a status only when it found a child; waitid writes always") {
  const FakeMemory memory;
  const CallArguments wait = call_of("wait4", {0, buffer, 1, other});
  const Plan plan = syscalls::plan(wait, memory);
  CHECK(settled(plan, wait, 0, memory) == Sizes{0, 0});
  CHECK(settled(plan, wait, 77, memory) == Sizes{4, 144});
  const CallArguments id = call_of("waitid", {0, 0, buffer, 4, 0});
  CHECK(settled(syscalls::plan(id, memory), id, failure(ECHILD), memory) == Sizes{128});
}

TEST_CASE("msgrcv counts the text, not the type before it") {
  const FakeMemory memory;
  const CallArguments call = call_of("msgrcv", {1, buffer, 100, 0, 0});
  const Plan plan = syscalls::plan(call, memory);
  CHECK(plan.extents[0].size == 108);
  CHECK(settled(plan, call, 5, memory) == Sizes{13});
}

TEST_CASE("mincore has a byte for each page") {
  const FakeMemory memory;
  CHECK(syscalls::plan(call_of("mincore", {0x400000, 4097, buffer}), memory).extents[0].size == 2);
}

TEST_CASE("a node mask has one bit less than its argument") {
  const FakeMemory memory;
  CHECK(syscalls::plan(call_of("set_mempolicy", {2, buffer, 65}), memory).extents[0].size == 8);
  CHECK(syscalls::plan(call_of("set_mempolicy", {2, buffer, 66}), memory).extents[0].size == 16);
  CHECK(syscalls::plan(call_of("set_mempolicy", {2, buffer, 0}), memory).extents.empty());
}

TEST_CASE("capget's data has one or two sets by the version asked for") {
  FakeMemory memory;
  const CallArguments call = call_of("capget", {buffer, other});
  memory.put<std::uint32_t>(buffer, _LINUX_CAPABILITY_VERSION_3);
  CHECK(syscalls::plan(call, memory).extents[1].size == 24);
  memory.put<std::uint32_t>(buffer, _LINUX_CAPABILITY_VERSION_1);
  CHECK(syscalls::plan(call, memory).extents[1].size == 12);
  memory.put<std::uint32_t>(buffer, 1);
  CHECK(syscalls::plan(call, memory).extents.size() == 1);
}

TEST_CASE("structures that begin with their size, and file handles") {
  FakeMemory memory;
  memory.put<std::uint32_t>(buffer, 56);
  CHECK(syscalls::plan(call_of("sched_setattr", {0, buffer, 0}), memory).extents[0].size == 56);
  memory.put<std::uint32_t>(buffer, 0);
  CHECK(syscalls::plan(call_of("sched_setattr", {0, buffer, 0}), memory).extents[0].size == 48);
  memory.put<std::uint32_t>(buffer, 12);
  CHECK(syscalls::plan(call_of("open_by_handle_at", {3, buffer, 0}), memory).extents[0].size == 20);
}

TEST_CASE("a file's extents have room for as many as asked for, and are as many as there were") {
  FakeMemory memory;
  memory.put<std::uint32_t>(buffer + 24, 3);
  const auto call = call_of("ioctl", {3, FS_IOC_FIEMAP, buffer});
  syscalls::Plan plan = syscalls::plan(call, memory);
  REQUIRE(plan.extents.size() == 1);
  CHECK(plan.extents[0].size == 32 + 3 * 56);
  memory.put<std::uint32_t>(buffer + 20, 2);
  syscalls::settle(plan, call, 0, memory);
  CHECK(plan.extents[0].size == 32 + 2 * 56);
}

TEST_CASE("an argument with a condition counts only when it holds") {
  const FakeMemory memory;
  const std::uint64_t parent_settid = 0x00100000;
  CHECK(syscalls::plan(call_of("clone", {17, 0, buffer, other, 0}), memory).extents.empty());
  const Plan plan = syscalls::plan(call_of("clone", {17 | parent_settid, 0, buffer, other, 0}), memory);
  REQUIRE(plan.extents.size() == 1);
  CHECK(plan.extents[0].size == 4);
}

TEST_CASE("a multiplexer's variant says what its argument is") {
  const FakeMemory memory;
  const CallArguments call = call_of("ioctl", {0, TIOCGWINSZ, buffer});
  const Plan plan = syscalls::plan(call, memory);
  REQUIRE(plan.variant != nullptr);
  CHECK(plan.variant->name == "TIOCGWINSZ");
  CHECK(settled(plan, call, 0, memory) == Sizes{8});
  CHECK(settled(plan, call, failure(ENOTTY), memory) == Sizes{0});
}

TEST_CASE("an unknown ioctl with an encoded size is planned from it; one without is not modelled") {
  const FakeMemory memory;
  const CallArguments encoded = call_of("ioctl", {3, _IOC(_IOC_READ | _IOC_WRITE, 0xf7, 0x42, 24), buffer});
  const Plan plan = syscalls::plan(encoded, memory);
  CHECK(plan.modelled);
  CHECK(plan.variant == nullptr);
  REQUIRE(plan.extents.size() == 1);
  CHECK(plan.extents[0].input);
  CHECK(plan.extents[0].output);
  CHECK(settled(plan, encoded, 0, memory) == Sizes{24});
  const Plan reads = syscalls::plan(call_of("ioctl", {3, _IOC(_IOC_WRITE, 0xf7, 1, 8), buffer}), memory);
  CHECK_FALSE(reads.extents[0].output);
  CHECK_FALSE(syscalls::plan(call_of("ioctl", {3, 0x89ff, buffer}), memory).modelled);
}

TEST_CASE("calls and requests that the table does not know are not modelled") {
  const FakeMemory memory;
  CHECK_FALSE(syscalls::plan({.nr = 9999}, memory).modelled);
  CHECK_FALSE(syscalls::plan(call_of("fcntl", {3, 9999, 0}), memory).modelled);
  CHECK(syscalls::plan(call_of("getpid", {}), memory).modelled);
}

TEST_CASE("a priority-inheriting futex is written even when locking it failed") {
  const FakeMemory memory;
  const CallArguments lock = call_of("futex", {buffer, 6, 0, 0});
  CHECK(settled(syscalls::plan(lock, memory), lock, -512, memory) == Sizes{4});
  const CallArguments wait = call_of("futex", {buffer, 0x80, 5, other});
  const Plan plan = syscalls::plan(wait, memory);
  REQUIRE(plan.extents.size() == 1);
  CHECK(plan.extents[0].argument == 3);
  CHECK(plan.extents[0].input);
}

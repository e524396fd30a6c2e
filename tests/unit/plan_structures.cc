// Structures that lead to others: iovecs, messages, clone_args, argv.
#include <doctest/doctest.h>

#include <cerrno>
#include <vector>

#include "fake_memory.h"
#include "format/syscalls/layout.h"
#include "format/syscalls/plan.h"

using namespace rec;
using namespace rec::test;
using namespace rec::syscalls;

namespace {

constexpr std::uint64_t header_at = 0x1000;
constexpr std::uint64_t iov_at = 0x2000;
constexpr std::uint64_t name_at = 0x3000;
constexpr std::uint64_t control_at = 0x4000;
constexpr std::uint64_t data_at = 0x10000;

using Sizes = std::vector<std::uint64_t>;

Sizes sizes(const Plan& plan) {
  Sizes result;
  for (const Extent& extent : plan.extents) result.push_back(extent.size);
  return result;
}

Sizes settled(Plan plan, const CallArguments& call, std::int64_t result, const FakeMemory& memory) {
  settle(plan, call, result, memory);
  return sizes(plan);
}

layout::Msghdr message(std::uint64_t iovs) {
  return {
      .name = name_at, .namelen = 28, .iov = iov_at, .iovlen = iovs, .control = control_at, .controllen = 64};
}

}  // namespace

TEST_CASE("readv fills its buffers in order") {
  FakeMemory memory;
  memory.put_all<layout::Iovec>(iov_at,
                                {{data_at, 10}, {0, 0}, {data_at + 0x1000, 20}, {data_at + 0x2000, 5}});
  const CallArguments call = call_of("readv", {3, iov_at, 4});
  const Plan planned = plan(call, memory);
  // The array, then the buffers that are not empty.
  REQUIRE(sizes(planned) == Sizes{64, 10, 20, 5});
  CHECK(planned.extents[0].input);
  CHECK_FALSE(planned.extents[0].output);
  CHECK(planned.extents[2].pointer_in == 0);
  CHECK(planned.extents[2].pointer_offset == 32);
  CHECK(planned.extents[2].bulk);
  CHECK(settled(planned, call, 17, memory) == Sizes{64, 10, 7, 0});
  CHECK(settled(planned, call, 35, memory) == Sizes{64, 10, 20, 5});
  CHECK(settled(planned, call, failure(EIO), memory) == Sizes{64, 0, 0, 0});
}

TEST_CASE("writev only reads, and vmsplice may do either") {
  FakeMemory memory;
  memory.put_all<layout::Iovec>(iov_at, {{data_at, 10}});
  const Plan writes = plan(call_of("writev", {1, iov_at, 1}), memory);
  CHECK(writes.extents[1].input);
  CHECK_FALSE(writes.extents[1].output);
  const Plan either = plan(call_of("vmsplice", {1, iov_at, 1, 0}), memory);
  CHECK(either.extents[1].input);
  CHECK(either.extents[1].output);
  CHECK_FALSE(either.extents[0].output);
}

TEST_CASE("buffers of another process are not this one's memory") {
  FakeMemory memory;
  memory.put_all<layout::Iovec>(iov_at, {{data_at, 8}});
  memory.put_all<layout::Iovec>(name_at, {{0x700000, 8}});
  const Plan planned = plan(call_of("process_vm_readv", {99, iov_at, 1, name_at, 1, 0}), memory);
  CHECK(sizes(planned) == Sizes{16, 8, 16});
}

TEST_CASE("recvmsg writes its header, the sender's name, the buffers in order and the control messages") {
  FakeMemory memory;
  memory.put(header_at, message(2));
  memory.put_all<layout::Iovec>(iov_at, {{data_at, 100}, {data_at + 0x1000, 100}});
  const CallArguments call = call_of("recvmsg", {3, header_at, 0});
  const Plan planned = plan(call, memory);
  // header, name, iovecs, two buffers, control
  REQUIRE(sizes(planned) == Sizes{56, 28, 32, 100, 100, 64});
  CHECK(planned.extents[0].input);
  CHECK(planned.extents[0].output);
  CHECK(planned.extents[1].output);
  CHECK_FALSE(planned.extents[2].output);
  CHECK(planned.extents[3].pointer_in == 2);
  CHECK(planned.extents[5].pointer_in == 0);
  CHECK(planned.extents[5].pointer_offset == 32);

  layout::Msghdr after = message(2);
  after.namelen = 16;
  after.controllen = 20;
  memory.put(header_at, after);
  CHECK(settled(planned, call, 130, memory) == Sizes{56, 16, 32, 100, 30, 20});
  CHECK(settled(planned, call, failure(EAGAIN), memory) == Sizes{0, 0, 32, 0, 0, 0});
}

TEST_CASE("a truncated message returns more than there was room for") {
  FakeMemory memory;
  memory.put(header_at, message(1));
  memory.put_all<layout::Iovec>(iov_at, {{data_at, 100}});
  layout::Msghdr after = message(1);
  const CallArguments call = call_of("recvmsg", {3, header_at, 0x20});
  const Plan planned = plan(call, memory);
  after.namelen = 110;  // longer than the room for the name
  memory.put(header_at, after);
  CHECK(settled(planned, call, 5000, memory) == Sizes{56, 28, 16, 100, 64});
}

TEST_CASE("sendmsg reads all of it") {
  FakeMemory memory;
  memory.put(header_at, message(1));
  memory.put_all<layout::Iovec>(iov_at, {{data_at, 100}});
  const Plan planned = plan(call_of("sendmsg", {3, header_at, 0}), memory);
  REQUIRE(planned.extents.size() == 5);
  for (const Extent& extent : planned.extents) {
    CHECK(extent.input);
    CHECK_FALSE(extent.output);
  }
}

TEST_CASE("recvmmsg writes as many messages as it returns, each as long as its own msg_len says") {
  FakeMemory memory;
  layout::Msghdr first = message(1);
  layout::Msghdr second = message(1);
  second.iov = iov_at + 0x100;
  second.name = 0;
  second.control = 0;
  memory.put_all<layout::Mmsghdr>(header_at, {{.header = first}, {.header = second}});
  memory.put_all<layout::Iovec>(iov_at, {{data_at, 100}});
  memory.put_all<layout::Iovec>(iov_at + 0x100, {{data_at + 0x1000, 100}});
  const CallArguments call = call_of("recvmmsg", {3, header_at, 2, 0, 0});
  const Plan planned = plan(call, memory);
  REQUIRE(sizes(planned) == Sizes{128, 28, 16, 100, 64, 16, 100});

  first.namelen = 16;
  first.controllen = 0;
  memory.put_all<layout::Mmsghdr>(header_at, {{.header = first, .len = 7}, {.header = second, .len = 9}});
  CHECK(settled(planned, call, 2, memory) == Sizes{128, 16, 16, 7, 0, 16, 9});
  CHECK(settled(planned, call, 1, memory) == Sizes{64, 16, 16, 7, 0, 16, 0});
}

TEST_CASE("sendmmsg writes only the lengths in its headers") {
  FakeMemory memory;
  memory.put_all<layout::Mmsghdr>(header_at, {{.header = message(1)}});
  memory.put_all<layout::Iovec>(iov_at, {{data_at, 100}});
  const CallArguments call = call_of("sendmmsg", {3, header_at, 1, 0});
  const Plan planned = plan(call, memory);
  REQUIRE(planned.extents.size() == 5);
  CHECK(planned.extents[0].output);
  for (std::size_t i = 1; i < planned.extents.size(); ++i) CHECK_FALSE(planned.extents[i].output);
}

TEST_CASE("clone3 writes where its flags say") {
  FakeMemory memory;
  layout::CloneArgs args{};
  args.flags = 0x1000 | 0x00100000;
  args.pidfd = data_at;
  args.parent_tid = data_at + 8;
  args.child_tid = data_at + 16;
  memory.put(header_at, args);
  const CallArguments call = call_of("clone3", {header_at, sizeof args});
  const Plan planned = plan(call, memory);
  REQUIRE(sizes(planned) == Sizes{88, 4, 4});
  CHECK(planned.extents[1].pointer_offset == 8);
  CHECK(planned.extents[2].pointer_offset == 24);
  CHECK(settled(planned, call, failure(ENOSYS), memory) == Sizes{88, 0, 0});
  // The first version of the structure ends before set_tid.
  CHECK(sizes(plan(call_of("clone3", {header_at, 64}), memory)) == Sizes{64, 4, 4});
}

TEST_CASE("argv is its pointers with the NULL, then its strings") {
  FakeMemory memory;
  memory.put_string(0x500, "/bin/ls");
  memory.put_string(data_at, "ls");
  memory.put_string(data_at + 0x100, "-l");
  memory.put_all<std::uint64_t>(header_at, {data_at, data_at + 0x100, 0});
  const Plan planned = plan(call_of("execve", {0x500, header_at, 0}), memory);
  REQUIRE(sizes(planned) == Sizes{8, 24, 3, 3});
  CHECK(planned.extents[3].pointer_in == 1);
  CHECK(planned.extents[3].pointer_offset == 8);
}

TEST_CASE("pselect6 finds its signal mask behind the pair") {
  FakeMemory memory;
  memory.put_all<std::uint64_t>(header_at, {data_at, 8});
  const Plan planned = plan(call_of("pselect6", {0, 0, 0, 0, 0, header_at}), memory);
  CHECK(sizes(planned) == Sizes{16, 8});
}

TEST_CASE("SIOCGIFCONF fills its list up to the length it stores") {
  FakeMemory memory;
  memory.put(header_at, layout::Ifconf{.len = 400, .padding = 0, .buf = data_at});
  const CallArguments call = call_of("ioctl", {3, 0x8912, header_at});
  const Plan planned = plan(call, memory);
  REQUIRE(sizes(planned) == Sizes{16, 400});
  memory.put(header_at, layout::Ifconf{.len = 80, .padding = 0, .buf = data_at});
  CHECK(settled(planned, call, 0, memory) == Sizes{16, 80});
}

TEST_CASE("PTRACE_GETREGSET stores the length that it used") {
  FakeMemory memory;
  memory.put_all<layout::Iovec>(iov_at, {{data_at, 4096}});
  const CallArguments call = call_of("ptrace", {0x4204, 99, 1, iov_at});
  const Plan planned = plan(call, memory);
  REQUIRE(sizes(planned) == Sizes{16, 4096});
  CHECK(planned.extents[0].output);
  memory.put_all<layout::Iovec>(iov_at, {{data_at, 216}});
  CHECK(settled(planned, call, 0, memory) == Sizes{16, 216});
}

TEST_CASE("a seccomp filter is read with its program") {
  FakeMemory memory;
  memory.put(header_at, layout::SockFprog{.len = 5, .padding = {}, .filter = data_at});
  CHECK(sizes(plan(call_of("seccomp", {1, 0, header_at}), memory)) == Sizes{16, 40});
}

TEST_CASE("getxattrat writes the value that its arguments point to") {
  FakeMemory memory;
  memory.put_string(0x500, "f");
  memory.put_string(0x600, "user.a");
  memory.put(header_at, layout::XattrArgs{.value = data_at, .size = 50, .flags = 0});
  const CallArguments call = call_of("getxattrat", {0, 0x500, 0, 0x600, header_at, 16});
  const Plan planned = plan(call, memory);
  REQUIRE(sizes(planned) == Sizes{2, 7, 16, 50});
  CHECK_FALSE(planned.extents[2].output);
  CHECK(settled(planned, call, 9, memory) == Sizes{2, 7, 16, 9});
}

TEST_CASE(
    "io_submit reads its requests and what they write; the kernel stores a field in those that it took") {
  FakeMemory memory;
  constexpr std::uint64_t iocb_at = 0x5000;
  memory.put_all<std::uint64_t>(header_at, {iocb_at, iocb_at + 0x100, iocb_at + 0x200, iocb_at + 0x300});
  const auto request = [&](std::uint64_t at, layout::IocbCommand command, std::uint64_t buf,
                           std::uint64_t nbytes) {
    memory.put(at, layout::Iocb{.opcode = command, .buf = buf, .nbytes = nbytes});
  };
  request(iocb_at, layout::iocb_pwrite, data_at, 100);
  request(iocb_at + 0x100, layout::iocb_pread, data_at + 0x1000, 200);
  request(iocb_at + 0x200, layout::iocb_pwritev, iov_at, 2);
  request(iocb_at + 0x300, layout::iocb_preadv, iov_at, 2);
  memory.put_all<layout::Iovec>(iov_at, {{data_at, 10}, {data_at + 0x100, 20}});
  const CallArguments call = call_of("io_submit", {0x7000, 4, header_at});
  const Plan planned = plan(call, memory);
  REQUIRE(sizes(planned) == Sizes{32, 64, 100, 64, 64, 32, 10, 20, 64, 32});
  CHECK(planned.extents[2].bulk);
  CHECK(planned.extents[2].input);
  CHECK_FALSE(planned.extents[2].output);
  // Of those that are read all is there, whatever the result; the first that is refused may be written to.
  CHECK(settled(planned, call, 1, memory) == Sizes{32, 64, 100, 64, 0, 32, 10, 20, 0, 32});
  CHECK(settled(planned, call, failure(EINVAL), memory) == Sizes{32, 64, 100, 0, 0, 32, 10, 20, 0, 32});
}

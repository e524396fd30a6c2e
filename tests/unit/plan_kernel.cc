// The table against the kernel that runs the tests: what a call changes in memory has to be in its settled
// plan.
#include <asm/prctl.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "fake_memory.h"
#include "format/base/unique_fd.h"
#include "format/syscalls/layout.h"
#include "format/syscalls/plan.h"

using namespace rec;
using namespace rec::test;
using namespace rec::syscalls;

namespace {

// The memory that the calls of a test work on: a byte array of this process, seen as a tracee's.
class Arena final : public Memory {
 public:
  Arena() { bytes_.fill(std::byte{0xa5}); }

  [[nodiscard]] std::uint64_t at(std::size_t offset) const {
    return reinterpret_cast<std::uint64_t>(bytes_.data() + offset);
  }
  template <class T>
  void put(std::size_t offset, const T& value) {
    std::memcpy(bytes_.data() + offset, &value, sizeof value);
  }
  void put_string(std::size_t offset, const std::string& text) {
    std::memcpy(bytes_.data() + offset, text.c_str(), text.size() + 1);
  }
  [[nodiscard]] std::size_t read_some(RemotePtr<> from, std::span<std::byte> buffer) const override {
    const std::uint64_t begin = at(0);
    if (from.address() < begin || from.address() >= begin + size) return 0;
    const std::size_t offset = from.address() - begin;
    const std::size_t readable = std::min(buffer.size(), size - offset);
    std::memcpy(buffer.data(), bytes_.data() + offset, readable);
    return readable;
  }

  // Makes the call and checks that all it changed is in the outputs; returns its result (-errno for failure).
  std::int64_t make(const char* name, std::initializer_list<std::uint64_t> arguments) {
    const CallArguments call = call_of(name, arguments);
    REQUIRE_MESSAGE(call.nr >= 0, name);
    Plan planned = plan(call, *this);
    CHECK_MESSAGE(planned.modelled, name);
    const auto before = bytes_;
    const auto& a = call.args;
    std::int64_t result = ::syscall(call.nr, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (result == -1) result = -errno;
    settle(planned, call, result, *this);
    std::array<bool, size> written{};
    outputs_ = 0;
    for (const Extent& extent : planned.extents) {
      if (!extent.output) continue;
      outputs_ += extent.size;
      for (std::uint64_t i = 0; i < extent.size; ++i) written.at(extent.address.address() + i - at(0)) = true;
    }
    for (std::size_t i = 0; i < size; ++i) {
      if (bytes_[i] != before[i])
        CHECK_MESSAGE(written[i], name, ": byte ", i, " changed outside of the plan");
    }
    return result;
  }
  // Bytes of output of the last call.
  [[nodiscard]] std::uint64_t outputs() const { return outputs_; }

 private:
  static constexpr std::size_t size = 32768;
  alignas(64) std::array<std::byte, size> bytes_{};
  std::uint64_t outputs_ = 0;
};

constexpr std::uint64_t here = static_cast<std::uint64_t>(AT_FDCWD);

}  // namespace

TEST_CASE("files: what the kernel writes is in the plan") {
  Arena arena;
  arena.put_string(0, "/proc/self");
  arena.put_string(64, "/");
  CHECK(arena.make("stat", {arena.at(64), arena.at(512)}) == 0);
  CHECK(arena.make("newfstatat", {here, arena.at(64), arena.at(512), 0}) == 0);
  CHECK(arena.make("statx", {here, arena.at(64), 0, 0xfff, arena.at(1024)}) == 0);
  CHECK(arena.make("statfs", {arena.at(64), arena.at(2048)}) == 0);
  const std::int64_t length = arena.make("readlink", {arena.at(0), arena.at(4096), 100});
  CHECK(length > 0);
  CHECK(arena.outputs() == static_cast<std::uint64_t>(length));
  CHECK(arena.make("getcwd", {arena.at(4096), 4096}) > 0);
  CHECK(arena.make("getcwd", {arena.at(4096), 1}) == -ERANGE);
  const UniqueFd directory(::open("/proc/self", O_RDONLY | O_DIRECTORY));
  CHECK(arena.make("getdents64", {static_cast<std::uint64_t>(directory.get()), arena.at(8192), 2000}) > 0);
  CHECK(arena.make("pipe2", {arena.at(16), O_CLOEXEC}) == 0);
  const auto ends = arena.read(RemotePtr<std::array<int, 2>>(arena.at(16))).value();
  const UniqueFd read_end(ends[0]);
  const UniqueFd write_end(ends[1]);
  REQUIRE(::write(write_end.get(), "hello, world", 12) == 12);
  arena.put(100, pollfd{.fd = read_end.get(), .events = POLLIN, .revents = 0});
  CHECK(arena.make("poll", {arena.at(100), 1, 0}) == 1);
  arena.put(128, layout::Iovec{arena.at(6000), 5});
  arena.put(144, layout::Iovec{arena.at(7000), 100});
  CHECK(arena.make("readv", {static_cast<std::uint64_t>(read_end.get()), arena.at(128), 2}) == 12);
  CHECK(arena.outputs() == 12);
  CHECK(arena.make("ioctl", {static_cast<std::uint64_t>(read_end.get()), FIONREAD, arena.at(200)}) == 0);
  arena.put(256, ::flock{.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0});
  const UniqueFd null(::open("/dev/null", O_RDWR));
  CHECK(arena.make("fcntl", {static_cast<std::uint64_t>(null.get()), F_GETLK, arena.at(256)}) == 0);
}

TEST_CASE("select and epoll: what the kernel writes is in the plan") {
  Arena arena;
  CHECK(arena.make("pipe", {arena.at(0)}) == 0);
  const auto ends = arena.read(RemotePtr<std::array<int, 2>>(arena.at(0))).value();
  const UniqueFd read_end(ends[0]);
  const UniqueFd write_end(ends[1]);
  fd_set writable;
  FD_ZERO(&writable);
  FD_SET(write_end.get(), &writable);
  arena.put(128, writable);
  arena.put(512, timespec{.tv_sec = 5, .tv_nsec = 0});
  const auto nfds = static_cast<std::uint64_t>(write_end.get()) + 1;
  CHECK(arena.make("pselect6", {nfds, 0, arena.at(128), 0, arena.at(512), 0}) == 1);
  arena.put(512, timeval{.tv_sec = 0, .tv_usec = 10});
  CHECK(arena.make("select", {0, 0, 0, 0, arena.at(512)}) == 0);
  const UniqueFd epoll(static_cast<int>(arena.make("epoll_create1", {0})));
  arena.put(1024, epoll_event{.events = EPOLLOUT, .data = {.u64 = 7}});
  const auto epfd = static_cast<std::uint64_t>(epoll.get());
  CHECK(arena.make("epoll_ctl",
                   {epfd, EPOLL_CTL_ADD, static_cast<std::uint64_t>(write_end.get()), arena.at(1024)}) == 0);
  CHECK(arena.make("epoll_wait", {epfd, arena.at(2048), 10, 0}) == 1);
  CHECK(arena.outputs() == sizeof(epoll_event));
}

TEST_CASE("sockets: what the kernel writes is in the plan") {
  Arena arena;
  CHECK(arena.make("socketpair", {AF_UNIX, SOCK_DGRAM, 0, arena.at(0)}) == 0);
  const auto ends = arena.read(RemotePtr<std::array<int, 2>>(arena.at(0))).value();
  const UniqueFd first(ends[0]);
  const UniqueFd second(ends[1]);
  const auto fd = static_cast<std::uint64_t>(first.get());
  arena.put<std::uint32_t>(64, 110);
  CHECK(arena.make("getsockname", {fd, arena.at(128), arena.at(64)}) == 0);
  CHECK(arena.outputs() == 2 + 4);
  arena.put<std::uint32_t>(64, 100);
  CHECK(arena.make("getsockopt", {fd, SOL_SOCKET, SO_PEERCRED, arena.at(256), arena.at(64)}) == 0);
  CHECK(arena.outputs() == 12 + 4);
  for (int i = 0; i < 3; ++i) REQUIRE(::send(second.get(), "0123456789", 10, 0) == 10);
  CHECK(arena.make("recvfrom", {fd, arena.at(1024), 4, MSG_TRUNC, 0, 0}) == 10);
  CHECK(arena.outputs() == 4);
  layout::Mmsghdr header{};
  header.header = {.name = arena.at(3000), .namelen = 110, .iov = arena.at(512), .iovlen = 2};
  header.header.control = arena.at(3500);
  header.header.controllen = 100;
  arena.put(512, layout::Iovec{arena.at(4000), 3});
  arena.put(528, layout::Iovec{arena.at(5000), 300});
  arena.put(600, header.header);
  CHECK(arena.make("recvmsg", {fd, arena.at(600), 0}) == 10);
  CHECK(arena.outputs() == 56 + 10);
  arena.put(700, header);
  arena.put(764, header);
  CHECK(arena.make("recvmmsg", {fd, arena.at(700), 2, MSG_DONTWAIT, 0}) == 1);
  CHECK(arena.outputs() == 64 + 10);
  CHECK(arena.make("sendmmsg", {fd, arena.at(700), 1, MSG_DONTWAIT}) == 1);
  CHECK(arena.make("recvmsg", {fd, arena.at(600), MSG_DONTWAIT}) == -EAGAIN);
}

TEST_CASE("processes, time and signals: what the kernel writes is in the plan") {
  Arena arena;
  CHECK(arena.make("uname", {arena.at(0)}) == 0);
  CHECK(arena.make("sysinfo", {arena.at(512)}) == 0);
  CHECK(arena.make("getrusage", {0, arena.at(1024)}) == 0);
  CHECK(arena.make("prlimit64", {0, RLIMIT_STACK, 0, arena.at(2048)}) == 0);
  CHECK(arena.make("times", {arena.at(2100)}) > 0);
  CHECK(arena.make("clock_gettime", {CLOCK_MONOTONIC, arena.at(2200)}) == 0);
  CHECK(arena.make("gettimeofday", {arena.at(2300), arena.at(2400)}) == 0);
  CHECK(arena.make("time", {arena.at(2500)}) > 0);
  CHECK(arena.make("getcpu", {arena.at(2600), arena.at(2700), 0}) == 0);
  CHECK(arena.make("getresuid", {arena.at(2800), arena.at(2810), arena.at(2820)}) == 0);
  CHECK(arena.make("getgroups", {1000, arena.at(9000)}) >= 0);
  CHECK(arena.make("sched_getaffinity", {0, 1024, arena.at(3000)}) > 0);
  CHECK(arena.make("sched_getattr", {0, arena.at(3500), 100, 0}) == 0);
  CHECK(arena.make("rt_sigprocmask", {SIG_BLOCK, 0, arena.at(4100), 8}) == 0);
  CHECK(arena.make("rt_sigaction", {SIGUSR2, 0, arena.at(4200), 8}) == 0);
  CHECK(arena.make("sigaltstack", {0, arena.at(4300)}) == 0);
  CHECK(arena.make("rt_sigpending", {arena.at(4400), 8}) == 0);
  CHECK(arena.make("prctl", {PR_GET_NAME, arena.at(4500)}) == 0);
  CHECK(arena.make("arch_prctl", {ARCH_GET_FS, arena.at(4600)}) == 0);
  CHECK(arena.make("getrandom", {arena.at(5000), 100, 0}) == 100);
  CHECK(arena.outputs() == 100);
  CHECK(arena.make("get_robust_list", {0, arena.at(5200), arena.at(5300)}) == 0);
  arena.put(5400, std::array<std::uint32_t, 2>{_LINUX_CAPABILITY_VERSION_3, 0});
  CHECK(arena.make("capget", {arena.at(5400), arena.at(5500)}) == 0);
  arena.put(5400, std::array<std::uint32_t, 2>{1, 0});
  CHECK(arena.make("capget", {arena.at(5400), arena.at(5500)}) == -EINVAL);
  CHECK(arena.make("waitid", {P_ALL, 0, arena.at(6000), WEXITED | WNOHANG, 0}) == -ECHILD);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(3);
  CHECK(arena.make("wait4", {static_cast<std::uint64_t>(child), arena.at(7000), 0, arena.at(7100)}) == child);
  CHECK(arena.outputs() == 4 + 144);
  arena.put<std::uint32_t>(8000, 0);
  CHECK(arena.make("futex", {arena.at(8000), FUTEX_LOCK_PI, 0, 0}) == 0);
  CHECK(arena.make("futex", {arena.at(8000), FUTEX_UNLOCK_PI}) == 0);
  arena.put<std::uint32_t>(8000, 5);
  arena.put<std::uint32_t>(8004, 1);
  const std::uint64_t add_three = FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 1);
  CHECK(arena.make("futex", {arena.at(8000), FUTEX_WAKE_OP, 1, 1, arena.at(8004), add_three}) == 0);
}

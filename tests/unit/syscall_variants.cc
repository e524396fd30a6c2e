#include <asm/ioctls.h>
#include <asm/prctl.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/kvm.h>
#include <linux/prctl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <set>
#include <utility>

#include "format/syscalls/table.h"

using namespace rec::syscalls;

namespace {

using Args = std::array<std::uint64_t, 6>;

const Variant* chosen(std::string_view name, const Args& args) { return select_variant(*find(name), args); }

}  // namespace

TEST_CASE("variants are ordered and each selector stands once") {
  std::pair<std::int32_t, std::uint64_t> previous{-1, 0};
  for (const Variant& variant : all_variants()) {
    const std::pair now{variant.nr, variant.selector};
    CHECK_MESSAGE(now > previous, variant.name);
    previous = now;
    CHECK_MESSAGE(find_multiplexer(variant.nr) != nullptr, variant.name);
  }
  CHECK(all_variants().size() > 400);
}

TEST_CASE("the arguments of a variant are whole: those of the call before the selector, then its own") {
  for (const Variant& variant : all_variants()) {
    const Multiplexer& multiplexer = *find_multiplexer(variant.nr);
    CHECK_MESSAGE((variant.arg_count >= multiplexer.selector || multiplexer.first == 0), variant.name);
    std::set<std::string_view> names;
    for (const Arg& arg : variant.arguments())
      CHECK_MESSAGE(names.insert(arg.name).second, variant.name, arg.name);
    for (const Arg& arg : variant.arguments()) {
      if (arg.by != no_argument) CHECK_MESSAGE(arg.by < variant.arg_count, variant.name);
    }
    if (variant.replay == Replay::deny) CHECK_MESSAGE(!variant.note.empty(), variant.name);
  }
}

TEST_CASE("an ioctl is chosen by its request alone") {
  const Variant* variant = chosen("ioctl", {1, TCGETS, 0x1000});
  REQUIRE(variant != nullptr);
  CHECK(variant->name == "TCGETS");
  CHECK(variant->arguments()[0].type == Type::fd);
  CHECK(variant->arguments()[2].shape == Shape::termios);
  CHECK(variant->arguments()[2].dir == Dir::out);
  CHECK(chosen("ioctl", {1, 0xdeadbeef, 0}) == nullptr);
}

TEST_CASE("the upper half of a register is not part of an int selector") {
  const Variant* variant = chosen("ioctl", {1, 0xffffffff00000000 | TCGETS, 0});
  REQUIRE(variant != nullptr);
  CHECK(variant->name == "TCGETS");
}

TEST_CASE("a futex operation is chosen without its flags") {
  for (const std::uint64_t flags : {0, FUTEX_PRIVATE_FLAG, FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME}) {
    const Variant* variant = chosen("futex", {0x1000, FUTEX_WAIT_BITSET | flags});
    REQUIRE(variant != nullptr);
    CHECK(variant->name == "FUTEX_WAIT_BITSET");
    CHECK(variant->blocks);
  }
  CHECK_FALSE(chosen("futex", {0x1000, FUTEX_WAKE})->blocks);
  CHECK(chosen("futex", {0x1000, 77}) == nullptr);
}

TEST_CASE("a socket option is chosen by level and name together") {
  const Variant* linger = chosen("getsockopt", {3, SOL_SOCKET, SO_LINGER});
  REQUIRE(linger != nullptr);
  CHECK(linger->name == "SO_LINGER");
  CHECK(chosen("getsockopt", {3, IPPROTO_TCP, TCP_NODELAY})->name == "TCP_NODELAY");
  CHECK(chosen("setsockopt", {3, SOL_SOCKET, SO_LINGER})->nr == find("setsockopt")->nr);
  CHECK(chosen("getsockopt", {3, 0x7777, SO_LINGER}) == nullptr);
}

TEST_CASE("only the waiting lock blocks") {
  CHECK(policy(*find("fcntl"), Args{3, F_SETLKW}).blocks);
  CHECK_FALSE(policy(*find("fcntl"), Args{3, F_SETLK}).blocks);
  CHECK(policy(*find("fcntl"), Args{3, F_DUPFD}).changes_fds);
  CHECK_FALSE(policy(*find("fcntl"), Args{3, F_GETFL}).changes_fds);
}

TEST_CASE("a variant inherits how it is replayed, unless it says otherwise") {
  CHECK(policy(*find("arch_prctl"), Args{ARCH_SET_FS}).replay == Replay::special);
  CHECK(policy(*find("arch_prctl"), Args{ARCH_GET_FS}).replay == Replay::emulate);
  CHECK(policy(*find("modify_ldt"), Args{0x11}).replay == Replay::execute);
  CHECK(policy(*find("modify_ldt"), Args{0}).replay == Replay::emulate);
  CHECK(policy(*find("prctl"), Args{PR_SET_SECCOMP}).special == Special::seccomp);
  const Policy dispatch = policy(*find("prctl"), Args{PR_SET_SYSCALL_USER_DISPATCH});
  CHECK(dispatch.replay == Replay::deny);
  CHECK(dispatch.deny_errno == EINVAL);
  CHECK(dispatch.variant != nullptr);
}

TEST_CASE("a program may ask for virtual machines, but gets none") {
  CHECK(policy(*find("ioctl"), Args{3, KVM_CREATE_VM}).replay == Replay::deny);
  CHECK(policy(*find("ioctl"), Args{3, KVM_CREATE_VM}).deny_errno == ENODEV);
  CHECK(policy(*find("ioctl"), Args{3, KVM_GET_API_VERSION}).replay == Replay::emulate);
}

TEST_CASE("the kind of quota is not part of the quota command") {
  const std::uint64_t get_quota = 0x800007;
  const Variant* user = chosen("quotactl", {get_quota << 8});
  const Variant* group = chosen("quotactl", {get_quota << 8 | 1});
  REQUIRE(user != nullptr);
  CHECK(user == group);
  CHECK(chosen("quotactl_fd", {3, get_quota << 8})->arguments()[3].shape == Shape::if_dqblk);
}

TEST_CASE("a call that is no multiplexer has no variant") { CHECK(chosen("read", {0, 1, 2}) == nullptr); }

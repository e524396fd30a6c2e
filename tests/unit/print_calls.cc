// Calls whose text follows rules of its own.
#include <asm/unistd.h>
#include <doctest/doctest.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <array>

#include "print_support.h"

namespace rec::testing {
namespace {

using Words = std::array<std::uint64_t, 2>;

TEST_CASE("clone names its arguments and shows those that its flags use") {
  const std::uint64_t fork_flags = CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | 17;
  CHECK(RecordedCall(__NR_clone, {fork_flags, 0, 0, address_a, 0}).result(9).text() ==
        "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, "
        "child_tidptr=0x7ffd00001000) = 9");
  CHECK(RecordedCall(__NR_clone,
                     {CLONE_VM | CLONE_SETTLS | CLONE_PARENT_SETTID, address_a, address_b, 0, address_c})
            .result(9)
            .text() ==
        "clone(child_stack=0x7ffd00001000, flags=CLONE_VM|CLONE_SETTLS|CLONE_PARENT_SETTID, parent_tid=[9], "
        "tls=0x7ffd00003000) = 9");
  CHECK(RecordedCall(__NR_clone, {17, 0, 0, 0, 0}).result(9).text() ==
        "clone(child_stack=NULL, flags=SIGCHLD) = 9");
}

TEST_CASE("clone3 shows what the kernel stored after what was passed") {
  ::clone_args args{};
  args.flags = CLONE_VM | CLONE_PARENT_SETTID;
  args.parent_tid = address_b;
  args.stack = address_c;
  args.stack_size = 0x7fff80;
  RecordedCall call(__NR_clone3, {address_a, sizeof args});
  call.in(address_a, args);
  CHECK(call.result(77).text() ==
        "clone3({flags=CLONE_VM|CLONE_PARENT_SETTID, parent_tid=0x7ffd00002000, exit_signal=0, "
        "stack=0x7ffd00003000, "
        "stack_size=0x7fff80} => {parent_tid=[77]}, 88) = 77");
  CHECK(call.result(-ENOSYS).text() ==
        "clone3({flags=CLONE_VM|CLONE_PARENT_SETTID, parent_tid=0x7ffd00002000, exit_signal=0, "
        "stack=0x7ffd00003000, "
        "stack_size=0x7fff80}, 88) = -1 ENOSYS (Function not implemented)");
}

TEST_CASE("poll repeats the descriptors that are ready after the result") {
  const std::array<::pollfd, 2> asked = {{{13, POLLIN, 0}, {14, POLLOUT, 0}}};
  std::array<::pollfd, 2> answered = asked;
  answered[1].revents = POLLOUT;
  CHECK(RecordedCall(__NR_poll, {address_a, 2, negative(-1)})
            .in(address_a, asked)
            .out(address_a, answered)
            .result(1)
            .text() ==
        "poll([{fd=13, events=POLLIN}, {fd=14, events=POLLOUT}], 2, -1) = 1 ([{fd=14, revents=POLLOUT}])");
  CHECK(RecordedCall(__NR_poll, {address_a, 2, 0}).in(address_a, asked).out(address_a, asked).text() ==
        "poll([{fd=13, events=POLLIN}, {fd=14, events=POLLOUT}], 2, 0) = 0 (Timeout)");
}

TEST_CASE("descriptors that poll is to pass over show no events") {
  const ::pollfd asked = {-1, POLLIN, 0};
  CHECK(RecordedCall(__NR_poll, {address_a, 1, 0}).in(address_a, asked).out(address_a, asked).text() ==
        "poll([{fd=-1}], 1, 0) = 0 (Timeout)");
}

TEST_CASE("ppoll shows how much time was left") {
  const ::pollfd asked = {13, POLLIN, 0};
  const ::pollfd answered = {13, POLLIN, POLLIN};
  CHECK(RecordedCall(__NR_ppoll, {address_a, 1, address_b, 0, 8})
            .in(address_a, asked)
            .in(address_b, Words{1, 0})
            .out(address_a, answered)
            .out(address_b, Words{0, 5})
            .result(1)
            .text() ==
        "ppoll([{fd=13, events=POLLIN}], 1, {tv_sec=1, tv_nsec=0}, NULL, 8) = 1 ([{fd=13, revents=POLLIN}], "
        "left {tv_sec=0, tv_nsec=5})");
}

TEST_CASE("select lists the descriptors asked for and those that are ready") {
  RecordedCall call(__NR_select, {15, address_a, address_b, 0, address_c});
  call.in(address_a, std::uint64_t{1 << 13 | 2})
      .in(address_b, std::uint64_t{1 << 14})
      .in(address_c, Words{0, 5});
  call.out(address_a, std::uint64_t{0}).out(address_b, std::uint64_t{1 << 14}).out(address_c, Words{0, 3});
  CHECK(call.result(1).text() ==
        "select(15, [1 13], [14], NULL, {tv_sec=0, tv_usec=5}) = 1 (out [14], left {tv_sec=0, tv_usec=3})");
  CHECK(call.result(0).text() == "select(15, [1 13], [14], NULL, {tv_sec=0, tv_usec=5}) = 0 (Timeout)");
  CHECK(call.result(-EBADF).text() ==
        "select(15, [1 13], [14], NULL, {tv_sec=0, tv_usec=5}) = -1 EBADF (Bad file descriptor)");
}

TEST_CASE("pselect6 has its mask in a pair") {
  CHECK(RecordedCall(__NR_pselect6, {0, 0, 0, 0, 0, address_a})
            .in(address_a, Words{address_b, 8})
            .in(address_b, std::uint64_t{2})
            .text() == "pselect6(0, NULL, NULL, NULL, NULL, {sigmask=[INT], sigsetsize=8}) = 0 (Timeout)");
}

TEST_CASE("futex shows the arguments of its operation") {
  CHECK(RecordedCall(__NR_futex, {address_a, 0x81, 0x7fffffff, 5, 6, 7}).text() ==
        "futex(0x7ffd00001000, FUTEX_WAKE_PRIVATE, 2147483647) = 0");
  CHECK(RecordedCall(__NR_futex, {address_a, 0x80, 2, 0, 6, 7}).text() ==
        "futex(0x7ffd00001000, FUTEX_WAIT_PRIVATE, 2, NULL) = 0");
  CHECK(RecordedCall(__NR_futex, {address_a, 0x189, 0, 0, 0, 0xffffffff}).text() ==
        "futex(0x7ffd00001000, FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME, 0, NULL, "
        "FUTEX_BITSET_MATCH_ANY) = 0");
  CHECK(RecordedCall(__NR_futex, {address_a, 0x8a, 1, 9, 9, 3}).text() ==
        "futex(0x7ffd00001000, FUTEX_WAKE_BITSET_PRIVATE, 1, 0x3) = 0");
  CHECK(RecordedCall(__NR_futex, {address_a, 0x84, 1, 3, address_b, 5}).text() ==
        "futex(0x7ffd00001000, FUTEX_CMP_REQUEUE_PRIVATE, 1, 3, 0x7ffd00002000, 5) = 0");
  CHECK(RecordedCall(__NR_futex, {address_a, 5, 1, 3, address_b, 0x04000005}).text() ==
        "futex(0x7ffd00001000, FUTEX_WAKE_OP, 1, 3, 0x7ffd00002000, "
        "FUTEX_OP_SET<<28|0<<12|FUTEX_OP_CMP_GT<<24|0x5) = 0");
}

TEST_CASE("only device files have a number to be made with") {
  CHECK(RecordedCall(__NR_mknod, {address_a, S_IFIFO | 0644, 5}).in(address_a, c_string("f")).text() ==
        "mknod(\"f\", S_IFIFO|0644) = 0");
  CHECK(RecordedCall(__NR_mknodat, {3, address_a, S_IFCHR | 0644, makedev(5, 3)})
            .in(address_a, c_string("f"))
            .text() == "mknodat(3, \"f\", S_IFCHR|0644, makedev(0x5, 0x3)) = 0");
}

TEST_CASE("socket options are named by their level, unknown ones of four bytes are numbers") {
  CHECK(RecordedCall(__NR_setsockopt, {3, SOL_SOCKET, SO_REUSEADDR, address_a, 4})
            .in(address_a, std::int32_t{1})
            .text() == "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0");
  CHECK(RecordedCall(__NR_setsockopt, {3, IPPROTO_TCP, TCP_MAXSEG, address_a, 4})
            .in(address_a, std::int32_t{9})
            .text() == "setsockopt(3, SOL_TCP, TCP_MAXSEG, [9], 4) = 0");
  CHECK(RecordedCall(__NR_getsockopt, {3, SOL_SOCKET, SO_LINGER, address_a, address_b})
            .in(address_b, std::uint32_t{8})
            .out(address_a, std::array<std::int32_t, 2>{1, 2})
            .out(address_b, std::uint32_t{8})
            .text() == "getsockopt(3, SOL_SOCKET, SO_LINGER, {l_onoff=1, l_linger=2}, [8]) = 0");
}

TEST_CASE("random bytes are no text") {
  CHECK(RecordedCall(__NR_getrandom, {address_a, 3, 1}).out(address_a, "abc").result(3).text() ==
        "getrandom(\"\\x61\\x62\\x63\", 3, GRND_NONBLOCK) = 3");
  CHECK(RecordedCall(__NR_getrandom, {address_a, 3, 1}).result(-EAGAIN).text() ==
        "getrandom(0x7ffd00001000, 3, GRND_NONBLOCK) = -1 EAGAIN (Resource temporarily unavailable)");
}

TEST_CASE("sendfile shows how far its offset moved") {
  CHECK(RecordedCall(__NR_sendfile, {4, 3, address_a, 5})
            .in(address_a, std::int64_t{3})
            .out(address_a, std::int64_t{8})
            .result(5)
            .text() == "sendfile(4, 3, [3] => [8], 5) = 5");
  CHECK(RecordedCall(__NR_sendfile, {4, 3, 0, 5}).result(5).text() == "sendfile(4, 3, NULL, 5) = 5");
}

TEST_CASE("rt_sigreturn shows the mask that it gives back, if that was recorded") {
  CHECK(RecordedCall(__NR_rt_sigreturn, {}).in(address_a, std::uint64_t{2}).text() ==
        "rt_sigreturn({mask=[INT]}) = 0");
  CHECK(RecordedCall(__NR_rt_sigreturn, {}).result(-EINTR).text() ==
        "rt_sigreturn() = -1 EINTR (Interrupted system call)");
}

TEST_CASE("a restarted call goes on") {
  CHECK(RecordedCall(__NR_restart_syscall, {}).text() ==
        "restart_syscall(<... resuming interrupted system call ...>) = 0");
}

TEST_CASE("values of extended attributes lose the NUL at their end") {
  CHECK(RecordedCall(__NR_fgetxattr, {3, address_a, address_b, 10})
            .in(address_a, c_string("user.x"))
            .out(address_b, c_string("val"))
            .result(4)
            .text() == "fgetxattr(3, \"user.x\", \"val\", 10) = 4");
}

TEST_CASE("the offset of a scatter read has no upper half") {
  CHECK(RecordedCall(__NR_preadv, {3, 0, 0, 7, 0}).text() == "preadv(3, NULL, 0, 7) = 0");
}

TEST_CASE("prctl shows what its option takes") {
  CHECK(
      RecordedCall(__NR_prctl, {PR_SET_NAME, address_a, 5, 6, 7}).in(address_a, c_string("worker")).text() ==
      "prctl(PR_SET_NAME, \"worker\") = 0");
  CHECK(RecordedCall(__NR_prctl, {PR_GET_NAME, address_a}).out(address_a, std::array<char, 16>{'b'}).text() ==
        "prctl(PR_GET_NAME, \"b\") = 0");
  CHECK(RecordedCall(__NR_arch_prctl, {0x1002, 0x99}).text() == "arch_prctl(ARCH_SET_FS, 0x99) = 0");
}

}  // namespace
}  // namespace rec::testing

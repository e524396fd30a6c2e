// One form of each argument type.
#include <asm/unistd.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <array>

#include "print_support.h"

namespace rec::testing {
namespace {

TEST_CASE("descriptors, sizes and offsets are decimal, offsets with their sign") {
  CHECK(RecordedCall(__NR_lseek, {3, negative(-5), SEEK_CUR}).result(95).text() ==
        "lseek(3, -5, SEEK_CUR) = 95");
  CHECK(RecordedCall(__NR_close, {negative(-1)}).result(-EBADF).text() ==
        "close(-1) = -1 EBADF (Bad file descriptor)");
}

TEST_CASE("a directory descriptor may be the working directory") {
  CHECK(
      RecordedCall(__NR_mkdirat, {negative(AT_FDCWD), address_a, 0755}).in(address_a, c_string("d")).text() ==
      "mkdirat(AT_FDCWD, \"d\", 0755) = 0");
  CHECK(RecordedCall(__NR_mkdirat, {0xffffff9c, address_a, 0755}).in(address_a, c_string("d")).text() ==
        "mkdirat(AT_FDCWD, \"d\", 0755) = 0");
  CHECK(RecordedCall(__NR_mkdirat, {4, address_a, 0}).in(address_a, c_string("d")).text() ==
        "mkdirat(4, \"d\", 000) = 0");
}

TEST_CASE("a path is shown in full, whatever the limit for strings") {
  const std::string path(200, 'p');
  CHECK(RecordedCall(__NR_chdir, {address_a}).in(address_a, c_string(path)).text() ==
        "chdir(\"" + path + "\") = 0");
}

TEST_CASE("a path of which only a part was recorded is marked") {
  CHECK(RecordedCall(__NR_chdir, {address_a}).in(address_a, "/tm", 40).text() == "chdir(\"/tm\"...) = 0");
}

TEST_CASE("memory that was not recorded is its address") {
  CHECK(RecordedCall(__NR_chdir, {address_a}).result(-EFAULT).text() ==
        "chdir(0x7ffd00001000) = -1 EFAULT (Bad address)");
  CHECK(RecordedCall(__NR_chdir, {0}).result(-EFAULT).text() == "chdir(NULL) = -1 EFAULT (Bad address)");
}

TEST_CASE("the mode of open counts only where a file may be made") {
  CHECK(RecordedCall(__NR_openat, {negative(AT_FDCWD), address_a, O_RDONLY | O_CLOEXEC, 0644})
            .in(address_a, c_string("f"))
            .result(3)
            .text() == "openat(AT_FDCWD, \"f\", O_RDONLY|O_CLOEXEC) = 3");
  CHECK(RecordedCall(__NR_openat, {negative(AT_FDCWD), address_a, O_WRONLY | O_CREAT, 0644})
            .in(address_a, c_string("f"))
            .result(3)
            .text() == "openat(AT_FDCWD, \"f\", O_WRONLY|O_CREAT, 0644) = 3");
}

TEST_CASE("what a read gave is shown up to the result, what it did not give by its address") {
  CHECK(RecordedCall(__NR_read, {3, address_a, 4096}).out(address_a, "abc").result(3).text() ==
        "read(3, \"abc\", 4096) = 3");
  CHECK(RecordedCall(__NR_read, {3, address_a, 4096}).result(0).text() == "read(3, \"\", 4096) = 0");
  CHECK(RecordedCall(__NR_read, {3, address_a, 4096}).result(-EAGAIN).text() ==
        "read(3, 0x7ffd00001000, 4096) = -1 EAGAIN (Resource temporarily unavailable)");
}

TEST_CASE("data longer than the limit is cut, and the limit is an option") {
  const std::string data(100, 'x');
  RecordedCall call(__NR_write, {1, address_a, 100});
  call.in(address_a, data.substr(0, 64), 100).result(100);
  CHECK(call.text() == "write(1, \"" + data.substr(0, 32) + "\"..., 100) = 100");
  CHECK(call.text({.string_limit = 4}) == "write(1, \"xxxx\"..., 100) = 100");
  // More was asked for than the recording has.
  CHECK(call.text({.string_limit = 80}) == "write(1, \"" + data.substr(0, 64) + "\"..., 100) = 100");
}

TEST_CASE("a path that the kernel gave ends at its length or its NUL") {
  CHECK(RecordedCall(__NR_getcwd, {address_a, 4096}).out(address_a, c_string("/tmp")).result(5).text() ==
        "getcwd(\"/tmp\", 4096) = 5");
  CHECK(RecordedCall(__NR_readlink, {address_a, address_b, 64})
            .in(address_a, c_string("l"))
            .out(address_b, "target")
            .result(6)
            .text() == "readlink(\"l\", \"target\", 64) = 6");
}

TEST_CASE("protection, flags and offsets of a mapping") {
  CHECK(
      RecordedCall(__NR_mmap, {0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, negative(-1), 0})
          .result(0x7f0000000000)
          .text() ==
      "mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000");
  CHECK(RecordedCall(__NR_mmap, {0x1000, 4096, PROT_NONE, MAP_PRIVATE | MAP_FIXED, 3, 0x26000})
            .result(0x1000)
            .text() == "mmap(0x1000, 4096, PROT_NONE, MAP_PRIVATE|MAP_FIXED, 3, 0x26000) = 0x1000");
  CHECK(RecordedCall(__NR_brk, {0}).result(0x55550000).text() == "brk(NULL) = 0x55550000");
}

TEST_CASE("signal numbers have their names, real-time ones their distance") {
  CHECK(RecordedCall(__NR_kill, {7, 15}).text() == "kill(7, SIGTERM) = 0");
  CHECK(RecordedCall(__NR_kill, {negative(-7), 32}).text() == "kill(-7, SIGRTMIN) = 0");
  CHECK(RecordedCall(__NR_kill, {7, 34}).text() == "kill(7, SIGRT_2) = 0");
  CHECK(RecordedCall(__NR_kill, {7, 0}).text() == "kill(7, 0) = 0");
  CHECK(RecordedCall(__NR_kill, {7, 65}).result(-EINVAL).text() ==
        "kill(7, 65) = -1 EINVAL (Invalid argument)");
}

TEST_CASE("user and group ids know the one that means none") {
  CHECK(RecordedCall(__NR_fchown, {3, 0xffffffff, 1000}).text() == "fchown(3, -1, 1000) = 0");
}

TEST_CASE("flags passed with their sign extended are 32 bits") {
  CHECK(RecordedCall(__NR_unlinkat, {3, address_a, negative(-1)})
            .in(address_a, c_string("f"))
            .result(-EINVAL)
            .text() ==
        "unlinkat(3, \"f\", AT_SYMLINK_NOFOLLOW|AT_REMOVEDIR|AT_SYMLINK_FOLLOW|AT_NO_AUTOMOUNT|AT_EMPTY_PATH|"
        "AT_RECURSIVE|0xffff60ff) = -1 EINVAL (Invalid argument)");
}

TEST_CASE("keys and modes of System V objects") {
  CHECK(RecordedCall(__NR_shmget, {0, 4096, 01600}).result(5).text() ==
        "shmget(IPC_PRIVATE, 4096, IPC_CREAT|0600) = 5");
  CHECK(RecordedCall(__NR_msgget, {5, 0600}).result(5).text() == "msgget(0x5, 0600) = 5");
}

TEST_CASE("the protocol of a socket is named by its family") {
  CHECK(RecordedCall(__NR_socket, {AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 6}).result(3).text() ==
        "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3");
  CHECK(RecordedCall(__NR_socket, {AF_NETLINK, SOCK_RAW, 15}).result(3).text() ==
        "socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT) = 3");
  CHECK(RecordedCall(__NR_socket, {AF_UNIX, SOCK_STREAM, 0}).result(3).text() ==
        "socket(AF_UNIX, SOCK_STREAM, 0) = 3");
}

TEST_CASE("an unknown ioctl is taken apart") {
  CHECK(RecordedCall(__NR_ioctl, {3, _IOR('z', 5, int), 7}).result(-ENOTTY).text() ==
        "ioctl(3, _IOC(_IOC_READ, 0x7a, 0x5, 0x4), 0x7) = -1 ENOTTY (Inappropriate ioctl for device)");
}

TEST_CASE("a request that takes no argument has none") {
  CHECK(RecordedCall(__NR_ioctl, {3, FIOCLEX, 7}).text() == "ioctl(3, FIOCLEX) = 0");
}

TEST_CASE("argument vectors are listed, environments counted") {
  const std::array<std::uint64_t, 3> argv = {address_c, address_c + 16, 0};
  const std::array<std::uint64_t, 2> envp = {address_d, 0};
  RecordedCall call(__NR_execve, {address_a, address_b, address_b + 64});
  call.in(address_a, c_string("/bin/ls")).in(address_b, argv).in(address_b + 64, envp);
  call.in(address_c, c_string("ls")).in(address_c + 16, c_string("-l\n"));
  CHECK(call.text() == "execve(\"/bin/ls\", [\"ls\", \"-l\\n\"], 0x7ffd00002040 /* 1 var */) = 0");
}

TEST_CASE("a long argument vector is cut") {
  const std::array<std::uint64_t, 4> argv = {address_c, address_c, address_c, 0};
  RecordedCall call(__NR_execve, {address_a, address_b, 0});
  call.in(address_a, c_string("/x")).in(address_b, argv).in(address_c, c_string("a"));
  CHECK(call.text({.string_limit = 2}) == "execve(\"/x\", [\"a\", \"a\", ...], NULL) = 0");
}

TEST_CASE("a vector of which the end was not recorded goes on") {
  const std::array<std::uint64_t, 1> argv = {address_c};
  RecordedCall call(__NR_execve, {address_a, address_b, 0});
  call.in(address_a, c_string("/x")).in(address_b, argv).in(address_c, c_string("a"));
  CHECK(call.text() == "execve(\"/x\", [\"a\", ...], NULL) = 0");
}

TEST_CASE("a number that the table does not have is shown with all its arguments") {
  CHECK(RecordedCall(999, {1, 2, 3, 4, 5, 0}).result(-ENOSYS).text() ==
        "syscall_0x3e7(0x1, 0x2, 0x3, 0x4, 0x5, 0) = -1 ENOSYS (Function not implemented)");
  CHECK(RecordedCall(-1, {}).result(-ENOSYS).text() ==
        "syscall_0xffffffff(0, 0, 0, 0, 0, 0) = -1 ENOSYS (Function not implemented)");
}

TEST_CASE("results that the kernel keeps to itself have a question mark") {
  const auto pause = [](std::int64_t result) { return RecordedCall(__NR_pause, {}).result(result).text(); };
  CHECK(pause(-512) == "pause() = ? ERESTARTSYS (To be restarted if SA_RESTART is set)");
  CHECK(pause(-513) == "pause() = ? ERESTARTNOINTR (To be restarted)");
  CHECK(pause(-514) == "pause() = ? ERESTARTNOHAND (To be restarted if no handler)");
  CHECK(pause(-516) == "pause() = ? ERESTART_RESTARTBLOCK (Interrupted by signal)");
}

TEST_CASE("results are shown in the form of their kind") {
  CHECK(RecordedCall(__NR_umask, {022}).result(02).text() == "umask(022) = 002");
  CHECK(RecordedCall(__NR_fcntl, {1, F_GETFL}).result(0100001).text() ==
        "fcntl(1, F_GETFL) = 0x8001 (flags O_WRONLY|O_LARGEFILE)");
  CHECK(RecordedCall(__NR_fcntl, {1, F_GETFD}).result(1).text() ==
        "fcntl(1, F_GETFD) = 0x1 (flags FD_CLOEXEC)");
  CHECK(RecordedCall(__NR_fcntl, {1, F_GETFD}).result(0).text() == "fcntl(1, F_GETFD) = 0");
  CHECK(RecordedCall(__NR_fcntl, {1, F_GETLEASE}).result(2).text() == "fcntl(1, F_GETLEASE) = 0x2 (F_UNLCK)");
  CHECK(RecordedCall(__NR_sched_getscheduler, {0}).result(0).text() ==
        "sched_getscheduler(0) = 0 (SCHED_OTHER)");
}

TEST_CASE("hostile sizes and addresses do no harm") {
  const std::uint64_t huge = ~std::uint64_t{0};
  CHECK(RecordedCall(__NR_write, {1, address_a, huge}).in(address_a, "abc").result(-EFAULT).text() ==
        "write(1, \"abc\"..., 18446744073709551615) = -1 EFAULT (Bad address)");
  CHECK(RecordedCall(__NR_writev, {1, huge - 4, huge}).result(-EFAULT).text() ==
        "writev(1, 0xfffffffffffffffb, 18446744073709551615) = -1 EFAULT (Bad address)");
  CHECK(RecordedCall(__NR_select, {huge, address_a, 0, 0, 0}).in(address_a, "abc").result(-EINVAL).text() ==
        "select(-1, 0x7ffd00001000, NULL, NULL, NULL) = -1 EINVAL (Invalid argument)");
}

}  // namespace
}  // namespace rec::testing

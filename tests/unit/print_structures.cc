// Each structure in the form that strace gives it.
#include <arpa/inet.h>
#include <asm/termbits.h>
#include <asm/unistd.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <linux/perf_event.h>
#include <linux/stat.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "print_support.h"

namespace rec::testing {
namespace {

using Words = std::array<std::uint64_t, 2>;

TEST_CASE("stat shows type, mode and size; device files their number") {
  struct ::stat file {};
  file.st_mode = S_IFREG | 0644;
  file.st_size = 14574;
  CHECK(RecordedCall(__NR_fstat, {3, address_a}).out(address_a, file).text() ==
        "fstat(3, {st_mode=S_IFREG|0644, st_size=14574, ...}) = 0");
  file.st_mode = S_IFCHR | 0666;
  file.st_rdev = makedev(1, 3);
  CHECK(RecordedCall(__NR_fstat, {3, address_a}).out(address_a, file).text() ==
        "fstat(3, {st_mode=S_IFCHR|0666, st_rdev=makedev(0x1, 0x3), ...}) = 0");
}

TEST_CASE("a structure that a failed call did not write is its address") {
  CHECK(RecordedCall(__NR_fstat, {3, address_a}).result(-EBADF).text() ==
        "fstat(3, 0x7ffd00001000) = -1 EBADF (Bad file descriptor)");
}

TEST_CASE("statx shows what is there") {
  struct ::statx file {};
  file.stx_mask = STATX_BASIC_STATS | STATX_MNT_ID;
  file.stx_attributes = STATX_ATTR_MOUNT_ROOT;
  file.stx_mode = S_IFDIR | 0755;
  file.stx_size = 4096;
  CHECK(RecordedCall(__NR_statx, {3, address_a, 0, STATX_MODE, address_b})
            .in(address_a, c_string("d"))
            .out(address_b, file)
            .text() ==
        "statx(3, \"d\", AT_STATX_SYNC_AS_STAT, STATX_MODE, {stx_mask=STATX_BASIC_STATS|STATX_MNT_ID, "
        "stx_attributes=STATX_ATTR_MOUNT_ROOT, stx_mode=S_IFDIR|0755, stx_size=4096, ...}) = 0");
}

TEST_CASE("statfs names the kind of file system") {
  struct ::statfs fs {};
  fs.f_type = 0x9fa0;
  fs.f_bsize = 4096;
  fs.f_namelen = 255;
  fs.f_frsize = 4096;
  fs.f_flags = 0x1020;
  CHECK(RecordedCall(__NR_fstatfs, {3, address_a}).out(address_a, fs).text() ==
        "fstatfs(3, {f_type=PROC_SUPER_MAGIC, f_bsize=4096, f_blocks=0, f_bfree=0, f_bavail=0, f_files=0, "
        "f_ffree=0, "
        "f_fsid={val=[0, 0]}, f_namelen=255, f_frsize=4096, f_flags=ST_VALID|ST_RELATIME}) = 0");
}

TEST_CASE("directory entries are counted") {
  std::string entries(48, '\0');
  entries[16] = 24;
  entries[24 + 16] = 24;
  CHECK(RecordedCall(__NR_getdents64, {3, address_a, 32768}).out(address_a, entries).result(48).text() ==
        "getdents64(3, 0x7ffd00001000 /* 2 entries */, 32768) = 48");
  CHECK(RecordedCall(__NR_getdents64, {3, address_a, 32768}).result(0).text() ==
        "getdents64(3, 0x7ffd00001000 /* 0 entries */, 32768) = 0");
}

TEST_CASE("pairs of descriptors") {
  CHECK(RecordedCall(__NR_pipe2, {address_a, 02000000})
            .out(address_a, std::array<std::int32_t, 2>{3, 4})
            .text() == "pipe2([3, 4], O_CLOEXEC) = 0");
}

TEST_CASE("scatter lists show what is behind them") {
  const std::array<::iovec, 2> list = {
      {{reinterpret_cast<void*>(address_b), 3}, {reinterpret_cast<void*>(address_c), 5}}};
  CHECK(RecordedCall(__NR_writev, {1, address_a, 2})
            .in(address_a, list)
            .in(address_b, "abc")
            .in(address_c, "defgh")
            .result(8)
            .text() == "writev(1, [{iov_base=\"abc\", iov_len=3}, {iov_base=\"defgh\", iov_len=5}], 2) = 8");
}

TEST_CASE("a scatter read shows how far each piece was filled") {
  const std::array<::iovec, 2> list = {
      {{reinterpret_cast<void*>(address_b), 3}, {reinterpret_cast<void*>(address_c), 5}}};
  CHECK(
      RecordedCall(__NR_readv, {0, address_a, 2}).in(address_a, list).out(address_b, "ab").result(2).text() ==
      "readv(0, [{iov_base=\"ab\", iov_len=3}, {iov_base=\"\", iov_len=5}], 2) = 2");
  CHECK(RecordedCall(__NR_readv, {0, address_a, 2}).in(address_a, list).result(-EAGAIN).text() ==
        "readv(0, [{iov_base=0x7ffd00002000, iov_len=3}, {iov_base=0x7ffd00003000, iov_len=5}], 2) = "
        "-1 EAGAIN (Resource temporarily unavailable)");
  CHECK(RecordedCall(__NR_readv, {0, address_a, 0}).result(0).text() == "readv(0, [], 0) = 0");
}

TEST_CASE("epoll events have both readings of their data") {
  ::epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = 0x500000003;
  CHECK(RecordedCall(__NR_epoll_ctl, {4, EPOLL_CTL_ADD, 3, address_a}).in(address_a, event).text() ==
        "epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN|EPOLLET, data={u32=3, u64=21474836483}}) = 0");
  CHECK(RecordedCall(__NR_epoll_ctl, {4, EPOLL_CTL_DEL, 3, address_a}).in(address_a, event).text() ==
        "epoll_ctl(4, EPOLL_CTL_DEL, 3, 0x7ffd00001000) = 0");
  CHECK(RecordedCall(__NR_epoll_wait, {4, address_a, 8, 0}).out(address_a, event).result(1).text() ==
        "epoll_wait(4, [{events=EPOLLIN|EPOLLET, data={u32=3, u64=21474836483}}], 8, 0) = 1");
  CHECK(RecordedCall(__NR_epoll_wait, {4, address_a, 8, 0}).result(0).text() ==
        "epoll_wait(4, [], 8, 0) = 0");
}

TEST_CASE("file locks show the owner only where the kernel named it") {
  struct ::flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_len = 10;
  CHECK(RecordedCall(__NR_fcntl, {3, F_SETLK, address_a}).in(address_a, lock).text() ==
        "fcntl(3, F_SETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=0, l_len=10}) = 0");
  struct ::flock held = lock;
  held.l_pid = 77;
  CHECK(RecordedCall(__NR_fcntl, {3, F_GETLK, address_a}).in(address_a, lock).out(address_a, held).text() ==
        "fcntl(3, F_GETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=0, l_len=10, l_pid=77}) = 0");
}

TEST_CASE("openat2 takes its flags in a structure") {
  const ::open_how how = {.flags = O_RDONLY, .mode = 0, .resolve = RESOLVE_BENEATH};
  CHECK(RecordedCall(__NR_openat2, {3, address_a, address_b, 24})
            .in(address_a, c_string("f"))
            .in(address_b, how)
            .result(4)
            .text() == "openat2(3, \"f\", {flags=O_RDONLY, resolve=RESOLVE_BENEATH}, 24) = 4");
}

TEST_CASE("times have seconds and a fraction") {
  CHECK(RecordedCall(__NR_clock_gettime, {1, address_a}).out(address_a, Words{3, 5}).text() ==
        "clock_gettime(CLOCK_MONOTONIC, {tv_sec=3, tv_nsec=5}) = 0");
  CHECK(RecordedCall(__NR_gettimeofday, {address_a, 0}).out(address_a, Words{3, 5}).text() ==
        "gettimeofday({tv_sec=3, tv_usec=5}, NULL) = 0");
  CHECK(RecordedCall(__NR_setitimer, {0, address_a, 0})
            .in(address_a, std::array<std::uint64_t, 4>{0, 0, 1, 2})
            .text() ==
        "setitimer(ITIMER_REAL, {it_interval={tv_sec=0, tv_usec=0}, it_value={tv_sec=1, tv_usec=2}}, NULL) = "
        "0");
}

TEST_CASE("the remainder of a sleep is shown when a signal ended it") {
  RecordedCall call(__NR_nanosleep, {address_a, address_b});
  call.in(address_a, Words{1, 0});
  CHECK(RecordedCall(call).result(0).text() == "nanosleep({tv_sec=1, tv_nsec=0}, 0x7ffd00002000) = 0");
  CHECK(call.out(address_b, Words{0, 7}).result(-516).text() ==
        "nanosleep({tv_sec=1, tv_nsec=0}, {tv_sec=0, tv_nsec=7}) = ? ERESTART_RESTARTBLOCK (Interrupted by "
        "signal)");
}

TEST_CASE("points in time have their date beside them") {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  const std::array<std::uint64_t, 4> times = {1, 2, 0, (1 << 30) - 1};
  CHECK(RecordedCall(__NR_utimensat, {3, 0, address_a, 0}).in(address_a, times).text() ==
        "utimensat(3, NULL, [{tv_sec=1, tv_nsec=2} /* 1970-01-01T00:00:01.000000002+0000 */, UTIME_NOW], 0) "
        "= 0");
  CHECK(RecordedCall(__NR_time, {0}).result(5).text() == "time(NULL) = 5 (1970-01-01T00:00:05+0000)");
}

TEST_CASE("signal sets are lists of names, or what they lack") {
  CHECK(RecordedCall(__NR_rt_sigprocmask, {0, address_a, address_b, 8})
            .in(address_a, std::uint64_t{1} << 16)
            .out(address_b, std::uint64_t{0})
            .text() == "rt_sigprocmask(SIG_BLOCK, [CHLD], [], 8) = 0");
  CHECK(RecordedCall(__NR_rt_sigprocmask, {2, address_a, 0, 8})
            .in(address_a, ~(std::uint64_t{3} << 31))
            .text() == "rt_sigprocmask(SIG_SETMASK, ~[RTMIN RT_1], NULL, 8) = 0");
}

TEST_CASE("signal actions show the restorer only if there is one") {
  CHECK(RecordedCall(__NR_rt_sigaction, {2, address_a, address_b, 8})
            .in(address_a, std::array<std::uint64_t, 4>{0x5555, 0x14000000, 0x7777, 2})
            .out(address_b, std::array<std::uint64_t, 4>{})
            .text() ==
        "rt_sigaction(SIGINT, {sa_handler=0x5555, sa_mask=[INT], sa_flags=SA_RESTORER|SA_RESTART, "
        "sa_restorer=0x7777}, {sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}, 8) = 0");
}

TEST_CASE("wait statuses read as the macros that test them") {
  const auto wait = [](std::int32_t status) {
    return RecordedCall(__NR_wait4, {negative(-1), address_a, 0, 0}).out(address_a, status).result(5).text();
  };
  CHECK(wait(3 << 8) == "wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 5");
  CHECK(wait(9) == "wait4(-1, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL}], 0, NULL) = 5");
  CHECK(wait(0x80 | 11) ==
        "wait4(-1, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && WCOREDUMP(s)}], 0, NULL) = 5");
  CHECK(wait(0x137f) == "wait4(-1, [{WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP}], 0, NULL) = 5");
  CHECK(wait(0xffff) == "wait4(-1, [{WIFCONTINUED(s)}], 0, NULL) = 5");
}

TEST_CASE("a wait that found nobody leaves the status alone") {
  CHECK(RecordedCall(__NR_wait4, {negative(-1), address_a, 1, 0}).result(0).text() ==
        "wait4(-1, 0x7ffd00001000, WNOHANG, NULL) = 0");
}

TEST_CASE("siginfo has the fields of its signal") {
  siginfo_t info{};
  info.si_signo = SIGCHLD;
  info.si_code = CLD_KILLED;
  info.si_pid = 9;
  info.si_status = SIGKILL;
  CHECK(RecordedCall(__NR_waitid, {1, 9, address_a, 4, 0}).out(address_a, info).text() ==
        "waitid(P_PID, 9, {si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=9, si_uid=0, si_status=SIGKILL, "
        "si_utime=0, "
        "si_stime=0}, WEXITED, NULL) = 0");
  siginfo_t queued{};
  queued.si_signo = SIGUSR1;
  queued.si_code = SI_QUEUE;
  queued.si_pid = 9;
  queued.si_value.sival_int = 7;
  CHECK(RecordedCall(__NR_rt_sigqueueinfo, {9, SIGUSR1, address_a}).in(address_a, queued).text() ==
        "rt_sigqueueinfo(9, SIGUSR1, {si_signo=SIGUSR1, si_code=SI_QUEUE, si_pid=9, si_uid=0, si_int=7, "
        "si_ptr=0x7}) = 0");
}

TEST_CASE("what a failed waitid cleared is not shown") {
  CHECK(
      RecordedCall(__NR_waitid, {0, 0, address_a, 4, 0}).out(address_a, siginfo_t{}).result(-ECHILD).text() ==
      "waitid(P_ALL, 0, 0x7ffd00001000, WEXITED, NULL) = -1 ECHILD (No child processes)");
}

TEST_CASE("limits count in kilobytes where they can") {
  CHECK(RecordedCall(__NR_prlimit64, {0, RLIMIT_STACK, 0, address_a})
            .out(address_a, Words{8 << 20, ~std::uint64_t{0}})
            .text() ==
        "prlimit64(0, RLIMIT_STACK, NULL, {rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY}) = 0");
  CHECK(RecordedCall(__NR_prlimit64, {0, RLIMIT_NOFILE, address_a, 0})
            .in(address_a, Words{1024, 20000})
            .text() == "prlimit64(0, RLIMIT_NOFILE, {rlim_cur=1024, rlim_max=20000}, NULL) = 0");
}

TEST_CASE("usage and names of the system are abbreviated") {
  ::rusage usage{};
  usage.ru_utime = {1, 2};
  CHECK(RecordedCall(__NR_getrusage, {0, address_a}).out(address_a, usage).text() ==
        "getrusage(RUSAGE_SELF, {ru_utime={tv_sec=1, tv_usec=2}, ru_stime={tv_sec=0, tv_usec=0}, ...}) = 0");
  ::utsname name{};
  std::strcpy(name.sysname, "Linux");
  std::strcpy(name.nodename, "host");
  CHECK(RecordedCall(__NR_uname, {address_a}).out(address_a, name).text() ==
        "uname({sysname=\"Linux\", nodename=\"host\", ...}) = 0");
}

TEST_CASE("sets of processors are lists of numbers") {
  CHECK(RecordedCall(__NR_sched_getaffinity, {0, 128, address_a})
            .out(address_a, std::uint64_t{0x103})
            .result(8)
            .text() == "sched_getaffinity(0, 128, [0 1 8]) = 8");
}

TEST_CASE("capabilities of both words belong together") {
  const ::__user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const std::array<::__user_cap_data_struct, 2> data = {{{1, 0, 0}, {1, 0, 0}}};
  CHECK(RecordedCall(__NR_capset, {address_a, address_b}).in(address_a, header).in(address_b, data).text() ==
        "capset({version=_LINUX_CAPABILITY_VERSION_3, pid=0}, {effective=1<<CAP_CHOWN|1<<CAP_MAC_OVERRIDE, "
        "permitted=0, "
        "inheritable=0}) = 0");
}

TEST_CASE("socket addresses by family") {
  const auto connect = [](const auto& address, std::uint64_t size) {
    return RecordedCall(__NR_connect, {3, address_a, size}).in(address_a, address).text();
  };
  sockaddr_un unix_path = {AF_UNIX, "/tmp/s"};
  CHECK(connect(unix_path, sizeof unix_path) ==
        "connect(3, {sa_family=AF_UNIX, sun_path=\"/tmp/s\"}, 110) = 0");
  const std::string abstract("\1\0\0name", 7);
  CHECK(connect(abstract, 7) == "connect(3, {sa_family=AF_UNIX, sun_path=@\"name\"}, 7) = 0");
  CHECK(connect(abstract.substr(0, 2), 2) == "connect(3, {sa_family=AF_UNIX}, 2) = 0");
  sockaddr_in inet = {AF_INET, htons(80), {htonl(INADDR_LOOPBACK)}, {}};
  CHECK(connect(inet, sizeof inet) ==
        "connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0");
  sockaddr_in6 inet6 = {AF_INET6, htons(53), htonl(3), IN6ADDR_LOOPBACK_INIT, 2};
  CHECK(connect(inet6, sizeof inet6) ==
        "connect(3, {sa_family=AF_INET6, sin6_port=htons(53), sin6_flowinfo=htonl(3), "
        "inet_pton(AF_INET6, \"::1\", &sin6_addr), sin6_scope_id=2}, 28) = 0");
  sockaddr_nl netlink = {AF_NETLINK, 0, 5, 3};
  CHECK(connect(netlink, sizeof netlink) ==
        "connect(3, {sa_family=AF_NETLINK, nl_pid=5, nl_groups=0x000003}, 12) = 0");
}

TEST_CASE("lengths that the kernel changed show both") {
  const sockaddr_in inet = {AF_INET, htons(80), {htonl(INADDR_LOOPBACK)}, {}};
  RecordedCall call(__NR_getsockname, {3, address_a, address_b});
  call.in(address_b, std::uint32_t{128}).out(address_a, inet).out(address_b, std::uint32_t{16});
  CHECK(call.text() ==
        "getsockname(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"127.0.0.1\")}, [128 => "
        "16]) = 0");
  CHECK(RecordedCall(__NR_accept, {3, 0, 0}).result(4).text() == "accept(3, NULL, NULL) = 4");
}

TEST_CASE("messages show their address, pieces and control data") {
  const ::iovec piece = {reinterpret_cast<void*>(address_b), 3};
  ::msghdr message{};
  message.msg_iov = reinterpret_cast<::iovec*>(address_b + 64);
  message.msg_iovlen = 1;
  message.msg_control = reinterpret_cast<void*>(address_c);
  message.msg_controllen = 24;
  struct {
    std::uint64_t length = 20;
    std::int32_t level = SOL_SOCKET, type = SCM_RIGHTS, fd = 5, padding = 0;
  } control;
  CHECK(RecordedCall(__NR_sendmsg, {3, address_a, MSG_NOSIGNAL})
            .in(address_a, message)
            .in(address_b + 64, piece)
            .in(address_b, "abc")
            .in(address_c, control)
            .result(3)
            .text() ==
        "sendmsg(3, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"abc\", iov_len=3}], msg_iovlen=1, "
        "msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[5]}], "
        "msg_controllen=24, "
        "msg_flags=0}, MSG_NOSIGNAL) = 3");
}

TEST_CASE("a receive that failed shows the length of its name only") {
  ::msghdr message{};
  message.msg_namelen = 16;
  CHECK(RecordedCall(__NR_recvmsg, {3, address_a, 0}).in(address_a, message).result(-EAGAIN).text() ==
        "recvmsg(3, {msg_namelen=16}, 0) = -1 EAGAIN (Resource temporarily unavailable)");
}

TEST_CASE("control data that lies about its length ends the list") {
  ::msghdr message{};
  message.msg_control = reinterpret_cast<void*>(address_c);
  message.msg_controllen = 32;
  struct {
    std::uint64_t length = 0;
    std::int32_t level = SOL_SOCKET, type = SCM_RIGHTS;
  } control;
  const std::string line =
      RecordedCall(__NR_sendmsg, {3, address_a, 0}).in(address_a, message).in(address_c, control).text();
  CHECK(line.find("msg_control=[], msg_controllen=32") != std::string::npos);
}

TEST_CASE("control data of a length near the end of numbers is not followed") {
  ::msghdr message{};
  message.msg_control = reinterpret_cast<void*>(address_c);
  message.msg_controllen = ~std::size_t{0};
  struct {
    std::uint64_t length = ~std::uint64_t{5};
    std::int32_t level = SOL_SOCKET, type = SCM_RIGHTS;
  } control;
  const std::string line =
      RecordedCall(__NR_sendmsg, {3, address_a, 0}).in(address_a, message).in(address_c, control).text();
  CHECK(line.find("msg_control=[], msg_controllen=18446744073709551615") != std::string::npos);
}

TEST_CASE("a time whose fraction is none has no date") {
  const std::array<std::uint64_t, 4> times = {1, ~std::uint64_t{0}, 2, 2'000'000};
  CHECK(RecordedCall(__NR_utimes, {0, address_a}).in(address_a, times).result(-EINVAL).text() ==
        "utimes(NULL, [{tv_sec=1, tv_usec=-1}, {tv_sec=2, tv_usec=2000000}]) = -1 EINVAL (Invalid argument)");
}

TEST_CASE("terminal settings and window sizes") {
  ::termios settings{};
  settings.c_iflag = ICRNL | IXON;
  settings.c_oflag = OPOST | ONLCR;
  settings.c_cflag = B38400 | CS8 | CREAD;
  settings.c_lflag = ISIG | ICANON;
  CHECK(RecordedCall(__NR_ioctl, {0, TCGETS, address_a}).out(address_a, settings).text() ==
        "ioctl(0, TCGETS, {c_iflag=ICRNL|IXON, c_oflag=NL0|CR0|TAB0|BS0|VT0|FF0|OPOST|ONLCR, "
        "c_cflag=B38400|CS8|CREAD, c_lflag=ISIG|ICANON, ...}) = 0");
  CHECK(RecordedCall(__NR_ioctl, {0, TIOCGWINSZ, address_a})
            .out(address_a, std::array<std::uint16_t, 4>{24, 80, 1, 2})
            .text() == "ioctl(0, TIOCGWINSZ, {ws_row=24, ws_col=80, ws_xpixel=1, ws_ypixel=2}) = 0");
  CHECK(RecordedCall(__NR_ioctl, {3, FIONREAD, address_a}).out(address_a, std::int32_t{5}).text() ==
        "ioctl(3, FIONREAD, [5]) = 0");
}

TEST_CASE("interfaces are asked for by name") {
  ::ifreq asked{};
  std::strcpy(asked.ifr_name, "lo");
  ::ifreq answer = asked;
  answer.ifr_flags = IFF_UP | IFF_LOOPBACK;
  CHECK(RecordedCall(__NR_ioctl, {3, SIOCGIFFLAGS, address_a})
            .in(address_a, asked)
            .out(address_a, answer)
            .text() == "ioctl(3, SIOCGIFFLAGS, {ifr_name=\"lo\", ifr_flags=IFF_UP|IFF_LOOPBACK}) = 0");
}

TEST_CASE("semaphore operations and messages") {
  const std::array<::sembuf, 2> operations = {{{0, 1, 0}, {1, -1, SEM_UNDO}}};
  CHECK(RecordedCall(__NR_semop, {5, address_a, 2}).in(address_a, operations).text() ==
        "semop(5, [{sem_num=0, sem_op=1, sem_flg=0}, {sem_num=1, sem_op=-1, sem_flg=SEM_UNDO}], 2) = 0");
  CHECK(RecordedCall(__NR_msgsnd, {5, address_a, 4, 0})
            .in(address_a, std::string("\4\0\0\0\0\0\0\0text", 12))
            .text() == "msgsnd(5, {mtype=4, mtext=\"text\"}, 4, 0) = 0");
}

TEST_CASE("what perf counts is named, its bits are listed where they are set, and all with -v") {
  perf_event_attr attr{};
  attr.type = PERF_TYPE_HW_CACHE;
  attr.size = sizeof attr;
  attr.config = 0x10102;
  attr.freq = 1;
  attr.sample_freq = 4000;
  attr.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID;
  attr.disabled = 1;
  attr.precise_ip = 2;
  const auto text = [&](const dump::DumpOptions& options) {
    return RecordedCall(SYS_perf_event_open, {address_a, 0, negative(-1), negative(-1), 8})
        .in(address_a, attr)
        .text(options);
  };
  const std::string rest = ", 0, -1, -1, PERF_FLAG_FD_CLOEXEC) = 0";
  CHECK(text({}) ==
        "perf_event_open({type=PERF_TYPE_HW_CACHE, size=PERF_ATTR_SIZE_VER7, "
        "config=PERF_COUNT_HW_CACHE_RESULT_MISS<<16|PERF_COUNT_HW_CACHE_OP_WRITE<<8|PERF_COUNT_HW_CACHE_LL, "
        "sample_freq=4000, sample_type=PERF_SAMPLE_IP|PERF_SAMPLE_TID, read_format=0, disabled=1, freq=1, "
        "precise_ip=2 /* requested to have 0 skid */, ...}" +
            rest);
  dump::DumpOptions verbose;
  verbose.abbreviated = dump::CallFilter("none");
  const std::string all = text(verbose);
  CHECK(all.find("disabled=1, inherit=0, pinned=0, ") != std::string::npos);
  CHECK(all.find("sigtrap=0, wakeup_events=0, config1=0, config2=0, sample_regs_user=0, sample_regs_intr=0, "
                 "aux_watermark=0, sample_max_stack=0, aux_sample_size=0, sig_data=0}" +
                 rest) != std::string::npos);
  attr.type = PERF_TYPE_HARDWARE;
  attr.size = PERF_ATTR_SIZE_VER0;
  attr.config = 0x3c;
  CHECK(text({}).find("size=PERF_ATTR_SIZE_VER0, config=0x3c /* PERF_COUNT_HW_??? */") != std::string::npos);
}

TEST_CASE("commands of bpf have structures of their own") {
  bpf_attr attr{};
  attr.map_type = BPF_MAP_TYPE_HASH;
  attr.key_size = 4;
  attr.map_flags = BPF_F_RDONLY | BPF_F_NO_PREALLOC;
  CHECK(RecordedCall(SYS_bpf, {BPF_MAP_CREATE, address_a, 20}).in(address_a, attr).text() ==
        "bpf(BPF_MAP_CREATE, {map_type=BPF_MAP_TYPE_HASH, key_size=4, value_size=0, max_entries=0, "
        "map_flags=BPF_F_NO_PREALLOC|BPF_F_RDONLY}, 20) = 0");
  attr = {};
  attr.link_create.prog_fd = 3;
  attr.link_create.target_fd = 4;
  attr.link_create.attach_type = BPF_CGROUP_SOCK_OPS;
  CHECK(RecordedCall(SYS_bpf, {BPF_LINK_CREATE, address_a, 16}).in(address_a, attr).text() ==
        "bpf(BPF_LINK_CREATE, {link_create={prog_fd=3, target_fd=4, attach_type=BPF_CGROUP_SOCK_OPS, "
        "flags=0}}, 16) "
        "= 0");
  const std::array<std::uint32_t, 2> passed = {0, 0};
  const std::array<std::uint32_t, 2> left = {0, 97};
  CHECK(RecordedCall(SYS_bpf, {BPF_PROG_GET_NEXT_ID, address_a, 8})
            .in(address_a, passed)
            .out(address_a, left)
            .text() == "bpf(BPF_PROG_GET_NEXT_ID, {start_id=0, next_id=0 => 97}, 8) = 0");
}

TEST_CASE("membarrier names the commands that the kernel has") {
  CHECK(RecordedCall(SYS_membarrier, {0, 0, 0}).result(0x203).text() ==
        "membarrier(MEMBARRIER_CMD_QUERY, 0) = 0x203 "
        "(MEMBARRIER_CMD_GLOBAL|MEMBARRIER_CMD_GLOBAL_EXPEDITED|0x200)");
  CHECK(RecordedCall(SYS_membarrier, {8, 0, 0}).text() ==
        "membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0) = 0");
}

TEST_CASE("requests of asynchronous I/O show what their command uses") {
  constexpr std::uint64_t list = address_a, first = address_a + 64, second = first + sizeof(iocb);
  iocb read{}, poll{};
  read.aio_data = 7;
  read.aio_fildes = 3;
  read.aio_buf = 0x5000;
  read.aio_nbytes = 4096;
  read.aio_offset = -1;
  read.aio_flags = IOCB_FLAG_RESFD;
  read.aio_resfd = 9;
  poll.aio_lio_opcode = IOCB_CMD_POLL;
  poll.aio_buf = POLLIN;
  CHECK(RecordedCall(__NR_io_submit, {0x7000, 2, list})
            .in(list, Words{first, second})
            .in(first, read)
            .in(second, poll)
            .result(2)
            .text() ==
        "io_submit(0x7000, 2, [{aio_data=0x7, aio_lio_opcode=IOCB_CMD_PREAD, aio_fildes=3, aio_buf=0x5000, "
        "aio_nbytes=4096, aio_offset=-1, aio_flags=IOCB_FLAG_RESFD, aio_resfd=9}, {aio_data=0, "
        "aio_lio_opcode=IOCB_CMD_POLL, aio_fildes=0, aio_buf=POLLIN}]) = 2");
  poll.aio_lio_opcode = 77;
  CHECK(RecordedCall(__NR_io_cancel, {0x7000, first, second}).in(first, poll).result(-EINVAL).text() ==
        "io_cancel(0x7000, {aio_data=0, aio_lio_opcode=77 /* IOCB_CMD_??? */, aio_fildes=0}, 0x7ffd00001080) "
        "= -1 EINVAL (Invalid argument)");
  CHECK(RecordedCall(__NR_io_getevents, {0x7000, 1, 4, first, 0})
            .out(first, io_event{.data = 7, .obj = second, .res = -5, .res2 = 0})
            .result(1)
            .text() ==
        "io_getevents(0x7000, 1, 4, [{data=0x7, obj=0x7ffd00001080, res=-5, res2=0}], NULL) = 1");
}

}  // namespace
}  // namespace rec::testing

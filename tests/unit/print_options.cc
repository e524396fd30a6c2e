// What the options of `rec dump` change about lines.
#include <asm/unistd.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstring>

#include "format/base/error.h"
#include "print_support.h"
#include "tools/dump/command_line.h"
#include "tools/dump/dumper.h"

namespace rec::testing {
namespace {

using dump::CallFilter;
using dump::Constants;
using dump::DecodeFds;
using dump::DumpOptions;
using dump::Escapes;

// The options that a command line gives.
DumpOptions parsed(std::vector<std::string> words) {
  CLI::App app;
  dump::CommandLine line;
  line.add_strace_options(app);
  line.add_selection_options(app);
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  app.parse(words);
  return line.options();
}

RecordedCall opened(const char* path, std::int64_t result) {
  RecordedCall call(__NR_openat, {negative(AT_FDCWD), address_a, O_RDONLY | O_CLOEXEC});
  call.in(address_a, c_string(path)).result(result);
  return call;
}

TEST_CASE("-X raw shows the numbers of constants, -X verbose both") {
  CHECK(opened("/x", 3).text({.constants = Constants::numbers}) == "openat(-100, \"/x\", 0x80000) = 3");
  CHECK(opened("/x", 3).text({.constants = Constants::both}) ==
        "openat(-100 /* AT_FDCWD */, \"/x\", 0x80000 /* O_RDONLY|O_CLOEXEC */) = 3");
  RecordedCall killed(__NR_kill, {5, 9});
  CHECK(killed.text({.constants = Constants::numbers}) == "kill(5, 9) = 0");
  CHECK(killed.text({.constants = Constants::both}) == "kill(5, 9 /* SIGKILL */) = 0");
}

TEST_CASE("modes and limits have a number and a name, too") {
  struct stat status {};
  status.st_mode = S_IFREG | 0644;
  status.st_size = 7;
  RecordedCall call(__NR_fstat, {3, address_a});
  call.out(address_a, status);
  CHECK(call.text({.constants = Constants::numbers}) == "fstat(3, {st_mode=0100644, st_size=7, ...}) = 0");
  CHECK(call.text({.constants = Constants::both}) ==
        "fstat(3, {st_mode=0100644 /* S_IFREG|0644 */, st_size=7, ...}) = 0");
  RecordedCall limit(__NR_setrlimit, {RLIMIT_CORE, address_a});
  limit.in(address_a, std::array<std::uint64_t, 2>{8192 * 1024, ~0ULL});
  CHECK(limit.text({.constants = Constants::both}) ==
        "setrlimit(0x4 /* RLIMIT_CORE */, {rlim_cur=8388608 /* 8192*1024 */, "
        "rlim_max=18446744073709551615 /* RLIM64_INFINITY */}) = 0");
}

TEST_CASE("-x escapes strings with unprintable bytes in hexadecimal, -xx all") {
  RecordedCall plain(__NR_write, {1, address_a, 2});
  plain.in(address_a, std::string("a\n")).result(2);
  RecordedCall binary(__NR_write, {1, address_a, 2});
  binary.in(address_a, std::string("a\1")).result(2);
  CHECK(plain.text({.escapes = Escapes::hex_if_any}) == "write(1, \"a\\n\", 2) = 2");
  CHECK(binary.text({.escapes = Escapes::hex_if_any}) == "write(1, \"\\x61\\x01\", 2) = 2");
  CHECK(plain.text({.escapes = Escapes::hex}) == "write(1, \"\\x61\\x0a\", 2) = 2");
}

TEST_CASE("-v prints structures whole") {
  const DumpOptions whole = parsed({"-v"});
  struct ::utsname name {};
  std::strcpy(name.sysname, "Linux");
  std::strcpy(name.nodename, "host");
  std::strcpy(name.release, "6.1");
  std::strcpy(name.version, "#1");
  std::strcpy(name.machine, "x86_64");
  std::strcpy(name.domainname, "(none)");
  RecordedCall call(__NR_uname, {address_a});
  call.out(address_a, name);
  CHECK(call.text(whole) ==
        "uname({sysname=\"Linux\", nodename=\"host\", release=\"6.1\", version=\"#1\", machine=\"x86_64\", "
        "domainname=\"(none)\"}) = 0");
  rusage usage{};
  usage.ru_maxrss = 7;
  RecordedCall used(__NR_getrusage, {0, address_a});
  used.out(address_a, usage);
  CHECK(used.text(whole).find("ru_maxrss=7, ru_ixrss=0, ru_idrss=0") != std::string::npos);
  CHECK(used.text(whole).find("ru_nivcsw=0}) = 0") != std::string::npos);
}

TEST_CASE("-v lists a directory's entries") {
  std::string entries(24, '\0');
  entries[0] = 3;    // d_ino
  entries[8] = 1;    // d_off
  entries[16] = 24;  // d_reclen
  entries[18] = 4;   // DT_DIR
  entries[19] = '.';
  RecordedCall call(__NR_getdents64, {3, address_a, 4096});
  call.out(address_a, entries).result(24);
  CHECK(call.text(parsed({"-v"})) ==
        "getdents64(3, [{d_ino=3, d_off=1, d_reclen=24, d_type=DT_DIR, d_name=\".\"}], 4096) = 24");
}

TEST_CASE("-v shows all of a file's state") {
  struct stat status {};
  status.st_mode = S_IFREG | 0644;
  status.st_dev = 0x801;
  status.st_ino = 5;
  status.st_nlink = 1;
  RecordedCall call(__NR_fstat, {3, address_a});
  call.out(address_a, status);
  CHECK(call.text(parsed({"-v"}))
            .find("fstat(3, {st_dev=makedev(0x8, 0x1), st_ino=5, st_mode=S_IFREG|0644, "
                  "st_nlink=1, st_uid=0, st_gid=0, st_blksize=0, st_blocks=0, st_size=0, "
                  "st_atime=0 /* ") == 0);
}

TEST_CASE("-e raw and -e verbose leave calls undecoded") {
  CHECK(opened("/x", 3).text(parsed({"-e", "raw=openat"})) ==
        "openat(0xffffffffffffff9c, 0x7ffd00001000, 0x80000, 0) = 0x3");
  struct stat status {};
  RecordedCall call(__NR_fstat, {3, address_a});
  call.out(address_a, status);
  CHECK(call.text(parsed({"-e", "verbose=!fstat"})) == "fstat(3, 0x7ffd00001000) = 0");
}

TEST_CASE("the column of results can be moved") {
  const Event call{.tid = Tid(5), .nr = __NR_getpid, .result = 5};
  CHECK(lines_of({&call}, parsed({"-a", "12"})) == "getpid()    = 5\n");
}

TEST_CASE("calls are selected by how they ended") {
  RecordedCall good = opened("/x", 3);
  RecordedCall bad = opened("/y", -2);
  RecordedCall cut(__NR_read, {3, address_a, 8});
  cut.flags(event_no_result);
  const auto lines = [&](std::vector<std::string> words) {
    return lines_of({&good.event(), &bad.event(), &cut.event()}, parsed(std::move(words)));
  };
  CHECK(lines({"-z"}).find("/y") == std::string::npos);
  CHECK(lines({"-z"}).find("/x") != std::string::npos);
  CHECK(lines({"-Z"}).find("/x") == std::string::npos);
  CHECK(lines({"-Z"}).find("/y") != std::string::npos);
  CHECK(lines({"-e", "status=unfinished"}).find("openat") == std::string::npos);
  CHECK(lines({"-e", "status=unfinished"}).find("read(3") != std::string::npos);
  CHECK_THROWS_AS(parsed({"-z", "-Z"}), Error);
}

TEST_CASE("data is dumped as strace dumps it") {
  RecordedCall call(__NR_write, {1, address_a, 18});
  call.in(address_a, std::string("hello, world\n\1\2\3ab")).result(18);
  CHECK(lines_of({&call.event()}, parsed({"-e", "write=1"})) ==
        "write(1, \"hello, world\\n\\1\\2\\3ab\", 18)  = 18\n"
        " | 00000  68 65 6c 6c 6f 2c 20 77  6f 72 6c 64 0a 01 02 03  hello, world.... |\n"
        " | 00010  61 62                                             ab               |\n");
  CHECK(lines_of({&call.event()}, parsed({"-e", "write=2"})).find(" | ") == std::string::npos);
}

TEST_CASE("dumped data that the recorder cut off is told") {
  RecordedCall call(__NR_write, {1, address_a, 10});
  call.in(address_a, std::string("ab"), 10).result(10);
  CHECK(lines_of({&call.event()}, parsed({"-e", "write=1"})).find(" * 8 more bytes were not recorded\n") !=
        std::string::npos);
}

TEST_CASE("descriptors have their paths with -y") {
  Extra extra;
  extra.pid = Pid(100);
  const Event start{.tid = Tid(100), .kind = EventKind::start, .extra = &extra};
  RecordedCall open = opened("/etc/a<b", 3);
  RecordedCall close(__NR_close, {3});
  CHECK(lines_of({&start, &open.event(), &close.event()}, parsed({"-y", "-a", "0"})) ==
        "openat(AT_FDCWD, \"/etc/a<b\", O_RDONLY|O_CLOEXEC) = 3</etc/a\\74b>\n"
        "close(3</etc/a\\74b>) = 0\n");
}

TEST_CASE("sockets have their protocol and addresses with -yy") {
  Extra extra;
  extra.pid = Pid(100);
  const Event start{.tid = Tid(100), .kind = EventKind::start, .extra = &extra};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(80);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  RecordedCall socket(__NR_socket, {AF_INET, SOCK_STREAM, 0});
  socket.result(3);
  RecordedCall connect(__NR_connect, {3, address_a, sizeof address});
  connect.in(address_a, address).argument(1);
  RecordedCall shut(__NR_shutdown, {3, 2});
  const std::string lines =
      lines_of({&start, &socket.event(), &connect.event(), &shut.event()}, parsed({"-yy", "-a", "0"}));
  CHECK(lines.find(" = 3<TCP:[1]>\n") != std::string::npos);
  CHECK(lines.find("connect(3<TCP:[1]>, ") != std::string::npos);
  CHECK(lines.find("shutdown(3<TCP:[?->127.0.0.1:80]>, SHUT_RDWR) = 0\n") != std::string::npos);
  RecordedCall null = opened("/dev/null", 4);
  CHECK(lines_of({&start, &null.event()}, parsed({"-yy"})).find("= 4</dev/null<char 1:3>>\n") !=
        std::string::npos);
}

TEST_CASE("-P keeps what names a path or a descriptor of it") {
  Extra extra;
  extra.pid = Pid(100);
  const Event start{.tid = Tid(100), .kind = EventKind::start, .extra = &extra};
  RecordedCall wanted = opened("/etc/x", 3);
  RecordedCall other = opened("/etc/y", 4);
  RecordedCall close(__NR_close, {3});
  RecordedCall close_other(__NR_close, {4});
  const std::string lines =
      lines_of({&start, &wanted.event(), &other.event(), &close.event(), &close_other.event()},
               parsed({"-P", "/etc/x"}));
  CHECK(lines.find("/etc/x") != std::string::npos);
  CHECK(lines.find("close(3)") != std::string::npos);
  CHECK(lines.find("/etc/y") == std::string::npos);
  CHECK(lines.find("close(4)") == std::string::npos);
}

TEST_CASE("processes have their names with --decode-pids=comm") {
  Extra extra;
  extra.pid = Pid(100);
  extra.text = "/usr/bin/bash";
  const Event start{.tid = Tid(100), .kind = EventKind::start, .extra = &extra};
  Event exec{.tid = Tid(100), .kind = EventKind::exec, .nr = __NR_execve, .extra = &extra};
  RecordedCall kill(__NR_kill, {100, 0});
  CHECK(lines_of({&start, &exec, &kill.event()}, parsed({"--decode-pids=comm"})).find("kill(100<bash>, 0)") !=
        std::string::npos);
}

TEST_CASE("short calls can be left out") {
  const Event quick{.tid = Tid(5), .nr = __NR_getpid, .enter_ns = 0, .leave_ns = 999};
  const Event slow{.tid = Tid(5), .nr = __NR_getppid, .enter_ns = 0, .leave_ns = 1000};
  CHECK(lines_of({&quick, &slow}, parsed({"--duration-min", "1us"})).find("getpid") == std::string::npos);
  CHECK(lines_of({&quick, &slow}, parsed({"--duration-min", "1us"})).find("getppid") != std::string::npos);
}

TEST_CASE("times and ranges are read, or refused in one line") {
  CHECK(parsed({"--since", "1.5"}).selection.since_ns == 1'500'000'000);
  CHECK(parsed({"--until", "20ms"}).selection.until_ns == 20'000'000);
  CHECK(parsed({"--until", "2m"}).selection.until_ns == 120'000'000'000);
  CHECK_THROWS_AS(parsed({"--since", "soon"}), Error);
  CHECK_THROWS_AS(parsed({"--since", "-1"}), Error);
  CHECK(parsed({"--events", "5-9"}).selection.first_event == 5);
  CHECK(parsed({"--events", "5-9"}).selection.last_event == 9);
  CHECK(parsed({"--events", "7"}).selection.last_event == 7);
  CHECK(parsed({"--events=-9"}).selection.first_event == 0);
  CHECK_THROWS_AS(parsed({"--events", "9-5"}), Error);
  CHECK_THROWS_AS(parsed({"--events", "x"}), Error);
}

TEST_CASE("qualifiers that rec does not know are refused") {
  CHECK_THROWS_AS(parsed({"-e", "inject=read:error=EIO"}), Error);
  CHECK_THROWS_AS(parsed({"-e", "status=fine"}), Error);
  CHECK_THROWS_AS(parsed({"-e", "signal=NONSENSE"}), Error);
  CHECK_THROWS_AS(parsed({"-e", "read=x"}), Error);
  CHECK_THROWS_AS(parsed({"-e", "quiet=everything"}), Error);
}

TEST_CASE("signals are selected by name or number") {
  const DumpOptions options = parsed({"-e", "signal=INT,SIGTERM,9"});
  CHECK(options.signals.has(2));
  CHECK(options.signals.has(15));
  CHECK(options.signals.has(9));
  CHECK_FALSE(options.signals.has(17));
  CHECK(parsed({"-e", "signal=!CHLD"}).signals.has(2));
  CHECK_FALSE(parsed({"-e", "signal=!CHLD"}).signals.has(17));
}

TEST_CASE("calls are selected by regular expression") {
  CHECK(CallFilter("trace=/^get.id$").shows(__NR_getpid));
  CHECK_FALSE(CallFilter("trace=/^get.id$").shows(__NR_getppid));
  CHECK(CallFilter("trace=/stat,read").shows(__NR_newfstatat));
  CHECK_THROWS_AS(CallFilter("trace=/("), Error);
  CHECK(CallFilter("trace=openat@64").shows(__NR_openat));
}

TEST_CASE("a call is cut in two where another task's line comes between") {
  Extra first;
  first.pid = Pid(100);
  Extra second;
  second.pid = Pid(200);
  second.parent = Tid(100);
  const Event start{.tid = Tid(100), .kind = EventKind::start, .extra = &first};
  const Event child{.tid = Tid(200), .kind = EventKind::start, .extra = &second};
  RecordedCall read(__NR_read, {3, address_a, 8});
  read.out(address_a, std::string("x")).result(1);
  const Event other{.tid = Tid(200), .nr = __NR_getpid, .result = 200};
  const DumpOptions options = parsed({"-q"});
  dump::Dumper dumper(options, TraceHeader{});
  dump::Text out;
  dumper.add(start, out);
  dumper.add(child, out);
  dumper.begin(read.event(), out);
  dumper.add(other, out);
  dumper.add(read.event(), out);
  CHECK(out.view() ==
        "[pid   100] read(3,  <unfinished ...>\n"
        "[pid   200] getpid()                    = 200\n"
        "[pid   100] <... read resumed>\"x\", 8)   = 1\n");
}

TEST_CASE("a call that nothing interrupts stays on one line") {
  RecordedCall read(__NR_read, {3, address_a, 8});
  read.out(address_a, std::string("x")).result(1);
  dump::Dumper dumper({}, TraceHeader{});
  dump::Text out;
  dumper.begin(read.event(), out);
  dumper.add(read.event(), out);
  CHECK(out.view() == "read(3, \"x\", 8)                         = 1\n");
}

TEST_CASE("lines in a file begin with the task's number") {
  const Event call{.tid = Tid(5), .nr = __NR_getpid, .result = 5};
  CHECK(lines_of({&call}, parsed({"-o", "file", "-a", "0"})) == "5     getpid() = 5\n");
}

TEST_CASE("JSON has raw and decoded values") {
  Extra extra;
  extra.pid = Pid(100);
  const Event start{.tid = Tid(100), .kind = EventKind::start, .extra = &extra};
  RecordedCall failed = opened("/x", -2);
  const Event exit{.tid = Tid(100), .kind = EventKind::exit, .result = 9};
  const std::string lines = lines_of({&start, &failed.event(), &exit}, parsed({"--format=json"}));
  CHECK(lines.find("{\"event\": 0, \"kind\": \"call\", \"tid\": 100, \"pid\": 100, \"enter_ns\": 0") !=
        std::string::npos);
  CHECK(lines.find("{\"name\": \"flags\", \"raw\": \"0x80000\", \"text\": \"O_RDONLY|O_CLOEXEC\"}") !=
        std::string::npos);
  CHECK(lines.find("\"result\": -2, \"result_text\": \"-1 ENOENT (No such file or directory)\", \"error\": "
                   "\"ENOENT\"") != std::string::npos);
  CHECK(lines.find("\"text\": \"openat(AT_FDCWD, \\\"/x\\\", O_RDONLY|O_CLOEXEC) = -1 ENOENT") !=
        std::string::npos);
  CHECK(lines.find("\"kind\": \"exit\", \"tid\": 100, \"pid\": 100, \"enter_ns\": 0, \"leave_ns\": 0, "
                   "\"killed_by\": \"SIGKILL\", \"core_dumped\": false}") != std::string::npos);
}

}  // namespace
}  // namespace rec::testing

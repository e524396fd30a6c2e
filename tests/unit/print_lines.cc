#include <asm/unistd.h>
#include <doctest/doctest.h>
#include <signal.h>

#include <cstring>

#include "format/base/error.h"
#include "print_support.h"
#include "tools/dump/filter.h"

namespace rec::testing {
namespace {

using dump::CallFilter;
using dump::DumpOptions;
using dump::TimeStamp;

struct Task {
  explicit Task(std::int32_t tid, std::int32_t pid = 0) {
    extra.pid = Pid(pid == 0 ? tid : pid);
    start.kind = EventKind::start;
    start.tid = Tid(tid);
    start.extra = &extra;
  }
  Extra extra;
  Event start;
};

Event getpid_by(std::int32_t tid, std::uint64_t enter_ns = 0, std::uint64_t leave_ns = 0) {
  return {.tid = Tid(tid), .nr = __NR_getpid, .result = tid, .enter_ns = enter_ns, .leave_ns = leave_ns};
}

Event exit_of(std::int32_t tid, std::int64_t status) {
  return {.tid = Tid(tid), .kind = EventKind::exit, .result = status};
}

struct Signal {
  Signal(int number, int code) {
    siginfo_t info{};
    info.si_signo = number;
    info.si_code = code;
    info.si_pid = 7;
    info.si_uid = 8;
    extra.siginfo.resize(sizeof info);
    std::memcpy(extra.siginfo.data(), &info, sizeof info);
    event = {.tid = Tid(100), .kind = EventKind::signal, .nr = number, .extra = &extra};
  }
  Extra extra;
  Event event;
};

TEST_CASE("the result stands in column 40, or after one space") {
  const Event call = getpid_by(5);
  CHECK(lines_of({&call}) == "getpid()                                = 5\n");
  RecordedCall long_call(__NR_chdir, {address_a});
  long_call.in(address_a, c_string("/a/path/that/is/longer/than/the/column"));
  CHECK(lines_of({&long_call.event()}) == "chdir(\"/a/path/that/is/longer/than/the/column\") = 0\n");
}

TEST_CASE("lines name their task only while there is more than one") {
  const Task first(1000);
  const Task second(20000);
  const Event a = getpid_by(1000);
  const Event b = getpid_by(20000);
  const Event gone = exit_of(20000, 0);
  CHECK(lines_of({&first.start, &a, &second.start, &a, &b, &gone, &a}) ==
        "getpid()                                = 1000\n"
        "[pid  1000] getpid()                    = 1000\n"
        "[pid 20000] getpid()                    = 20000\n"
        "[pid 20000] +++ exited with 0 +++\n"
        "getpid()                                = 1000\n");
}

TEST_CASE("a task's end tells its status or its signal") {
  const Event seven = exit_of(5, 7 << 8);
  const Event segv = exit_of(5, SIGSEGV | 0x80);
  const Event term = exit_of(5, SIGTERM);
  CHECK(lines_of({&seven}) == "+++ exited with 7 +++\n");
  CHECK(lines_of({&segv}) == "+++ killed by SIGSEGV (core dumped) +++\n");
  CHECK(lines_of({&term}) == "+++ killed by SIGTERM +++\n");
}

TEST_CASE("signals and stops have lines of their own") {
  const Signal user(SIGTSTP, SI_USER);
  CHECK(lines_of({&user.event}) ==
        "--- SIGTSTP {si_signo=SIGTSTP, si_code=SI_USER, si_pid=7, si_uid=8} ---\n");
  const Event stop{.tid = Tid(5), .kind = EventKind::stop, .nr = SIGTSTP};
  const Event resume{.tid = Tid(5), .kind = EventKind::stop, .nr = 0};
  CHECK(lines_of({&stop, &resume}) == "--- stopped by SIGTSTP ---\n");
}

TEST_CASE("a signal without its siginfo is still shown") {
  const Event signal{.tid = Tid(5), .kind = EventKind::signal, .nr = SIGINT};
  CHECK(lines_of({&signal}) == "--- SIGINT ---\n");
}

TEST_CASE("notes are remarks of rec, not of strace") {
  Extra extra;
  extra.text = "something is missing";
  const Event note{.kind = EventKind::note, .extra = &extra};
  CHECK(lines_of({&note}) == "rec: note: something is missing\n");
}

TEST_CASE("trapped instructions are printed on request only") {
  const Event rdtsc{.tid = Tid(5), .kind = EventKind::trap, .nr = 0, .args = {0x10, 0, 0, 0x2}, .result = 2};
  CHECK(lines_of({&rdtsc}).empty());
  CHECK(lines_of({&rdtsc}, {.traps = true}) == "rdtsc()                                 = 0x200000010\n");
}

TEST_CASE("an execve by another thread says that it takes the leader's place") {
  const Task leader(10);
  const Task thread(11, 10);
  Extra extra;
  extra.pid = Pid(10);
  extra.former_tid = Tid(11);
  const Event exec{.tid = Tid(10), .kind = EventKind::exec, .nr = __NR_execve, .extra = &extra};
  const std::string lines = lines_of({&leader.start, &thread.start, &exec});
  CHECK(lines.find("[pid    10] +++ superseded by execve in pid 11 +++\nexecve(") == 0);
}

TEST_CASE("a call that its task did not live to see the end of is unfinished") {
  CHECK(RecordedCall(__NR_read, {3, address_a, 8}).flags(event_no_result).text() ==
        "read(3,  <unfinished ...>) = ?");
  CHECK(RecordedCall(__NR_exit_group, {3}).flags(event_no_result).text() == "exit_group(3) = ?");
}

TEST_CASE("time stamps are as wide as strace's") {
  const Event first = getpid_by(5, 1'000'000'000, 0);
  const Event second = getpid_by(5, 3'000'134'999, 0);
  CHECK(lines_of({&first, &second}, {.time_stamp = TimeStamp::relative}) ==
        "     0.000000 getpid()                  = 5\n"
        "     2.000134 getpid()                  = 5\n");
  CHECK(lines_of({&second}, {.time_stamp = TimeStamp::epoch_micros}) ==
        "3.000134 getpid()                       = 5\n");
}

TEST_CASE("a line whose call began before the line above is not relative to the future") {
  const Event late = getpid_by(5, 2'000'000'000, 0);
  const Event early = getpid_by(6, 1'000'000'000, 0);
  const Event next = getpid_by(5, 2'500'000'000, 0);
  const std::string lines = lines_of({&late, &early, &next}, {.time_stamp = TimeStamp::relative});
  CHECK(lines.find("     0.500000 ") != std::string::npos);
  CHECK(lines.find("     0.000000 ") != std::string::npos);
}

TEST_CASE("the duration of a call comes last") {
  const Event call = getpid_by(5, 1'000, 1'234'567'000);
  CHECK(lines_of({&call}, {.durations = true}) == "getpid()                                = 5 <1.234566>\n");
}

TEST_CASE("a process is selected with all its threads, a thread alone") {
  const Task leader(10);
  const Task thread(11, 10);
  const Task other(12);
  const Event a = getpid_by(10);
  const Event b = getpid_by(11);
  const Event c = getpid_by(12);
  const std::vector<const Event*> events = {&leader.start, &thread.start, &other.start, &a, &b, &c};
  const std::string process = lines_of(events, {.selection = {.pid = 10}});
  CHECK(process.find("pid    10") != std::string::npos);
  CHECK(process.find("pid    11") != std::string::npos);
  CHECK(process.find("pid    12") == std::string::npos);
  const std::string one = lines_of(events, {.selection = {.pid = 11}});
  CHECK(one.find("pid    10") == std::string::npos);
  CHECK(one.find("pid    11") != std::string::npos);
}

TEST_CASE("filtered calls make no line, signals and ends stay") {
  const Event call = getpid_by(5);
  const Event end = exit_of(5, 0);
  CHECK(lines_of({&call, &end}, {.calls = CallFilter("trace=read")}) == "+++ exited with 0 +++\n");
}

TEST_CASE("a filter takes names, classes, negation and all") {
  CHECK(CallFilter("trace=read,write").shows(__NR_write));
  CHECK_FALSE(CallFilter("trace=read,write").shows(__NR_openat));
  CHECK(CallFilter("t=%file").shows(__NR_openat));
  CHECK(CallFilter("file").shows(__NR_openat));
  CHECK_FALSE(CallFilter("%file").shows(__NR_read));
  CHECK_FALSE(CallFilter("trace=!%file").shows(__NR_openat));
  CHECK(CallFilter("trace=!%file").shows(__NR_read));
  CHECK(CallFilter("all").shows(__NR_read));
  CHECK_FALSE(CallFilter("none").shows(__NR_read));
  CHECK(CallFilter("!none").shows(__NR_read));
  CHECK(CallFilter("%%stat").shows(__NR_fstat));
  CHECK(CallFilter("?nosuchcall,read").shows(__NR_read));
  CHECK(CallFilter().shows(999));
  CHECK(CallFilter("all").shows(999));
  CHECK_FALSE(CallFilter("read").shows(999));
}

TEST_CASE("a filter with an unknown name is an error that names it") {
  CHECK_THROWS_WITH_AS(CallFilter("trace=reed"), "‘reed’ is not a system call", Error);
  CHECK_THROWS_AS(CallFilter("%nonsense"), Error);
  CHECK_THROWS_AS(CallFilter("signal=SIGINT"), Error);
}

}  // namespace
}  // namespace rec::testing

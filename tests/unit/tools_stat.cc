#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cmath>

#include "format/base/error.h"
#include "format/syscalls/table.h"
#include "tests/unit/tools_events.h"
#include "tools/stat/report.h"

namespace rec::testing {
namespace {

using stat::By;
using stat::Column;
using stat::Distribution;
using stat::Options;

stat::Result count(const Options& options, const std::vector<OwnedEvent>& events) {
  TraceHeader header;
  header.working_directory = "/w";
  stat::Statistics statistics(options, header);
  feed(statistics, events);
  return statistics.result();
}

const stat::Row& row(const stat::Group& group, const std::string& name) {
  for (const stat::Row& candidate : group.rows) {
    if (candidate.name == name) return candidate;
  }
  FAIL("no row ", name);
  return group.rows.front();
}

std::vector<OwnedEvent> small_trace() {
  return {start_event(10, 10, 0),
          with_string(call_event(10, SYS_openat, {~99ULL, 0, 0}, 3, 2000), 1, "data"),
          with_string(call_event(10, SYS_openat, {~99ULL, 0, 0}, -ENOENT, 4000), 1, "none"),
          call_event(10, SYS_read, {3, 0x1000, 100}, 100, 10'000),
          call_event(10, SYS_read, {3, 0x1000, 100}, 20, 30'000),
          call_event(10, SYS_read, {3, 0x1000, 100}, -EAGAIN, 20'000),
          call_event(10, SYS_write, {1, 0x1000, 7}, 7, 34'000),
          call_event(10, SYS_close, {3}, 0)};
}

TEST_CASE("percentiles, mean and deviation are exact") {
  Distribution distribution;
  for (std::uint64_t i = 1; i <= 1000; ++i) distribution.add(1001 - i);
  const Distribution::Summary summary = distribution.summary();
  CHECK(summary.count == 1000);
  CHECK(summary.total == 500'500);
  CHECK(summary.min == 1);
  CHECK(summary.max == 1000);
  CHECK(summary.p50 == 500);
  CHECK(summary.p95 == 950);
  CHECK(summary.p99 == 990);
  CHECK(summary.mean == doctest::Approx(500.5));
  CHECK(summary.deviation == doctest::Approx(std::sqrt(1000.0 * 1001 / 12)));
}

TEST_CASE("few values have percentiles, too; none have zeros") {
  Distribution one;
  one.add(7);
  CHECK(one.summary().p50 == 7);
  CHECK(one.summary().p99 == 7);
  CHECK(one.summary().deviation == 0);
  Distribution two;
  two.add(9);
  two.add(3);
  CHECK(two.summary().p50 == 3);
  CHECK(two.summary().p95 == 9);
  CHECK(Distribution().summary().count == 0);
  CHECK(Distribution().summary().p99 == 0);
}

TEST_CASE("a great many values are counted as exactly as a few, in any order and in parts") {
  Distribution left;
  Distribution right;
  constexpr std::uint64_t values = 50'021;  // a prime, so that the steps below meet each residue
  for (std::uint64_t i = 0; i < 3 * values; ++i) (i % 2 == 0 ? left : right).add(i * 7919 % values);
  left.add(right);
  const Distribution::Summary summary = left.summary();
  CHECK(summary.count == 3 * values);
  CHECK(summary.min == 0);
  CHECK(summary.max == values - 1);
  CHECK(summary.total == 3 * (values * (values - 1) / 2));
  // Three of each value: rank r (from 1) is (r - 1) / 3.
  CHECK(summary.p50 == ((3 * values + 1) / 2 - 1) / 3);
  CHECK(summary.p99 == ((3 * values * 99 + 99) / 100 - 1) / 3);
}

TEST_CASE("calls, errors, times and bytes are counted by call") {
  const stat::Result result = count({}, small_trace());
  REQUIRE(result.groups.size() == 1);
  CHECK(result.events == 8);
  const stat::Group& all = result.groups[0];
  CHECK(all.rows.size() == 4);
  CHECK(row(all, "read").counts.calls == 3);
  CHECK(row(all, "read").counts.errors == 1);
  CHECK(row(all, "read").counts.read == 120);
  CHECK(row(all, "read").counts.errnos == std::vector<std::pair<std::int32_t, std::uint64_t>>{{EAGAIN, 1}});
  CHECK(row(all, "read").counts.times.summary().max == 30'000);
  CHECK(row(all, "write").counts.written == 7);
  CHECK(row(all, "openat").counts.errors == 1);
}

TEST_CASE("the table is strace -c's") {
  CHECK(stat::text_report(count({}, small_trace()), {}) ==
        "% time     seconds  usecs/call     calls    errors syscall\n"
        "------ ----------- ----------- --------- --------- ----------------\n"
        " 59.41    0.000060          20         3         1 read\n"
        " 33.66    0.000034          34         1           write\n"
        "  5.94    0.000006           3         2         1 openat\n"
        "  0.99    0.000001           1         1           close\n"
        "------ ----------- ----------- --------- --------- ----------------\n"
        "100.00    0.000101          14         7         2 total\n");
}

TEST_CASE("columns and their order can be chosen by strace's names") {
  Options options;
  options.columns = stat::columns_named("calls,syscall,longest,shortest,p95");
  options.sort = stat::sort_named("name");
  CHECK(stat::text_report(count(options, small_trace()), options) ==
        "    calls syscall           longest shortest p95 usecs\n"
        "--------- ---------------- -------- -------- ---------\n"
        "        1 close            0.000001 0.000001       1.0\n"
        "        2 openat           0.000004 0.000002       4.0\n"
        "        3 read             0.000030 0.000010      30.0\n"
        "        1 write            0.000034 0.000034      34.0\n"
        "--------- ---------------- -------- -------- ---------\n"
        "        7 total            0.000034 0.000001      34.0\n");
  CHECK(!stat::sort_named("none"));
  CHECK(stat::sort_named("time") == Column::total_time);
  CHECK(error_of([] { (void)stat::columns_named("calls,weight"); }).find("‘weight’") != std::string::npos);
}

TEST_CASE("a call that did not return is counted, but has no time") {
  OwnedEvent exit = call_event(10, SYS_exit_group, {0}, 0, 999);
  exit.fixed.flags = event_no_result;
  const stat::Result result = count({}, {start_event(10, 10, 0), exit});
  CHECK(row(result.groups[0], "exit_group").counts.calls == 1);
  CHECK(row(result.groups[0], "exit_group").counts.times.summary().count == 0);
}

TEST_CASE("threads are counted apart by task and together by process") {
  const std::vector<OwnedEvent> events = {start_event(10, 10, 0),
                                          call_event(10, SYS_getpid, {}, 10),
                                          start_event(11, 10, 10),
                                          call_event(11, SYS_getpid, {}, 10),
                                          start_event(12, 12, 10),
                                          call_event(12, SYS_getpid, {}, 12),
                                          exit_event(12),
                                          start_event(12, 12, 10),
                                          call_event(12, SYS_getpid, {}, 12)};
  Options options;
  options.by = By::task;
  const stat::Result tasks = count(options, events);
  REQUIRE(tasks.groups.size() == 4);  // the number 12 was given out twice
  CHECK(tasks.groups[1].tid == Tid(11));
  CHECK(tasks.groups[1].pid == Pid(10));
  options.by = By::process;
  const stat::Result processes = count(options, events);
  REQUIRE(processes.groups.size() == 3);
  CHECK(row(processes.groups[0], "getpid").counts.calls == 2);
  CHECK(processes.groups[0].tid == Tid{});
  CHECK(stat::text_report(processes, options)
            .starts_with("(process 10), 2 calls, 50.0% of the time in calls\n"));
}

TEST_CASE("by file, calls and bytes belong to what the descriptor refers to") {
  Options options;
  options.by = By::file;
  std::vector<OwnedEvent> events = small_trace();
  events.insert(events.end() - 1, call_event(10, SYS_sendfile, {1, 3, 0, 50}, 50));
  const stat::Result result = count(options, events);
  REQUIRE(result.groups.size() == 1);
  const stat::Counts& data = row(result.groups[0], "/w/data").counts;
  CHECK(data.calls == 5);  // openat, three reads, close
  CHECK(data.read == 170);
  CHECK(row(result.groups[0], "/w/none").counts.errors == 1);
  const stat::Counts& out = row(result.groups[0], "(descriptor 1, not opened in the trace)").counts;
  CHECK(out.calls == 2);
  CHECK(out.written == 57);
}

TEST_CASE("the table tells which calls move data through descriptors") {
  std::string readers;
  std::string writers;
  std::string copiers;
  for (const syscalls::Syscall& call : syscalls::all()) {
    const std::string name = std::string(call.name) + ' ';
    switch (stat::moves(call.nr)) {
      case stat::Moves::nothing:
        break;
      case stat::Moves::reads:
      case stat::Moves::reads_messages:
        readers += name;
        break;
      case stat::Moves::writes:
      case stat::Moves::writes_messages:
        writers += name;
        break;
      case stat::Moves::copies:
        copiers += name;
        break;
    }
  }
  CHECK(readers == "read pread64 readv recvfrom recvmsg mq_timedreceive preadv recvmmsg preadv2 ");
  CHECK(writers == "write pwrite64 writev sendto sendmsg mq_timedsend vmsplice pwritev sendmmsg pwritev2 ");
  CHECK(copiers == "sendfile splice tee copy_file_range ");
}

TEST_CASE("messages count with the lengths that the kernel gave them") {
  std::array<mmsghdr, 2> messages{};
  messages[0].msg_len = 30;
  messages[1].msg_len = 12;
  const OwnedEvent event = with_output(call_event(10, SYS_recvmmsg, {3, 0, 2}, 2), 1, messages);
  CHECK(row(count({}, {event}).groups[0], "recvmmsg").counts.read == 42);
}

TEST_CASE("the longest calls are kept as strace prints them, the longest first") {
  Options options;
  options.longest = 2;
  const stat::Result result = count(options, small_trace());
  REQUIRE(result.longest.size() == 2);
  CHECK(result.longest[0].event == EventNumber(6));
  CHECK(result.longest[0].duration_ns == 34'000);
  CHECK(result.longest[0].text.starts_with("write(1, "));
  CHECK(result.longest[1].event == EventNumber(4));
}

TEST_CASE("the errors table adds up all groups, the most frequent first") {
  Options options;
  options.by = By::process;
  options.errors = true;
  std::vector<OwnedEvent> events = small_trace();
  events.push_back(start_event(20, 20, 10));
  events.push_back(with_string(call_event(20, SYS_openat, {}, -ENOENT), 1, "x"));
  events.push_back(call_event(20, SYS_pause, {}, -514));
  const std::string text = stat::text_report(count(options, events), options);
  CHECK(
      text.ends_with("\n failures  error           of\n"
                     "        2  ENOENT          openat\n"
                     "        1  ERESTARTNOHAND  pause\n"
                     "        1  EAGAIN          read\n"));
}

TEST_CASE("JSON and CSV have every figure") {
  Options options;
  options.sort = stat::sort_named("calls");
  const stat::Result result = count(options, small_trace());
  const std::string json =
      stat::json_report(result, options, {.trace = "a\"b", .command = {"cat", "\xff"}, .is_complete = true});
  CHECK(json.find(R"("trace": "a\"b")") != std::string::npos);
  CHECK(json.find(R"("command": ["cat", "\\xff"])") != std::string::npos);
  CHECK(
      json.find(R"({"call": "read", "calls": 3, "errors": 1, "total_ns": 60000, "min_ns": 10000, )"
                R"("avg_ns": 20000, "max_ns": 30000, "stddev_ns": 10000, "p50_ns": 20000, "p95_ns": 30000, )"
                R"("p99_ns": 30000, "bytes_read": 120, "bytes_written": 0, "errnos": {"EAGAIN": 1}})") !=
      std::string::npos);
  CHECK(stat::csv_report(result, options)
            .starts_with(
                "pid,tid,command,call,calls,errors,total_ns,min_ns,avg_ns,max_ns,stddev_ns,p50_ns,p95_ns,"
                "p99_ns,bytes_read,bytes_written,errnos\n"
                ",,,read,3,1,60000,10000,20000,30000,10000,20000,30000,30000,120,0,EAGAIN:1\n"));
}

}  // namespace
}  // namespace rec::testing

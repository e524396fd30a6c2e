#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "format/syscalls/table.h"
#include "tests/unit/tools_events.h"
#include "tools/coverage/facts.h"
#include "tools/coverage/report.h"

namespace rec::testing {
namespace {

using coverage::Covered;

Covered cover(const std::vector<OwnedEvent>& events, bool by_process = false) {
  coverage::Survey survey(by_process, TraceHeader{});
  feed(survey, events);
  return {.trace = "t.rec",
          .command = {"prog", "<&|>"},
          .is_complete = true,
          .usages = survey.usages(),
          .events = survey.events()};
}

constexpr auto negative_at_fdcwd = static_cast<std::uint64_t>(AT_FDCWD);

std::vector<OwnedEvent> small_trace() {
  OwnedEvent denied = call_event(1, SYS_rseq, {}, -ENOSYS);
  denied.fixed.flags = event_denied;
  OwnedEvent exit = call_event(1, SYS_exit_group, {}, 0);
  exit.fixed.flags = event_no_result;
  return {start_event(1, 1, 0),
          call_event(1, SYS_read, {}, 5),
          call_event(1, SYS_read, {}, -EAGAIN),
          call_event(1, SYS_read, {}, 0),
          call_event(1, SYS_epoll_create1, {}, 4),
          call_event(1, SYS_mmap, {}, 0x7f0000000000),
          call_event(1, SYS_keyctl, {}, -ENOSYS),
          denied,
          exit};
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST_CASE("calls are counted with each of their outcomes apart") {
  const coverage::Usage whole = cover(small_trace()).whole();
  const coverage::CallUse* read = whole.find(SYS_read);
  REQUIRE(read != nullptr);
  CHECK(read->count == 3);
  REQUIRE(read->outcomes.size() == 2);
  CHECK(read->outcomes[0].count == 2);
  CHECK(read->outcomes[1].error == EAGAIN);
  CHECK(read->outcomes[1].first == EventNumber(2));
  CHECK(outcome_name(whole.find(SYS_rseq)->outcomes[0]) == "ENOSYS by rec");
  CHECK(outcome_name(whole.find(SYS_exit_group)->outcomes[0]) == "no return");
  CHECK(whole.find(SYS_write) == nullptr);
  CHECK(coverage::error_paths(whole) == 2);  // EAGAIN and keyctl's ENOSYS; not what rec answered
}

TEST_CASE("the text is the published tables' with entry points and outcomes") {
  const Covered covered = cover(small_trace());
  CHECK(as_text(coverage_document(covered, false)) ==
        "Kernel coverage of prog '<&|>'\n"
        "\n"
        "8 system calls, 6 different ones, 2 error paths seen.\n"
        "\n"
        "System calls\n"
        "System call    Frequency  Subsystem      Entry point                   Outcomes\n"
        "read                   3  Filesystem     fs/read_write.c               ok 2, EAGAIN 1\n"
        "epoll_create1          1  Filesystem     fs/eventpoll.c                ok 1\n"
        "exit_group             1  Process Mgmt.  kernel/exit.c                 no return 1\n"
        "rseq                   1  Process Mgmt.  kernel/rseq.c                 ENOSYS by rec 1\n"
        "keyctl                 1  Keys           security/keys/keyctl.c        ENOSYS 1\n"
        "mmap                   1  Memory Mgmt.   arch/x86/kernel/sys_x86_64.c  ok 1\n"
        "\n"
        "Objects\n"
        "Object                   Calls  Failed  Served by  System calls\n"
        "not opened in the trace      4       1  -          read 3, mmap 1\n"
        "\n"
        "Subsystems\n"
        "Subsystem      Calls   Share  Different calls\n"
        "Filesystem         4  50.0 %         2 of 152\n"
        "Process Mgmt.      2  25.0 %          2 of 64\n"
        "Keys               1  12.5 %           1 of 3\n"
        "Memory Mgmt.       1  12.5 %          1 of 36\n"
        "\n"
        "Not exercised\n"
        "Whole subsystems: BPF, Block, Capability, Futex, IPC, Kexec, Module, Network, Perf events, "
        "Power/Reboot, "
        "Printk, Random, Scheduler, Security, Signal, Time, io_uring\n"
        "\n"
        "Kernel options required\n"
        "Option        For\n"
        "CONFIG_EPOLL  epoll_create1\n");
}

TEST_CASE("a program that did without a call does not require its kernel option") {
  const auto options = coverage::kernel_options(cover(small_trace()).whole());
  REQUIRE(options.size() == 1);
  CHECK(options[0].symbol == "CONFIG_EPOLL");
}

TEST_CASE("calls are told apart by what they work on") {
  std::vector<OwnedEvent> events = {start_event(1, 1, 0), call_event(1, SYS_socket, {2, 1, 0}, 3),
                                    call_event(1, SYS_read, {3}, 5), call_event(1, SYS_read, {3}, -EAGAIN)};
  events.push_back(with_output(call_event(1, SYS_pipe, {0}, 0), 0, std::array<std::int32_t, 2>{4, 5}));
  events.push_back(call_event(1, SYS_read, {4}, 1));
  events.push_back(
      with_string(call_event(1, SYS_openat, {negative_at_fdcwd, 0, 0}, 6), 1, "/proc/self/stat"));
  events.push_back(call_event(1, SYS_read, {6}, 1));
  events.push_back(call_event(1, SYS_close, {6}, 0));
  const coverage::Usage whole = cover(events).whole();
  const auto on = [&](std::int32_t nr, ObjectKind kind) {
    return whole.find(nr)->objects[static_cast<std::size_t>(kind)].count;
  };
  CHECK(on(SYS_read, ObjectKind::tcp) == 2);
  CHECK(on(SYS_read, ObjectKind::pipe) == 1);
  CHECK(on(SYS_read, ObjectKind::proc) == 1);
  CHECK(on(SYS_openat, ObjectKind::proc) == 1);
  CHECK(on(SYS_close, ObjectKind::proc) == 1);
  const auto totals = coverage::objects(whole);
  REQUIRE(totals.size() == 3);
  CHECK(totals[0].kind == ObjectKind::proc);
  CHECK(totals[1].kind == ObjectKind::tcp);
  CHECK(totals[1].failures == 1);
  const auto options = coverage::kernel_options(whole);
  CHECK(std::ranges::any_of(options, [](const auto& option) { return option.symbol == "CONFIG_INET"; }));
  CHECK(std::ranges::any_of(options, [](const auto& option) { return option.symbol == "CONFIG_PROC_FS"; }));
}

TEST_CASE("errors that arguments allow for and that were not seen are named") {
  const auto unseen = coverage::unseen_errors(
      cover({start_event(1, 1, 0), call_event(1, SYS_read, {3}, -EAGAIN), call_event(1, SYS_getpid, {}, 1)})
          .whole());
  REQUIRE(unseen.size() == 1);  // nothing can go wrong in getpid
  CHECK(unseen[0].call == "read");
  CHECK(unseen[0].errors == std::vector<std::string>{"EBADF", "EFAULT", "EINTR"});
}

TEST_CASE("what was not exercised is named when asked for") {
  const std::string text = as_text(coverage_document(cover(small_trace()), true));
  CHECK(has(text, "add_key request_key\n"));
  CHECK(!has(text, "add_key request_key keyctl"));
}

TEST_CASE("subsystems are those of the published tables") {
  std::ifstream tables(REC_TEST_DATA "/../../golden/subsystem_tables.tsv");
  REQUIRE(tables.is_open());
  std::size_t rows = 0;
  for (std::string line; std::getline(tables, line);) {
    if (line.starts_with('#') || line.starts_with("workload")) continue;
    const std::size_t first = line.find('\t');
    const std::size_t second = line.find('\t', first + 1);
    const std::string call = line.substr(first + 1, second - first - 1);
    const syscalls::Syscall* entry = syscalls::find(std::string_view(call));
    CAPTURE(call);
    REQUIRE(entry != nullptr);
    // The tables have wait4 under Time; its entry point is in kernel/exit.c.
    const std::string published = call == "wait4" ? "Process Mgmt." : line.substr(second + 1);
    CHECK(coverage::facts_of(entry->nr).subsystem == published);
    ++rows;
  }
  CHECK(rows == 116);
}

TEST_CASE("a number that the table does not have is shown, not lost") {
  const Covered covered = cover({start_event(1, 1, 0), call_event(1, 2000, {}, -ENOSYS)});
  CHECK(has(as_text(coverage_document(covered, false)),
            "syscall_0x7d0          1  unknown    -            ENOSYS 1\n"));
}

TEST_CASE("processes have tables of their own, and a sum") {
  const Covered covered =
      cover({start_event(1, 1, 0), call_event(1, SYS_read, {}, 1), start_event(2, 1, 1), start_event(3, 3, 1),
             call_event(2, SYS_read, {}, 1), call_event(3, SYS_write, {}, 1)},
            true);
  REQUIRE(covered.usages.size() == 2);
  CHECK(covered.usages[0].find(SYS_read)->count == 2);
  CHECK(covered.usages[1].pid == Pid(3));
  CHECK(covered.whole().count() == 3);
  CHECK(has(as_text(coverage_document(covered, false)), "\nProcess 3: \n"));
}

TEST_CASE("Markdown and HTML cannot be broken by a trace's strings") {
  const auto document = coverage_document(cover(small_trace()), false);
  const std::string markdown = as_markdown(document);
  CHECK(has(markdown, "# Kernel coverage of prog '\\<\\&\\|\\>'\n"));
  CHECK(has(markdown,
            "| System call | Frequency | Subsystem | Entry point | Outcomes |\n|---|---:|---|---|---|\n"
            "| read | 3 | Filesystem | fs/read\\_write.c | ok 2, EAGAIN 1 |\n"));
  const std::string html = as_html(document);
  CHECK(has(html, "<h1>Kernel coverage of prog '&lt;&amp;|&gt;'</h1>"));
  CHECK(!has(html, "<&|>"));
  CHECK(has(html, "<td>read</td><td class=\"n\">3</td><td>Filesystem</td><td>fs/read_write.c</td>"));
}

TEST_CASE("the HTML page needs nothing else, and shows the subsystems as bars") {
  const std::string html = as_html(coverage_document(cover(small_trace()), false));
  CHECK(!has(html, "<script"));
  CHECK(!has(html, "<link"));
  CHECK(!has(html, "src="));
  CHECK(html.size() < 20'000);
  CHECK(has(html, "<svg "));
  // Four subsystems; the widest bar is the longest one's.
  CHECK(std::count(html.begin(), html.end(), '\n') > 0);
  CHECK(has(html, "width=\"420.0\" height=\"18\" rx=\"2\"/><text x=\"578.0\" y=\"17\">50.0 % (4)</text>"));
  CHECK(has(html, "width=\"210.0\""));
}

TEST_CASE("JSON has outcomes, subsystems with what they miss, and options") {
  const std::string json = coverage_json(cover(small_trace()));
  CHECK(has(json,
            R"({"call": "read", "nr": 0, "frequency": 3, "subsystem": "Filesystem", )"
            R"("entry": "fs/read_write.c", "outcomes": [{"outcome": "ok", "count": 2, "first_event": 1}, )"
            R"({"outcome": "EAGAIN", "count": 1, "first_event": 2}], )"
            R"("objects": {"not opened in the trace": 3}})"));
  CHECK(has(json, R"({"subsystem": "Keys", "calls": 1, "share_percent": 12.5, "exercised": 1, )"
                  R"("not_exercised": ["add_key", "request_key"]})"));
  CHECK(has(json, R"({"symbol": "CONFIG_EPOLL", "calls": ["epoll_create1"]})"));
}

TEST_CASE("a difference names calls, outcomes and options that one trace alone has") {
  std::vector<OwnedEvent> fewer = small_trace();
  fewer.erase(fewer.begin() + 4);  // epoll_create1
  fewer.erase(fewer.begin() + 2);  // the read that failed
  fewer.push_back(call_event(1, SYS_write, {}, 1));
  const Covered a = cover(small_trace());
  const Covered b = cover(fewer);
  const std::string text = as_text(diff_document(a, b));
  CHECK(has(text,
            "System calls that differ\n"
            "System call    A  B     Change  Subsystem   Entry point      Outcomes in one only\n"
            "read           3  2         -1  Filesystem  fs/read_write.c  A: EAGAIN\n"
            "epoll_create1  1  0  only in A  Filesystem  fs/eventpoll.c   A: ok\n"
            "write          0  1  only in B  Filesystem  fs/read_write.c  B: ok\n"
            "\n"
            "Kernel options\n"
            "Only A requires CONFIG_EPOLL\n"));
  CHECK(has(diff_json(a, b), R"("kernel_options_only_in_a": ["CONFIG_EPOLL"])"));
  CHECK(has(as_text(diff_document(a, a)), "None: the same calls"));
}

}  // namespace
}  // namespace rec::testing

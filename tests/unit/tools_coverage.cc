#include <doctest/doctest.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>

#include "tests/unit/tools_events.h"
#include "tools/coverage/facts.h"
#include "tools/coverage/report.h"

namespace rec::testing {
namespace {

using coverage::Covered;

Covered cover(const std::vector<OwnedEvent>& events, bool by_process = false) {
  coverage::Survey survey(by_process);
  feed(survey, events);
  return {.trace = "t.rec",
          .command = {"prog", "<&|>"},
          .is_complete = true,
          .usages = survey.usages(),
          .events = survey.events()};
}

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

TEST_CASE("what was not exercised is named when asked for") {
  const std::string text = as_text(coverage_document(cover(small_trace()), true));
  CHECK(has(text, "add_key request_key\n"));
  CHECK(!has(text, "add_key request_key keyctl"));
}

// Names as in "Discovering Linux kernel subsystems used by a workload" (ELISA).
TEST_CASE("subsystems are those of the published tables") {
  const std::vector<std::pair<std::int32_t, std::string>> published = {
      {SYS_getppid, "Process Mgmt."},      {SYS_clone, "Process Mgmt."},
      {SYS_write, "Filesystem"},           {SYS_pipe, "Filesystem"},
      {SYS_execve, "Filesystem"},          {SYS_mprotect, "Memory Mgmt."},
      {SYS_set_mempolicy, "Memory Mgmt."}, {SYS_futex, "Futex"},
      {SYS_set_robust_list, "Futex"},      {SYS_sched_getaffinity, "Scheduler"},
      {SYS_socketpair, "Network"},         {SYS_rt_sigaction, "Signal"},
      {SYS_clock_nanosleep, "Time"},       {SYS_alarm, "Time"},
      {SYS_capget, "Capability"}};
  for (const auto& [nr, subsystem] : published) {
    CAPTURE(nr);
    CHECK(coverage::facts_of(nr).subsystem == subsystem);
  }
  // The tables have it under Time; its entry point is in kernel/exit.c.
  CHECK(coverage::facts_of(SYS_wait4).subsystem == "Process Mgmt.");
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
            R"({"outcome": "EAGAIN", "count": 1, "first_event": 2}]})"));
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

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>

#include "tools/doctor.h"

namespace rec::test {
namespace {

using Level = Finding::Level;

Machine best_machine() {
  Machine machine;
  machine.kernel = "6.12.3";
  machine.yama_scope = 1;
  machine.counter_traps = true;
  machine.cpuid_faults = true;
  machine.asynchronous_protection = true;
  machine.pagemap_scan = true;
  machine.soft_dirty = true;
  machine.directory = "/somewhere";
  machine.free_bytes = std::uint64_t{100} << 30;
  return machine;
}

Finding finding_of(const Machine& machine, const std::string& subject) {
  for (const Finding& finding : judge(machine)) {
    if (finding.subject == subject) return finding;
  }
  FAIL("no finding about ", subject);
  return {};
}

void check_fault(const Machine& machine, const std::string& subject, const std::string& advice) {
  const Finding finding = finding_of(machine, subject);
  CHECK(finding.level == Level::fault);
  CHECK(finding.text.find(advice) != std::string::npos);
  CHECK_FALSE(is_healthy(judge(machine)));
}

void check_remark(const Machine& machine, const std::string& subject) {
  CHECK(finding_of(machine, subject).level == Level::remark);
  CHECK(is_healthy(judge(machine)));
}

}  // namespace

TEST_CASE("where everything works the doctor has only good to say") {
  const auto findings = judge(best_machine());
  CHECK(findings.size() == 12);
  CHECK(std::all_of(findings.begin(), findings.end(),
                    [](const Finding& one) { return one.level == Level::good; }));
}

TEST_CASE("what rec cannot do without is a fault, with advice") {
  Machine machine = best_machine();
  machine.ptrace_error = EPERM;
  check_fault(machine, "ptrace", "SYS_PTRACE");
  machine = best_machine();
  machine.filter_error = EINVAL;
  check_fault(machine, "seccomp", "CONFIG_SECCOMP_FILTER");
  machine = best_machine();
  machine.counter_traps = false;
  check_fault(machine, "PR_SET_TSC", "PR_SET_TSC");
  machine = best_machine();
  machine.directory_error = EACCES;
  check_fault(machine, "trace directory", "REC_TRACE_DIR");
  machine = best_machine();
  machine.free_bytes = 5;
  check_fault(machine, "trace directory", "REC_TRACE_DIR");
  machine.directory.clear();
  check_fault(machine, "trace directory", "REC_TRACE_DIR");
}

TEST_CASE("the kernel has to be 5.3 or newer") {
  Machine machine = best_machine();
  for (const char* release : {"5.3.0-1-amd64", "5.10.0", "6.1.0", "10.0"}) {
    machine.kernel = release;
    CHECK(finding_of(machine, "kernel").level == Level::good);
  }
  for (const char* release : {"5.2.21", "4.19.0", "3.10", ""}) {
    machine.kernel = release;
    check_fault(machine, "kernel", "5.3");
  }
}

TEST_CASE("yama's scope is a fault only where it keeps rec from tracing") {
  Machine machine = best_machine();
  for (const int scope : {0, 1}) {
    machine.yama_scope = scope;
    CHECK(finding_of(machine, "yama").level == Level::good);
  }
  machine.yama_scope = 2;
  check_remark(machine, "yama");
  machine.ptrace_error = EPERM;
  check_fault(machine, "yama", "kernel.yama.ptrace_scope=1");
  machine.yama_scope = 3;
  check_fault(machine, "yama", "next boot");
}

TEST_CASE("what only makes rec slower, or narrower, is a remark") {
  Machine machine = best_machine();
  machine.foreign_filter = true;
  check_remark(machine, "container filter");
  machine.filter_error = EPERM;
  check_remark(machine, "seccomp");
  machine = best_machine();
  machine.cpuid_faults = false;
  check_remark(machine, "cpuid faulting");
  machine.userfaultfd_error = EPERM;
  check_remark(machine, "userfaultfd");
  machine.pagemap_scan = false;
  check_remark(machine, "PAGEMAP_SCAN");
  machine.soft_dirty = false;
  check_remark(machine, "soft-dirty");
  machine.free_bytes = std::uint64_t{5} << 20;
  check_remark(machine, "trace directory");
}

TEST_CASE("absent performance counters are no reason for concern") {
  Machine machine = best_machine();
  machine.performance_counter_error = ENOENT;
  CHECK(finding_of(machine, "performance counters").level == Level::good);
}

}  // namespace rec::test

#include "tools/doctor.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "format/base/error.h"
#include "tools/commands.h"
#include "tools/display.h"
#include "tools/trace_store.h"

namespace rec {
namespace {

using Level = Finding::Level;

constexpr std::uint64_t little_space = std::uint64_t{1} << 30;
constexpr std::uint64_t no_space = std::uint64_t{1} << 20;  // less than the smallest recording

Finding judge_kernel(const Machine& machine) {
  int major = 0, minor = 0;
  (void)std::sscanf(machine.kernel.c_str(), "%d.%d", &major, &minor);
  if (major > 5 || (major == 5 && minor >= 3)) return {Level::good, "kernel", "Linux " + machine.kernel};
  return {Level::fault, "kernel",
          fmt::format("Linux {} is too old: rec needs PTRACE_GET_SYSCALL_INFO, which came with Linux 5.3",
                      machine.kernel)};
}

Finding judge_ptrace(const Machine& machine) {
  if (machine.ptrace_error == 0) return {Level::good, "ptrace", "a child can be traced"};
  return {
      Level::fault, "ptrace",
      fmt::format(
          "a child cannot be traced ({}): in a container allow ptrace (docker run --cap-add SYS_PTRACE, or "
          "another seccomp profile); see yama below",
          errno_text(machine.ptrace_error))};
}

Finding judge_yama(const Machine& machine) {
  if (!machine.yama_scope) return {Level::good, "yama", "not in this kernel: no restriction"};
  const std::string scope = fmt::format("kernel.yama.ptrace_scope is {}", *machine.yama_scope);
  if (*machine.yama_scope <= 1) return {Level::good, "yama", scope + ": own children may be traced"};
  if (machine.ptrace_error == 0) {
    return {Level::remark, "yama",
            scope + ": who has CAP_SYS_PTRACE, as you do, may trace; others could not use rec"};
  }
  if (*machine.yama_scope == 2) {
    return {Level::fault, "yama",
            scope + ": only root may trace; set it to 1 (sysctl kernel.yama.ptrace_scope=1)"};
  }
  return {Level::fault, "yama",
          scope + ": nobody may trace until the next boot; set it to 1 in /etc/sysctl.d"};
}

Finding judge_filter(const Machine& machine) {
  if (machine.filter_error == 0) return {Level::good, "seccomp", "rec's filter can be installed"};
  if (machine.foreign_filter) {
    return {Level::remark, "seccomp",
            fmt::format("rec's own filter cannot be installed ({}); under the filter that is in force rec "
                        "works without it, "
                        "with a stop for every call",
                        errno_text(machine.filter_error))};
  }
  return {Level::fault, "seccomp",
          fmt::format("rec's filter cannot be installed ({}): the kernel needs CONFIG_SECCOMP_FILTER",
                      errno_text(machine.filter_error))};
}

Finding judge_foreign_filter(const Machine& machine) {
  if (!machine.foreign_filter) return {Level::good, "container filter", "no seccomp filter is in force"};
  return {Level::remark, "container filter",
          "a seccomp filter is in force, as in a container: what it refuses, the recorded program is refused "
          "as well; a call that stops the program takes one stop more (docker run --security-opt "
          "seccomp=unconfined would save it)"};
}

Finding judge_counter(const Machine& machine) {
  if (machine.counter_traps) return {Level::good, "PR_SET_TSC", "rdtsc and rdtscp can be made to trap"};
  return {Level::fault, "PR_SET_TSC",
          "rdtsc cannot be made to trap: programs that read the time stamp counter would not replay; the "
          "kernel, or a "
          "filter, has to allow prctl(PR_SET_TSC)"};
}

Finding judge_cpuid(const Machine& machine) {
  if (machine.cpuid_faults) return {Level::good, "cpuid faulting", "cpuid can be made to trap anywhere"};
  return {Level::remark, "cpuid faulting",
          "not on this processor: cpuid is recorded where rec finds it in a program's code, which leaves out "
          "code generated "
          "into pages that are writable and executable at once; nothing to fix"};
}

Finding judge_userfaultfd(const Machine& machine) {
  if (machine.userfaultfd_error == 0 && machine.asynchronous_protection) {
    return {Level::good, "userfaultfd", "with WP_ASYNC: written pages can be found fast"};
  }
  const std::string what = machine.userfaultfd_error != 0
                               ? fmt::format("not available ({})", errno_text(machine.userfaultfd_error))
                               : std::string("without WP_ASYNC, which came with Linux 6.7");
  return {Level::remark, "userfaultfd",
          what + ": written pages have to be found another way, which takes longer; nothing to fix"};
}

Finding judge_scan(const Machine& machine) {
  if (machine.pagemap_scan) return {Level::good, "PAGEMAP_SCAN", "the kernel lists written pages"};
  return {Level::remark, "PAGEMAP_SCAN",
          "not in this kernel (Linux 6.7 has it): written pages are listed slower"};
}

Finding judge_soft_dirty(const Machine& machine) {
  if (machine.soft_dirty) return {Level::good, "soft-dirty", "the kernel marks written pages"};
  return {Level::remark, "soft-dirty",
          machine.asynchronous_protection && machine.pagemap_scan
              ? "not in this kernel: not needed, userfaultfd and PAGEMAP_SCAN do better"
              : "not in this kernel (CONFIG_MEM_SOFT_DIRTY): all writable pages have to be compared, which "
                "takes longer"};
}

Finding judge_performance_counter(const Machine& machine) {
  if (machine.performance_counter_error == 0) {
    return {Level::good, "performance counters", "there, and not needed"};
  }
  return {Level::good, "performance counters",
          fmt::format("not available ({}): rec does without", errno_text(machine.performance_counter_error))};
}

Finding judge_directory(const Machine& machine) {
  if (machine.directory.empty()) {
    return {Level::fault, "trace directory",
            "neither REC_TRACE_DIR nor HOME is set: set one, or use rec record -o FILE"};
  }
  const std::string where = printable(machine.directory);
  if (machine.directory_error != 0) {
    return {
        Level::fault, "trace directory",
        fmt::format(
            "{} cannot be written ({}): set REC_TRACE_DIR to a directory of yours, or use rec record -o FILE",
            where, errno_text(machine.directory_error))};
  }
  const std::string space = fmt::format("{}, {} free", where, human_size(machine.free_bytes));
  if (machine.free_bytes < no_space) {
    return {Level::fault, "trace directory", space + ": set REC_TRACE_DIR to a directory with space"};
  }
  if (machine.free_bytes >= little_space) return {Level::good, "trace directory", space};
  return {Level::remark, "trace directory",
          space + ": a long recording may fill it; REC_TRACE_DIR names another place"};
}

std::string_view word_for(Level level) {
  switch (level) {
    case Level::good:
      return "ok";
    case Level::remark:
      return "note";
    case Level::fault:
      return "FAULT";
  }
  return "?";
}

std::string directory_or_none() {
  try {
    return trace_directory();
  } catch (const Error&) {
    return "";
  }
}

void run(int* exit_status) {
  const std::vector<Finding> findings = judge(examine_machine(directory_or_none()));
  using enum Columns::Align;
  Columns columns({left, left, left});
  for (const Finding& finding : findings) {
    columns.add({std::string(word_for(finding.level)), finding.subject, finding.text});
  }
  const bool healthy = is_healthy(findings);
  (void)write_output(columns.text() + (healthy ? "rec can record and replay here.\n"
                                               : "rec cannot work here: see the lines marked FAULT.\n"));
  *exit_status = healthy ? 0 : 1;
}

}  // namespace

std::vector<Finding> judge(const Machine& machine) {
  return {judge_kernel(machine),
          judge_ptrace(machine),
          judge_yama(machine),
          judge_filter(machine),
          judge_foreign_filter(machine),
          judge_counter(machine),
          judge_cpuid(machine),
          judge_userfaultfd(machine),
          judge_scan(machine),
          judge_soft_dirty(machine),
          judge_performance_counter(machine),
          judge_directory(machine)};
}

bool is_healthy(const std::vector<Finding>& findings) {
  return std::none_of(findings.begin(), findings.end(),
                      [](const Finding& finding) { return finding.level == Level::fault; });
}

void add_doctor(CLI::App& app, int* exit_status) {
  app.add_subcommand("doctor", "Tell what of recording and replaying works on this machine")
      ->callback([exit_status] { run(exit_status); });
}

}  // namespace rec

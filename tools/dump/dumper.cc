#include "tools/dump/dumper.h"

#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "tools/dump/signals.h"

namespace rec::dump {
namespace {

constexpr std::size_t result_column = 40;  // where strace puts the "="
constexpr std::uint64_t ns_per_s = 1'000'000'000;
constexpr std::uint64_t ns_per_us = 1'000;

void pad_to(Text& out, std::size_t line_start, std::size_t column) {
  const std::size_t length = out.size() - line_start;
  for (std::size_t i = length; i < column; ++i) put(out, ' ');
}

// A call that strace sees no return of, and that is not about ending: cut off by its task's end.
bool is_cut_off(const Call& call) {
  const bool returns = call.entry == nullptr || call.entry->returns != syscalls::Returns::nothing;
  return !call.returned() && returns;
}

}  // namespace

Dumper::Dumper(const DumpOptions& options, const TraceHeader& header)
    : options_(options), start_realtime_ns_(header.start_realtime_ns) {
  if (!options_.calls.empty()) filter_ = CallFilter(options_.calls);
}

void Dumper::add(const Event& event, Text& out) {
  note_tasks(event);
  if (is_wanted(event)) put_event(event, out);
  note_tasks_gone(event);
}

bool Dumper::is_wanted(const Event& event) const {
  if (!options_.pid || event.kind == EventKind::note) return true;
  if (event.tid.value() == *options_.pid) return true;
  const auto task = tasks_.find(event.tid);
  return task != tasks_.end() && task->second.value() == *options_.pid;
}

void Dumper::note_tasks(const Event& event) {
  if (event.kind == EventKind::start && event.extra != nullptr) {
    tasks_[event.tid] = event.extra->pid;
  } else if (event.kind == EventKind::exec && event.extra != nullptr) {
    tasks_[event.tid] = event.extra->pid;
  }
}

void Dumper::note_tasks_gone(const Event& event) {
  if (event.kind == EventKind::exit) tasks_.erase(event.tid);
}

void Dumper::put_event(const Event& event, Text& out) {
  switch (event.kind) {
    case EventKind::exec:
      put_superseded_line(event, out);
      return put_call_line(event, out);
    case EventKind::call:
      return put_call_line(event, out);
    case EventKind::signal:
      return put_signal_line(event, out);
    case EventKind::stop:
      return put_stop_line(event, out);
    case EventKind::exit:
      return put_exit_line(event, out);
    case EventKind::trap:
      return put_trap_line(event, out);
    case EventKind::note:
      if (event.extra != nullptr) put_format(out, "rec: note: {}\n", event.extra->text);
      return;
    case EventKind::start:
    case EventKind::begin:
    case EventKind::merge:
    case EventKind::memory:
    case EventKind::agent:
    case EventKind::point:
      return;  // strace has no lines for these
  }
}

void Dumper::put_time(Text& out, std::uint64_t time_ns) {
  if (options_.time_stamp == TimeStamp::none) return;
  if (options_.time_stamp == TimeStamp::relative) {
    // Lines stand in the order of the calls' ends: the beginning of one may be before that of the line
    // before.
    const std::uint64_t since = any_line_ && time_ns > line_before_ns_ ? time_ns - line_before_ns_ : 0;
    line_before_ns_ = any_line_ ? std::max(line_before_ns_, time_ns) : time_ns;
    any_line_ = true;
    return put_format(out, "{:6}.{:06} ", since / ns_per_s, since % ns_per_s / ns_per_us);
  }
  const std::uint64_t real_ns = start_realtime_ns_ + time_ns;
  const auto seconds = static_cast<std::time_t>(real_ns / ns_per_s);
  const std::uint64_t micros = real_ns % ns_per_s / ns_per_us;
  if (options_.time_stamp == TimeStamp::epoch_micros) return put_format(out, "{}.{:06} ", seconds, micros);
  std::tm local{};
  (void)::localtime_r(&seconds, &local);
  put_format(out, "{:02}:{:02}:{:02}", local.tm_hour, local.tm_min, local.tm_sec);
  if (options_.time_stamp == TimeStamp::clock_micros) put_format(out, ".{:06}", micros);
  put(out, ' ');
}

std::size_t Dumper::begin_line(Text& out, Tid tid, std::uint64_t time_ns) {
  const std::size_t start = out.size();
  if (tasks_.size() > 1) put_format(out, "[pid {:5}] ", tid);
  put_time(out, time_ns);
  return start;
}

void Dumper::put_call_line(const Event& event, Text& out) {
  if (!filter_.shows(event.nr)) return;
  const Call call(event);
  const Writer writer{out, options_};
  const std::size_t start = begin_line(out, event.tid, event.enter_ns);
  const std::size_t known = put_call_begin(writer, call);
  if (is_cut_off(call)) {
    if (known > 0 && known < call.args.size()) put(out, ", ");
    put(out, " <unfinished ...>)");
  } else {
    put_call_end(writer, call, known);
  }
  put(out, ' ');
  pad_to(out, start, result_column);
  put(out, "= ");
  put_result(writer, call);
  if (options_.durations && call.returned()) {
    const std::uint64_t took = event.leave_ns > event.enter_ns ? event.leave_ns - event.enter_ns : 0;
    put_format(out, " <{}.{:06}>", took / ns_per_s, took % ns_per_s / ns_per_us);
  }
  put(out, '\n');
}

void Dumper::put_signal_line(const Event& event, Text& out) {
  begin_line(out, event.tid, event.leave_ns);
  put(out, "--- ");
  put_signal(out, event.nr);
  siginfo_t info{};
  if (event.extra != nullptr && event.extra->siginfo.size() == sizeof info) {
    std::memcpy(&info, event.extra->siginfo.data(), sizeof info);
    put(out, ' ');
    put_siginfo(out, info);
  }
  put(out, " ---\n");
}

void Dumper::put_stop_line(const Event& event, Text& out) {
  if (event.nr == 0) return;  // going on is announced by SIGCONT's own line
  begin_line(out, event.tid, event.leave_ns);
  put(out, "--- stopped by ");
  put_signal(out, event.nr);
  put(out, " ---\n");
}

void Dumper::put_exit_line(const Event& event, Text& out) {
  const auto status = static_cast<int>(event.result);
  begin_line(out, event.tid, event.leave_ns);
  if (WIFSIGNALED(status)) {
    put(out, "+++ killed by ");
    put_signal(out, WTERMSIG(status));
    if (WCOREDUMP(status)) put(out, " (core dumped)");
    return put(out, " +++\n");
  }
  put_format(out, "+++ exited with {} +++\n", WEXITSTATUS(status));
}

// execve by a thread other than the leader: it takes over the leader's number.
void Dumper::put_superseded_line(const Event& event, Text& out) {
  if (event.extra == nullptr) return;
  const Tid former = event.extra->former_tid;
  if (former == Tid{} || former == event.tid) return;
  begin_line(out, event.tid, event.enter_ns);
  put_format(out, "+++ superseded by execve in pid {} +++\n", former);
  tasks_.erase(former);
}

void Dumper::put_trap_line(const Event& event, Text& out) {
  if (!options_.traps) return;
  const auto [rax, rbx, rcx, rdx, unused5, unused6] = event.args;
  const std::size_t start = begin_line(out, event.tid, event.enter_ns);
  const auto put_name = [&](std::string_view name) {
    put(out, name);
    put(out, "() ");
    pad_to(out, start, result_column);
    put(out, "= ");
  };
  // See EventKind::trap: args[0] is the register, args[2] the flags, of which the carry says that there was a
  // number.
  const auto put_random = [&](std::string_view name) {
    put_name(name);
    put_hex(out, event.args[0]);
    if ((event.args[2] & 1) == 0) put(out, " (no number ready)");
  };
  switch (TrapKind{event.nr}) {
    case TrapKind::rdtsc:
      put_name("rdtsc");
      put_hex(out, rdx << 32 | (rax & 0xffffffff));
      break;
    case TrapKind::rdtscp:
      put_name("rdtscp");
      put_hex(out, rdx << 32 | (rax & 0xffffffff));
      put_format(out, " (aux {:#x})", rcx);
      break;
    case TrapKind::cpuid:
      put_name("cpuid");
      put_format(out, "{{eax={:#x}, ebx={:#x}, ecx={:#x}, edx={:#x}}}", rax, rbx, rcx, rdx);
      break;
    case TrapKind::rdrand:
      put_random("rdrand");
      break;
    case TrapKind::rdseed:
      put_random("rdseed");
      break;
    case TrapKind::rdpid:
      put_name("rdpid");
      put_hex(out, rax);
      break;
    case TrapKind::xgetbv:
      put_name("xgetbv");
      put_hex(out, rdx << 32 | (rax & 0xffffffff));
      break;
  }
  put(out, '\n');
}

}  // namespace rec::dump

#include "tools/dump/dumper.h"

#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <utility>

#include "format/registers.h"
#include "tools/dump/errors.h"
#include "tools/dump/hex_dump.h"
#include "tools/dump/json_lines.h"
#include "tools/dump/signals.h"

namespace rec::dump {
namespace {

constexpr std::size_t result_column = 40;  // of trapped instructions
constexpr std::size_t pid_width = 5;
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

constexpr std::string_view error_colour = "\033[31m";
constexpr std::string_view signal_colour = "\033[33m";
constexpr std::string_view end_colour = "\033[36m";
constexpr std::string_view plain_colour = "\033[0m";

Status status_of(const Call& call) {
  if (call.event.flags & event_no_result) {
    const bool returns = call.entry == nullptr || call.entry->returns != syscalls::Returns::nothing;
    return returns ? Status::unfinished : Status::unavailable;
  }
  if (is_restart_code(call.event.result)) return Status::unavailable;
  return is_error(call.event.result) ? Status::failed : Status::successful;
}

}  // namespace

Dumper::Dumper(DumpOptions options, const TraceHeader& header)
    : options_(std::move(options)),
      annotations_(options_, header),
      start_realtime_ns_(header.start_realtime_ns) {}

void Dumper::prepare(Text& out, const Event& event) {
  out.constants = options_.constants;
  out.escapes = options_.escapes;
  out.annotations = &annotations_;
  annotations_.look_from(event.tid);
}

void Dumper::add(const Event& event, Text& out) {
  note_tasks(event);
  prepare(out, event);
  const bool is_call = event.kind == EventKind::call || event.kind == EventKind::exec;
  if (is_call) {
    // Its beginning shows what it found, its end what it left.
    const auto found = begun_.empty() ? begun_.end() : begun_.find(event.tid);
    const Begun begun = found == begun_.end() ? begin_call(event, out) : found->second;
    if (found != begun_.end()) begun_.erase(found);
    annotations_.add(event);
    put_call(event, out, begun);
  } else {
    annotations_.add(event);
    if (is_selected(event)) put_event(event, out);
  }
  note_tasks_gone(event);
}

void Dumper::pass(const Event& event) {
  note_tasks(event);
  annotations_.add(event);
  note_tasks_gone(event);
}

bool Dumper::is_selected(const Event& event) const {
  const Selection& selection = options_.selection;
  if (event.kind == EventKind::note) return true;
  if (selection.first_task_only && first_task_ && event.tid != *first_task_) return false;
  if (selection.tid && event.tid.value() != *selection.tid) return false;
  if (!selection.pid || event.tid.value() == *selection.pid) return true;
  const auto task = tasks_.find(event.tid);
  return task != tasks_.end() && task->second.value() == *selection.pid;
}

bool Dumper::is_call_wanted(const Event& event) const {
  if (!is_selected(event) || !options_.calls.shows(event.nr)) return false;
  if (options_.filters_statuses && !options_.statuses.has(static_cast<std::int32_t>(status_of(Call(event)))))
    return false;
  const std::uint64_t least = options_.selection.least_duration_ns;
  if (least > 0 && event.leave_ns < event.enter_ns + least) return false;
  return options_.paths.empty() || annotations_.names_any(event, options_.paths);
}

void Dumper::note_tasks(const Event& event) {
  if (event.kind != EventKind::start && event.kind != EventKind::exec) return;
  if (event.extra == nullptr) return;
  if (!first_task_) first_task_ = event.tid;
  tasks_[event.tid] = event.extra->pid;
}

void Dumper::note_tasks_gone(const Event& event) {
  if (event.kind != EventKind::exit) return;
  tasks_.erase(event.tid);
  begun_.erase(event.tid);
}

void Dumper::put_event(const Event& event, Text& out) {
  if (options_.format == Format::json) return put_json(event, {out, options_}, tasks_);
  switch (event.kind) {
    case EventKind::signal:
      return put_signal_line(event, out);
    case EventKind::stop:
      return put_stop_line(event, out);
    case EventKind::exit:
      return put_exit_line(event, out);
    case EventKind::trap:
      return put_trap_line(event, out);
    case EventKind::start:
      return put_start_line(event, out);
    case EventKind::note:
      interrupt_open_line(out);
      if (event.extra != nullptr) put_format(out, "rec: note: {}\n", event.extra->text);
      return;
    case EventKind::call:
    case EventKind::exec:  // see put_call()
    case EventKind::begin:
    case EventKind::merge:
    case EventKind::memory:
    case EventKind::agent:
    case EventKind::point:
    case EventKind::traced:
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

void Dumper::interrupt_open_line(Text& out) {
  if (!open_line_) return;
  put(out, " <unfinished ...>\n");
  open_line_.reset();
}

std::size_t Dumper::begin_line(Text& out, Tid tid, std::uint64_t time_ns) {
  interrupt_open_line(out);
  const std::size_t start = out.size();
  if (!options_.output.empty() && !options_.separate_outputs) {
    put_decimal(out, tid.value());
    if (out.annotations != nullptr) out.annotations->put_task(out.buffer, tid.value());
    pad_to(out, start, pid_width);
    put(out, ' ');
  } else if (options_.output.empty() && !options_.selection.first_task_only &&
             (several_tasks_ || tasks_.size() > 1)) {
    put_format(out, "[pid {:5}", tid);
    if (out.annotations != nullptr) out.annotations->put_task(out.buffer, tid.value());
    put(out, "] ");
  }
  put_time(out, time_ns);
  return start;
}

void Dumper::begin(const Event& event, Text& out) {
  prepare(out, event);
  begun_[event.tid] = begin_call(event, out);
}

Dumper::Begun Dumper::begin_call(const Event& event, Text& out) {
  Begun begun{.is_shown = is_call_wanted(event), .known = 0};
  if (event.kind == EventKind::exec) put_superseded_line(event, out);
  if (begun.is_shown && options_.format == Format::text) {
    const Call call(event);
    out.abbreviates = options_.abbreviated.shows(event.nr);
    const std::size_t start = begin_line(out, event.tid, event.enter_ns);
    begun.known = put_call_begin({out, options_}, call);
    open_line_ = event.tid;
    open_line_length_ = out.size() - start;
  }
  return begun;
}

void Dumper::finish(Text& out) { interrupt_open_line(out); }

void Dumper::put_call(const Event& event, Text& out, const Begun& begun) {
  if (!begun.is_shown) return;
  if (options_.format == Format::json) return put_json(event, {out, options_}, tasks_);
  const Call call(event);
  out.abbreviates = options_.abbreviated.shows(event.nr);
  std::size_t start = 0;
  if (open_line_ == event.tid) {
    open_line_.reset();
    // Where the line begins may no longer be in the buffer: only its length counts.
    start = out.size() - open_line_length_;
  } else {
    start = begin_line(out, event.tid, event.leave_ns);
    put(out, "<... ");
    put_call_name(out, call);
    put(out, " resumed>");
  }
  put_call_end_line(call, out, begun.known, start);
}

void Dumper::put_call_end_line(const Call& call, Text& out, std::size_t known, std::size_t line_start) {
  const Writer writer{out, options_};
  if (is_cut_off(call)) {
    put(out, " <unfinished ...>)");
  } else {
    put_call_end(writer, call, known);
  }
  put(out, ' ');
  pad_to(out, line_start, options_.result_column);
  put(out, "= ");
  const std::string_view colour = options_.colours && is_error(call.event.result) ? error_colour : "";
  put(out, colour);
  put_result(writer, call);
  if (!colour.empty()) put(out, plain_colour);
  put_call_times(call, out);
  put(out, '\n');
  put_call_data(writer, call);
}

void Dumper::put_call_times(const Call& call, Text& out) {
  if (!options_.durations || !call.returned()) return;
  const Event& event = call.event;
  const std::uint64_t took = event.leave_ns > event.enter_ns ? event.leave_ns - event.enter_ns : 0;
  put_format(out, " <{}.{:06}>", took / ns_per_s, took % ns_per_s / ns_per_us);
}

// strace's own message on standard error, where its lines go, too.
void Dumper::put_start_line(const Event& event, Text& out) {
  if (!options_.shows_attaching || options_.selection.first_task_only) return;
  if (event.extra == nullptr || event.extra->parent == Tid{}) return;
  interrupt_open_line(out);
  put_format(out, "strace: Process {} attached\n", event.tid);
}

void Dumper::put_signal_line(const Event& event, Text& out) {
  if (!options_.signals.has(event.nr)) return;
  begin_line(out, event.tid, event.leave_ns);
  if (options_.colours) put(out, signal_colour);
  put(out, "--- ");
  put_signal_name(out, event.nr);
  siginfo_t info{};
  if (event.extra != nullptr && event.extra->siginfo.size() == sizeof info) {
    std::memcpy(&info, event.extra->siginfo.data(), sizeof info);
    put(out, ' ');
    put_siginfo(out, info);
  }
  put(out, " ---");
  if (options_.colours) put(out, plain_colour);
  put(out, '\n');
}

void Dumper::put_stop_line(const Event& event, Text& out) {
  if (event.nr == 0) return;  // going on is announced by SIGCONT's own line
  if (!options_.signals.has(event.nr)) return;
  begin_line(out, event.tid, event.leave_ns);
  put(out, "--- stopped by ");
  put_signal_name(out, event.nr);
  put(out, " ---\n");
}

void Dumper::put_exit_line(const Event& event, Text& out) {
  if (!options_.shows_exits) return;
  const auto status = static_cast<int>(event.result);
  begin_line(out, event.tid, event.leave_ns);
  if (options_.colours) put(out, end_colour);
  if (WIFSIGNALED(status)) {
    put(out, "+++ killed by ");
    put_signal_name(out, WTERMSIG(status));
    if (WCOREDUMP(status)) put(out, " (core dumped)");
    put(out, " +++");
  } else {
    put_format(out, "+++ exited with {} +++", WEXITSTATUS(status));
  }
  if (options_.colours) put(out, plain_colour);
  put(out, '\n');
}

// execve by a thread other than the leader: it takes over the leader's number.
void Dumper::put_superseded_line(const Event& event, Text& out) {
  if (event.extra == nullptr) return;
  const Tid former = event.extra->former_tid;
  if (former == Tid{} || former == event.tid) return;
  if (options_.shows_superseding && options_.format == Format::text && is_selected(event)) {
    begin_line(out, event.tid, event.enter_ns);
    put_format(out, "+++ superseded by execve in pid {} +++\n", former);
  }
  tasks_.erase(former);
  begun_.erase(former);
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

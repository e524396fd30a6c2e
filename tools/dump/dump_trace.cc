#include "tools/dump/dump_trace.h"

#include <unistd.h>

#include <csignal>
#include <optional>

#include "format/base/error.h"
#include "format/trace_reader.h"
#include "tools/dump/dumper.h"
#include "tools/dump/sink.h"
#include "tools/dump/timeline.h"

namespace rec::dump {
namespace {

// The names and descriptors of tasks follow from all events before.
bool needs_history(const DumpOptions& options) {
  return options.decode_fds != DecodeFds::none || options.decode_pids || options.decode_pid_namespaces ||
         !options.paths.empty() || options.selection.pid || options.selection.first_task_only ||
         options.format == Format::json;
}

bool is_in(const Selection& selection, const Event& event) {
  return event.number.value() >= selection.first_event && event.number.value() <= selection.last_event &&
         event.leave_ns >= selection.since_ns && event.leave_ns <= selection.until_ns;
}

// Tasks on several processors end their calls a little out of the order of the numbers.
bool is_behind(const Selection& selection, const Event& event) {
  constexpr std::uint64_t slack_ns = 1'000'000'000;
  return event.number.value() > selection.last_event ||
         (event.leave_ns > selection.until_ns && event.leave_ns - selection.until_ns > slack_ns);
}

EventNumber first_number(const TraceReader& reader, const Selection& selection) {
  const EventNumber by_time = reader.near(selection.since_ns);
  return by_time.value() > selection.first_event ? by_time : EventNumber(selection.first_event);
}

// Both say whether the end of the trace was reached: false when the selection ends before, or nobody reads
// on.
bool print_steps(Timeline& timeline, const Selection& selection, Dumper& dumper, Sinks& sinks) {
  while (const auto step = timeline.next()) {
    const Event& event = *step->event;
    if (is_behind(selection, event) && !step->is_beginning) return false;
    if (!is_in(selection, event)) {
      if (!step->is_beginning) dumper.pass(event);
      continue;
    }
    Text& out = sinks.text_of(event.tid);
    if (step->is_beginning) {
      dumper.begin(event, out);
    } else {
      dumper.add(event, out);
    }
    if (!sinks.line_done(event.tid)) return false;
  }
  return true;
}

// Files of their own have the lines of one task each: nothing interrupts a call's line.
bool print_separately(TraceReader& reader, const Selection& selection, Dumper& dumper, Sinks& sinks) {
  while (const Event* event = reader.next()) {
    if (is_behind(selection, *event)) return false;
    if (!is_in(selection, *event)) {
      dumper.pass(*event);
      continue;
    }
    dumper.add(*event, sinks.text_of(event->tid));
    if (!sinks.line_done(event->tid)) return false;
    if (event->kind == EventKind::exit) sinks.close(event->tid);
  }
  return true;
}

}  // namespace

void dump_trace(const std::string& path, const DumpOptions& options, Stream stream) {
  TraceReader reader(path);
  Dumper dumper(options, reader.header());
  const EventNumber first = first_number(reader, options.selection);
  if (first.value() > 0 && !needs_history(options)) {
    reader.seek(first);
    dumper.assume_several_tasks();
  }
  Sinks sinks(options, stream == Stream::standard_error ? STDERR_FILENO : STDOUT_FILENO);
  // A reader that goes away (rec dump | head) is no failure: the write says EPIPE.
  (void)std::signal(SIGPIPE, SIG_IGN);
  bool reached_end = false;
  try {
    if (options.separate_outputs) {
      reached_end = print_separately(reader, options.selection, dumper, sinks);
    } else {
      Timeline timeline(reader, path);
      reached_end = print_steps(timeline, options.selection, dumper, sinks);
    }
  } catch (const Error&) {
    // What comes before the damage stands before the message about it.
    dumper.finish(sinks.last_text());
    (void)sinks.flush();
    throw;
  }
  dumper.finish(sinks.last_text());
  if (sinks.flush() && reached_end && !reader.summary()) fail("{}: {}", path, reader.why_incomplete());
}

}  // namespace rec::dump

// What the recorder keeps in mind of a task that another task of the program traces (tracing.h).
#pragma once

#include <csignal>
#include <cstdint>
#include <deque>
#include <optional>

#include "format/base/ids.h"
#include "format/event.h"

namespace rec {

// A stop that the tracer is told of. The task is in some ptrace stop of the kernel's meanwhile, and rec lets
// it go on only when the tracer does.
struct TraceStop {
  // What the task does when it goes on.
  enum class Then : std::uint8_t {
    user,         // the program's code; needs its turn
    enter_call,   // the call whose entry it stands at; needs its turn
    resume_call,  // the rest of a call, inside the kernel
    finish_call,  // what rec does at the exit of a call
    end,          // it ends
  };
  enum class Call : std::uint8_t { none, entry, exit };

  std::int32_t code = 0;  // of the wait status, without its lowest byte: signal | event << 8
  TracedAt at = TracedAt::boundary;
  Then then = Then::user;
  Call call = Call::none;
  std::optional<siginfo_t> info;  // PTRACE_GETSIGINFO; none: a group stop of an attached task, EINVAL
  std::uint64_t message = 0;      // PTRACE_GETEVENTMSG
  bool delivers = false;          // to the kernel it is a signal-delivery stop: the signal can be changed
  bool is_first = false;          // of a new task
  bool is_group_stop = false;
  bool is_reported = false;  // by a wait of the tracer's
  std::uint64_t since_ns = 0;
};

struct Tracing {
  // How far the tracer let it go.
  enum class Until : std::uint8_t { signal, call, instruction };

  Tid tracer{};
  std::uint64_t options = 0;  // PTRACE_O_*
  bool is_seized = false;
  Until until = Until::signal;
  std::optional<TraceStop> stop;  // where it is stopped
  std::optional<TraceStop> left;  // from where it goes on when it has its turn
  std::deque<TraceStop> next;     // stops that come right behind the one it is in
  std::uint64_t message = 0;      // of the last event
  int signal = 0;                 // what the tracer wants delivered when it goes on
  int told_already = 0;           // a signal that is on its way and needs no stop
  bool is_changed = false;        // the tracer wrote to its registers in this stop
  bool is_leaving = false;        // it is not traced any more when it goes on
};

// The end of a traced task that is no child of the tracer, to which the kernel would not tell it.
struct TracedEnd {
  Tid tid;
  std::int32_t status;  // as wait(2) has it
};

}  // namespace rec

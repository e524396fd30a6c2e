// What an export of a trace's timeline is made of, and the formats that it takes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "format/event.h"
#include "format/trace.h"
#include "tools/dump/options.h"
#include "tools/dump/text.h"
#include "tools/export/text_output.h"

namespace rec::exports {

// A thread or process. Numbers may be given out twice by the kernel; `id` is not.
struct TimelineTask {
  std::uint64_t id = 0;  // from 1, in the order in which tasks began
  Tid tid{};
  Pid pid{};
  std::uint64_t parent = 0;   // id; 0: none in the trace
  std::uint64_t process = 0;  // id of its process's first task
  std::uint64_t began_ns = 0;
  std::string command;  // of its process, as one would type it; empty before the first exec
  std::string program;  // the last part of the command's name
};

// One call of a task. Those of one task neither overlap nor nest.
struct Call {
  const Event& event;
  const TimelineTask& task;
  std::string_view name;
  std::string_view subsystem;  // "unknown" for a number that the table does not have
  std::uint64_t begin_ns;
  std::uint64_t end_ns;  // of a call that did not return: its task's last moment that is known

  [[nodiscard]] std::uint64_t duration() const { return end_ns - begin_ns; }
};

// A format, in the order of the trace. What is referred to is valid during the call only.
class Format {
 public:
  Format() = default;
  Format(const Format&) = delete;
  Format& operator=(const Format&) = delete;
  virtual ~Format() = default;

  virtual void on_task(const TimelineTask& task) = 0;     // it begins
  virtual void on_command(const TimelineTask& task) = 0;  // its process executes another program: named anew
  virtual void on_exit(const TimelineTask& task, std::uint64_t time_ns, std::int32_t wait_status) = 0;
  virtual void on_call(const Call& call) = 0;
  virtual void on_signal(const TimelineTask& task, const Event& event) = 0;
  virtual void after(const Event& /*event*/) {}  // each event of the trace, behind what it led to above
  // The end of what could be read. Afterwards the output is whole.
  virtual void finish() = 0;
  // False when nobody wants more.
  [[nodiscard]] virtual bool is_wanted() const { return true; }
};

[[nodiscard]] std::unique_ptr<Format> perfetto_format(TextOutput output);
[[nodiscard]] std::unique_ptr<Format> chrome_format(TextOutput output);
[[nodiscard]] std::unique_ptr<Format> folded_format(TextOutput output);
[[nodiscard]] std::unique_ptr<Format> speedscope_format(TextOutput output, const TraceHeader& header);
// `path` is created or emptied. Throws Error.
[[nodiscard]] std::unique_ptr<Format> sqlite_format(const std::string& path, const TraceHeader& header);

// The parts of a call's line as dump has it. Valid until the next use.
class CallText {
 public:
  CallText();
  CallText(const CallText&) = delete;
  CallText& operator=(const CallText&) = delete;

  [[nodiscard]] std::string_view arguments(const Event& event);  // 3, "abc", 3
  [[nodiscard]] std::string_view result(const Event& event);     // 3; -1 ENOENT (No such file or directory)

 private:
  dump::DumpOptions options_;
  dump::Text text_;
};

// SIGCHLD, SIGRT_1.
[[nodiscard]] std::string signal_name(std::int32_t number);
// What stands in a signal's line: {si_signo=SIGCHLD, …}; empty when nothing was recorded.
[[nodiscard]] std::string signal_details(const Event& event);

}  // namespace rec::exports

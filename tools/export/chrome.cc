// The JSON of Chrome's about:tracing ("Trace Event Format"), which Perfetto and other viewers open, too.
// Times are in microseconds.
#include <fmt/format.h>

#include <utility>

#include "tools/export/timeline_format.h"
#include "tools/json.h"

namespace rec::exports {
namespace {

class Chrome final : public Format {
 public:
  explicit Chrome(TextOutput output) : output_(std::move(output)) {
    output_.put("{\"displayTimeUnit\": \"ns\", \"traceEvents\": [");
  }

  void on_task(const TimelineTask& task) override { name(task); }
  void on_command(const TimelineTask& task) override { name(task); }

  void on_exit(const TimelineTask& task, std::uint64_t time_ns, std::int32_t wait_status) override {
    begin("i", task, time_ns, "exit", "process");
    output_.put(fmt::format(", \"s\": \"t\", \"args\": {{\"wait_status\": {}}}}}", wait_status));
  }

  void on_call(const Call& call) override {
    begin("X", call.task, call.begin_ns, call.name, call.subsystem);
    output_.put(fmt::format(", \"dur\": {}, \"args\": {{\"event\": {}, \"arguments\": {}",
                            micros(call.duration()), call.event.number,
                            json_quoted(text_.arguments(call.event))));
    output_.put(fmt::format(", \"result\": {}}}}}", json_quoted(text_.result(call.event))));
  }

  void on_signal(const TimelineTask& task, const Event& event) override {
    begin("i", task, event.leave_ns, signal_name(event.nr), "signal");
    output_.put(fmt::format(", \"s\": \"t\", \"args\": {{\"event\": {}, \"details\": {}}}}}", event.number,
                            json_quoted(signal_details(event))));
  }

  void finish() override {
    output_.put("\n]}\n");
    output_.flush();
  }
  [[nodiscard]] bool is_wanted() const override { return output_.is_wanted(); }

 private:
  static std::string micros(std::uint64_t ns) { return fmt::format("{}.{:03}", ns / 1000, ns % 1000); }

  void begin(std::string_view phase, const TimelineTask& task, std::uint64_t time_ns, std::string_view name,
             std::string_view category) {
    output_.put(
        fmt::format("{}\n{{\"ph\": \"{}\", \"pid\": {}, \"tid\": {}, \"ts\": {}, \"name\": {}, \"cat\": {}",
                    std::exchange(is_first_, false) ? "" : ",", phase, task.pid, task.tid, micros(time_ns),
                    json_quoted(name), json_quoted(category)));
  }

  void name(const TimelineTask& task) {
    begin("M", task, task.began_ns, "process_name", "");
    output_.put(fmt::format(", \"args\": {{\"name\": {}}}}}", json_quoted(task.command)));
    begin("M", task, task.began_ns, "thread_name", "");
    output_.put(fmt::format(", \"args\": {{\"name\": {}}}}}", json_quoted(task.program)));
  }

  TextOutput output_;
  CallText text_;
  bool is_first_ = true;
};

}  // namespace

std::unique_ptr<Format> chrome_format(TextOutput output) {
  return std::make_unique<Chrome>(std::move(output));
}

}  // namespace rec::exports

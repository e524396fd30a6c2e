// Folded stacks, one a line, as flame graphs are made of: the programs from the first process down, the
// subsystem, the call; and the nanoseconds spent there.
//
//   make;sh;cc1;Filesystem;openat 1234567
#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "tools/export/timeline_format.h"

namespace rec::exports {
namespace {

// A frame's name must not end it.
std::string frame(std::string_view name) {
  std::string text(name.empty() ? "?" : name);
  std::ranges::replace(text, ';', ':');
  return text;
}

// Chains of forks longer than this are cut: nobody reads them, and a trace must not make lines without end.
constexpr std::size_t deepest = 64;

class Folded final : public Format {
 public:
  explicit Folded(TextOutput output) : output_(std::move(output)) {}

  void on_task(const TimelineTask& task) override {
    const auto maker = processes_.find(task.parent);
    Process process;
    if (task.process != task.id) {  // a thread
      process = processes_[task.process];
    } else {
      process.depth = maker == processes_.end() ? 0 : std::min(deepest, maker->second.depth + 1);
      process.above =
          maker == processes_.end() || process.depth == deepest ? std::string() : maker->second.stack + ";";
      process.stack = process.above + frame(task.program);
    }
    processes_[task.id] = std::move(process);
  }

  void on_command(const TimelineTask& task) override {
    Process& process = processes_[task.id];
    process.stack = process.above + frame(task.program);
  }

  void on_exit(const TimelineTask& /*task*/, std::uint64_t /*time_ns*/,
               std::int32_t /*wait_status*/) override {}

  void on_call(const Call& call) override {
    stacks_[processes_[call.task.id].stack + ';' + frame(call.subsystem) + ';' + frame(call.name)] +=
        call.duration();
  }

  void on_signal(const TimelineTask& /*task*/, const Event& /*event*/) override {}

  void finish() override {
    for (const auto& [stack, ns] : stacks_) {
      if (ns > 0) output_.put(stack + ' ' + std::to_string(ns) + '\n');
    }
    output_.flush();
  }
  [[nodiscard]] bool is_wanted() const override { return output_.is_wanted(); }

 private:
  struct Process {
    std::string above;  // its parents' stack, with a semicolon
    std::string stack;
    std::size_t depth = 0;
  };
  TextOutput output_;
  std::unordered_map<std::uint64_t, Process> processes_;  // by task
  std::map<std::string, std::uint64_t> stacks_;
};

}  // namespace

std::unique_ptr<Format> folded_format(TextOutput output) {
  return std::make_unique<Folded>(std::move(output));
}

}  // namespace rec::exports

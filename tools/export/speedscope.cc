// speedscope's own format (its src/lib/file-format-spec.ts): one evented profile for each task, in which the
// subsystem stands above the call.
#include <fmt/format.h>

#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

#include "format/syscalls/table.h"
#include "tools/display.h"
#include "tools/export/timeline_format.h"
#include "tools/json.h"

namespace rec::exports {
namespace {

class Speedscope final : public Format {
 public:
  Speedscope(TextOutput output, const TraceHeader& header)
      : output_(std::move(output)), name_(shell_quoted(header.command)) {}

  void on_task(const TimelineTask& task) override {
    Profile& profile = profiles_.emplace_back();
    profile.began_ns = profile.ended_ns = task.began_ns;
    of_task_[task.id] = &profile;
    name(task);
  }
  void on_command(const TimelineTask& task) override { name(task); }

  void on_exit(const TimelineTask& task, std::uint64_t time_ns, std::int32_t /*wait_status*/) override {
    of_task_.at(task.id)->ended_ns = time_ns;
    of_task_.erase(task.id);
  }

  void on_call(const Call& call) override {
    const syscalls::Syscall* entry = syscalls::find(call.event.nr);
    Profile& profile = *of_task_.at(call.task.id);
    profile.calls.push_back(
        {.begin_ns = call.begin_ns,
         .end_ns = call.end_ns,
         .subsystem = frame_of(call.subsystem, {}),
         .call = frame_of(call.name, entry == nullptr ? std::string_view() : entry->entry)});
    profile.ended_ns = std::max(profile.ended_ns, call.end_ns);
  }

  void on_signal(const TimelineTask& /*task*/, const Event& /*event*/) override {}

  void finish() override {
    output_.put(
        fmt::format("{{\"$schema\": \"https://www.speedscope.app/file-format-schema.json\",\n\"exporter\": "
                    "\"rec\", \"name\": {}, \"activeProfileIndex\": 0,\n\"shared\": {{\"frames\": [{}]}},\n"
                    "\"profiles\": [",
                    json_quoted(name_), fmt::join(frames_, ",\n")));
    bool is_first = true;
    for (const Profile& profile : profiles_) {
      output_.put(std::exchange(is_first, false) ? "\n" : ",\n");
      put(profile);
    }
    output_.put("\n]}\n");
    output_.flush();
  }
  [[nodiscard]] bool is_wanted() const override { return output_.is_wanted(); }

 private:
  struct Slice {
    std::uint64_t begin_ns;
    std::uint64_t end_ns;
    std::uint32_t subsystem;  // frames
    std::uint32_t call;
  };
  struct Profile {
    std::string name;
    std::uint64_t began_ns = 0;
    std::uint64_t ended_ns = 0;
    std::vector<Slice> calls;
  };

  void name(const TimelineTask& task) {
    of_task_.at(task.id)->name = fmt::format("{} {}", task.program.empty() ? "?" : task.program, task.tid);
  }

  std::uint32_t frame_of(std::string_view name, std::string_view file) {
    const auto [found, is_new] = places_.emplace(name, static_cast<std::uint32_t>(frames_.size()));
    if (is_new) {
      frames_.push_back(
          file.empty() ? fmt::format("{{\"name\": {}}}", json_quoted(name))
                       : fmt::format("{{\"name\": {}, \"file\": {}}}", json_quoted(name), json_quoted(file)));
    }
    return found->second;
  }

  void put(const Profile& profile) {
    output_.put(
        fmt::format("{{\"type\": \"evented\", \"name\": {}, \"unit\": \"nanoseconds\", \"startValue\": {}, "
                    "\"endValue\": {}, \"events\": [",
                    json_quoted(profile.name), profile.began_ns, profile.ended_ns));
    std::string_view separator = "\n";
    for (const Slice& slice : profile.calls) {
      const auto event = [&](char type, std::uint32_t frame, std::uint64_t at) {
        output_.put(
            fmt::format("{}{{\"type\": \"{}\", \"frame\": {}, \"at\": {}}}", separator, type, frame, at));
        separator = ",\n";
      };
      event('O', slice.subsystem, slice.begin_ns);
      event('O', slice.call, slice.begin_ns);
      event('C', slice.call, slice.end_ns);
      event('C', slice.subsystem, slice.end_ns);
    }
    output_.put("]}");
  }

  TextOutput output_;
  std::string name_;
  std::deque<Profile> profiles_;  // a deque, so that they stay where they are
  std::unordered_map<std::uint64_t, Profile*> of_task_;
  std::unordered_map<std::string, std::uint32_t> places_;
  std::vector<std::string> frames_;
};

}  // namespace

std::unique_ptr<Format> speedscope_format(TextOutput output, const TraceHeader& header) {
  return std::make_unique<Speedscope>(std::move(output), header);
}

}  // namespace rec::exports

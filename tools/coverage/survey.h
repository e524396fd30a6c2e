// Which system calls a trace exercised, and with what outcomes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "format/event.h"
#include "tools/descriptors.h"
#include "tools/object_kind.h"
#include "tools/process_tree.h"

namespace rec::coverage {

// One way in which calls ended.
struct Outcome {
  enum class Kind : std::uint8_t { success, error, no_return };  // the last: exit, or killed in the call
  Kind kind = Kind::success;
  std::int32_t error = 0;  // of `error`
  bool by_rec = false;     // the recorder answered in the kernel's place: the kernel's code did not run
  std::uint64_t count = 0;
  EventNumber first{};  // an example

  [[nodiscard]] bool is_same_as(const Outcome& other) const {
    return kind == other.kind && error == other.error && by_rec == other.by_rec;
  }
};

// The calls that worked on one kind of object.
struct ObjectUse {
  std::uint64_t count = 0;
  std::uint64_t failures = 0;
};

struct CallUse {
  std::int32_t nr = 0;
  std::uint64_t count = 0;
  std::vector<Outcome> outcomes;                  // in the order of first occurrence
  std::array<ObjectUse, object_kinds> objects{};  // by ObjectKind; of calls that work on one

  void add(const Outcome& outcome);
};

// The calls of one process, or of a whole trace (pid 0).
class Usage {
 public:
  Pid pid{};
  std::vector<std::string> command;

  [[nodiscard]] CallUse& of(std::int32_t nr);
  [[nodiscard]] const CallUse* find(std::int32_t nr) const;
  [[nodiscard]] const std::vector<CallUse>& calls() const {
    return calls_;
  }  // in the order of first occurrence
  [[nodiscard]] std::uint64_t count() const;
  void add(const Usage& other);

 private:
  static constexpr std::size_t call_numbers = 512;   // more than the table has; others are looked for
  std::array<std::uint16_t, call_numbers> place_{};  // in calls_, plus one
  std::vector<CallUse> calls_;
};

class Survey {
 public:
  Survey(bool by_process, const TraceHeader& header);

  // Takes the events in the order of the trace.
  void add(const Event& event);

  // One for each process that made a call, in the order in which they began; a single one otherwise.
  [[nodiscard]] std::vector<Usage> usages() const;
  [[nodiscard]] std::uint64_t events() const { return events_; }

 private:
  struct Part {
    std::optional<std::size_t> process;  // place in the tree
    std::unique_ptr<Usage> usage;
  };
  // How a call names what it works on.
  enum class Names : std::uint8_t { nothing, descriptor, path };
  struct Naming {
    Names by = Names::nothing;
    std::uint8_t argument = 0;  // of the descriptor
  };
  [[nodiscard]] static Naming naming_of(std::int32_t nr);

  [[nodiscard]] Usage& usage_of(Tid task);
  void count(const Event& event);
  void count_object(const Event& event, CallUse& use, bool failed);

  bool by_process_;
  ProcessTree processes_;
  Descriptors descriptors_;
  std::array<Naming, 512> namings_{};  // by number
  std::vector<Part> parts_;
  Tid last_task_{};
  Usage* last_usage_ = nullptr;  // of last_task_
  std::uint64_t events_ = 0;
};

}  // namespace rec::coverage

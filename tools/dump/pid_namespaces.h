// Which task a number means that was given out in a PID namespace of its own (pid_namespaces(7)): 1 in there
// may be 4711 to everybody else. Events have the numbers of the namespace that rec ran in.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "format/event.h"

namespace rec::dump {

class PidNamespaces {
 public:
  // Takes the events in the order of the trace.
  void add(const Event& event);

  // The task that `number` means to `asker`, if it lives in another namespace than rec and the trace has
  // told.
  [[nodiscard]] std::optional<Tid> outer(Tid asker, std::int32_t number) const;

 private:
  using Namespace = std::uint32_t;  // 0: rec's own
  struct Task {
    Pid pid{};
    Namespace own = 0;
    Namespace of_children = 0;  // differs after unshare(CLONE_NEWPID)
    Tid last_child{};
  };

  void on_start(const Event& event);
  void on_call(const Event& event);

  std::unordered_map<Tid, Task> tasks_;
  std::map<std::pair<Namespace, std::int32_t>, Tid> numbers_;
  Namespace namespaces_ = 0;
};

}  // namespace rec::dump

// What the trace knows behind descriptors and process ids (-y, -yy, --decode-pids), followed event by event.
#pragma once

#include <string>
#include <unordered_map>

#include "format/event.h"
#include "format/trace.h"
#include "tools/descriptors.h"
#include "tools/dump/options.h"
#include "tools/dump/pid_namespaces.h"
#include "tools/dump/text.h"

namespace rec::dump {

class TraceAnnotations final : public Annotations {
 public:
  TraceAnnotations(const DumpOptions& options, const TraceHeader& header);

  // Takes the events in the order of the trace: afterwards the state is as the event left it.
  void add(const Event& event);
  // The task whose descriptors put_descriptor() means from here on.
  void look_from(Tid task) { task_ = task; }

  void put_descriptor(fmt::memory_buffer& out, std::int32_t fd) const override;
  void put_task(fmt::memory_buffer& out, std::int32_t id) const override;

  // Whether the call names one of these paths, or a descriptor that was opened under one of them.
  [[nodiscard]] bool names_any(const Event& event, const std::vector<std::string>& paths) const;

 private:
  void follow_names(const Event& event);

  DecodeFds decode_fds_;
  bool decode_pids_;
  bool decode_namespaces_;
  bool follows_descriptors_;
  Descriptors descriptors_;
  PidNamespaces namespaces_;
  std::unordered_map<Tid, std::string> names_;  // comm, of tasks that are alive
  Tid task_{};
};

}  // namespace rec::dump

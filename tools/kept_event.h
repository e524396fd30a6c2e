// A copy of an event that outlives the reader's.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "format/event.h"

namespace rec {

// The event refers to the object itself: it stays where it was made.
class KeptEvent {
 public:
  KeptEvent() = default;
  explicit KeptEvent(const Event& event) { assign(event); }
  KeptEvent(const KeptEvent&) = delete;
  KeptEvent& operator=(const KeptEvent&) = delete;

  // Takes another event's place, in the memory that is there.
  void assign(const Event& event);

  [[nodiscard]] const Event& event() const { return event_; }
  [[nodiscard]] std::size_t data_size() const { return bytes_.size(); }

 private:
  Event event_;
  std::vector<Data> pieces_;
  std::vector<std::byte> bytes_;
  std::unique_ptr<Extra> extra_;  // few events have one, and it is large
};

}  // namespace rec

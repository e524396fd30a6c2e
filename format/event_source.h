// Events that are made as late as they are written: a recorder that takes down much hands on what it got, and
// the writer's thread makes events of it.
#pragma once

#include "format/event.h"

namespace rec {

class EventSource {
 public:
  EventSource() = default;
  EventSource(const EventSource&) = delete;
  EventSource& operator=(const EventSource&) = delete;
  virtual ~EventSource() = default;

  // The next one, valid until the next call; nullptr: that was all. It has no Event::extra, and its data is
  // stored as it is, however much.
  virtual const Event* next() = 0;
};

}  // namespace rec

// A trace is hostile input: an event has what its kind needs, before anything is done with it.
#pragma once

#include "format/event.h"

namespace rec {

// Throws Error for a damaged trace: details are missing, a mapping cannot be one, or lies where rec has its
// own pages in every replayed task.
void check_event(const Event& event);

}  // namespace rec

// One event as dump shows it, for tools that give examples.
#pragma once

#include <cstddef>
#include <string>

#include "format/event.h"

namespace rec {

// Without the task and the time, with strings up to `string_limit`. Empty for events that dump has no lines
// for.
[[nodiscard]] std::string event_line(const Event& event, std::size_t string_limit);

}  // namespace rec

// `rec record`.
#pragma once

#include <CLI/CLI.hpp>

#include "tracee/launch.h"

namespace rec {

// `signals` are rec's own as it was started. `*exit_status` becomes that of the program; a program that was
// ended by a signal ends rec by the same one.
void add_record(CLI::App& app, const InheritedSignals& signals, int* exit_status);

}  // namespace rec

// `rec replay`.
#pragma once

#include <CLI/CLI.hpp>

namespace rec {

// `*exit_status` becomes that of the recorded program; 3 when the replay diverged.
void add_replay(CLI::App& app, int* exit_status);

}  // namespace rec

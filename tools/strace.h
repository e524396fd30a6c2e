// `rec strace`: runs a program under the recorder, then prints its calls as strace would have.
#pragma once

#include <CLI/CLI.hpp>

#include "tracee/launch.h"

namespace rec {

// As add_record().
void add_strace(CLI::App& app, const InheritedSignals& signals, int* exit_status);

}  // namespace rec

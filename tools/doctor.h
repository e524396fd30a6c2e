// `rec doctor`: what of all that rec builds on works on this machine, what it means, and how to fix it.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/doctor_probes.h"

namespace rec {

struct Finding {
  enum class Level : std::uint8_t {
    good,
    remark,  // recording and replaying work, with what the text says
    fault    // they do not
  };
  Level level = Level::good;
  std::string subject;
  std::string text;
};

// One finding for each thing that was looked at, always in the same order.
[[nodiscard]] std::vector<Finding> judge(const Machine& machine);

// Whether recording and replaying will work.
[[nodiscard]] bool is_healthy(const std::vector<Finding>& findings);

// Registers the subcommand; its callback sets `*exit_status` to 1 when the machine is not healthy.
void add_doctor(CLI::App& app, int* exit_status);

}  // namespace rec

// What `rec diff` prints.
#pragma once

#include <string>
#include <vector>

#include "tools/diff/align.h"

namespace rec::diff {

struct Compared {
  std::string path_a;
  std::string path_b;
  std::vector<Hunk> hunks;
};

[[nodiscard]] std::string text_report(const Compared& compared, const Alignment& alignment, bool colours);
[[nodiscard]] std::string json_report(const Compared& compared, const Alignment& alignment);

}  // namespace rec::diff

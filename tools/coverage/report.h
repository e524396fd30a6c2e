// What `rec coverage` prints.
#pragma once

#include <string>
#include <vector>

#include "tools/coverage/document.h"
#include "tools/coverage/survey.h"

namespace rec::coverage {

// One trace, read.
struct Covered {
  std::string trace;  // its path
  std::vector<std::string> command;
  bool is_complete = true;  // false: cut off or damaged, what could be read was counted
  std::vector<Usage> usages;
  std::uint64_t events = 0;

  [[nodiscard]] Usage whole() const;
};

// The table of calls (for each process, if there are several usages), the subsystems, what was not exercised
// (names only if `names_missing`) and the kernel options required.
[[nodiscard]] Document coverage_document(const Covered& covered, bool names_missing);
// The same, with everything; field names are stable.
[[nodiscard]] std::string coverage_json(const Covered& covered);

// What one trace exercised and the other did not.
[[nodiscard]] Document diff_document(const Covered& a, const Covered& b);
[[nodiscard]] std::string diff_json(const Covered& a, const Covered& b);

}  // namespace rec::coverage

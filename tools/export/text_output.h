// Where an export goes: a file, or standard output.
#pragma once

#include <string>
#include <string_view>

#include "format/base/unique_fd.h"

namespace rec::exports {

class [[nodiscard]] TextOutput {
 public:
  // `path` is created or emptied, readable and writable by its owner only, as the trace is; empty: standard
  // output. Throws Error.
  explicit TextOutput(std::string path);

  // Throws Error when it cannot be written. When nobody reads standard output any more, what is put is
  // dropped.
  void put(std::string_view text);
  void flush();
  [[nodiscard]] bool is_wanted() const { return is_wanted_; }

 private:
  std::string path_;
  UniqueFd file_;
  std::string buffer_;
  bool is_wanted_ = true;
};

}  // namespace rec::exports

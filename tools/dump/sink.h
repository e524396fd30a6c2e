// Where the lines go: one buffer before one descriptor.
#pragma once

#include <string>

#include "format/base/unique_fd.h"
#include "tools/dump/text.h"

namespace rec::dump {

class [[nodiscard]] Sink {
 public:
  // Writes to `path`, which is created or emptied; to standard output if it is empty. Throws Error.
  explicit Sink(const std::string& path);

  // Lines are appended here; call line_done() after each.
  [[nodiscard]] Text& text() { return text_; }
  // False when nobody reads any more (EPIPE): time to stop. Throws Error for other failures.
  [[nodiscard]] bool line_done() { return text_.size() < flush_at || flush(); }
  [[nodiscard]] bool flush();

 private:
  static constexpr std::size_t flush_at = 1 << 16;

  UniqueFd file_;  // closed when standard output is meant
  std::string name_;
  Text text_;
};

}  // namespace rec::dump

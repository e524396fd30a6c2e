#include "format/base/error.h"

#include <cerrno>
#include <cstring>

namespace rec {

std::string errno_text(int errno_value) {
  char buffer[128];
  return ::strerror_r(errno_value, buffer, sizeof buffer);
}

void fail_with_errno(const std::string& text) { fail_with_errno(text, errno); }

void fail_with_errno(const std::string& text, int errno_value) {
  throw Error(text + ": " + errno_text(errno_value), errno_value);
}

void broken(const char* file, int line, const char* condition, const std::string& values) {
  throw Broken(
      fmt::format("{}:{}: expected {}{}{}", file, line, condition, values.empty() ? "" : ": ", values));
}

}  // namespace rec

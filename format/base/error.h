// The three kinds of failure, never mixed (STYLE 8):
//   an expected outcome is a value (optional, variant, status);
//   a failing environment throws Error, with the operation, its values and errno;
//   a broken assumption of ours throws Broken from ENSURE, in release too.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace rec {

// The environment failed (a file, a system call, a damaged trace). The text is one line for the user:
// what, where, and what to do where we know it.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& what, int errno_value = 0)
      : std::runtime_error(what), errno_value_(errno_value) {}
  [[nodiscard]] int errno_value() const { return errno_value_; }

 private:
  int errno_value_;
};

// Something that we believed is not so: a bug in rec, reported with the place.
class Broken : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

// "strerror(errno)" in rec's own words; thread-safe.
[[nodiscard]] std::string errno_text(int errno_value);

// Throws Error "<text>: <errno's text>". Call it right after the failing call, before errno changes.
[[noreturn]] void fail_with_errno(const std::string& text);
[[noreturn]] void fail_with_errno(const std::string& text, int errno_value);

[[noreturn]] void broken(const char* file, int line, const char* condition, const std::string& values);

}  // namespace rec

// ENSURE(condition, "format", values…): the values say what was seen instead.
#define ENSURE(condition, ...)                                                    \
  do {                                                                            \
    if (!(condition)) [[unlikely]]                                                \
      ::rec::broken(__FILE__, __LINE__, #condition, fmt::format("" __VA_ARGS__)); \
  } while (false)

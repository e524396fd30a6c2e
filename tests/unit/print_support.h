// What the tests of the printer share: events made by hand, and their lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "format/event.h"
#include "tools/dump/options.h"

namespace rec::testing {

inline constexpr std::uint64_t address_a = 0x7ffd00001000;
inline constexpr std::uint64_t address_b = 0x7ffd00002000;
inline constexpr std::uint64_t address_c = 0x7ffd00003000;
inline constexpr std::uint64_t address_d = 0x7ffd00004000;
// Arguments are 64-bit registers: negative numbers are sign-extended.
[[nodiscard]] constexpr std::uint64_t negative(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}

// The lines that `rec dump` makes of these events, all of one trace.
[[nodiscard]] std::string lines_of(const std::vector<const Event*>& events,
                                   const dump::DumpOptions& options = {});

// A system call as recorded.
class RecordedCall {
 public:
  RecordedCall(std::int32_t nr, std::initializer_list<std::uint64_t> args);

  // Memory that the program passed, or that the kernel wrote. Text goes without a NUL unless it has one.
  template <class T>
  RecordedCall& in(std::uint64_t address, const T& value, std::uint64_t full_size = 0) {
    return add(Data::Role::input, address, bytes_of(value), full_size);
  }
  template <class T>
  RecordedCall& out(std::uint64_t address, const T& value) {
    return add(Data::Role::output, address, bytes_of(value), 0);
  }
  // Which argument the memory given last hangs off.
  RecordedCall& argument(std::uint8_t index);
  RecordedCall& result(std::int64_t value);
  RecordedCall& flags(std::uint16_t value);

  [[nodiscard]] const Event& event();
  // Its line without the newline, the spaces before the result made one.
  [[nodiscard]] std::string text(const dump::DumpOptions& options = {});

 private:
  template <class T>
  static std::string bytes_of(const T& value) {
    if constexpr (std::is_convertible_v<const T&, std::string_view>) {
      return std::string(std::string_view(value));
    } else {
      static_assert(std::is_trivially_copyable_v<T>);
      return std::string(reinterpret_cast<const char*>(&value), sizeof value);
    }
  }
  RecordedCall& add(Data::Role role, std::uint64_t address, std::string bytes, std::uint64_t full_size);

  Event event_;
  std::deque<std::string> bytes_;  // a deque, so that they stay where they are
  std::vector<Data> data_;
};

// Text with its NUL.
[[nodiscard]] inline std::string c_string(std::string_view text) { return std::string(text) + '\0'; }

}  // namespace rec::testing

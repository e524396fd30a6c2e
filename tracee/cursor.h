// Reads numbers out of bytes that may be anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

namespace rec {

// Pointer encodings, Linux Standard Base Core, "DWARF Exception Header Encoding".
constexpr std::uint8_t format_mask = 0x0f;
constexpr std::uint8_t format_native = 0x00;
constexpr std::uint8_t format_udata4 = 0x03;
constexpr std::uint8_t format_udata8 = 0x04;
constexpr std::uint8_t format_sdata4 = 0x0b;
constexpr std::uint8_t format_sdata8 = 0x0c;

template <class T>
std::optional<T> read_at(std::span<const std::byte> bytes, std::uint64_t at) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (at > bytes.size() || bytes.size() - at < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// Reads on from a place, until something is not there.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes, std::uint64_t at) : bytes_(bytes), at_(at) {}
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] std::uint64_t position() const { return at_; }

  template <class T>
  T take() {
    const auto value = read_at<T>(bytes_, at_);
    if (!value) good_ = false;
    at_ += sizeof(T);
    return value.value_or(T{});
  }

  // LEB128 numbers are skipped or small: their first 63 bits will do.
  std::uint64_t take_leb() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; good_; shift += 7) {
      const auto byte = take<std::uint8_t>();
      if (shift < 63) value |= std::uint64_t{byte & 0x7fu} << shift;
      if ((byte & 0x80) == 0) break;
    }
    return value;
  }

  // A number in one of the fixed formats, without what it is relative to.
  std::uint64_t take_encoded(std::uint8_t encoding) {
    switch (encoding & format_mask) {
      case format_udata4:
        return take<std::uint32_t>();
      case format_sdata4:
        return static_cast<std::uint64_t>(std::int64_t{take<std::int32_t>()});
      case format_native:
      case format_udata8:
      case format_sdata8:
        return take<std::uint64_t>();
      default:
        good_ = false;
        return 0;
    }
  }

 private:
  std::span<const std::byte> bytes_;
  std::uint64_t at_;
  bool good_ = true;
};

}  // namespace rec

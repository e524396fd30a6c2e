// An address in a tracee. It cannot be dereferenced here: what it points to is read through Memory.
#pragma once

#include <fmt/format.h>

#include <compare>
#include <cstddef>
#include <cstdint>

namespace rec {

template <class T = void>
class RemotePtr {
 public:
  constexpr RemotePtr() = default;
  constexpr explicit RemotePtr(std::uint64_t address) : address_(address) {}
  [[nodiscard]] constexpr std::uint64_t address() const { return address_; }
  [[nodiscard]] constexpr bool is_null() const { return address_ == 0; }
  constexpr auto operator<=>(const RemotePtr&) const = default;
  template <class U>
  [[nodiscard]] constexpr RemotePtr<U> cast() const {
    return RemotePtr<U>(address_);
  }
  // Byte arithmetic, whatever T is: extents in the tracee are counted in bytes.
  [[nodiscard]] constexpr RemotePtr plus_bytes(std::uint64_t bytes) const {
    return RemotePtr(address_ + bytes);
  }

 private:
  std::uint64_t address_ = 0;
};

inline constexpr std::uint64_t page_size = 4096;
[[nodiscard]] constexpr std::uint64_t page_down(std::uint64_t address) { return address & ~(page_size - 1); }
[[nodiscard]] constexpr std::uint64_t page_up(std::uint64_t address) {
  return (address + page_size - 1) & ~(page_size - 1);
}

}  // namespace rec

template <class T>
struct fmt::formatter<rec::RemotePtr<T>> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  template <class Context>
  auto format(const rec::RemotePtr<T>& pointer, Context& context) const {
    return fmt::format_to(context.out(), "{:#x}", pointer.address());
  }
};

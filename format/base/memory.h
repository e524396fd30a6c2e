// Reading a tracee's memory, live or as recorded: one interface, so that the recorder and the printer walk
// the same structures with the same code and cannot disagree.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

#include "format/base/remote_ptr.h"

namespace rec {

class Memory {
 public:
  virtual ~Memory() = default;

  // Reads up to buffer.size() bytes at `from`; returns how many could be read (short at the first byte that
  // is unmapped or was not recorded). Never throws for an unreadable address.
  [[nodiscard]] virtual std::size_t read_some(RemotePtr<> from, std::span<std::byte> buffer) const = 0;

  // All of buffer, or false.
  [[nodiscard]] bool read_exact(RemotePtr<> from, std::span<std::byte> buffer) const {
    return read_some(from, buffer) == buffer.size();
  }

  template <class T>
  [[nodiscard]] std::optional<T> read(RemotePtr<T> from) const {
    static_assert(std::is_trivially_copyable_v<T>);
    std::array<std::byte, sizeof(T)> bytes;
    if (!read_exact(from.template cast<void>(), bytes)) return std::nullopt;
    return __builtin_bit_cast(T, bytes);
  }

  // The NUL-terminated string at `from`, without its NUL; nullopt when nothing is readable there. Stops at
  // `limit` bytes or at the end of what is readable; `*complete` says whether the NUL was found.
  [[nodiscard]] std::optional<std::string> read_string(RemotePtr<> from, std::size_t limit,
                                                       bool* complete = nullptr) const;
};

}  // namespace rec

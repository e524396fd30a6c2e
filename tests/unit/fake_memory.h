// A tracee's memory for tests: what was put there is readable, everything else is not.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <map>
#include <span>
#include <string_view>

#include "format/base/memory.h"
#include "format/syscalls/plan.h"

namespace rec::test {

class FakeMemory final : public Memory {
 public:
  [[nodiscard]] std::size_t read_some(RemotePtr<> from, std::span<std::byte> buffer) const override {
    for (std::size_t i = 0; i < buffer.size(); ++i) {
      const auto found = bytes_.find(from.address() + i);
      if (found == bytes_.end()) return i;
      buffer[i] = found->second;
    }
    return buffer.size();
  }

  void put_bytes(std::uint64_t address, std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) bytes_[address++] = byte;
  }
  template <class T>
  void put(std::uint64_t address, const T& value) {
    put_bytes(address, std::as_bytes(std::span(&value, 1)));
  }
  template <class T>
  void put_all(std::uint64_t address, std::initializer_list<T> values) {
    for (const T& value : values) {
      put(address, value);
      address += sizeof(T);
    }
  }
  // With its NUL.
  void put_string(std::uint64_t address, std::string_view text) {
    put_bytes(address, std::as_bytes(std::span(text)));
    put(address + text.size(), '\0');
  }

 private:
  std::map<std::uint64_t, std::byte> bytes_;
};

// A call by name.
inline syscalls::CallArguments call_of(std::string_view name, std::initializer_list<std::uint64_t> args) {
  const syscalls::Syscall* entry = syscalls::find(name);
  syscalls::CallArguments call{.nr = entry == nullptr ? -1 : entry->nr};
  std::copy(args.begin(), args.end(), call.args.begin());
  return call;
}

// The result of a failed call.
constexpr std::int64_t failure(int errno_value) { return -std::int64_t{errno_value}; }

}  // namespace rec::test

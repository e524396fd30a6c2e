#include "format/syscalls/capacity.h"

#include <linux/capability.h>
#include <linux/fiemap.h>
#include <linux/limits.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

namespace rec::syscalls {
namespace {

// Select's sets are cut at the size of the descriptor table, which fs.nr_open keeps below this by default.
constexpr std::uint64_t max_descriptors = 1 << 20;
constexpr std::uint64_t max_handle = 8 + 128;   // MAX_HANDLE_SZ, linux/exportfs.h
constexpr std::uint64_t sched_attr_first = 48;  // SCHED_ATTR_SIZE_VER0

// A count as the kernel takes it from the register: by the width and sign of its parameter.
std::uint64_t count_from(const Arg& arg, std::uint64_t value) {
  switch (arg.type) {
    case Type::int32:
    case Type::fd:
    case Type::dirfd:
    case Type::pid:
    case Type::tid:
    case Type::uid:
    case Type::gid: {
      const auto narrow = static_cast<std::int32_t>(value);
      return narrow < 0 ? 0 : static_cast<std::uint64_t>(narrow);
    }
    case Type::uint32:
      return static_cast<std::uint32_t>(value);
    case Type::int64:
      return static_cast<std::int64_t>(value) < 0 ? 0 : value;
    case Type::uint64:
    case Type::hex:
    case Type::size:
    case Type::offset:
    case Type::mode:
    case Type::pointer:
    case Type::signal:
    case Type::device:
    case Type::flags:
    case Type::enumeration:
    case Type::path:
    case Type::cstring:
    case Type::bytes:
    case Type::strings:
    case Type::structure:
    case Type::array:
      return value;
  }
  return value;
}

// A structure that begins with its size; 0 stands for the first version (sched_setattr(2)).
std::uint64_t own_size(const Memory& memory, std::uint64_t address) {
  const std::uint64_t size = length_at(memory, RemotePtr<>(address));
  return size == 0 ? sched_attr_first : std::min(size, page_size);
}

// One or two sets of 32 capabilities, by the version (capget(2)).
std::uint64_t cap_elements(const Memory& memory, std::uint64_t header) {
  const auto version = memory.read(RemotePtr<std::uint32_t>(header));
  if (!version) return 0;
  if (*version == _LINUX_CAPABILITY_VERSION_1) return _LINUX_CAPABILITY_U32S_1;
  const bool wide = *version == _LINUX_CAPABILITY_VERSION_2 || *version == _LINUX_CAPABILITY_VERSION_3;
  return wide ? _LINUX_CAPABILITY_U32S_3 : 0;
}

}  // namespace

std::uint64_t length_at(const Memory& memory, RemotePtr<> at) {
  const auto length = memory.read(at.cast<std::int32_t>());
  return !length || *length < 0 ? 0 : static_cast<std::uint64_t>(*length);
}

std::uint64_t fiemap_size(const Memory& memory, RemotePtr<> at, std::uint64_t count_at) {
  const auto count = memory.read(at.plus_bytes(count_at).cast<std::uint32_t>());
  return sizeof(struct fiemap) + bytes_of(count.value_or(0), sizeof(struct fiemap_extent));
}

std::uint64_t string_size(const Memory& memory, RemotePtr<> at) {
  std::array<std::byte, 256> buffer;
  std::uint64_t size = 0;
  while (size < PATH_MAX) {
    const std::size_t readable = memory.read_some(at.plus_bytes(size), buffer);
    const auto* end = static_cast<const std::byte*>(std::memchr(buffer.data(), 0, readable));
    if (end != nullptr) return size + static_cast<std::uint64_t>(end - buffer.data()) + 1;
    size += readable;
    if (readable < buffer.size()) break;
  }
  return size;
}

std::uint64_t bytes_of(std::uint64_t count, std::uint64_t unit) {
  return count > max_transfer / unit ? max_transfer : count * unit;
}

std::uint64_t element_count(std::span<const Arg> args, std::uint8_t index, const CallArguments& call,
                            const Memory& memory) {
  const Arg& arg = args[index];
  const std::uint64_t address = call.args[index];
  const std::uint64_t other = arg.by == no_argument ? 0 : call.args[arg.by];
  const auto by_value = [&] { return count_from(args[arg.by], other); };
  switch (arg.rule) {
    case SizeRule::fixed:
      return arg.count;
    case SizeRule::argument:
      return by_value();
    case SizeRule::pointee:
      return length_at(memory, RemotePtr<>(other));
    case SizeRule::fd_bits:
      return (std::min(by_value(), max_descriptors) + 63) / 64;
    case SizeRule::node_bits:
      return other == 0 ? 0 : (std::min(other - 1, max_transfer) + 63) / 64;
    case SizeRule::pages:
      return other / page_size + (other % page_size != 0 ? 1 : 0);
    case SizeRule::own_size:
      return own_size(memory, address);
    case SizeRule::cap_version:
      return cap_elements(memory, other);
    case SizeRule::handle:
      return std::min(8 + length_at(memory, RemotePtr<>(address)), max_handle);
    case SizeRule::extents:
      return fiemap_size(memory, RemotePtr<>(address), offsetof(struct fiemap, fm_extent_count));
    case SizeRule::none:
    case SizeRule::string:
    case SizeRule::strings:
      return 0;
  }
  return 0;
}

}  // namespace rec::syscalls

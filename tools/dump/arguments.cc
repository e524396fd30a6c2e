// One function for each kind of argument; see call.h.
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <limits>

#include "format/syscalls/flags.h"
#include "tools/dump/call.h"
#include "tools/dump/quote.h"
#include "tools/dump/signals.h"
#include "tools/dump/values.h"

namespace rec::dump {
namespace {

using syscalls::Arg;
using syscalls::Bound;
using syscalls::Dir;
using syscalls::FlagSet;
using syscalls::Shape;
using syscalls::SizeRule;
using syscalls::Type;

constexpr std::size_t path_limit = 4095;  // PATH_MAX without the NUL: no longer path is legal

// a * b, or as much as fits: sizes come from the traced program.
std::uint64_t saturating_product(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::uint64_t>::max() : product;
}

std::uint32_t number_at(const EventMemory& memory, std::uint64_t address) {
  return memory.read(RemotePtr<std::uint32_t>(address)).value_or(0);
}

// The value that a length argument's pointer leads to: what was offered, or less if less was needed.
std::uint32_t length_behind(const Call& call, const Arg& arg) {
  const std::uint64_t pointer = call.event.args[arg.by];
  const std::uint32_t offered = number_at(call.before, pointer);
  return arg.dir == Dir::in ? offered : std::min(offered, number_at(call.after, pointer));
}

std::uint64_t capacity(const Call& call, const Arg& arg, std::uint64_t address) {
  switch (arg.rule) {
    case SizeRule::none:
    case SizeRule::string:
    case SizeRule::strings:
      return 0;
    case SizeRule::fixed:
      return std::uint64_t{arg.count} * arg.unit + arg.prefix;
    case SizeRule::argument: {
      const std::uint64_t elements = saturating_product(call.event.args[arg.by], arg.unit);
      return elements > std::numeric_limits<std::uint64_t>::max() - arg.prefix ? elements
                                                                               : elements + arg.prefix;
    }
    case SizeRule::pointee:
      return saturating_product(length_behind(call, arg), arg.unit);
    case SizeRule::fd_bits:
      return (static_cast<std::uint32_t>(call.event.args[arg.by]) + 63ULL) / 64 * 8;
    case SizeRule::node_bits: {
      const std::uint64_t bits = call.event.args[arg.by];
      return bits == 0 ? 0 : ((bits - 1) / 64 + 1) * 8;
    }
    case SizeRule::pages:
      return call.event.args[arg.by] / page_size + (call.event.args[arg.by] % page_size != 0);
    case SizeRule::own_size:
      return number_at(call.before, address);
    case SizeRule::cap_version: {
      const bool first = number_at(call.after, call.event.args[arg.by]) == _LINUX_CAPABILITY_VERSION_1;
      return first ? 12 : 24;
    }
    case SizeRule::handle:
      return 8 + std::uint64_t{number_at(call.after, address)};
    case SizeRule::extents:
      return 32;  // the header
  }
  return 0;
}

// Structures that are shown as the program passed them although the kernel changes them: what became of them
// comes after the result, if at all.
bool is_shown_as_passed(Shape shape) {
  return shape == Shape::pollfd || shape == Shape::fd_set || shape == Shape::timeval ||
         shape == Shape::timespec || shape == Shape::file_offset || shape == Shape::cap_header;
}

// Structures which the program itself fills with pointers to what the kernel writes.
bool holds_pointers(Shape shape) {
  return shape == Shape::iovec || shape == Shape::msghdr || shape == Shape::mmsghdr;
}

// The memory to show the argument from; nullptr: only its address is known.
const EventMemory* memory_for(const Call& call, const Arg& arg, std::uint64_t address) {
  if (holds_pointers(arg.shape)) return &call.after;
  switch (arg.dir) {
    case Dir::value:
    case Dir::in:
      return &call.before;
    case Dir::inout:
      return is_shown_as_passed(arg.shape) ? &call.before : &call.after;
    case Dir::out:
      break;
  }
  // A failed call may have written all the same (waitid clears its siginfo); what it wrote means nothing.
  if (!call.succeeded() && arg.when == syscalls::When::always) return nullptr;
  if (call.after.is_output(RemotePtr<>(address))) return &call.after;
  // The call may have written nothing: "" and [] say so.
  const bool nothing_to_write =
      call.succeeded() && arg.bound != Bound::none && memory_size(call, arg, address) == 0;
  return nothing_to_write ? &call.after : nullptr;
}

void put_flag_argument(Text& out, const Call& call, const Arg& arg, std::uint64_t value) {
  // Most are taken as 32-bit numbers, which a program may pass with their sign extended.
  const bool sign_extended = value >> 31 == 0x1ffffffff;
  if (arg.type == Type::enumeration || sign_extended) value = static_cast<std::uint32_t>(value);
  if (arg.set == FlagSet::ip_protocols) {
    switch (call.event.args[0]) {
      case AF_INET:
      case AF_INET6:
        break;
      case AF_NETLINK:
        return put_flags(out, FlagSet::netlink_protocols, value);
      default:
        return put_decimal(out, value);
    }
  }
  if (arg.set == FlagSet::ioctl_requests && syscalls::name_of(arg.set, value).empty()) {
    constexpr std::string_view directions[] = {"_IOC_NONE", "_IOC_WRITE", "_IOC_READ",
                                               "_IOC_READ|_IOC_WRITE"};
    put_format(out, "_IOC({}, ", directions[_IOC_DIR(value)]);
    put_hex(out, _IOC_TYPE(value));
    put(out, ", ");
    put_hex(out, _IOC_NR(value));
    put(out, ", ");
    put_hex(out, _IOC_SIZE(value));
    return put(out, ')');
  }
  if (arg.set == FlagSet::ipc_flags ||
      arg.set == FlagSet::shmget_flags) {  // with a mode in the low nine bits
    if ((value & ~0777ULL) != 0) {
      put_flags(out, arg.set, value & ~0777ULL);
      put(out, '|');
    }
    return put_octal(out, value & 0777);
  }
  constexpr std::uint64_t priority_mask = 0x7fff;  // SWAP_FLAG_PRIO_MASK, linux/swap.h
  if (arg.set == FlagSet::swap_flags && (value & priority_mask) != 0) {
    put_flags(out, arg.set, value & ~priority_mask);
    put(out, '|');
    return put_decimal(out, value & priority_mask);
  }
  if (arg.set == FlagSet::quota_commands) {
    constexpr std::string_view types[] = {"USRQUOTA", "GRPQUOTA", "PRJQUOTA"};
    const std::uint64_t type = value & 0xff;  // SUBCMDMASK, linux/quota.h
    put(out, "QCMD(");
    put_flags(out, arg.set, value >> 8);
    put(out, ", ");
    put_named(out, type < std::size(types) ? types[type] : "", [&] { put_hex(out, type); });
    return put(out, ')');
  }
  if (arg.set == FlagSet::ipc_keys && value != 0) return put_hex(out, value);
  put_flags(out, arg.set, value);
}

void put_strings(const Writer& writer, const Call& call, const Arg& arg, std::uint64_t address) {
  Text& out = writer.out;
  const EventMemory& memory = call.before;
  const auto pointer_at = [&](std::uint64_t index) {
    return memory.read(RemotePtr<std::uint64_t>(address + index * 8));
  };
  if (address == 0 || !pointer_at(0)) return put_pointer(out, address);
  if (arg.name == "envp" && out.abbreviates) {
    std::uint64_t count = 0;
    while (pointer_at(count).value_or(0) != 0) ++count;
    put_pointer(out, address);
    return put_format(out, " /* {} var{} */", count, count == 1 ? "" : "s");
  }
  const Scope scope = scope_of(writer, call, arg, memory);
  Braces list(out, '[', ']');
  for (std::uint64_t i = 0;; ++i) {
    const auto pointer = pointer_at(i);
    if (pointer && *pointer == 0) return;
    if (!pointer || i >= writer.options.string_limit) return list.more();
    list.next();
    put_string_or_pointer(scope, *pointer, writer.options.string_limit);
  }
}

void put_out_path(const Scope& scope, std::uint64_t address, std::uint64_t size) {
  std::span<const std::byte> bytes = scope.memory.view(RemotePtr<>(address), size);
  if (bytes.empty() && size > 0) return put_pointer(scope.out, address);
  if (!bytes.empty() && bytes.back() == std::byte{0}) bytes = bytes.first(bytes.size() - 1);
  put_quoted(scope.out, bytes, path_limit);
}

// [16], or [128 => 16] where the kernel changed the length.
void put_length(Text& out, const Call& call, std::uint64_t address) {
  const auto offered = call.before.read(RemotePtr<std::int32_t>(address));
  const auto needed = call.after.read(RemotePtr<std::int32_t>(address));
  if (!needed) return put_pointer(out, address);
  if (offered && *offered != *needed) return put_format(out, "[{} => {}]", *offered, *needed);
  put_format(out, "[{}]", *needed);
}

// Everything behind a pointer.
void put_memory(const Writer& writer, const Call& call, const Arg& arg, std::uint64_t address) {
  if (address == 0) return put(writer.out, "NULL");
  const bool is_structure =
      arg.type == Type::structure || arg.type == Type::array || arg.type == Type::strings;
  if (is_structure && !writer.options.dereferenced.shows(call.event.nr))
    return put_pointer(writer.out, address);
  if (arg.type == Type::strings) return put_strings(writer, call, arg, address);
  if (arg.shape == Shape::length) return put_length(writer.out, call, address);
  const EventMemory* memory = memory_for(call, arg, address);
  if (memory == nullptr) return put_pointer(writer.out, address);
  const Scope scope = scope_of(writer, call, arg, *memory);
  if (arg.rule == SizeRule::string) {
    return put_string_or_pointer(scope, address,
                                 arg.type == Type::path ? path_limit : writer.options.string_limit);
  }
  const std::uint64_t size = memory_size(call, arg, address);
  if (arg.type == Type::path) return put_out_path(scope, address, size);
  if (arg.type == Type::bytes) return put_bytes_or_pointer(scope, address, size);
  if (arg.type == Type::structure) return put_shape_or_pointer(scope, arg.shape, address, size);
  if (!put_array(scope, arg.shape, RemotePtr<>(address), size / arg.unit, arg.unit))
    put_pointer(writer.out, address);
}

void put_id(Text& out, std::uint64_t value) {
  if (static_cast<std::uint32_t>(value) == ~0U) return put(out, "-1");
  put_decimal(out, static_cast<std::uint32_t>(value));
}

void put_directory(Text& out, std::int32_t fd) {
  if (fd != AT_FDCWD) return put_descriptor(out, fd);
  put_named(out, "AT_FDCWD", [&] { put_decimal(out, fd); });
  if (out.annotations != nullptr) out.annotations->put_descriptor(out.buffer, fd);
}

}  // namespace

std::uint64_t memory_size(const Call& call, const Arg& arg, std::uint64_t address) {
  const std::uint64_t most = capacity(call, arg, address);
  if (arg.dir == Dir::in || !call.succeeded()) return most;
  const auto result = static_cast<std::uint64_t>(call.event.result);
  switch (arg.bound) {
    case Bound::none:
      break;
    case Bound::bytes:
      // A scatter list is as long as it is; the result counts what is behind it.
      return holds_pointers(arg.shape) ? most : std::min(most, result + arg.prefix);
    case Bound::elements:
      return std::min(most, saturating_product(result, arg.unit) + arg.prefix);
  }
  return arg.shape == Shape::mmsghdr ? std::min(most, saturating_product(result, arg.unit)) : most;
}

Scope scope_of(const Writer& writer, const Call& call, const Arg& arg, const EventMemory& memory) {
  return {.out = writer.out,
          .options = writer.options,
          .event = call.event,
          .memory = memory,
          .before = call.before,
          .dir = arg.dir};
}

void put_argument(const Writer& writer, const Call& call, std::size_t index) {
  const Arg& arg = call.args[index];
  const std::uint64_t value = call.event.args[index];
  Text& out = writer.out;
  switch (arg.type) {
    case Type::int32:
      return put_decimal(out, static_cast<std::int32_t>(value));
    case Type::fd:
      return put_descriptor(out, static_cast<std::int32_t>(value));
    case Type::pid:
    case Type::tid:
      return put_task(out, static_cast<std::int32_t>(value));
    case Type::uint32:
      return put_decimal(out, static_cast<std::uint32_t>(value));
    case Type::int64:
    case Type::offset:
      return put_decimal(out, static_cast<std::int64_t>(value));
    case Type::uint64:
    case Type::size:
      return put_decimal(out, value);
    case Type::hex:
      return put_hex(out, value);
    case Type::mode:
      return put_octal(out, static_cast<std::uint16_t>(value));
    case Type::pointer:
      return put_pointer(out, value);
    case Type::dirfd:
      return put_directory(out, static_cast<std::int32_t>(value));
    case Type::uid:
    case Type::gid:
      return put_id(out, value);
    case Type::signal:
      return put_signal(out, static_cast<std::int32_t>(value));
    case Type::device:
      return put_device(out, value);
    case Type::flags:
    case Type::enumeration:
      return put_flag_argument(out, call, arg, value);
    case Type::path:
    case Type::cstring:
    case Type::bytes:
    case Type::strings:
    case Type::structure:
    case Type::array:
      return put_memory(writer, call, arg, value);
  }
}

}  // namespace rec::dump

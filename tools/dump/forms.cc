#include "tools/dump/forms.h"

#include <asm/unistd.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "format/syscalls/flags.h"
#include "tools/dump/errors.h"
#include "tools/dump/form_list.h"
#include "tools/dump/quote.h"
#include "tools/dump/signals.h"
#include "tools/dump/values.h"

namespace rec::dump {
namespace {

using syscalls::Arg;
using syscalls::Dir;
using syscalls::FlagSet;
using syscalls::Shape;

std::uint64_t argument(const Call& call, std::size_t index) { return call.event.args[index]; }

// clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f39ad96aa10)
void put_clone(const Writer& writer, const Call& call) {
  constexpr std::uint64_t signal_mask = 0xff;  // CSIGNAL
  Text& out = writer.out;
  const std::uint64_t flags = argument(call, 0);
  put(out, "child_stack=");
  put_pointer(out, argument(call, 1));
  put(out, ", flags=");
  const auto signal = static_cast<std::int64_t>(flags & signal_mask);
  if ((flags & ~signal_mask) != 0 || signal == 0) put_flags(out, FlagSet::clone_flags, flags & ~signal_mask);
  if (signal != 0) {
    if ((flags & ~signal_mask) != 0) put(out, '|');
    put_signal(out, signal);
  }
  if ((flags & (CLONE_PARENT_SETTID | CLONE_PIDFD)) != 0) {
    put(out, ", parent_tid=");
    if (call.succeeded() && (flags & CLONE_PARENT_SETTID) != 0) {
      put_format(out, "[{}]", call.event.result);
    } else {
      put_pointer(out, argument(call, 2));
    }
  }
  if ((flags & CLONE_SETTLS) != 0) {
    put(out, ", tls=");
    put_pointer(out, argument(call, 4));
  }
  if ((flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)) != 0) {
    put(out, ", child_tidptr=");
    put_pointer(out, argument(call, 3));
  }
}

// clone3({flags=…} => {parent_tid=[18102]}, 88): what the kernel stored comes after what was passed. The new
// task may already have cleared its number again where it was stored, but it is the call's result anyhow.
bool put_clone3_argument(const Writer& writer, const Call& call, std::size_t index) {
  if (index != 0) return false;
  put_argument(writer, call, index);
  ::clone_args args{};
  const auto given = std::as_writable_bytes(std::span(&args, 1)).first(CLONE_ARGS_SIZE_VER0);
  if (!call.succeeded() || !call.before.read_exact(RemotePtr<>(argument(call, 0)), given)) return true;
  const bool has_tid = (args.flags & CLONE_PARENT_SETTID) != 0;
  const auto pidfd =
      (args.flags & CLONE_PIDFD) != 0 ? call.after.read(RemotePtr<std::int32_t>(args.pidfd)) : std::nullopt;
  if (!has_tid && !pidfd) return true;
  put(writer.out, " => ");
  Braces fields(writer.out);
  if (pidfd) put_format(fields.field("pidfd"), "[{}]", *pidfd);
  if (has_tid) put_format(fields.field("parent_tid"), "[{}]", call.event.result);
  return true;
}

// The call that goes on is not in the event; these are strace's words for that.
void put_restart(const Writer& writer, const Call& /*call*/) {
  put(writer.out, "<... resuming interrupted system call ...>");
}

// rt_sigreturn({mask=[]}): the mask that the signal frame gives back.
void put_sigreturn(const Writer& writer, const Call& call) {
  for (const Data& piece : call.event.data) {
    const auto mask = piece.role == Data::Role::input && piece.bytes.size() == sizeof(std::uint64_t)
                          ? call.before.read(piece.address.cast<std::uint64_t>())
                          : std::nullopt;
    if (!mask) continue;
    put(writer.out, "{mask=");
    put_signal_set(writer.out, *mask);
    return put(writer.out, '}');
  }
}

// The timeout of a call that waits: what was left of it when it ended.
bool put_time_left(const Writer& writer, const Call& call, bool any) {
  for (std::size_t i = 0; i < call.args.size(); ++i) {
    const Arg& arg = call.args[i];
    const bool is_time = arg.shape == Shape::timeval || arg.shape == Shape::timespec;
    if (arg.dir != Dir::inout || !is_time || !call.after.is_output(RemotePtr<>(argument(call, i)))) continue;
    put(writer.out, any ? ", left " : " (left ");
    put_shape_or_pointer(scope_of(writer, call, arg, call.after), arg.shape, argument(call, i), 16);
    return true;
  }
  return any;
}

// = 2 ([{fd=99, revents=POLLNVAL}, {fd=14, revents=POLLOUT}], left {…})
void put_poll_remark(const Writer& writer, const Call& call) {
  if (call.event.result == 0) return put(writer.out, " (Timeout)");
  Text& out = writer.out;
  put(out, " (");
  {
    Braces list(out, '[', ']');
    const auto count = static_cast<std::uint32_t>(argument(call, 1));
    std::size_t shown = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      const RemotePtr<> at(argument(call, 0) + i * 8);
      const auto entry =
          call.after.read(at.cast<std::array<std::uint16_t, 4>>());  // int fd; short events, revents
      if (!entry) break;
      if ((*entry)[3] == 0) continue;
      if (shown++ >= writer.options.string_limit) {
        list.more();
        break;
      }
      Braces fields(list.next());
      put_descriptor(fields.field("fd"),
                     static_cast<std::int32_t>((*entry)[0] | std::uint32_t{(*entry)[1]} << 16));
      put_flags(fields.field("revents"), FlagSet::poll_events, (*entry)[3]);
    }
  }
  put_time_left(writer, call, true);
  put(out, ')');
}

// = 2 (in [1], out [14], left {tv_sec=0, tv_usec=3})
void put_select_remark(const Writer& writer, const Call& call) {
  if (call.event.result == 0) return put(writer.out, " (Timeout)");
  constexpr std::array<std::string_view, 3> names = {"in ", "out ", "except "};
  bool any = false;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::uint64_t address = argument(call, i + 1);
    const std::uint64_t size = memory_size(call, call.args[i + 1], address);
    const std::span<const std::byte> bits = call.after.view(RemotePtr<>(address), size);
    const bool has_bits =
        std::any_of(bits.begin(), bits.end(), [](std::byte b) { return b != std::byte{0}; });
    if (address == 0 || !has_bits) continue;
    put(writer.out, any ? ", " : " (");
    any = true;
    put(writer.out, names[i]);
    put_bit_numbers(writer.out, bits, '[', ']');
  }
  if (put_time_left(writer, call, any)) put(writer.out, ')');
}

void put_time_left_remark(const Writer& writer, const Call& call) {
  if (put_time_left(writer, call, false)) put(writer.out, ')');
}

// = 1795229394 (2026-11-21T02:49:54+0000)
void put_date_remark(const Writer& writer, const Call& call) {
  put(writer.out, " (");
  put_date(writer.out, call.event.result, 0);
  put(writer.out, ')');
}

// The mode of mknod has the file's type in it; only device files have a number.
template <std::size_t mode_index>
bool put_mknod_mode(const Writer& writer, const Call& call, std::size_t index) {
  if (index != mode_index) return false;
  put_file_mode(writer.out, static_cast<std::uint16_t>(argument(call, index)));
  return true;
}
template <std::size_t mode_index>
bool leaves_out_device(const Call& call, std::size_t index) {
  const std::uint64_t type = argument(call, mode_index) & S_IFMT;
  return index == mode_index + 1 && type != S_IFCHR && type != S_IFBLK;
}

// FUTEX_WAIT_BITSET and FUTEX_WAKE_BITSET do not look at the arguments before the mask.
bool leaves_out_futex(const Call& call, std::size_t index) {
  const bool has_mask = !call.args.empty() && call.args.back().set == FlagSet::futex_bitset;
  return has_mask && index > 2 && call.args[index].type == syscalls::Type::pointer;
}
bool put_futex_argument(const Writer& writer, const Call& call, std::size_t index) {
  constexpr std::size_t third_value = 5;
  if (index != third_value || (argument(call, 1) & FUTEX_CMD_MASK) != FUTEX_WAKE_OP) {
    if (call.args[index].shape != Shape::futex_word) return false;
    put_pointer(writer.out, argument(call, index));
    return true;
  }
  // FUTEX_OP(op, oparg, cmp, cmparg) of linux/futex.h
  constexpr std::array<std::string_view, 5> operations = {"FUTEX_OP_SET", "FUTEX_OP_ADD", "FUTEX_OP_OR",
                                                          "FUTEX_OP_ANDN", "FUTEX_OP_XOR"};
  constexpr std::array<std::string_view, 6> comparisons = {"FUTEX_OP_CMP_EQ", "FUTEX_OP_CMP_NE",
                                                           "FUTEX_OP_CMP_LT", "FUTEX_OP_CMP_LE",
                                                           "FUTEX_OP_CMP_GT", "FUTEX_OP_CMP_GE"};
  const auto value = static_cast<std::uint32_t>(argument(call, index));
  const std::size_t operation = value >> 28 & 7;
  const std::size_t comparison = value >> 24 & 15;
  if (operation >= operations.size() || comparison >= comparisons.size()) return false;
  if ((value >> 28 & FUTEX_OP_OPARG_SHIFT) != 0) put(writer.out, "FUTEX_OP_OPARG_SHIFT<<28|");
  put_format(writer.out, "{}<<28|", operations[operation]);
  put_hex(writer.out, value >> 12 & 0xfff);
  put_format(writer.out, "<<12|{}<<24|", comparisons[comparison]);
  put_hex(writer.out, value & 0xfff);
  return true;
}

// The names of socket options depend on their level; the values of those without a form of their own are
// mostly ints.
FlagSet options_of_level(std::uint64_t level) {
  switch (level) {
    case SOL_SOCKET:
      return FlagSet::socket_options;
    case IPPROTO_IP:
      return FlagSet::ip_options;
    case IPPROTO_IPV6:
      return FlagSet::ipv6_options;
    case IPPROTO_TCP:
      return FlagSet::tcp_options;
    case IPPROTO_UDP:
      return FlagSet::udp_options;
    case SOL_PACKET:
      return FlagSet::packet_options;
    case SOL_NETLINK:
      return FlagSet::netlink_options;
    default:
      return FlagSet::none;
  }
}
// [ECONNREFUSED]: what SO_ERROR gives is an errno.
bool put_socket_error(const Writer& writer, const Call& call, std::size_t index) {
  const auto error = call.after.is_output(RemotePtr<>(argument(call, index)))
                         ? call.after.read(RemotePtr<std::int32_t>(argument(call, index)))
                         : std::nullopt;
  if (!error) return false;
  Braces list(writer.out, '[', ']');
  if (*error == 0) {
    put_decimal(list.next(), 0);
  } else {
    put_errno(list.next(), *error);
  }
  return true;
}
bool put_socket_option(const Writer& writer, const Call& call, std::size_t index) {
  constexpr std::size_t name = 2;
  constexpr std::size_t value = 3;
  if (index == name) {
    const FlagSet options = options_of_level(argument(call, 1));
    if (options == FlagSet::none) return false;
    put_flags(writer.out, options, static_cast<std::uint32_t>(argument(call, name)));
    return true;
  }
  const bool is_error_option = static_cast<std::int32_t>(argument(call, 1)) == SOL_SOCKET &&
                               static_cast<std::int32_t>(argument(call, name)) == SO_ERROR;
  if (index == value && is_error_option) return put_socket_error(writer, call, index);
  const Arg& arg = call.args[index];
  if (index != value || arg.shape != Shape::bytes) return false;
  if (arg.dir != Dir::in && !call.after.is_output(RemotePtr<>(argument(call, value)))) return false;
  if (memory_size(call, arg, argument(call, value)) != sizeof(std::int32_t)) return false;
  const EventMemory& memory = arg.dir == Dir::in ? call.before : call.after;
  put_shape_or_pointer(scope_of(writer, call, arg, memory), Shape::int32, argument(call, value),
                       sizeof(std::int32_t));
  return true;
}

// EPOLL_CTL_DEL does not look at its event (epoll_ctl(2)).
bool put_epoll_event_argument(const Writer& writer, const Call& call, std::size_t index) {
  if (index != 3 || argument(call, 1) != EPOLL_CTL_DEL) return false;
  put_pointer(writer.out, argument(call, index));
  return true;
}

// Random bytes make no text.
bool put_random_bytes(const Writer& writer, const Call& call, std::size_t index) {
  if (index != 0 || !call.succeeded()) return false;
  const auto size = static_cast<std::uint64_t>(call.event.result);
  const std::span<const std::byte> bytes = call.after.view(RemotePtr<>(argument(call, 0)), size);
  if (bytes.size() < size) return false;
  put_quoted(writer.out, bytes, writer.options.string_limit, false, Escape::always_hex);
  return true;
}

// [3] => [8]: the offset before and after the transfer.
bool put_sendfile_offset(const Writer& writer, const Call& call, std::size_t index) {
  if (index != 2) return false;
  put_argument(writer, call, index);
  const RemotePtr<std::int64_t> at(argument(call, index));
  const auto moved = call.after.is_output(at.cast<void>()) ? call.after.read(at) : std::nullopt;
  if (moved && call.event.result > 0) put_format(writer.out, " => [{}]", *moved);
  return true;
}

// strace does not show the NUL that most values of extended attributes end with.
bool put_attribute_value(const Writer& writer, const Call& call, std::size_t index) {
  constexpr std::size_t value = 2;
  if (index != value || !call.succeeded()) return false;
  const Arg& arg = call.args[value];
  const std::uint64_t size = memory_size(call, arg, argument(call, value));
  const EventMemory& memory = arg.dir == Dir::in ? call.before : call.after;
  const std::span<const std::byte> bytes = memory.view(RemotePtr<>(argument(call, value)), size);
  if (bytes.empty() || bytes.size() < size || bytes.back() != std::byte{0}) return false;
  put_quoted(writer.out, bytes.first(bytes.size() - 1), writer.options.string_limit);
  return true;
}

// A size of 0 asks for the length (listxattr(2)): the buffer is not looked at.
bool put_attribute_list(const Writer& writer, const Call& call, std::size_t index) {
  constexpr std::size_t list = 1;
  if (index != list || argument(call, list + 1) != 0) return false;
  put_pointer(writer.out, argument(call, list));
  return true;
}

// The upper half of an offset that 32-bit programs need (man 2 preadv).
bool leaves_out_upper_half(const Call& /*call*/, std::size_t index) { return index == 4; }

bool put_hex_length(const Writer& writer, const Call& call, std::size_t index) {
  if (index != 1) return false;
  put_hex(writer.out, argument(call, index));
  return true;
}

bool put_personality(const Writer& writer, const Call& call, std::size_t index) {
  constexpr std::uint64_t query = 0xffffffff;  // personality(2): asks, changes nothing
  if (argument(call, index) != query) return false;
  put_hex(writer.out, query);
  return true;
}

constexpr std::pair<int, CallForm> forms[] = {
    {__NR_clone, {.arguments = put_clone}},
    {__NR_clone3, {.argument = put_clone3_argument}},
    {__NR_restart_syscall, {.arguments = put_restart}},
    {__NR_rt_sigreturn, {.arguments = put_sigreturn}},
    {__NR_poll, {.remark = put_poll_remark}},
    {__NR_ppoll, {.remark = put_poll_remark}},
    {__NR_select, {.remark = put_select_remark}},
    {__NR_pselect6, {.remark = put_select_remark}},
    {__NR_recvmmsg, {.remark = put_time_left_remark}},
    {__NR_time, {.remark = put_date_remark}},
    {__NR_mknod, {.argument = put_mknod_mode<1>, .leaves_out = leaves_out_device<1>}},
    {__NR_mknodat, {.argument = put_mknod_mode<2>, .leaves_out = leaves_out_device<2>}},
    {__NR_futex, {.argument = put_futex_argument, .leaves_out = leaves_out_futex}},
    {__NR_setsockopt, {.argument = put_socket_option}},
    {__NR_getsockopt, {.argument = put_socket_option}},
    {__NR_epoll_ctl, {.argument = put_epoll_event_argument}},
    {__NR_getrandom, {.argument = put_random_bytes}},
    {__NR_sendfile, {.argument = put_sendfile_offset}},
    {__NR_setxattr, {.argument = put_attribute_value}},
    {__NR_lsetxattr, {.argument = put_attribute_value}},
    {__NR_fsetxattr, {.argument = put_attribute_value}},
    {__NR_getxattr, {.argument = put_attribute_value}},
    {__NR_lgetxattr, {.argument = put_attribute_value}},
    {__NR_fgetxattr, {.argument = put_attribute_value}},
    {__NR_listxattr, {.argument = put_attribute_list}},
    {__NR_llistxattr, {.argument = put_attribute_list}},
    {__NR_flistxattr, {.argument = put_attribute_list}},
    {__NR_preadv, {.leaves_out = leaves_out_upper_half}},
    {__NR_pwritev, {.leaves_out = leaves_out_upper_half}},
    {__NR_preadv2, {.leaves_out = leaves_out_upper_half}},
    {__NR_pwritev2, {.leaves_out = leaves_out_upper_half}},
    {__NR_rseq, {.argument = put_hex_length}},
    {__NR_ioprio_get, {.remark = put_io_priority_remark}},
    {__NR_ioprio_set, {.argument = put_io_priority_argument}},
    {__NR_seccomp, {.argument = put_seccomp_argument}},
    {__NR_prctl, {.argument = put_prctl_argument}},
    {__NR_get_mempolicy, {.argument = put_policy_argument}},
    {__NR_membarrier, {.leaves_out = leaves_out_processor, .remark = put_membarrier_remark}},
    {__NR_syslog, {.argument = put_log_action, .leaves_out = leaves_out_log_buffer}},
    {__NR_init_module, {.argument = put_module_image}},
    {__NR_ioperm, {.argument = put_hex_length}},
    {__NR_personality, {.argument = put_personality}},
};

constexpr std::size_t last_call = 511;

constexpr auto form_by_number = [] {
  std::array<CallForm, last_call + 1> result{};
  for (const auto& [nr, form] : forms) result[static_cast<std::size_t>(nr)] = form;
  return result;
}();

}  // namespace

const CallForm& form_of_call(std::int32_t nr) {
  static constexpr CallForm plain{};
  const auto index = static_cast<std::uint32_t>(nr);
  return index < form_by_number.size() ? form_by_number[index] : plain;
}

}  // namespace rec::dump

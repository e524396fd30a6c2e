// The variants of multiplexers: ioctl requests, fcntl operations, prctl options, … from variants/*.def. The
// values come from the kernel's own headers; VARIANT_AT gives those that are newer than the headers of
// Debian 12.
#include <asm/ioctls.h>
#include <asm/prctl.h>
#include <asm/ptrace-abi.h>
#include <asm/socket.h>
#include <asm/sockios.h>
#include <asm/termbits.h>
#include <linux/bpf.h>
#include <linux/fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/hdreg.h>
#include <linux/if_tun.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ipc.h>
#include <linux/kd.h>
#include <linux/keyctl.h>
#include <linux/kvm.h>
#include <linux/loop.h>
#include <linux/msg.h>
#include <linux/nsfs.h>
#include <linux/prctl.h>
#include <linux/ptrace.h>
#include <linux/quota.h>
#include <linux/random.h>
#include <linux/rtc.h>
#include <linux/seccomp.h>
#include <linux/sem.h>
#include <linux/shm.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <linux/vt.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "format/syscalls/entries.h"
#include "format/syscalls/table.h"

namespace rec::syscalls {
namespace {

using namespace words;

// The multiplexer `name`, selecting by its argument `selector`; the variants' own arguments begin after
// `last_common`.
consteval Multiplexer by(std::string_view name, std::string_view selector, std::string_view last_common,
                         std::uint64_t mask = 0xffffffff) {
  const Syscall& call = entries::named(name);
  return {.nr = call.nr,
          .selector = index_of(call.args, selector),
          .mask = mask,
          .first = static_cast<std::uint8_t>(index_of(call.args, last_common) + 1)};
}
consteval Multiplexer by(std::string_view name, std::string_view selector) {
  return by(name, selector, selector);
}

// FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME are not part of the operation.
constexpr std::uint64_t futex_mask = 0xffffffff & FUTEX_CMD_MASK;
// QCMD puts the kind of quota into the low byte (linux/quota.h).
constexpr std::uint64_t quota_mask = 0xffffff00;
constexpr std::uint64_t unique_mount_id = 0x001;  // AT_HANDLE_MNT_ID_UNIQUE, Linux 6.12

namespace mux {
consteval Multiplexer requests() {
  Multiplexer result = by("ioctl", "request");
  result.encodes_size = true;
  return result;
}
constexpr Multiplexer ioctl = requests();
constexpr Multiplexer fcntl = by("fcntl", "op");
constexpr Multiplexer futex = {
    .nr = entries::named("futex").nr, .selector = 1, .mask = futex_mask, .first = 0};
constexpr Multiplexer prctl = by("prctl", "op");
constexpr Multiplexer arch_prctl = by("arch_prctl", "op");
constexpr Multiplexer ptrace = by("ptrace", "op");
constexpr Multiplexer semctl = by("semctl", "cmd");
constexpr Multiplexer shmctl = by("shmctl", "cmd");
constexpr Multiplexer msgctl = by("msgctl", "cmd");
constexpr Multiplexer keyctl = by("keyctl", "operation");
constexpr Multiplexer bpf = by("bpf", "op");
constexpr Multiplexer seccomp = by("seccomp", "operation");
constexpr Multiplexer sysfs = by("sysfs", "option");
constexpr Multiplexer modify_ldt = by("modify_ldt", "func");
constexpr Multiplexer quotactl = by("quotactl", "op", "id", quota_mask);
constexpr Multiplexer quotactl_fd = by("quotactl_fd", "op", "id", quota_mask);
constexpr Multiplexer landlock_add_rule = by("landlock_add_rule", "rule_type");
constexpr Multiplexer name_to_handle_at = {
    .nr = entries::named("name_to_handle_at").nr, .selector = 4, .mask = unique_mount_id, .first = 3};
consteval Multiplexer socket_option(std::string_view name) {
  Multiplexer result = by(name, "optname");
  result.second_selector = index_of(entries::named(name).args, "level");
  result.mask = 0xffffffffffffffff;
  return result;
}
constexpr Multiplexer getsockopt = socket_option("getsockopt");
constexpr Multiplexer setsockopt = socket_option("setsockopt");
}  // namespace mux

consteval Variant variant(const Multiplexer& of, std::uint64_t selector, std::string_view name,
                          const VariantEntry& entry) {
  const std::int16_t index = entries::index_by_nr[static_cast<std::size_t>(of.nr)];
  return make_variant(entries::table[static_cast<std::size_t>(index)], of, selector, name, entry);
}

#define VARIANT_AT(name, value, ...) \
  variant(MUX, static_cast<std::uint64_t>(value), #name, VariantEntry{__VA_ARGS__}),
#define VARIANT(name, ...) variant(MUX, static_cast<std::uint64_t>(name), #name, VariantEntry{__VA_ARGS__}),

#define MUX mux::ioctl
constexpr Variant ioctl_variants[] = {
#include "format/syscalls/variants/ioctl.def"
};
#undef MUX
#define MUX mux::fcntl
constexpr Variant fcntl_variants[] = {
#include "format/syscalls/variants/fcntl.def"
};
#undef MUX
#define MUX mux::futex
constexpr Variant futex_variants[] = {
#include "format/syscalls/variants/futex.def"
};
#undef MUX
#define MUX mux::prctl
constexpr Variant prctl_variants[] = {
#include "format/syscalls/variants/prctl.def"
};
#undef MUX
#define MUX mux::arch_prctl
constexpr Variant arch_prctl_variants[] = {
#include "format/syscalls/variants/arch_prctl.def"
};
#undef MUX
#define MUX mux::ptrace
constexpr Variant ptrace_variants[] = {
#include "format/syscalls/variants/ptrace.def"
};
#undef MUX
#define MUX mux::semctl
constexpr Variant semctl_variants[] = {
#include "format/syscalls/variants/semctl.def"
};
#undef MUX
#define MUX mux::shmctl
constexpr Variant shmctl_variants[] = {
#include "format/syscalls/variants/shmctl.def"
};
#undef MUX
#define MUX mux::msgctl
constexpr Variant msgctl_variants[] = {
#include "format/syscalls/variants/msgctl.def"
};
#undef MUX
#define MUX mux::keyctl
constexpr Variant keyctl_variants[] = {
#include "format/syscalls/variants/keyctl.def"
};
#undef MUX
#define MUX mux::seccomp
constexpr Variant seccomp_variants[] = {
#include "format/syscalls/variants/seccomp.def"
};
#undef MUX
#define MUX mux::sysfs
constexpr Variant sysfs_variants[] = {
#include "format/syscalls/variants/sysfs.def"
};
#undef MUX
#define MUX mux::modify_ldt
constexpr Variant modify_ldt_variants[] = {
#include "format/syscalls/variants/modify_ldt.def"
};
#undef MUX
#define MUX mux::landlock_add_rule
constexpr Variant landlock_add_rule_variants[] = {
    VARIANT_AT(LANDLOCK_RULE_PATH_BENEATH, 1,
               .args = {in("rule_attr", Shape::landlock_path_beneath), uint32("flags")})
        VARIANT_AT(LANDLOCK_RULE_NET_PORT, 2,
                   .args = {in("rule_attr", Shape::landlock_net_port), uint32("flags")})};
#undef MUX
#define MUX mux::name_to_handle_at
constexpr Variant name_to_handle_at_variants[] = {
    VARIANT_AT(AT_HANDLE_MNT_ID_UNIQUE, unique_mount_id,
               .args = {out("mount_id", Shape::uint64).always(), flags(name_to_handle_flags, "flags")})};
#undef MUX
#undef VARIANT
#undef VARIANT_AT

constexpr Variant bpf_variants[] = {
#define COMMAND(name, direction, result)                                                \
  variant(mux::bpf, name, #name,                                                        \
          {.args = {direction("attr", Shape::bpf_attr, up_to("size")), uint32("size")}, \
           .returns = result,                                                           \
           .changes_fds = Returns::result == new_fd}),
#include "format/syscalls/variants/bpf.def"
#undef COMMAND
};

#define QUOTA(name, argument) \
  variant(QUOTA_MUX, (std::uint64_t{name} << SUBCMDSHIFT), #name, {.args = {argument}}),
#define QUOTA_MUX mux::quotactl
constexpr Variant quotactl_variants[] = {
#include "format/syscalls/variants/quotactl.def"
};
#undef QUOTA_MUX
#define QUOTA_MUX mux::quotactl_fd
constexpr Variant quotactl_fd_variants[] = {
#include "format/syscalls/variants/quotactl.def"
};
#undef QUOTA_MUX
#undef QUOTA

constexpr std::uint64_t option_key(std::uint64_t level, std::uint64_t name) { return level << 32 | name; }

constexpr Variant getsockopt_variants[] = {
#define OPTION(level, name, shape)                         \
  variant(mux::getsockopt, option_key(level, name), #name, \
          {.args = {out("optval", shape, length_at("optlen")), inout("optlen", Shape::length)}}),
#include "format/syscalls/variants/sockopt.def"
#undef OPTION
    variant(mux::getsockopt, option_key(IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE), "TCP_ZEROCOPY_RECEIVE",
            {.args = {inout("optval", length_at("optlen")), inout("optlen", Shape::length)},
             .replay = Replay::deny,
             .deny_errno = ENOPROTOOPT,
             .note = "maps received pages into the program without a map call"}),
    // A new descriptor of the peer (Linux 6.5).
    variant(mux::getsockopt, option_key(SOL_SOCKET, 77), "SO_PEERPIDFD",
            {.args = {out("optval", Shape::descriptor, length_at("optlen")), inout("optlen", Shape::length)},
             .changes_fds = true}),
};
constexpr Variant setsockopt_variants[] = {
#define OPTION(level, name, shape)                         \
  variant(mux::setsockopt, option_key(level, name), #name, \
          {.args = {in("optval", shape, bytes_of("optlen")), uint32("optlen")}}),
#include "format/syscalls/variants/sockopt.def"
#undef OPTION
};

// A multiplexer with its variants, ordered by selector.
template <std::size_t N>
struct Group {
  Multiplexer of;
  std::array<Variant, N> variants{};
};

template <std::size_t N>
consteval Group<N> ordered(const Multiplexer& of, const Variant (&variants)[N]) {
  std::array<std::size_t, N> order{};
  for (std::size_t i = 0; i < N; ++i) {
    std::size_t at = i;
    for (; at > 0 && variants[order[at - 1]].selector >= variants[i].selector; --at) {
      if (variants[order[at - 1]].selector == variants[i].selector) throw "two variants have this selector";
      order[at] = order[at - 1];
    }
    order[at] = i;
  }
  Group<N> group{.of = of};
  for (std::size_t i = 0; i < N; ++i) group.variants[i] = variants[order[i]];
  return group;
}

struct Range {
  Multiplexer of;
  std::size_t begin = 0;
  std::size_t end = 0;
};
template <std::size_t Groups, std::size_t Total>
struct Collection {
  std::array<Range, Groups> ranges{};
  std::array<Variant, Total> variants{};
};

template <std::size_t... Ns>
consteval auto collect(const Group<Ns>&... groups) {
  Collection<sizeof...(Ns), (Ns + ...)> all{};
  std::size_t group_index = 0;
  std::size_t next = 0;
  const auto add = [&](const auto& group) {
    if (group_index > 0 && all.ranges[group_index - 1].of.nr >= group.of.nr)
      throw "order the groups by number";
    const std::size_t begin = next;
    for (const Variant& v : group.variants) all.variants[next++] = v;
    all.ranges[group_index++] = {group.of, begin, next};
  };
  (add(groups), ...);
  return all;
}

constexpr auto collection = collect(
    ordered(mux::ioctl, ioctl_variants), ordered(mux::shmctl, shmctl_variants),
    ordered(mux::setsockopt, setsockopt_variants), ordered(mux::getsockopt, getsockopt_variants),
    ordered(mux::semctl, semctl_variants), ordered(mux::msgctl, msgctl_variants),
    ordered(mux::fcntl, fcntl_variants), ordered(mux::ptrace, ptrace_variants),
    ordered(mux::sysfs, sysfs_variants), ordered(mux::modify_ldt, modify_ldt_variants),
    ordered(mux::prctl, prctl_variants), ordered(mux::arch_prctl, arch_prctl_variants),
    ordered(mux::quotactl, quotactl_variants), ordered(mux::futex, futex_variants),
    ordered(mux::keyctl, keyctl_variants), ordered(mux::name_to_handle_at, name_to_handle_at_variants),
    ordered(mux::seccomp, seccomp_variants), ordered(mux::bpf, bpf_variants),
    ordered(mux::quotactl_fd, quotactl_fd_variants),
    ordered(mux::landlock_add_rule, landlock_add_rule_variants));

constexpr std::uint8_t no_range = 0xff;
static_assert(collection.ranges.size() < no_range);

// Most calls have none, and every call is asked: so by number.
consteval auto ranges_by_nr() {
  std::array<std::uint8_t, entries::highest_nr + 1> by_nr{};
  by_nr.fill(no_range);
  for (std::size_t i = 0; i < collection.ranges.size(); ++i) {
    by_nr.at(static_cast<std::size_t>(collection.ranges.at(i).of.nr)) = static_cast<std::uint8_t>(i);
  }
  return by_nr;
}
constexpr auto range_by_nr = ranges_by_nr();

const Range* find_range(std::int64_t nr) {
  if (nr < 0 || nr > entries::highest_nr) return nullptr;
  const std::uint8_t number = range_by_nr.at(static_cast<std::size_t>(nr));
  return number == no_range ? nullptr : &collection.ranges.at(number);
}

}  // namespace

const Multiplexer* find_multiplexer(std::int64_t nr) {
  const Range* range = find_range(nr);
  return range == nullptr ? nullptr : &range->of;
}

std::span<const Variant> all_variants() { return collection.variants; }

const Variant* select_variant(const Syscall& call, std::span<const std::uint64_t, 6> args) {
  const Range* range = find_range(call.nr);
  if (range == nullptr) return nullptr;
  std::uint64_t selector = args[range->of.selector];
  if (range->of.second_selector != no_argument) {
    selector = (selector & 0xffffffff) | args[range->of.second_selector] << 32;
  }
  selector &= range->of.mask;
  const auto first = collection.variants.begin() + range->begin;
  const auto last = collection.variants.begin() + range->end;
  const auto at = std::lower_bound(first, last, selector, [](const Variant& variant, std::uint64_t wanted) {
    return variant.selector < wanted;
  });
  return at != last && at->selector == selector ? &*at : nullptr;
}

}  // namespace rec::syscalls

// The words that the .def files are written in, and the consteval functions which turn an entry into a
// Syscall or a Variant. Arguments refer to each other by name; a misspelt name, a deny without its reason, a
// multiplexer whose variants have no room are compile errors. Only table.cc and variants.cc include this.
#pragma once

#include <linux/errno.h>
#include <sys/mman.h>

#include <optional>

#include "format/syscalls/spec.h"

namespace rec::syscalls::words {

using enum Class;
using enum FlagSet;
using enum Returns;

// Conditions that entries share: which bits make an argument count (open(2), clone(2)).
inline constexpr std::uint64_t creates = 0100 | 020000000;                // O_CREAT, __O_TMPFILE
inline constexpr std::uint64_t stores_parent_tid = 0x00100000 | 0x1000;   // CLONE_PARENT_SETTID, CLONE_PIDFD
inline constexpr std::uint64_t uses_child_tid = 0x01000000 | 0x00200000;  // CLONE_CHILD_SETTID, _CLEARTID
inline constexpr std::uint64_t sets_tls = 0x00080000;                     // CLONE_SETTLS

// How much memory: the right-hand side of in(), out(), inout().
struct Amount {
  SizeRule rule = SizeRule::fixed;
  std::string_view by{};
  std::uint16_t count = 1;
  std::uint16_t prefix = 0;
  bool in_bytes = false;  // counted in bytes, whatever the shape
  bool by_result = false;

  // The result says how much of it was written.
  [[nodiscard]] consteval Amount result() const {
    Amount copy = *this;
    copy.by_result = true;
    return copy;
  }
  // `bytes` come before what is counted.
  [[nodiscard]] consteval Amount after(std::uint16_t bytes) const {
    Amount copy = *this;
    copy.prefix = bytes;
    return copy;
  }
};
// As many elements as argument `name` says.
consteval Amount up_to(std::string_view name) { return {.rule = SizeRule::argument, .by = name}; }
// As many bytes as it says, though the memory has a shape.
consteval Amount bytes_of(std::string_view name) {
  return {.rule = SizeRule::argument, .by = name, .in_bytes = true};
}
// As many bytes as the 32-bit number says that `name` points to.
consteval Amount length_at(std::string_view name) {
  return {.rule = SizeRule::pointee, .by = name, .in_bytes = true};
}
consteval Amount elements(std::uint16_t count) { return {.rule = SizeRule::fixed, .count = count}; }
consteval Amount bit_set(std::string_view name) { return {.rule = SizeRule::fd_bits, .by = name}; }
consteval Amount node_set(std::string_view name) { return {.rule = SizeRule::node_bits, .by = name}; }
consteval Amount one_per_page(std::string_view name) { return {.rule = SizeRule::pages, .by = name}; }
consteval Amount text() { return {.rule = SizeRule::string}; }
consteval Amount by_own_size() { return {.rule = SizeRule::own_size}; }
consteval Amount by_handle() { return {.rule = SizeRule::handle}; }
consteval Amount by_extents() { return {.rule = SizeRule::extents}; }
consteval Amount by_cap_version(std::string_view header) {
  return {.rule = SizeRule::cap_version, .by = header};
}

// An argument before names are resolved.
struct ArgSpec {
  Arg arg{};
  std::string_view by{};
  std::string_view condition{};

  // Meaningful only when argument `name` has one of the bits.
  [[nodiscard]] consteval ArgSpec only_if(std::string_view name, std::uint64_t mask) const {
    ArgSpec copy = *this;
    copy.condition = name;
    copy.arg.condition_mask = mask;
    return copy;
  }
  [[nodiscard]] consteval ArgSpec written(When when) const {
    ArgSpec copy = *this;
    copy.arg.when = when;
    return copy;
  }
  [[nodiscard]] consteval ArgSpec always() const { return written(When::always); }
  [[nodiscard]] consteval ArgSpec if_positive() const { return written(When::positive); }
  [[nodiscard]] consteval ArgSpec if_waited() const { return written(When::waited); }
  [[nodiscard]] consteval ArgSpec if_interrupted() const { return written(When::interrupted); }
};

consteval ArgSpec value(std::string_view name, Type type, FlagSet set = FlagSet::none) {
  return {.arg = {.name = name, .type = type, .set = set}};
}
consteval ArgSpec int32(std::string_view name) { return value(name, Type::int32); }
consteval ArgSpec uint32(std::string_view name) { return value(name, Type::uint32); }
consteval ArgSpec int64(std::string_view name) { return value(name, Type::int64); }
consteval ArgSpec uint64(std::string_view name) { return value(name, Type::uint64); }
consteval ArgSpec hex(std::string_view name) { return value(name, Type::hex); }
consteval ArgSpec size(std::string_view name) { return value(name, Type::size); }
consteval ArgSpec offset(std::string_view name) { return value(name, Type::offset); }
consteval ArgSpec mode(std::string_view name) { return value(name, Type::mode); }
consteval ArgSpec pointer(std::string_view name) { return value(name, Type::pointer); }
consteval ArgSpec fd(std::string_view name) { return value(name, Type::fd); }
consteval ArgSpec dirfd(std::string_view name) { return value(name, Type::dirfd); }
consteval ArgSpec pid(std::string_view name) { return value(name, Type::pid); }
consteval ArgSpec tid(std::string_view name) { return value(name, Type::tid); }
consteval ArgSpec uid(std::string_view name) { return value(name, Type::uid); }
consteval ArgSpec gid(std::string_view name) { return value(name, Type::gid); }
consteval ArgSpec signum(std::string_view name) { return value(name, Type::signal, signals); }
consteval ArgSpec device(std::string_view name) { return value(name, Type::device); }
consteval ArgSpec flags(FlagSet set, std::string_view name) { return value(name, Type::flags, set); }
consteval ArgSpec choice(FlagSet set, std::string_view name) { return value(name, Type::enumeration, set); }

consteval ArgSpec memory_at(std::string_view name, Dir dir, Type type, Shape shape, Amount amount) {
  const std::uint16_t unit = amount.in_bytes ? std::uint16_t{1} : shape_size(shape);
  // The result of a scatter read counts bytes; other results count what the argument counts.
  const Bound bound = !amount.by_result                    ? Bound::none
                      : unit == 1 || shape == Shape::iovec ? Bound::bytes
                                                           : Bound::elements;
  return {.arg = {.name = name,
                  .type = type,
                  .dir = dir,
                  .shape = shape,
                  .rule = amount.rule,
                  .bound = bound,
                  .unit = unit,
                  .count = amount.count,
                  .prefix = amount.prefix},
          .by = amount.by};
}
consteval Type type_of(Shape shape, Amount amount) {
  const bool one = amount.rule == SizeRule::fixed && amount.count == 1;
  return one || amount.in_bytes || shape_size(shape) == 1 ? Type::structure : Type::array;
}
// Bytes of any kind.
consteval ArgSpec in(std::string_view name, Amount amount) {
  return memory_at(name, Dir::in, Type::bytes, Shape::bytes, amount);
}
consteval ArgSpec out(std::string_view name, Amount amount) {
  return memory_at(name, Dir::out, Type::bytes, Shape::bytes, amount);
}
consteval ArgSpec inout(std::string_view name, Amount amount) {
  return memory_at(name, Dir::inout, Type::bytes, Shape::bytes, amount);
}
// One structure, or as many as `amount` says.
consteval ArgSpec in(std::string_view name, Shape shape, Amount amount = {}) {
  return memory_at(name, Dir::in, type_of(shape, amount), shape, amount);
}
consteval ArgSpec out(std::string_view name, Shape shape, Amount amount = {}) {
  return memory_at(name, Dir::out, type_of(shape, amount), shape, amount);
}
consteval ArgSpec inout(std::string_view name, Shape shape, Amount amount = {}) {
  return memory_at(name, Dir::inout, type_of(shape, amount), shape, amount);
}
consteval ArgSpec path(std::string_view name) {
  return memory_at(name, Dir::in, Type::path, Shape::bytes, text());
}
consteval ArgSpec out_path(std::string_view name, Amount amount) {
  return memory_at(name, Dir::out, Type::path, Shape::bytes, amount);
}
consteval ArgSpec cstring(std::string_view name) {
  return memory_at(name, Dir::in, Type::cstring, Shape::bytes, text());
}
consteval ArgSpec out_cstring(std::string_view name) {
  return memory_at(name, Dir::out, Type::cstring, Shape::bytes, text());
}
consteval ArgSpec strings(std::string_view name) {
  return memory_at(name, Dir::in, Type::strings, Shape::pointer, {.rule = SizeRule::strings});
}

// A condition of AgentWay before its name is resolved.
struct ConditionSpec {
  std::string_view name{};
  Condition condition{};
};

struct AgentSpec {
  bool possible = false;
  ConditionSpec first{}, second{};
};

// The argument has none of the bits but these.
consteval ConditionSpec only_bits(std::string_view name, std::uint32_t bits) {
  return {name, {.mask = ~bits, .value = 0}};
}
// The argument has none of these bits.
consteval ConditionSpec none_of(std::string_view name, std::uint32_t bits) {
  return {name, {.mask = bits, .value = 0}};
}
// The argument is `value` in all bits but those in `free`.
consteval ConditionSpec equals(std::string_view name, std::uint32_t value, std::uint32_t free = 0) {
  return {name, {.mask = ~free, .value = value}};
}
// The argument is one of these numbers below 32.
template <class... Numbers>
consteval ConditionSpec one_of(std::string_view name, Numbers... numbers) {
  return {name, {.among = true, .mask = ((std::uint32_t{1} << numbers) | ...)}};
}

consteval AgentSpec anyway() { return {.possible = true}; }
consteval AgentSpec where(const ConditionSpec& first, const ConditionSpec& second = {}) {
  return {.possible = true, .first = first, .second = second};
}

// A SYSCALL(...) entry as written.
struct Entry {
  Subsystem subsystem = Subsystem::unimplemented;
  std::string_view entry{};
  std::string_view kconfig{};
  Class classes{};
  ArgSpec args[6]{};
  Returns returns = Returns::status;
  FlagSet returned = FlagSet::none;
  bool blocks = false;
  bool yields = false;
  std::string_view reads_from{};  // the descriptor that has to have input
  std::string_view writes_to{};
  std::string_view copies_to{};
  std::string_view resizes{};         // the descriptor whose file gets another size
  std::string_view cuts_off{};        // the path of a file that is cut off, where open flags hold O_TRUNC
  std::string_view gives_up_after{};  // the milliseconds after which it does not block any longer
  bool changes_fds = false;
  Effect effect = Effect::none;
  Replay replay = Replay::emulate;
  Special special = Special::none;
  AgentSpec by_agent{};
  int deny_errno = ENOSYS;
  bool modelled = true;
  std::string_view note{};
};

// A VARIANT(...) entry as written; `args` are those after the selector. How it is replayed is as for the call
// where nothing is said; but a variant is modelled, does not block and leaves the descriptors alone unless it
// says so.
struct VariantEntry {
  ArgSpec args[6]{};
  Returns returns = Returns::status;
  FlagSet returned = FlagSet::none;
  bool blocks = false;
  bool changes_fds = false;
  std::optional<Replay> replay{};
  std::optional<Special> special{};
  bool by_agent = false;
  int deny_errno = ENOSYS;
  bool modelled = true;
  std::string_view note{};
};

using Args = std::array<Arg, 6>;

consteval std::uint8_t count_args(const Args& args) {
  std::uint8_t count = 0;
  while (count < args.size() && !args[count].name.empty()) ++count;
  for (std::size_t i = count; i < args.size(); ++i) {
    if (!args[i].name.empty()) throw "a nameless argument before a named one";
  }
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (args[i].name == args[j].name) throw "two arguments have this name";
    }
  }
  return count;
}
consteval std::uint8_t index_of(const Args& args, std::string_view name) {
  for (std::uint8_t i = 0; i < args.size(); ++i) {
    if (args[i].name == name) return i;
  }
  throw "no argument has this name";
}
consteval int optional_index_of(const Args& args, std::string_view name) {
  return name.empty() ? -1 : index_of(args, name);
}

consteval void resolve_names(Args& args, std::uint8_t i, const ArgSpec& spec) {
  if (!spec.by.empty()) args[i].by = index_of(args, spec.by);
  if (!spec.condition.empty()) args[i].condition_by = index_of(args, spec.condition);
}

consteval AgentWay make_agent_way(const Args& args, const AgentSpec& spec) {
  AgentWay way{.possible = spec.possible, .conditions = {spec.first.condition, spec.second.condition}};
  if (!spec.first.name.empty()) way.conditions[0].argument = index_of(args, spec.first.name);
  if (!spec.second.name.empty()) way.conditions[1].argument = index_of(args, spec.second.name);
  return way;
}

consteval void check_policy(Replay replay, Special which, std::string_view note) {
  if (replay == Replay::deny && note.empty()) throw "a denied call needs a note with the reason";
  if (replay == Replay::special && which == Special::none) throw "which special?";
}

consteval Syscall make_call(std::int32_t nr, std::string_view name, Subsystem room, const Entry& entry) {
  check_policy(entry.replay, entry.special, entry.note);
  Syscall call{.nr = nr,
               .name = name,
               .returns = entry.returns,
               .returned = entry.returned,
               .classes = entry.classes,
               .subsystem = entry.subsystem == Subsystem::unimplemented ? room : entry.subsystem,
               .entry = entry.entry,
               .kconfig = entry.kconfig,
               .blocks = entry.blocks,
               .yields = entry.yields,
               .changes_fds = entry.changes_fds,
               .effect = entry.effect,
               .replay = entry.replay,
               .special = entry.special,
               .deny_errno = entry.replay == Replay::deny ? entry.deny_errno : 0,
               .modelled = entry.modelled,
               .note = entry.note};
  for (std::uint8_t i = 0; i < 6; ++i) call.args[i] = entry.args[i].arg;
  call.arg_count = count_args(call.args);
  for (std::uint8_t i = 0; i < call.arg_count; ++i) resolve_names(call.args, i, entry.args[i]);
  call.read_fd = optional_index_of(call.args, entry.reads_from);
  call.written_fd = optional_index_of(call.args, entry.writes_to);
  call.kernel_copy_out_fd = optional_index_of(call.args, entry.copies_to);
  call.resizes_fd = optional_index_of(call.args, entry.resizes);
  call.cuts_off_path = optional_index_of(call.args, entry.cuts_off);
  call.timeout_ms = optional_index_of(call.args, entry.gives_up_after);
  call.agent_way = make_agent_way(call.args, entry.by_agent);
  return call;
}

// The variant's arguments take the places from `mux.first` on; the call's own that follow are dropped.
consteval Variant make_variant(const Syscall& call, const Multiplexer& mux, std::uint64_t selector,
                               std::string_view name, const VariantEntry& entry) {
  const Replay replay = entry.replay.value_or(call.replay);
  const Special which = entry.special.value_or(call.special);
  check_policy(replay, which, entry.note);
  Variant variant{.nr = call.nr,
                  .selector = selector & mux.mask,
                  .name = name,
                  .returns = entry.returns,
                  .returned = entry.returned,
                  .blocks = entry.blocks,
                  .changes_fds = entry.changes_fds,
                  .replay = replay,
                  .special = which,
                  .agent_way = entry.by_agent,
                  .deny_errno = replay == Replay::deny ? entry.deny_errno : 0,
                  .modelled = entry.modelled,
                  .note = entry.note};
  for (std::uint8_t i = 0; i < mux.first; ++i) variant.args[i] = call.args[i];
  for (std::uint8_t i = 0; i + mux.first < 6; ++i) variant.args[i + mux.first] = entry.args[i].arg;
  for (int i = 6 - mux.first; i < 6; ++i) {
    if (!entry.args[i].arg.name.empty()) throw "more arguments than a call has";
  }
  variant.arg_count = count_args(variant.args);
  for (std::uint8_t i = 0; i + mux.first < variant.arg_count; ++i) {
    resolve_names(variant.args, static_cast<std::uint8_t>(i + mux.first), entry.args[i]);
  }
  return variant;
}

}  // namespace rec::syscalls::words

#include "recorder/agent_calls.h"

#include <algorithm>
#include <optional>

#include "format/syscalls/table.h"

namespace rec {
namespace {

using syscalls::Arg;
using syscalls::Bound;
using syscalls::Dir;
using syscalls::SizeRule;
using syscalls::Type;
using syscalls::When;

// What stands behind pointers in the memory of these is beyond the agent.
bool has_pointers(syscalls::Shape shape) {
  using syscalls::Shape;
  return shape == Shape::iovec || shape == Shape::msghdr || shape == Shape::mmsghdr ||
         shape == Shape::xattr_args || shape == Shape::ifconf || shape == Shape::clone_args ||
         shape == Shape::sigmask_pack || shape == Shape::aio_sigset || shape == Shape::sock_fprog;
}

std::optional<agent::PieceRule> rule_for(const Arg& arg) {
  switch (arg.rule) {
    case SizeRule::fixed:
      return agent::PieceRule::fixed;
    case SizeRule::argument:
      return agent::PieceRule::argument;
    case SizeRule::string:
      return agent::PieceRule::string;
    case SizeRule::none:
    case SizeRule::pointee:
    case SizeRule::fd_bits:
    case SizeRule::node_bits:
    case SizeRule::pages:
    case SizeRule::strings:
    case SizeRule::own_size:
    case SizeRule::cap_version:
    case SizeRule::handle:
    case SizeRule::extents:
      return std::nullopt;
  }
  return std::nullopt;
}

// An interrupted call never comes to the agent's own end, so what only such a one writes is none of its
// business.
std::optional<agent::PieceWhen> output_when(When when) {
  switch (when) {
    case When::success:
    case When::waited:
      return agent::PieceWhen::success;
    case When::positive:
      return agent::PieceWhen::positive;
    case When::always:
      return agent::PieceWhen::always;
    case When::interrupted:
      return std::nullopt;
  }
  return std::nullopt;
}

agent::PieceBound bound_for(Bound bound) {
  switch (bound) {
    case Bound::none:
      return agent::PieceBound::none;
    case Bound::bytes:
      return agent::PieceBound::bytes;
    case Bound::elements:
      return agent::PieceBound::elements;
  }
  return agent::PieceBound::none;
}

class Builder {
 public:
  explicit Builder(const RecordOptions& options) : options_(options) {}

  // False: the agent cannot tell what memory the arguments stand for.
  bool add_arguments(std::span<const Arg> args, agent::Call& call) {
    call.arguments = static_cast<std::uint8_t>(args.size());
    call.fd = 0xff;
    for (std::uint8_t i = 0; i < args.size(); ++i) {
      if (call.fd == 0xff && args[i].type == Type::fd) call.fd = i;
      if (args[i].dir != Dir::value && !add_argument(args[i], i, call)) return false;
    }
    return true;
  }

 private:
  bool add_argument(const Arg& arg, std::uint8_t index, agent::Call& call) {
    const auto rule = rule_for(arg);
    if (!rule) return false;
    const std::uint64_t unit =
        *rule == agent::PieceRule::fixed ? std::uint64_t{arg.unit} * arg.count : arg.unit;
    const bool fits = !has_pointers(arg.shape) && arg.prefix == 0 && unit <= 0xffff &&
                      arg.condition_by == syscalls::no_argument;
    if (!fits) return false;
    const bool bulk = arg.type == Type::bytes;
    agent::Piece piece{.argument = index,
                       .by = arg.by,
                       .rule = *rule,
                       .when = agent::PieceWhen::input,
                       .bound = agent::PieceBound::none,
                       .bulk = static_cast<std::uint8_t>(bulk ? 1 : 0),
                       .unit = static_cast<std::uint16_t>(unit),
                       .keep = static_cast<std::uint32_t>(bulk ? options_.snap_bulk : options_.snap_length)};
    if (arg.dir != Dir::out && !add(piece, call)) return false;
    if (arg.dir == Dir::in) return true;
    if (*rule == agent::PieceRule::string) return false;
    const auto when = output_when(arg.when);
    if (!when) return true;
    piece.when = *when;
    piece.bound = bound_for(arg.bound);
    return add(piece, call);
  }

  static bool add(const agent::Piece& piece, agent::Call& call) {
    if (call.pieces == agent::max_pieces) return false;
    call.piece[call.pieces++] = piece;
    return true;
  }

  const RecordOptions& options_;
};

// Descriptors come and go only where the agent sees which: one that is opened or closed by number.
bool keeps_descriptors(const syscalls::Syscall& entry) {
  return !entry.changes_fds || entry.returns == syscalls::Returns::new_fd || entry.name == "close";
}

bool is_about_memory(syscalls::Special special) {
  using syscalls::Special;
  return special == Special::mmap || special == Special::munmap || special == Special::mprotect ||
         special == Special::mremap || special == Special::madvise;
}

bool suits(const syscalls::Syscall& entry) {
  using syscalls::Subsystem;
  // What the recorder has to know of the former it learns in time, as rings are emptied before anything else
  // is done about a stop (Agents::apply_effects).
  if (entry.agent_way.possible) return true;
  if (entry.replay == syscalls::Replay::deny) return entry.modelled;
  const bool about_tasks = entry.subsystem == Subsystem::signal ||
                           (entry.blocks && has_class(entry.classes, syscalls::Class::process));
  return entry.replay == syscalls::Replay::emulate && entry.special == syscalls::Special::none &&
         entry.modelled && !entry.yields && !about_tasks && entry.resizes_fd < 0 && keeps_descriptors(entry);
}

bool suits(const syscalls::Variant& variant, bool about_tasks) {
  if (variant.agent_way) return true;
  return !about_tasks && variant.replay == syscalls::Replay::emulate &&
         variant.special == syscalls::Special::none && variant.modelled &&
         (!variant.changes_fds || variant.returns == syscalls::Returns::new_fd);
}

// What such calls wait for, threads do for each other: that they block is the rule.
bool waits_for_tasks(syscalls::Subsystem subsystem) {
  return subsystem == syscalls::Subsystem::futex || subsystem == syscalls::Subsystem::ipc;
}

unsigned flags_of_blocking(syscalls::Subsystem subsystem) {
  unsigned flags = agent::call_blocks;
  if (waits_for_tasks(subsystem)) flags |= agent::call_waits_for_tasks;
  return flags;
}

std::uint16_t flags_for(const syscalls::Syscall& entry) {
  unsigned flags = agent::call_usable;
  if (entry.replay == syscalls::Replay::deny) return agent::call_usable | agent::call_answered;
  if (entry.agent_way.possible) flags |= agent::call_conditional;
  if (is_about_memory(entry.special)) flags |= agent::call_on_memory;
  if (entry.blocks) flags |= flags_of_blocking(entry.subsystem);
  if (entry.written_fd >= 0 || entry.kernel_copy_out_fd >= 0) flags |= agent::call_writes_fd;
  if (entry.blocks && entry.kernel_copy_out_fd >= 0) flags |= agent::call_needs_alone;
  if (entry.changes_fds) {
    flags |= entry.returns == syscalls::Returns::new_fd ? agent::call_opens : agent::call_closes;
  }
  return static_cast<std::uint16_t>(flags);
}

void add_conditions(const syscalls::AgentWay& way, agent::Call& call) {
  for (std::size_t i = 0; i < way.conditions.size(); ++i) {
    const syscalls::Condition& condition = way.conditions.at(i);
    call.conditions[i] = {.argument = condition.argument,
                          .among = static_cast<std::uint8_t>(condition.among ? 1 : 0),
                          .unused = 0,
                          .mask = condition.mask,
                          .value = condition.value};
  }
}

class Requests {
 public:
  Requests(std::span<agent::Call> calls, Builder& builder) : calls_(calls), builder_(builder) {}

  // All requests of the call that suit, if it is `about_tasks` those that say so; the call itself is made by
  // the table in front of them.
  void add(const syscalls::Syscall& entry, const syscalls::Multiplexer& multiplexer, bool about_tasks) {
    if (multiplexer.second_selector != syscalls::no_argument) return;
    agent::Call& call = calls_[static_cast<std::size_t>(entry.nr)];
    call.selector = multiplexer.selector;
    call.first = static_cast<std::uint16_t>(next_);
    for (const syscalls::Variant& variant : syscalls::all_variants()) {
      if (variant.nr == entry.nr && suits(variant, about_tasks))
        add_request(entry, variant, multiplexer, call);
    }
    if (call.count == 0) return;
    call.flags = agent::call_multiplexed;
    const auto requests = calls_.subspan(call.first, call.count);
    std::sort(requests.begin(), requests.end(),
              [](const agent::Call& a, const agent::Call& b) { return a.request < b.request; });
  }

 private:
  void add_request(const syscalls::Syscall& entry, const syscalls::Variant& variant,
                   const syscalls::Multiplexer& multiplexer, agent::Call& call) {
    if (next_ == calls_.size()) return;
    agent::Call request{};
    if (!builder_.add_arguments(variant.arguments(), request)) return;
    unsigned flags = agent::call_usable;
    if (variant.blocks) flags |= flags_of_blocking(entry.subsystem);
    if (variant.changes_fds) flags |= agent::call_opens;
    request.flags = static_cast<std::uint16_t>(flags);
    request.request = variant.selector;
    request.mask = multiplexer.mask;
    calls_[next_++] = request;
    ++call.count;
  }

  std::span<agent::Call> calls_;
  Builder& builder_;
  std::size_t next_ = agent::call_count;
};

}  // namespace

void fill_agent_calls(std::span<agent::Call> calls, const RecordOptions& options) {
  std::fill(calls.begin(), calls.end(), agent::Call{});
  Builder builder(options);
  Requests requests(calls, builder);
  for (const syscalls::Syscall& entry : syscalls::all()) {
    if (static_cast<std::uint32_t>(entry.nr) >= agent::call_count) continue;
    if (const syscalls::Multiplexer* multiplexer = syscalls::find_multiplexer(entry.nr)) {
      const bool about_tasks =
          entry.subsystem == syscalls::Subsystem::signal || entry.subsystem == syscalls::Subsystem::process;
      requests.add(entry, *multiplexer, about_tasks);
      continue;
    }
    agent::Call call{};
    add_conditions(entry.agent_way, call);
    if (!suits(entry) || !builder.add_arguments(entry.arguments(), call)) continue;
    call.flags = flags_for(entry);
    call.answer = static_cast<std::int16_t>(-entry.deny_errno);
    if (entry.written_fd >= 0) call.fd = static_cast<std::uint8_t>(entry.written_fd);
    if (entry.kernel_copy_out_fd >= 0) call.fd = static_cast<std::uint8_t>(entry.kernel_copy_out_fd);
    calls[static_cast<std::size_t>(entry.nr)] = call;
  }
}

}  // namespace rec

#include "recorder/agent_calls.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "format/syscalls/layout.h"
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
bool has_unknown_pointers(syscalls::Shape shape) {
  using syscalls::Shape;
  return shape == Shape::mmsghdr || shape == Shape::remote_iovec || shape == Shape::xattr_args ||
         shape == Shape::ifconf || shape == Shape::clone_args || shape == Shape::iocb_pointer ||
         shape == Shape::sock_fprog;
}

std::optional<agent::PieceRule> rule_for(const Arg& arg) {
  switch (arg.rule) {
    case SizeRule::fixed:
      return agent::PieceRule::fixed;
    case SizeRule::argument:
      return agent::PieceRule::argument;
    case SizeRule::string:
      return agent::PieceRule::string;
    case SizeRule::pointee:
      return agent::PieceRule::pointee;
    case SizeRule::fd_bits:
      return agent::PieceRule::bits;
    case SizeRule::none:
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

// What the pointers of a structure lead to, in the order in which syscalls::plan() has it. The number that
// goes with a pointer stands right behind it.
struct NestedPiece {
  std::size_t field;
  agent::PieceRule rule;
  std::uint16_t unit;
  std::uint8_t most;
  bool leads_to_buffers;
};

std::span<const NestedPiece> pieces_in(syscalls::Shape shape) {
  using agent::PieceRule;
  using syscalls::layout::Iovec;
  using syscalls::layout::Msghdr;
  using syscalls::layout::SigmaskPack;
  constexpr std::uint8_t socket_address = 128;  // struct sockaddr_storage
  static_assert(offsetof(Msghdr, namelen) == offsetof(Msghdr, name) + 8);
  static_assert(offsetof(Msghdr, iovlen) == offsetof(Msghdr, iov) + 8);
  static_assert(offsetof(Msghdr, controllen) == offsetof(Msghdr, control) + 8);
  static_assert(sizeof(Msghdr) <= agent::largest_structure);
  static constexpr NestedPiece message[] = {
      {offsetof(Msghdr, name), PieceRule::field_32, 1, socket_address, false},
      {offsetof(Msghdr, iov), PieceRule::field_64, sizeof(Iovec), 0, true},
      {offsetof(Msghdr, control), PieceRule::field_64, 1, 0, false}};
  static constexpr NestedPiece mask[] = {
      {offsetof(SigmaskPack, mask), PieceRule::fixed, shape_size(syscalls::Shape::sigset), 0, false}};
  if (shape == syscalls::Shape::msghdr) return message;
  if (shape == syscalls::Shape::sigmask_pack) return mask;
  return {};
}

// One call's pieces, behind those of the calls before it.
class Builder {
 public:
  Builder(std::span<agent::Piece> pieces, const RecordOptions& options) : all_(pieces), options_(options) {}

  // False: the agent cannot tell what memory the arguments stand for.
  bool add_arguments(std::span<const Arg> args, agent::Call& call) {
    call.first_piece = static_cast<std::uint16_t>(used_);
    call.pieces = 0;
    call.path = call.pair = agent::no_argument;
    for (std::uint8_t i = 0; i < args.size(); ++i) {
      const bool is_descriptor = args[i].type == Type::fd || args[i].type == Type::dirfd;
      if (call.fd == agent::no_argument && is_descriptor) call.fd = i;
      if (call.path == agent::no_argument && args[i].type == Type::path) call.path = i;
      if (args[i].shape == syscalls::Shape::fd_pair) call.pair = i;
      if (args[i].dir != Dir::value && !add_argument(args[i], i, call)) return false;
    }
    used_ += call.pieces;
    return true;
  }

 private:
  bool add_argument(const Arg& arg, std::uint8_t index, agent::Call& call) {
    const auto rule = rule_for(arg);
    if (!rule) return false;
    const std::uint64_t unit =
        *rule == agent::PieceRule::fixed ? std::uint64_t{arg.unit} * arg.count : arg.unit;
    const bool fits = !has_unknown_pointers(arg.shape) && arg.prefix == 0 && unit <= 0xffff &&
                      arg.condition_by == syscalls::no_argument;
    if (!fits) return false;
    agent::Piece piece = input_piece(arg, index, arg.type == Type::bytes);
    piece.by = arg.by;
    piece.rule = *rule;
    piece.unit = static_cast<std::uint16_t>(unit);
    if (arg.shape == syscalls::Shape::iovec) return add_vectors(arg, piece, call);
    const std::span<const NestedPiece> nested = pieces_in(arg.shape);
    if (!nested.empty()) piece.holds = agent::PieceHolds::structure;
    if ((arg.dir != Dir::out || !nested.empty()) && !add(piece, call)) return false;
    if (arg.dir != Dir::in && !add_output(arg, piece, call)) return false;
    return std::all_of(nested.begin(), nested.end(),
                       [&](const NestedPiece& inner) { return add_nested(arg, index, inner, call); });
  }

  [[nodiscard]] agent::Piece input_piece(const Arg& arg, std::uint8_t index, bool bulk) const {
    return {.argument = index,
            .by = arg.by,
            .rule = agent::PieceRule::fixed,
            .when = agent::PieceWhen::input,
            .bound = agent::PieceBound::none,
            .holds = agent::PieceHolds::data,
            .bulk = static_cast<std::uint8_t>(bulk ? 1 : 0),
            .nested = 0,
            .unit = 1,
            .field = 0,
            .most = 0,
            .keep = static_cast<std::uint32_t>(bulk ? options_.snap_bulk : options_.snap_length)};
  }

  bool add_output(const Arg& arg, agent::Piece piece, agent::Call& call) const {
    if (piece.rule == agent::PieceRule::string) return false;
    const auto when = output_when(arg.when);
    if (!when) return true;
    piece.when = *when;
    piece.bound = bound_for(arg.bound);
    piece.holds = agent::PieceHolds::data;
    return add(piece, call);
  }

  bool add_nested(const Arg& arg, std::uint8_t index, const NestedPiece& inner, agent::Call& call) const {
    agent::Piece piece = input_piece(arg, index, false);
    piece.rule = inner.rule;
    piece.unit = inner.unit;
    piece.most = inner.most;
    piece.field = static_cast<std::uint8_t>(inner.field);
    piece.nested = 1;
    if (inner.leads_to_buffers) return add_vectors(arg, piece, call);
    // What goes into a message is an input of it, or an output; the mask is only looked at.
    if (arg.dir == Dir::in) return add(piece, call);
    return add_output(arg, piece, call);
  }

  // `array`: of iovecs. What its buffers are, its argument says.
  bool add_vectors(const Arg& arg, agent::Piece array, agent::Call& call) const {
    const bool is_message = arg.shape == syscalls::Shape::msghdr;
    if (arg.dir == Dir::inout && !is_message) return false;
    array.holds = agent::PieceHolds::vectors;
    if (!add(array, call)) return false;
    agent::Piece buffers = input_piece(arg, array.argument, true);
    buffers.rule = agent::PieceRule::vectors;
    if (arg.dir == Dir::in) return add(buffers, call);
    buffers.when = agent::PieceWhen::success;
    buffers.bound = agent::PieceBound::bytes;
    return add(buffers, call);
  }

  bool add(const agent::Piece& piece, agent::Call& call) const {
    if (call.pieces == agent::max_pieces || used_ + call.pieces == all_.size()) return false;
    all_[used_ + call.pieces++] = piece;
    return true;
  }

  std::span<agent::Piece> all_;
  std::size_t used_ = 0;
  const RecordOptions& options_;
};

bool has_shape(const syscalls::Syscall& entry, syscalls::Shape shape) {
  const std::span<const Arg> args = entry.arguments();
  return std::any_of(args.begin(), args.end(), [&](const Arg& arg) { return arg.shape == shape; });
}

// Descriptors come and go only where the agent sees which: one that is opened or closed by number, two that
// are opened. Nothing is known of those that came with a message until they are used.
bool keeps_descriptors(const syscalls::Syscall& entry) {
  using syscalls::Shape;
  return !entry.changes_fds || entry.returns == syscalls::Returns::new_fd || entry.name == "close" ||
         has_shape(entry, Shape::fd_pair) || has_shape(entry, Shape::msghdr);
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
         entry.modelled && !entry.yields && !about_tasks && entry.resizes_fd < 0 && entry.cuts_off_path < 0 &&
         keeps_descriptors(entry);
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
  if (entry.special == syscalls::Special::mmap) flags |= agent::call_maps_file;
  if (entry.blocks) flags |= flags_of_blocking(entry.subsystem);
  if (entry.written_fd >= 0 || entry.kernel_copy_out_fd >= 0) flags |= agent::call_writes_fd;
  if (entry.written_fd >= 0) flags |= agent::call_shows;
  if (entry.blocks && entry.kernel_copy_out_fd >= 0) flags |= agent::call_needs_alone;
  if (entry.changes_fds) {
    if (entry.returns == syscalls::Returns::new_fd) flags |= agent::call_opens;
    if (entry.name == "close") flags |= agent::call_closes;
    if (has_shape(entry, syscalls::Shape::fd_pair)) flags |= agent::call_opens_pair;
  }
  return static_cast<std::uint16_t>(flags);
}

std::uint8_t index_or_none(int index) {
  return index < 0 ? agent::no_argument : static_cast<std::uint8_t>(index);
}

// How it can be told that the call will not block.
void add_probe(const syscalls::Syscall& entry, agent::Call& call) {
  call.timeout = index_or_none(entry.timeout_ms);
  call.message_flags = agent::no_argument;
  if (!entry.blocks) return;
  const std::span<const Arg> args = entry.arguments();
  const auto flags = std::find_if(args.begin(), args.end(), [](const Arg& arg) {
    return arg.type == Type::flags && arg.set == syscalls::FlagSet::msg_flags;
  });
  if (flags != args.end()) call.message_flags = static_cast<std::uint8_t>(flags - args.begin());
  if (entry.read_fd >= 0) {
    call.fd = index_or_none(entry.read_fd);
    call.probe = agent::Probe::input;
  } else if (entry.written_fd >= 0) {
    call.probe = agent::Probe::output;
  } else if (call.path != agent::no_argument && entry.returns == syscalls::Returns::new_fd) {
    call.probe = agent::Probe::path;
  }
}

agent::Call empty_call() {
  agent::Call call{};
  call.fd = call.path = call.pair = call.timeout = call.message_flags = agent::no_argument;
  call.second_selector = agent::no_argument;
  for (agent::Condition& condition : call.conditions) condition.argument = agent::no_argument;
  return call;
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
  // the table in front of them. If the agent makes those requests, too, that the table does not have (`call`
  // is usable), the ones that do not suit are there as well, to be left alone.
  void add(const syscalls::Syscall& entry, const syscalls::Multiplexer& multiplexer, bool about_tasks,
           agent::Call& call) {
    call.selector = multiplexer.selector;
    call.second_selector = multiplexer.second_selector;
    call.first = static_cast<std::uint16_t>(next_);
    const bool makes_others = (call.flags & agent::call_usable) != 0;
    for (const syscalls::Variant& variant : syscalls::all_variants()) {
      if (variant.nr != entry.nr) continue;
      agent::Call request = empty_call();
      if (suits(variant, about_tasks) && builder_.add_arguments(variant.arguments(), request)) {
        request.flags = flags_of(entry, variant);
      } else if (!makes_others) {
        continue;
      }
      if (next_ == calls_.size()) {
        call.flags = 0;  // the rest of them would be made as they should not
        break;
      }
      request.request = variant.selector;
      request.mask = multiplexer.mask;
      calls_[next_++] = request;
      ++call.count;
    }
    if (call.count == 0) return;
    call.flags |= agent::call_multiplexed;
    const auto requests = calls_.subspan(call.first, call.count);
    std::sort(requests.begin(), requests.end(),
              [](const agent::Call& a, const agent::Call& b) { return a.request < b.request; });
  }

 private:
  static std::uint16_t flags_of(const syscalls::Syscall& entry, const syscalls::Variant& variant) {
    unsigned flags = agent::call_usable;
    if (variant.blocks) flags |= flags_of_blocking(entry.subsystem);
    if (variant.changes_fds) flags |= agent::call_opens;
    return static_cast<std::uint16_t>(flags);
  }

  std::span<agent::Call> calls_;
  Builder& builder_;
  std::size_t next_ = agent::call_count;
};

}  // namespace

void fill_agent_calls(agent::CallTable& table, const RecordOptions& options) {
  table = {};
  const std::span<agent::Call> calls(table.calls);
  Builder builder(table.pieces, options);
  Requests requests(calls, builder);
  for (const syscalls::Syscall& entry : syscalls::all()) {
    if (static_cast<std::uint32_t>(entry.nr) >= agent::call_count) continue;
    agent::Call call = empty_call();
    add_conditions(entry.agent_way, call);
    if (suits(entry) && builder.add_arguments(entry.arguments(), call)) {
      call.flags = flags_for(entry);
      call.answer = static_cast<std::int16_t>(-entry.deny_errno);
      if (entry.written_fd >= 0) call.fd = index_or_none(entry.written_fd);
      if (entry.kernel_copy_out_fd >= 0) call.fd = index_or_none(entry.kernel_copy_out_fd);
      add_probe(entry, call);
    }
    if (const syscalls::Multiplexer* multiplexer = syscalls::find_multiplexer(entry.nr)) {
      const bool about_tasks =
          entry.subsystem == syscalls::Subsystem::signal || entry.subsystem == syscalls::Subsystem::process;
      requests.add(entry, *multiplexer, about_tasks, call);
    }
    calls[static_cast<std::size_t>(entry.nr)] = call;
  }
}

}  // namespace rec

// What agents wrote down: out of their rings, in the order of its times, into the trace.
#include <x86intrin.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "format/base/error.h"
#include "recorder/agent.h"
#include "recorder/session.h"
#include "recorder/special/special.h"
#include "tracee/time_stamp_trap.h"

namespace rec {
namespace {

// For how long both clocks are compared before the first time is needed.
constexpr std::uint64_t first_rate_ns = 100'000;

// The record in a ring at `*read` or, where that is filled up to the ring's end, the next one; nullptr: there
// is none.
const agent::Record* record_at(agent::Slot& slot, std::uint64_t* read) {
  const std::byte* ring = AgentMemory::ring(slot);
  for (;;) {
    const std::uint64_t written = __atomic_load_n(&slot.written, __ATOMIC_ACQUIRE);
    if (*read == written) return nullptr;
    const std::uint64_t at = *read & (agent::ring_size - 1);
    const auto* record = reinterpret_cast<const agent::Record*>(ring + at);
    const std::uint64_t rest = agent::ring_size - at;
    if (rest >= sizeof *record && record->nr != agent::no_call) return record;
    *read += rest;
  }
}

bool is_error(std::int64_t result) { return result < 0 && result > -4096; }

const agent::Record* next_record(agent::Slot& slot) {
  std::uint64_t read = slot.read;
  return record_at(slot, &read);
}

}  // namespace

std::uint64_t Agents::exact_time_of(const agent::Slot& slot, std::uint64_t clock) {
  look_at_clocks();
  drained_ns_ = session_.now_ns();
  return time_of(slot, clock);
}

std::uint64_t Agents::time_of(const agent::Slot& slot, std::uint64_t clock) const {
  if (slot.clock_source == agent::ClockSource::system_call) {
    return clock > session_.start_ns() ? clock - session_.start_ns() : 0;
  }
  const auto ticks = static_cast<double>(static_cast<std::int64_t>(clock - now_anchor_.ticks));
  const double ns = static_cast<double>(now_anchor_.ns) + ticks * ns_per_tick_;
  return ns < 0 ? 0 : std::min(static_cast<std::uint64_t>(ns), drained_ns_);
}

void Agents::look_at_clocks() {
  const TimeStampsAllowed allowed;
  now_anchor_ = {__rdtsc(), session_.now_ns()};
  if (first_anchor_.ticks == 0) {
    // The first rate is of a pause long enough to be right to some 0.1 %; later ones are of all the time
    // since.
    first_anchor_ = now_anchor_;
    while (session_.now_ns() - first_anchor_.ns < first_rate_ns) {
    }
    now_anchor_ = {__rdtsc(), session_.now_ns()};
  }
  ns_per_tick_ = static_cast<double>(now_anchor_.ns - first_anchor_.ns) /
                 static_cast<double>(now_anchor_.ticks - first_anchor_.ticks);
}

// What hangs off a record, up to `end` at most, is added to pieces_. Returns the file that it was to map.
std::optional<FileVersion> Agents::read_pieces(const Task& task, const agent::Record& record,
                                               const std::byte* end) {
  std::optional<FileVersion> mapped;
  const auto* bytes = reinterpret_cast<const std::byte*>(&record) + sizeof record;
  for (std::uint32_t i = 0; i < record.pieces; ++i) {
    agent::PieceHeader header;
    ENSURE(end - bytes >= static_cast<std::ptrdiff_t>(sizeof header), "the agent of task {} wrote nonsense",
           task.tid);
    std::memcpy(&header, bytes, sizeof header);
    bytes += sizeof header;
    ENSURE(agent::round_up(header.size) <= static_cast<std::uint64_t>(end - bytes),
           "the agent of task {} wrote nonsense", task.tid);
    if (header.role == agent::PieceRole::file) {
      ENSURE(header.size == sizeof(FileVersion), "the agent of task {} wrote nonsense", task.tid);
      std::memcpy(&mapped.emplace(), bytes, sizeof(FileVersion));
    } else {
      pieces_.push_back({RemotePtr<>(header.address), std::span(bytes, header.size), header.full_size,
                         static_cast<Data::Role>(header.role), header.argument});
    }
    bytes += agent::round_up(header.size);
  }
  return mapped;
}

// One more event for put_events(); its pieces are the last ones of pieces_.
void Agents::add_event(const Task& task, const agent::Slot& slot, const agent::Record& record) {
  const auto rest =
      static_cast<std::uint64_t>(AgentMemory::ring_end(slot) - reinterpret_cast<const std::byte*>(&record));
  const bool is_call = record.nr < agent::call_count;
  ENSURE(record.size >= sizeof record && record.size <= rest && (is_call || record.nr == agent::counter_read),
         "the agent of task {} wrote nonsense", task.tid);
  const std::size_t first = pieces_.size();
  const auto mapped = read_pieces(task, record, reinterpret_cast<const std::byte*>(&record) + record.size);
  piece_counts_.push_back(pieces_.size() - first);
  Event& event = events_.emplace_back();
  event.tid = task.tid;
  event.flags = event_by_agent;
  event.enter_ns = time_of(slot, record.enter);
  event.leave_ns = record.leave == record.enter ? event.enter_ns : time_of(slot, record.leave);
  if (!is_call) {
    const auto value = static_cast<std::uint64_t>(record.result);
    event.kind = EventKind::trap;
    event.nr = static_cast<std::int32_t>(TrapKind::rdtsc);
    event.args = {value & 0xffffffff, 0, 0, value >> 32};
    event.result = 2;
    return;
  }
  event.kind = EventKind::call;
  if ((table_->calls[record.nr].flags & agent::call_answered) != 0) event.flags |= event_denied;
  event.nr = record.nr;
  event.result = record.result;
  std::copy(std::begin(record.args), std::end(record.args), event.args.begin());
  if (mapped && !is_error(record.result)) {
    // Replay maps a content of the trace, which is not for the agent to do.
    event.flags = event_without_stop;
    mapped_in_events_.push_back({events_.size() - 1, *mapped});
  }
}

// Appends what add_event() gathered, of one task.
void Agents::put_events(Task& task) {
  std::span<const Data> pieces = pieces_;
  for (std::size_t i = 0; i < events_.size(); ++i) {
    events_[i].data = pieces.first(piece_counts_[i]);
    pieces = pieces.subspan(piece_counts_[i]);
  }
  std::vector<Extra> extras(mapped_in_events_.size());
  for (std::size_t i = 0; i < extras.size(); ++i) {
    const auto& [index, version] = mapped_in_events_[i];
    special::describe_stored_mapping(session_, task, events_[index], version, &extras[i]);
    events_[index].extra = &extras[i];
  }
  session_.put_all(events_);
  mapped_in_events_.clear();
  records_ += events_.size();
  for (const Event& event : events_) {
    if (event.kind != EventKind::call) continue;
    if (has_effects_[static_cast<std::size_t>(event.nr)]) apply_effects(task, event);
    if (changes_descriptors(event)) EchoDescriptors::forget(*task.process);
  }
  events_.clear();
  piece_counts_.clear();
  pieces_.clear();
}

bool Agents::changes_descriptors(const Event& event) const {
  const auto nr = static_cast<std::size_t>(event.nr);
  return may_change_descriptors_[nr] && syscalls::policy(*syscalls::find(event.nr), event.args).changes_fds;
}

void Agents::apply_effects(Task& task, const Event& event) {
  const syscalls::Syscall* entry = syscalls::find(event.nr);
  if (entry == nullptr || event.result < 0) return;
  if (entry->special == syscalls::Special::set_tid_address) task.clear_tid = event.args[0];
  if (entry->special == syscalls::Special::set_robust_list) task.robust_list = event.args[0];
  const auto passed = std::find_if(event.data.begin(), event.data.end(), [](const Data& data) {
    return data.role == Data::Role::input && data.argument == 1;
  });
  if (passed == event.data.end()) return;
  if (entry->special == syscalls::Special::rt_sigaction) {
    KernelSigaction& action = task.process->actions.at(event.args[0]);
    if (passed->bytes.size() == sizeof action) std::memcpy(&action, passed->bytes.data(), sizeof action);
  } else if (entry->special == syscalls::Special::rt_sigprocmask) {
    std::uint64_t set = 0;
    if (passed->bytes.size() != sizeof set) return;
    std::memcpy(&set, passed->bytes.data(), sizeof set);
    if (event.args[0] == SIG_BLOCK) task.signal_mask |= set;
    if (event.args[0] == SIG_UNBLOCK) task.signal_mask &= ~set;
    if (event.args[0] == SIG_SETMASK) task.signal_mask = set;
  }
}

void Agents::drain() {
  const bool any = std::any_of(with_slots_.begin(), with_slots_.end(),
                               [](const Task* task) { return next_record(*slot_of(*task)) != nullptr; });
  if (!any) return;
  // A rate of before is right to some ns for as long.
  constexpr std::uint64_t clocks_last_ns = 1'000'000;
  if (first_anchor_.ticks == 0 || session_.now_ns() - now_anchor_.ns > clocks_last_ns) look_at_clocks();
  drained_ns_ = session_.now_ns();
  for (;;) {
    Task* first = nullptr;
    const agent::Record* earliest = nullptr;
    bool others = false;
    for (Task* task : with_slots_) {
      const agent::Record* record = next_record(*slot_of(*task));
      if (record == nullptr) continue;
      others = others || first != nullptr;
      if (earliest == nullptr || record->leave < earliest->leave) {
        first = task;
        earliest = record;
      }
    }
    if (first == nullptr) return;
    agent::Slot& slot = *slot_of(*first);
    first->left_with.reset();  // it has gone on since
    first->left_ns = drained_ns_;
    // Alone, it need not be compared with others each time.
    constexpr std::uint64_t at_once = 16 << 10;  // the agent waits for room meanwhile
    std::uint64_t read = slot.read;
    const std::uint64_t until = others ? read + 1 : std::min(slot.written, read + at_once);
    while (read < until) {
      const agent::Record* record = record_at(slot, &read);
      if (record == nullptr) break;
      add_event(*first, slot, *record);
      read += record->size;
    }
    put_events(*first);
    __atomic_store_n(&slot.read, read, __ATOMIC_RELEASE);
  }
}

}  // namespace rec

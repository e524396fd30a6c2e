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
// More than this is left to the trace writer's thread, unless …
constexpr std::size_t little = 4 << 10;
// … a record is so large that its data is better stored in blocks.
constexpr std::size_t large_record = 32 << 10;

bool has_records(const agent::Slot& slot) {
  return __atomic_load_n(&slot.written, __ATOMIC_ACQUIRE) != slot.read;
}

}  // namespace

std::uint64_t Agents::exact_time_of(const agent::Slot& slot, std::uint64_t clock) {
  look_at_clocks();
  return clock_.time_of(slot.clock_source, clock);
}

void Agents::look_at_clocks() {
  const TimeStampsAllowed allowed;
  clock_.start_ns = session_.start_ns();
  clock_.ticks = __rdtsc();
  clock_.ns = session_.now_ns();
  if (first_ticks_ == 0) {
    // The first rate is of a pause long enough to be right to some 0.1 %; later ones are of all the time
    // since.
    first_ticks_ = clock_.ticks;
    first_ns_ = clock_.ns;
    while (session_.now_ns() - first_ns_ < first_rate_ns) {
    }
    clock_.ticks = __rdtsc();
    clock_.ns = session_.now_ns();
  }
  clock_.latest_ns = clock_.ns;
  clock_.ns_per_tick =
      static_cast<double>(clock_.ns - first_ns_) / static_cast<double>(clock_.ticks - first_ticks_);
}

// The records of one ring, `end` behind the last one: those that stand in one piece. Moves `*read` past them,
// and past what fills the ring up to its end.
std::span<const std::byte> Agents::scan(Task& task, std::uint64_t end, std::uint64_t* read, Scan& scan) {
  const std::byte* ring = task.slot_memory->ring(*slot_of(task));
  const std::uint64_t first = *read & (agent::ring_size - 1);
  std::uint64_t at = first;
  while (*read != end) {
    const std::uint64_t rest = agent::ring_size - at;
    const auto& record = *reinterpret_cast<const agent::Record*>(ring + at);
    if (rest < sizeof record || record.nr == agent::no_call) {
      *read += rest;
      break;
    }
    const bool is_call = record.nr < agent::call_count;
    const bool is_whole = record.size >= sizeof record && record.size <= std::min(rest, end - *read);
    ENSURE(is_whole && (is_call || record.nr == agent::counter_read), "the agent of task {} wrote nonsense",
           task.tid);
    ++scan.records;
    scan.is_urgent = scan.is_urgent || record.size > large_record || (is_call && has_effects_[record.nr]);
    if (record.size > large_record) scan.large_bytes += record.size;
    if (is_call && changes_descriptors(record)) EchoDescriptors::forget(*task.process);
    *read += record.size;
    at += record.size;
    if (at == agent::ring_size) break;
  }
  return {ring + first, at - first};
}

bool Agents::changes_descriptors(const agent::Record& record) const {
  return may_change_descriptors_[record.nr] &&
         syscalls::policy(*syscalls::find(record.nr), std::to_array(record.args)).changes_fds;
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

void Agents::drain(std::optional<Tid> stopped) {
  const bool any = std::any_of(with_slots_.begin(), with_slots_.end(),
                               [](const Task* task) { return has_records(*slot_of(*task)); });
  if (!any) return;
  // A rate of before is right to some ns for as long.
  constexpr std::uint64_t clocks_last_ns = 1'000'000;
  if (first_ticks_ == 0 || session_.now_ns() - clock_.ns > clocks_last_ns) look_at_clocks();
  clock_.latest_ns = session_.now_ns();
  Scan found;
  std::vector<RingPart> parts;
  std::vector<std::pair<agent::Slot*, std::uint64_t>> emptied;
  LentRing lent;
  for (Task* task : with_slots_) {
    agent::Slot& slot = *slot_of(*task);
    if (!has_records(slot)) continue;
    const std::uint64_t end = __atomic_load_n(&slot.written, __ATOMIC_ACQUIRE);
    std::uint64_t read = slot.read;
    const std::size_t large_before = found.large_bytes;
    RingPart part{task->tid, slot.clock_source, {}, {}};
    while (read != end) {
      const auto records = scan(*task, end, &read, found);
      (part.records.empty() ? part.records : part.more) = records;
    }
    found.bytes += part.records.size() + part.more.size();
    if (stopped == task->tid && found.large_bytes > large_before) lent = lend_ring(*task);
    if (lent.keeper == nullptr || stopped != task->tid) emptied.emplace_back(&slot, end);
    if (part.records.empty()) continue;
    parts.push_back(part);
    task->left_with.reset();  // it has gone on since
    task->left_ns = clock_.latest_ns;
  }
  put_records(std::move(parts), found, lent);
  for (const auto& [slot, read] : emptied) __atomic_store_n(&slot->read, read, __ATOMIC_RELEASE);
}

// Large data need not be copied where the writer has time to write it before the task comes to need the room.
// The task is not to be in the agent, which knows where its next record will be.
Agents::LentRing Agents::lend_ring(const Task& task) const {
  agent::Slot& slot = *slot_of(task);
  if (slot.phase != agent::Phase::outside || !session_.takes_late_events()) return {};
  return {task.tid, AgentMemory::lend_ring(task.slot_memory, slot)};
}

void Agents::put_records(std::vector<RingPart> parts, const Scan& found, const LentRing& lent) {
  records_ += found.records;
  auto events = std::make_unique<RingEvents>(table_, clock_, std::move(parts));
  if (!found.is_urgent && found.bytes > little && session_.takes_late_events()) {
    events->copy(spare_);
    session_.put_late(found.records, found.bytes, std::move(events));
    return;
  }
  while (const Event* made = events->next()) {
    Event event = *made;
    Task* task = session_.find(event.tid);
    ENSURE(task != nullptr, "a ring of task {}, which is gone", event.tid);
    Extra extra;
    if (events->mapped_file()) {
      special::describe_stored_mapping(session_, *task, event, *events->mapped_file(), &extra);
      event.extra = &extra;
    }
    session_.put(event, event.tid == lent.tid ? lent.keeper : nullptr);
    if (event.kind == EventKind::call && has_effects_[static_cast<std::size_t>(event.nr)])
      apply_effects(*task, event);
  }
}

}  // namespace rec

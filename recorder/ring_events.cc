#include "recorder/ring_events.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "format/base/error.h"

namespace rec {

namespace {

const agent::Record& record_at(std::span<const std::byte> bytes) {
  return *reinterpret_cast<const agent::Record*>(bytes.data());
}

}  // namespace

std::uint64_t RingClock::time_of(agent::ClockSource source, std::uint64_t clock) const {
  if (source == agent::ClockSource::system_call) return clock > start_ns ? clock - start_ns : 0;
  const double since = static_cast<double>(static_cast<std::int64_t>(clock - ticks)) * ns_per_tick;
  const double time = static_cast<double>(ns) + since;
  return time < 0 ? 0 : std::min(static_cast<std::uint64_t>(time), latest_ns);
}

std::optional<FileVersion> read_pieces(Tid tid, const agent::Record& record, const std::byte* end,
                                       std::vector<Data>& pieces) {
  std::optional<FileVersion> mapped;
  const auto* bytes = reinterpret_cast<const std::byte*>(&record) + sizeof record;
  for (std::uint32_t i = 0; i < record.pieces; ++i) {
    agent::PieceHeader header;
    ENSURE(end - bytes >= static_cast<std::ptrdiff_t>(sizeof header), "the agent of task {} wrote nonsense",
           tid);
    std::memcpy(&header, bytes, sizeof header);
    bytes += sizeof header;
    ENSURE(agent::round_up(header.size) <= static_cast<std::uint64_t>(end - bytes),
           "the agent of task {} wrote nonsense", tid);
    if (header.role == agent::PieceRole::file) {
      ENSURE(header.size == sizeof(FileVersion), "the agent of task {} wrote nonsense", tid);
      std::memcpy(&mapped.emplace(), bytes, sizeof(FileVersion));
    } else {
      pieces.push_back({RemotePtr<>(header.address), std::span(bytes, header.size), header.full_size,
                        static_cast<Data::Role>(header.role), header.argument});
    }
    bytes += agent::round_up(header.size);
  }
  return mapped;
}

std::uint16_t echo_flags(const agent::Record& record) {
  unsigned flags = 0;
  if ((record.shown & agent::descriptor_output) != 0) flags |= event_echo_stdout;
  if ((record.shown & agent::descriptor_error) != 0) flags |= event_echo_stderr;
  return static_cast<std::uint16_t>(flags);
}

RawBytes SpareBytes::take(std::size_t size) {
  const std::lock_guard lock(mutex_);
  if (spare_.empty()) return RawBytes(std::max<std::size_t>(size, agent::ring_size));
  RawBytes bytes = std::move(spare_.back());
  spare_.pop_back();
  bytes.resize(size);
  return bytes;
}

void SpareBytes::give_back(RawBytes bytes) {
  constexpr std::size_t most = 8;
  const std::lock_guard lock(mutex_);
  if (spare_.size() < most && bytes.room() <= 2 * agent::ring_size) spare_.push_back(std::move(bytes));
}

RingEvents::RingEvents(std::shared_ptr<const agent::CallTable> table, const RingClock& clock,
                       std::vector<RingPart> parts)
    : table_(std::move(table)), clock_(clock), parts_(std::move(parts)) {
  choose();
}

RingEvents::~RingEvents() {
  if (spare_ != nullptr) spare_->give_back(std::move(copy_));
}

void RingEvents::copy(const std::shared_ptr<SpareBytes>& spare) {
  std::size_t size = 0;
  for (const RingPart& part : parts_) size += part.records.size() + part.more.size();
  spare_ = spare;
  copy_ = spare->take(size);
  std::span<std::byte> room = copy_.span();
  for (RingPart& part : parts_) {
    std::memcpy(room.data(), part.records.data(), part.records.size());
    if (!part.more.empty()) std::memcpy(&room[part.records.size()], part.more.data(), part.more.size());
    const std::size_t both = part.records.size() + part.more.size();
    part.records = room.first(both);
    part.more = {};
    room = room.subspan(both);
  }
}

const Event* RingEvents::next() {
  if (parts_.empty()) return nullptr;
  const RingPart& part = parts_[chosen_];
  const agent::Record& record = record_at(part.records);
  pieces_.clear();
  mapped_file_ = read_pieces(part.tid, record, part.records.data() + record.size, pieces_);
  if (is_error(record.result)) mapped_file_.reset();
  event_.data = pieces_;
  event_.tid = part.tid;
  event_.flags = event_by_agent;
  event_.enter_ns = clock_.time_of(part.source, record.enter);
  event_.leave_ns =
      record.leave == record.enter ? event_.enter_ns : clock_.time_of(part.source, record.leave);
  if (record.nr == agent::counter_read) {
    const auto value = static_cast<std::uint64_t>(record.result);
    event_.kind = EventKind::trap;
    event_.nr = static_cast<std::int32_t>(TrapKind::rdtsc);
    event_.args = {value & 0xffffffff, 0, 0, value >> 32};
    event_.result = 2;
  } else {
    event_.kind = EventKind::call;
    event_.flags |= echo_flags(record);
    if ((table_->calls[record.nr].flags & agent::call_answered) != 0) event_.flags |= event_denied;
    // Replay maps a content of the trace, which is not for the agent to do.
    if (mapped_file_) event_.flags = event_without_stop;
    event_.nr = record.nr;
    event_.result = record.result;
    std::copy(std::begin(record.args), std::end(record.args), event_.args.begin());
  }
  pass(record.size);
  return &event_;
}

void RingEvents::pass(std::uint32_t size) {
  RingPart& part = parts_[chosen_];
  part.records = part.records.subspan(size);
  if (part.records.empty()) part.records = std::exchange(part.more, {});
  if (part.records.empty()) {
    parts_.erase(parts_.begin() + static_cast<std::ptrdiff_t>(chosen_));
    choose();
  } else if (record_at(part.records).leave > until_) {
    choose();
  }
}

void RingEvents::choose() {
  constexpr std::uint64_t no_end = ~std::uint64_t{0};
  std::uint64_t least = no_end;
  chosen_ = 0;
  until_ = no_end;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const std::uint64_t leave = record_at(parts_[i].records).leave;
    if (leave < least) {
      until_ = std::exchange(least, leave);
      chosen_ = i;
    } else {
      until_ = std::min(until_, leave);
    }
  }
}

}  // namespace rec

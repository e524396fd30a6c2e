#include "tracee/agent_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "format/base/error.h"

extern "C" const std::byte rec_agent_begin[];
extern "C" const std::byte rec_agent_end[];

namespace rec {
namespace {

// A writer that keeps up has no more of them at a time: what it is at, and what comes in meanwhile.
constexpr std::uint32_t spare_rings = 8;
constexpr std::uint32_t first_spare_ring = agent::slot_count - spare_rings;

std::uint64_t distance_to_ring(std::uint32_t slot, std::uint32_t ring) {
  return (std::uint64_t{ring} - slot) * agent::slot_size + agent::ring_offset;
}

}  // namespace

std::span<const std::byte> agent_code() { return {rec_agent_begin, rec_agent_end}; }

const agent::Symbols& agent_symbols() {
  static_assert(alignof(agent::Symbols) <= 16);  // blob.S
  return *reinterpret_cast<const agent::Symbols*>(rec_agent_begin);
}

AgentMemory::AgentMemory(agent::Mode mode, std::shared_ptr<RingBudget> budget)
    : file_(::memfd_create("rec-agent", MFD_CLOEXEC)), budget_(std::move(budget)) {
  if (!file_.is_open()) fail_with_errno("memfd_create");
  if (::ftruncate(file_.get(), static_cast<off_t>(file_size)) != 0) {
    fail_with_errno("ftruncate of the agent's memory");
  }
  set_up(mode, file_.get(), 0);
}

AgentMemory::AgentMemory(agent::Mode mode, int fd, std::uint64_t offset) { set_up(mode, fd, offset); }

void AgentMemory::write_code(int fd, std::uint64_t offset) {
  const auto code = agent_code();
  ENSURE(code.size() <= code_size, "the agent has {} bytes", code.size());
  const auto code_at = static_cast<off_t>(offset + code_offset);
  if (::pwrite(fd, code.data(), code.size(), code_at) != static_cast<ssize_t>(code.size())) {
    fail_with_errno("writing the agent's code");
  }
}

void AgentMemory::set_up(agent::Mode mode, int fd, std::uint64_t offset) {
  write_code(fd, offset);
  void* at = ::mmap(nullptr, agent::shared_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                    static_cast<off_t>(offset + shared_offset));
  if (at == MAP_FAILED) fail_with_errno("mmap of the agent's memory");
  shared_ = static_cast<std::byte*>(at);
  fill(mode);
}

void AgentMemory::renew(agent::Mode mode) {
  write_code(file_.get(), 0);
  fill(mode);
}

void AgentMemory::fill(agent::Mode mode) {
  globals() = {};
  globals().mode = mode;
  free_slots_.clear();
  free_descriptors_.clear();
  // From the back, so that the first ones are taken first. Slot 0 serves all tasks that have none of their
  // own, the last ones are there for their rings.
  for (std::uint64_t i = first_spare_ring; i-- > 1;) {
    free_slots_.push_back(agent::slots_address + i * agent::slot_size);
  }
  for (std::uint64_t i = agent::descriptor_table_count; i-- > 0;) {
    free_descriptors_.push_back(agent::descriptor_tables_address + i * agent::descriptor_table_size);
  }
  std::iota(ring_of_slot_.begin(), ring_of_slot_.end(), 0U);
  free_rings_.clear();
  for (std::uint32_t i = 0; i < rings_in_use_; ++i) free_rings_.push_back(first_spare_ring + i);
  reset_slot(agent::slots_address);
}

AgentMemory::~AgentMemory() {
  (void)::munmap(shared_, agent::shared_size);
  if (budget_ != nullptr) *budget_ += static_cast<int>(rings_in_use_);
}

agent::Globals& AgentMemory::globals() const { return *reinterpret_cast<agent::Globals*>(shared_); }

void AgentMemory::keep(const agent::KeptMemory& more) const {
  agent::Globals& all = globals();
  const auto distance = [&](const agent::KeptMemory& kept) {
    if (more.start > kept.end) return more.start - kept.end;
    return kept.start > more.end ? kept.start - more.end : 0;
  };
  const std::span kept(std::begin(all.kept), all.kept_count);
  const auto nearest = std::min_element(
      kept.begin(), kept.end(), [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
  const bool is_new = nearest == kept.end() || distance(*nearest) != 0;
  if (is_new && all.kept_count < agent::most_kept) {
    all.kept[all.kept_count] = more;
    __atomic_store_n(&all.kept_count, all.kept_count + 1, __ATOMIC_RELEASE);
    return;
  }
  __atomic_store_n(&nearest->start, std::min(nearest->start, more.start), __ATOMIC_RELEASE);
  __atomic_store_n(&nearest->end, std::max(nearest->end, more.end), __ATOMIC_RELEASE);
}

agent::CallTable& AgentMemory::calls() const {
  return *reinterpret_cast<agent::CallTable*>(shared_ + (agent::call_table_address - agent::shared_address));
}

agent::StoredFile& AgentMemory::stored_file(std::uint32_t place) const {
  ENSURE(place < agent::stored_file_count, "place {}", place);
  auto* files =
      reinterpret_cast<agent::StoredFile*>(shared_ + (agent::stored_files_address - agent::shared_address));
  return files[place];
}

agent::Slot* AgentMemory::slot_at(std::uint64_t address) const {
  if (address < agent::slots_address) return nullptr;
  const std::uint64_t offset = address - agent::slots_address;
  if (offset % agent::slot_size != 0 || offset / agent::slot_size >= agent::slot_count) return nullptr;
  return reinterpret_cast<agent::Slot*>(shared_ + (address - agent::shared_address));
}

std::uint32_t AgentMemory::number_of(const agent::Slot& slot) const {
  const std::byte* first = shared_ + (agent::slots_address - agent::shared_address);
  const auto distance = static_cast<std::uint64_t>(reinterpret_cast<const std::byte*>(&slot) - first);
  return static_cast<std::uint32_t>(distance / agent::slot_size);
}

std::byte* AgentMemory::ring(const agent::Slot& slot) const {
  const std::uint64_t start = std::uint64_t{ring_of_slot_.at(number_of(slot))} * agent::slot_size;
  return shared_ + (agent::slots_address - agent::shared_address) + start + agent::ring_offset;
}

std::shared_ptr<const void> AgentMemory::lend_ring(const std::shared_ptr<AgentMemory>& memory,
                                                   agent::Slot& slot) {
  const auto next = memory->take_ring();
  if (!next) return nullptr;
  const std::uint32_t number = memory->number_of(slot);
  const std::uint32_t lent = std::exchange(memory->ring_of_slot_.at(number), *next);
  slot.written = slot.read = 0;
  slot.ring = distance_to_ring(number, *next);
  return {memory->ring(slot), [memory, lent](const void*) { memory->give_back_ring(lent); }};
}

std::optional<std::uint32_t> AgentMemory::take_ring() {
  const std::lock_guard lock(ring_mutex_);
  if (free_rings_.empty()) {
    if (budget_ == nullptr || rings_in_use_ == spare_rings) return std::nullopt;
    if (budget_->fetch_sub(1) <= 0) {
      ++*budget_;
      return std::nullopt;
    }
    free_rings_.push_back(first_spare_ring + rings_in_use_++);
  }
  const std::uint32_t taken = free_rings_.back();  // the last one to come back is in the cache most probably
  free_rings_.pop_back();
  return taken;
}

void AgentMemory::give_back_ring(std::uint32_t ring) {
  const std::lock_guard lock(ring_mutex_);
  free_rings_.push_back(ring);
}

void AgentMemory::reset_slot(std::uint64_t address) const {
  agent::Slot& slot = *slot_at(address);
  slot = {};
  slot.self = reinterpret_cast<agent::Slot*>(address);
  slot.stack_top = address + agent::stack_top_offset;
  slot.ring = distance_to_ring(number_of(slot), ring_of_slot_.at(number_of(slot)));
  const agent::Symbols& symbols = agent_symbols();
  const bool is_shared = address == agent::slots_address;
  slot.entry = is_shared ? symbols.no_entry : symbols.entry;
  slot.counter_entry = is_shared ? symbols.no_entry : symbols.counter_entry;
}

std::uint64_t AgentMemory::take_slot() {
  if (free_slots_.empty()) return 0;
  const std::uint64_t address = free_slots_.back();
  free_slots_.pop_back();
  reset_slot(address);
  return address;
}

void AgentMemory::give_back_slot(std::uint64_t address) { free_slots_.push_back(address); }

std::uint64_t AgentMemory::take_descriptors() {
  if (free_descriptors_.empty()) return 0;
  const std::uint64_t address = free_descriptors_.back();
  free_descriptors_.pop_back();
  const auto table = descriptors_at(address);
  std::memset(table.data(), 0, table.size());
  return address;
}

void AgentMemory::give_back_descriptors(std::uint64_t address) { free_descriptors_.push_back(address); }

std::span<std::uint8_t> AgentMemory::descriptors_at(std::uint64_t address) const {
  static_assert(agent::descriptor_tables_address +
                    std::uint64_t{agent::descriptor_table_count} * agent::descriptor_table_size <=
                agent::slots_address);
  return {reinterpret_cast<std::uint8_t*>(shared_ + (address - agent::shared_address)),
          agent::descriptor_table_size};
}

}  // namespace rec

// Files that agents may map without a stop: those whose content the trace has already.
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <set>

#include "recorder/agent.h"
#include "recorder/session.h"

namespace rec {
namespace {

using Words = std::array<std::uint64_t, agent::version_words>;
static_assert(sizeof(FileVersion) == sizeof(Words));

agent::StoredFile make_entry(const FileVersion& version) {
  agent::StoredFile entry{};
  const auto words = std::bit_cast<Words>(version);
  std::copy(words.begin(), words.end(), std::begin(entry.version));
  entry.is_there = 1;
  return entry;
}

bool is_same(const agent::StoredFile& a, const agent::StoredFile& b) {
  return a.is_there == b.is_there && std::equal(std::begin(a.version), std::end(a.version), b.version);
}

// While an agent may look at it.
void publish(agent::StoredFile& place, const agent::StoredFile& entry) {
  __atomic_store_n(&place.is_there, 0, __ATOMIC_SEQ_CST);
  std::copy(std::begin(entry.version), std::end(entry.version), place.version);
  __atomic_store_n(&place.is_there, entry.is_there, __ATOMIC_SEQ_CST);
}

bool is_inside_mmap(const agent::Slot& slot) {
  agent::Phase phase = agent::Phase::outside;
  __atomic_load(&slot.phase, &phase, __ATOMIC_ACQUIRE);
  return phase != agent::Phase::outside && __atomic_load_n(&slot.nr, __ATOMIC_ACQUIRE) == SYS_mmap;
}

}  // namespace

void Agents::set_stored_file(std::uint32_t place, const agent::StoredFile& entry) {
  stored_files_.at(place) = entry;
  stored_places_.insert(place);
  std::set<const AgentMemory*> done;
  for (const Task* task : with_slots_) {
    if (done.insert(task->slot_memory.get()).second) publish(task->slot_memory->stored_file(place), entry);
  }
}

void Agents::file_is_stored(const FileVersion& version) {
  const agent::StoredFile entry = make_entry(version);
  const std::uint32_t first = agent::stored_file_place(version.inode);
  const auto ways = std::span(stored_files_).subspan(first, agent::stored_file_ways);
  const auto place_of = [&](auto found) { return first + static_cast<std::uint32_t>(found - ways.begin()); };
  if (std::any_of(ways.begin(), ways.end(), [&](const auto& known) { return is_same(known, entry); })) return;
  // Instead of an older version, or of nothing, or of another file.
  auto found = std::find_if(ways.begin(), ways.end(), [&](const agent::StoredFile& known) {
    return known.version[0] == entry.version[0] && known.version[1] == entry.version[1];
  });
  if (found == ways.end())
    found = std::find_if(ways.begin(), ways.end(), [](const auto& known) { return known.is_there == 0; });
  if (found == ways.end()) found = ways.begin() + stored_files_replaced_++ % agent::stored_file_ways;
  set_stored_file(place_of(found), entry);
}

void Agents::show_stored_files(const AgentMemory& memory) const {
  for (const std::uint32_t place : stored_places_) memory.stored_file(place) = stored_files_.at(place);
}

void Agents::file_changes(std::uint64_t device, std::uint64_t inode) {
  bool was_there = false;
  const std::uint32_t first = agent::stored_file_place(inode);
  for (std::uint32_t place = first; place < first + agent::stored_file_ways; ++place) {
    const agent::StoredFile& known = stored_files_.at(place);
    if (known.is_there == 0 || known.version[0] != device || known.version[1] != inode) continue;
    was_there = true;
    set_stored_file(place, {});
  }
  if (!was_there) return;
  // An agent that has found it there maps it now. (One that is stopped on its way cannot be waited for; the
  // program's own processes race there, too.)
  constexpr useconds_t pause_us = 20;
  constexpr int pauses = 50;
  for (const Task* task : with_slots_) {
    for (int i = 0; i < pauses && is_inside_mmap(*slot_of(*task)); ++i) ::usleep(pause_us);
  }
  drain();
}

}  // namespace rec

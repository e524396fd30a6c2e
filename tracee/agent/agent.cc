// The agent: what runs in the program instead of a `syscall` instruction that was patched. It makes the call
// itself and writes it down in the task's ring (recording), or answers it from the ring (replay); whatever it
// is not sure about it leaves to the traced way.
//
// Built freestanding: no libc, no vector registers, its own stack. It may be left at any instruction for the
// fallback exit while Slot::phase is `before`.
#include "tracee/agent/bytes.h"
#include "tracee/agent/descriptors.h"
#include "tracee/agent/files.h"
#include "tracee/agent/layout.h"
#include "tracee/agent/pieces.h"

// entry.S
extern "C" void agent_trap();

namespace rec::agent {
namespace {

constexpr uint64_t last_errno = 4095;  // MAX_ERRNO, linux/err.h
constexpr uint64_t nr_clock_gettime = 228;
constexpr uint64_t nr_gettimeofday = 96;
constexpr uint64_t nr_time = 201;
constexpr uint64_t nr_mmap = 9;
constexpr uint64_t map_anonymous = 0x20;
constexpr uint64_t clock_monotonic = 1;
// Those that the vDSO reads by itself (lib/vdso/gettimeofday.c): CLOCK_REALTIME, _MONOTONIC, _MONOTONIC_RAW,
// the two _COARSE, _BOOTTIME, _TAI. For all others it makes the call.
constexpr uint64_t vdso_clocks = 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 11;
constexpr uint64_t clock_count = 12;

const CallTable& table() { return *reinterpret_cast<const CallTable*>(call_table_address); }

bool is_error(int64_t result) { return static_cast<uint64_t>(result) > ~last_errno; }

// The program's own call. (entry.S)
inline int64_t agent_call(uint64_t nr, const uint64_t* args) {
  int64_t result = 0;
  __asm__ volatile(
      "leaq 1f(%%rip), %%r12\n\tjmp agent_call\n1:\n\t"
      "movq %%rax, %%gs:%c[result]\n\tmovl %[after], %%gs:%c[phase]"
      : "=a"(result), "+D"(nr), "+S"(args)
      : [result] "i"(offsetof(Slot, result)), [after] "i"(Phase::after), [phase] "i"(offsetof(Slot, phase))
      : "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "memory");
  return result;
}

// Back to the program. 0: to make the call the traced way; 1: it is answered; 2: it is, and rec wants to
// know.
[[noreturn]] inline void leave(int how) {
  __asm__ volatile("jmp agent_leave" : : "a"(how) : "memory");
  __builtin_unreachable();
}

uint64_t now(Slot* slot) {
  if (slot->clock_source == ClockSource::time_stamp_counter) {
    uint32_t low = 0, high = 0;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return uint64_t{high} << 32 | low;
  }
  (void)own_call(nr_clock_gettime, clock_monotonic, reinterpret_cast<uint64_t>(slot->clock), 0);
  return static_cast<uint64_t>(slot->clock[0]) * 1000000000 + static_cast<uint64_t>(slot->clock[1]);
}

unsigned char* ring(Slot* slot) { return reinterpret_cast<unsigned char*>(slot) + slot->ring; }

// --- recording ---

// The request of a multiplexed call, or nullptr.
const Call* find_request(const Call* call, const uint64_t* args) {
  const Call* first = table().calls + call->first;
  uint64_t wanted = args[call->selector] & first->mask;
  if (call->second_selector != no_argument) {
    wanted = static_cast<uint32_t>(wanted) | args[call->second_selector] << 32;
  }
  uint32_t from = 0, to = call->count;
  while (from < to) {
    const uint32_t middle = (from + to) / 2;
    if (first[middle].request == wanted) return first + middle;
    if (first[middle].request < wanted) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return (call->flags & call_usable) != 0 ? call : nullptr;
}

// Of the calls that need rec to know of them, only those (format/syscalls/spec.h, AgentWay).
bool conditions_hold(const Call* call, const uint64_t* args) {
  for (const Condition& condition : call->conditions) {
    if (condition.argument == no_argument) continue;
    const uint64_t value = args[condition.argument];
    if (value >> 32 != 0) return false;
    const auto low = static_cast<uint32_t>(value);
    const bool holds = condition.among != 0 ? low < 32 && (condition.mask >> low & 1) != 0
                                            : (low & condition.mask) == condition.value;
    if (!holds) return false;
  }
  return true;
}

bool meets_kept_memory(uint64_t start, uint64_t size) {
  const uint64_t end = start + size;
  if (end < start) return true;
  const auto meets = [&](uint64_t from, uint64_t to) { return start < to && from < end; };
  if (meets(own_memory, vdso_limit)) return true;
  const Globals& all = globals();
  const uint32_t count = *const_cast<const volatile uint32_t*>(&all.kept_count);
  for (uint32_t i = 0; i < count; ++i) {
    if (meets(all.kept[i].start, all.kept[i].end)) return true;
  }
  return false;
}

// Contiguous room in the ring; nullptr: rec has to empty it first.
Record* reserve(Slot* slot, uint64_t size) {
  if (size > largest_record) return nullptr;
  const uint64_t read = *const_cast<volatile uint64_t*>(&slot->read);
  uint64_t at = slot->written & (ring_size - 1);
  const uint64_t rest = ring_size - at;
  uint64_t total = size;
  if (rest < size) total += rest;
  if (slot->written + total - read > ring_size) return nullptr;
  if (rest < size) {
    if (rest >= sizeof(Record)) {
      auto* filler = reinterpret_cast<Record*>(ring(slot) + at);
      filler->size = static_cast<uint32_t>(rest);
      filler->nr = no_call;
    }
    barrier();
    slot->written += rest;
    at = 0;
  }
  return reinterpret_cast<Record*>(ring(slot) + at);
}

// Answers a call from the vDSO, if it is one of the clock's and the time-stamp counter may be read. The vDSO
// may find that it cannot: then it makes a call, which rec sees, takes for what it is and leaves to the
// traced way. As long as Slot::phase is `before`, a pointer that leads nowhere does the same.
bool ask_vdso(Slot* slot, int64_t* result) {
  if (slot->clock_source != ClockSource::time_stamp_counter) return false;
  const Globals& all = globals();
  const uint64_t* args = slot->args;
  if (slot->nr == nr_clock_gettime) {
    if (all.vdso_clock_gettime == 0 || args[0] >= clock_count || (vdso_clocks >> args[0] & 1) == 0)
      return false;
    if (reinterpret_cast<int (*)(uint64_t, int64_t*)>(all.vdso_clock_gettime)(args[0], slot->clock) != 0)
      return false;
    copy(reinterpret_cast<void*>(args[1]), slot->clock, sizeof slot->clock);
    *result = 0;
    return true;
  }
  if (slot->nr == nr_gettimeofday) {
    int32_t zone[2] = {};
    if (all.vdso_gettimeofday == 0) return false;
    if (reinterpret_cast<int (*)(int64_t*, int32_t*)>(all.vdso_gettimeofday)(slot->clock, zone) != 0)
      return false;
    if (args[0] != 0) copy(reinterpret_cast<void*>(args[0]), slot->clock, sizeof slot->clock);
    if (args[1] != 0) copy(reinterpret_cast<void*>(args[1]), zone, sizeof zone);
    *result = 0;
    return true;
  }
  if (slot->nr != nr_time || all.vdso_time == 0) return false;
  *result = reinterpret_cast<int64_t (*)(int64_t*)>(all.vdso_time)(nullptr);
  if (args[0] != 0) copy(reinterpret_cast<void*>(args[0]), result, sizeof *result);
  return true;
}

// The entry for the call; nullptr: it is to be made the traced way.
const Call* find_call(const Slot* slot) {
  const uint64_t* args = slot->args;
  if (slot->nr >= call_count || *const_cast<const volatile uint32_t*>(&slot->stop) != 0) return nullptr;
  const Call* call = table().calls + slot->nr;
  if ((call->flags & call_multiplexed) != 0) call = find_request(call, args);
  if (call == nullptr || (call->flags & call_usable) == 0) return nullptr;
  if ((call->flags & call_conditional) != 0 && !conditions_hold(call, args)) return nullptr;
  // At no address in particular, an mmap meets nothing.
  const bool on_memory = (call->flags & call_on_memory) != 0 && (slot->nr != nr_mmap || args[0] != 0);
  return on_memory && meets_kept_memory(args[0], args[1]) ? nullptr : call;
}

// `is_made`: by the kernel.
[[gnu::always_inline]] inline int64_t make_call(Slot* slot, const Call* call, bool* is_made) {
  int64_t result = 0;
  if ((call->flags & call_answered) != 0) {
    result = call->answer;
  } else if (!ask_vdso(slot, &result)) {
    *is_made = true;
    return agent_call(slot->nr, slot->args);
  }
  slot->result = result;
  barrier();
  *const_cast<volatile Phase*>(&slot->phase) = Phase::after;
  return result;
}

void put_outputs(PieceWriter* writer, const Call* call, const Piece* pieces, const Slot* slot,
                 const Places* places, int64_t result) {
  const bool failed = is_error(result);
  for (uint32_t i = 0; i < call->pieces; ++i) {
    const Piece& piece = pieces[i];
    if (piece.when == PieceWhen::input) continue;
    if (piece.rule == PieceRule::vectors) {
      if (!failed) writer->put_filled(piece, places, static_cast<uint64_t>(result));
      continue;
    }
    if (places->room[i] == 0) continue;
    const uint64_t size = written_size(piece, slot->args, places->room[i], result, failed);
    if (size != 0) writer->put(piece, places->address[i], size, size, PieceRole::output);
  }
}

// Part of agent_main, as what makes the call is of it: see agent_area.h for what a `ret` would cost.
[[gnu::always_inline]] inline bool record_call(Slot* slot) {
  const Call* call = find_call(slot);
  if (call == nullptr) return false;
  const Piece* pieces = table().pieces + call->first_piece;
  const uint8_t known = known_descriptor(slot, call);
  if (!may_write(slot, call, known)) return false;
  Places places;
  if (!find_pieces(call, pieces, slot->args, slot->shown != 0, &places)) return false;
  if (!may_make(slot, call, known, pieces, &places)) return false;
  const bool maps_file = (call->flags & call_maps_file) != 0 && (slot->args[3] & map_anonymous) == 0;
  uint64_t version[version_words];
  if (maps_file) {
    if (!is_stored(slot, slot->args[4], version)) return false;
    places.ring_size += sizeof(PieceHeader) + sizeof version;
  }
  Record* record = reserve(slot, places.ring_size);
  if (record == nullptr) {
    slot->wants_room = places.ring_size <= largest_record ? 1 : 0;
    return false;
  }
  slot->begun = slot->written;
  record->nr = static_cast<uint16_t>(slot->nr);
  record->shown = static_cast<uint8_t>(slot->shown);
  for (uint32_t i = 0; i < 6; ++i) record->args[i] = slot->args[i];
  auto* start = reinterpret_cast<unsigned char*>(record);
  PieceWriter writer{start + sizeof(Record), 0};
  writer.put_inputs(call, pieces, &places);
  if (maps_file) writer.put_file(version);
  record->pieces = static_cast<uint8_t>(writer.count);  // for rec, should the call be interrupted
  record->enter = now(slot);
  bool is_made = false;
  const int64_t result = make_call(slot, call, &is_made);
  record->leave = is_made ? now(slot) : record->enter;
  record->result = result;
  put_outputs(&writer, call, pieces, slot, &places, result);
  constexpr uint32_t about_descriptors = call_opens | call_closes | call_opens_pair;
  if ((call->flags & about_descriptors) != 0) learn_descriptors(slot, call, is_error(result), result);
  record->pieces = static_cast<uint8_t>(writer.count);
  record->size = static_cast<uint32_t>(writer.end - start);
  ++slot->calls;
  barrier();
  slot->written += record->size;
  barrier();
  *const_cast<volatile Phase*>(&slot->phase) = Phase::outside;
  return true;
}

// In eax and edx, which the way out takes from the slot.
void give_counter(Slot* slot, uint64_t value) {
  slot->result = static_cast<int64_t>(value & 0xffffffff);
  slot->args[2] = value >> 32;
}

bool record_counter(Slot* slot) {
  if (*const_cast<volatile uint32_t*>(&slot->stop) != 0) return false;
  if (slot->clock_source != ClockSource::time_stamp_counter) return false;  // it would trap here, too
  slot->shown = 0;
  Record* record = reserve(slot, sizeof(Record));
  if (record == nullptr) return false;
  *record = {};
  record->size = sizeof(Record);
  record->nr = counter_read;
  record->enter = record->leave = now(slot);
  record->result = static_cast<int64_t>(record->enter);
  give_counter(slot, record->enter);
  *const_cast<volatile Phase*>(&slot->phase) = Phase::after;
  barrier();
  slot->written += record->size;
  barrier();
  *const_cast<volatile Phase*>(&slot->phase) = Phase::outside;
  return true;
}

// --- replay ---

void stop_for(Slot* slot, Trap why, uint64_t argument) {
  slot->trap = why;
  slot->trap_argument = argument;
  barrier();
  agent_trap();
  barrier();
  slot->trap = Trap::none;
}

// The next record; nullptr: the call is to be made the traced way.
Record* next_record(Slot* slot) {
  for (;;) {
    const uint64_t written = *const_cast<volatile uint64_t*>(&slot->written);
    if (slot->read == written) {
      if (*const_cast<volatile uint32_t*>(&slot->stop) != 0) return nullptr;
      stop_for(slot, Trap::ring_empty, 0);
      continue;
    }
    const uint64_t at = slot->read & (ring_size - 1);
    auto* record = reinterpret_cast<Record*>(ring(slot) + at);
    if (ring_size - at >= sizeof(Record) && record->nr != no_call) return record;
    slot->read += ring_size - at;
  }
}

bool is_same_call(const Slot* slot, const Record* record) {
  if (slot->nr != record->nr || record->nr >= call_count) return false;
  for (uint32_t i = 0; i < record->arguments; ++i) {
    if (slot->args[i] != record->args[i]) return false;
  }
  return true;
}

void apply_pieces(Slot* slot, const Record* record) {
  const auto* at = reinterpret_cast<const unsigned char*>(record) + sizeof(Record);
  for (uint32_t i = 0; i < record->pieces; ++i) {
    const auto* header = reinterpret_cast<const PieceHeader*>(at);
    const unsigned char* bytes = at + sizeof(PieceHeader);
    if (header->role == PieceRole::call) {
      const auto* call = reinterpret_cast<const RemadeCall*>(bytes);
      if (agent_call(call->nr, call->args) != call->result) stop_for(slot, Trap::other_result, 0);
    } else if (header->role == PieceRole::output) {
      copy(reinterpret_cast<void*>(header->address), bytes, header->size);
    } else if (!is_equal(reinterpret_cast<const unsigned char*>(header->address), bytes, header->size)) {
      stop_for(slot, Trap::other_input, header->argument);
    }
    at = bytes + round_up(header->size);
  }
}

int finish(Slot* slot, const Record* record) {
  slot->read += record->size;
  ++slot->calls;
  *const_cast<volatile Phase*>(&slot->phase) = Phase::outside;
  return slot->leave_trap != 0 && slot->read == slot->written ? 2 : 1;
}

// Both of these: 0: the traced way; 1: answered; 2: answered, and the ring is empty now, which rec wants to
// know of.
int replay_call(Slot* slot) {
  Record* record = next_record(slot);
  if (record == nullptr) return 0;
  if (!is_same_call(slot, record)) stop_for(slot, Trap::other_call, 0);
  apply_pieces(slot, record);
  slot->result = record->result;
  return finish(slot, record);
}

int replay_counter(Slot* slot) {
  Record* record = next_record(slot);
  if (record == nullptr) return 0;
  if (record->nr != counter_read) stop_for(slot, Trap::not_a_call, 0);
  give_counter(slot, static_cast<uint64_t>(record->result));
  return finish(slot, record);
}

}  // namespace

extern "C" [[noreturn]] void agent_main(Slot* slot) {
  if (globals().mode == Mode::record) leave(record_call(slot) ? 1 : 0);
  leave(replay_call(slot));
}

extern "C" [[noreturn]] void agent_counter(Slot* slot) {
  if (globals().mode == Mode::record) leave(record_counter(slot) ? 1 : 0);
  leave(replay_counter(slot));
}

}  // namespace rec::agent

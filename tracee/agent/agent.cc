// The agent: what runs in the program instead of a `syscall` instruction that was patched. It makes the call
// itself and writes it down in the task's ring (recording), or answers it from the ring (replay); whatever it
// is not sure about it leaves to the traced way.
//
// Built freestanding: no libc, no vector registers, its own stack. It may be left at any instruction for the
// fallback exit while Slot::phase is `before`.
#include "tracee/agent/layout.h"

// entry.S
extern "C" int64_t agent_call(uint64_t nr, const uint64_t* args);
extern "C" void agent_trap();

namespace rec::agent {
namespace {

constexpr uint64_t last_errno = 4095;  // MAX_ERRNO, linux/err.h
constexpr uint64_t nr_clock_gettime = 228;
constexpr uint64_t nr_gettimeofday = 96;
constexpr uint64_t nr_time = 201;
constexpr uint64_t nr_mmap = 9;
constexpr uint64_t clock_monotonic = 1;
// Those that the vDSO reads by itself (lib/vdso/gettimeofday.c): CLOCK_REALTIME, _MONOTONIC, _MONOTONIC_RAW,
// the two _COARSE, _BOOTTIME, _TAI. For all others it makes the call.
constexpr uint64_t vdso_clocks = 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 11;
constexpr uint64_t clock_count = 12;

Globals& globals() { return *reinterpret_cast<Globals*>(shared_address); }
const Call* calls() { return reinterpret_cast<const Call*>(call_table_address); }

bool is_error(int64_t result) { return static_cast<uint64_t>(result) > ~last_errno; }

// Keeps the compiler from moving memory accesses across; the processor keeps the order of stores by itself.
void barrier() { __asm__ volatile("" ::: "memory"); }

uint64_t now(Slot* slot) {
  if (slot->clock_source == ClockSource::time_stamp_counter) {
    uint32_t low = 0, high = 0;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return uint64_t{high} << 32 | low;
  }
  uint64_t nr = nr_clock_gettime;
  __asm__ volatile("call *%[stub]"
                   : "+a"(nr)
                   : "D"(clock_monotonic), "S"(slot->clock), [stub] "b"(uint64_t{0x70000000})
                   : "rcx", "r11", "memory");
  return static_cast<uint64_t>(slot->clock[0]) * 1000000000 + static_cast<uint64_t>(slot->clock[1]);
}

void copy(void* to, const void* from, uint64_t size) {
  if (size <= 64) {
    auto* out = static_cast<unsigned char*>(to);
    const auto* in = static_cast<const unsigned char*>(from);
    for (; size >= 8; size -= 8, out += 8, in += 8) {
      uint64_t word = 0;
      __builtin_memcpy(&word, in, 8);
      __builtin_memcpy(out, &word, 8);
    }
    for (; size != 0; --size) {
      *out++ = *in++;
      barrier();  // no call of memcpy shall be made of this
    }
    return;
  }
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
}

bool is_equal(const unsigned char* a, const unsigned char* b, uint64_t size) {
  for (uint64_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return false;
    barrier();
  }
  return true;
}

unsigned char* ring(Slot* slot) { return reinterpret_cast<unsigned char*>(slot) + ring_offset; }

// --- recording ---

// The request of a multiplexed call, or nullptr.
const Call* find_request(const Call* call, const uint64_t* args) {
  const Call* first = calls() + call->first;
  const uint64_t wanted = args[call->selector] & first->mask;
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
  return nullptr;
}

bool descriptor_allows(const Slot* slot, const Call* call) {
  const Company company = *const_cast<const volatile Company*>(&slot->company);
  const bool may_block =
      company == Company::none || (company == Company::asleep && (call->flags & call_waits_for_tasks) == 0);
  if ((call->flags & call_needs_alone) != 0 && !may_block) return false;
  const bool must_wait_for_nobody = (call->flags & call_blocks) != 0 && !may_block;
  const bool writes = (call->flags & call_writes_fd) != 0;
  if (!must_wait_for_nobody && !writes) return true;
  if (call->fd == 0xff) return false;
  const uint64_t fd = slot->args[call->fd];
  if (fd >= descriptor_table_size) return false;
  const uint8_t known = slot->descriptors[fd];
  if (must_wait_for_nobody && (known & descriptor_prompt) == 0) return false;
  return !writes || (known & descriptor_plain) != 0;
}

// Of the calls that need rec to know of them, only those (format/syscalls/spec.h, AgentWay).
bool conditions_hold(const Call* call, const uint64_t* args) {
  for (const Condition& condition : call->conditions) {
    if (condition.argument == 0xff) continue;
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

// What `piece` may take at most; above largest_piece: too much.
uint64_t capacity(const Piece& piece, const uint64_t* args) {
  switch (piece.rule) {
    case PieceRule::fixed:
      return piece.unit;
    case PieceRule::argument: {
      const uint64_t count = args[piece.by];
      return count > largest_piece * 16 ? ~uint64_t{0} : count * piece.unit;
    }
    case PieceRule::string:
      return piece.keep;
  }
  return ~uint64_t{0};
}

// Bytes of ring that the call may need; 0: too many.
uint64_t needed(const Call* call, const uint64_t* args) {
  uint64_t size = sizeof(Record);
  for (uint32_t i = 0; i < call->pieces; ++i) {
    const Piece& piece = call->piece[i];
    if (args[piece.argument] == 0) continue;
    uint64_t room = capacity(piece, args);
    if (piece.when == PieceWhen::input && room > piece.keep) room = piece.keep;
    if (room > largest_piece) return 0;
    size += sizeof(PieceHeader) + round_up(room);
  }
  return size;
}

// Contiguous room in the ring; nullptr: rec has to empty it first.
Record* reserve(Slot* slot, uint64_t size) {
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

unsigned char* put_piece(unsigned char* to, const Piece& piece, const uint64_t* args, uint64_t size,
                         uint64_t full_size, PieceRole role) {
  auto* header = reinterpret_cast<PieceHeader*>(to);
  header->address = args[piece.argument];
  header->full_size = full_size;
  header->size = static_cast<uint32_t>(size);
  header->role = role;
  header->argument = piece.argument;
  header->unused = 0;
  to += sizeof(PieceHeader);
  copy(to, reinterpret_cast<const void*>(args[piece.argument]), size);
  return to + round_up(size);
}

uint64_t string_length(const char* string, uint64_t limit) {
  uint64_t length = 0;
  while (length < limit) {
    if (string[length++] == 0) return length;
    barrier();
  }
  return length;
}

unsigned char* put_input(unsigned char* to, const Piece& piece, const uint64_t* args) {
  uint64_t full_size = capacity(piece, args);
  if (piece.rule == PieceRule::string) {
    full_size = string_length(reinterpret_cast<const char*>(args[piece.argument]), piece.keep);
  }
  const uint64_t size = full_size < piece.keep ? full_size : piece.keep;
  return put_piece(to, piece, args, size, full_size, piece.bulk != 0 ? PieceRole::bulk : PieceRole::input);
}

// How much the kernel wrote.
uint64_t written_size(const Piece& piece, const uint64_t* args, int64_t result) {
  if (piece.when != PieceWhen::always && is_error(result)) return 0;
  if (piece.when == PieceWhen::positive && result <= 0) return 0;
  const uint64_t room = capacity(piece, args);
  uint64_t size = room;
  if (piece.bound == PieceBound::bytes) size = static_cast<uint64_t>(result);
  if (piece.bound == PieceBound::elements) size = static_cast<uint64_t>(result) * piece.unit;
  if (piece.bound != PieceBound::none && result < 0) size = 0;
  return size < room ? size : room;
}

// What a new descriptor leads to. (fs/stat.c: struct stat holds device, inode, links and mode in front.)
uint8_t look_at_descriptor(Slot* slot, uint64_t fd) {
  constexpr uint64_t nr_fstat = 5;
  constexpr uint32_t type_mask = 0170000, regular = 0100000, directory = 0040000;
  constexpr uint64_t last_standard = 2;
  uint64_t result = nr_fstat;
  __asm__ volatile("call *%[stub]"
                   : "+a"(result)
                   : "D"(fd), "S"(slot->stat), [stub] "b"(uint64_t{0x70000000})
                   : "rcx", "r11", "memory");
  if (result != 0 || fd <= last_standard) return 0;
  const uint32_t type = static_cast<uint32_t>(slot->stat[3]) & type_mask;
  const Globals& all = globals();
  for (uint32_t i = 0; i < all.echo_count; ++i) {
    if (slot->stat[0] == all.echo_device[i] && slot->stat[1] == all.echo_inode[i]) return 0;
  }
  if (type == directory) return descriptor_plain | descriptor_prompt;
  if (type != regular) return descriptor_plain;
  return slot->files_are_mapped != 0 ? descriptor_prompt : descriptor_plain | descriptor_prompt;
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

void learn_descriptors(Slot* slot, const Call* call, int64_t result) {
  if ((call->flags & call_closes) != 0 && slot->args[call->fd] < descriptor_table_size) {
    slot->descriptors[slot->args[call->fd]] = 0;
  }
  if ((call->flags & call_opens) != 0 && !is_error(result) &&
      static_cast<uint64_t>(result) < descriptor_table_size) {
    slot->descriptors[result] = look_at_descriptor(slot, static_cast<uint64_t>(result));
  }
}

bool record_call(Slot* slot) {
  const uint64_t* args = slot->args;
  if (slot->nr >= call_count || *const_cast<volatile uint32_t*>(&slot->stop) != 0) return false;
  const Call* call = calls() + slot->nr;
  if ((call->flags & call_multiplexed) != 0) call = find_request(call, args);
  if (call == nullptr || (call->flags & call_usable) == 0 || !descriptor_allows(slot, call)) return false;
  if ((call->flags & call_conditional) != 0 && !conditions_hold(call, args)) return false;
  // At no address in particular, an mmap meets nothing.
  const bool on_memory = (call->flags & call_on_memory) != 0 && (slot->nr != nr_mmap || args[0] != 0);
  if (on_memory && meets_kept_memory(args[0], args[1])) return false;
  const uint64_t size = needed(call, args);
  if (size == 0) return false;
  Record* record = reserve(slot, size);
  if (record == nullptr) return false;
  record->nr = static_cast<uint16_t>(slot->nr);
  record->arguments = call->arguments;
  for (uint32_t i = 0; i < 6; ++i) record->args[i] = args[i];
  auto* start = reinterpret_cast<unsigned char*>(record);
  unsigned char* end = start + sizeof(Record);
  uint32_t pieces = 0;
  for (uint32_t i = 0; i < call->pieces; ++i) {
    const Piece& piece = call->piece[i];
    if (piece.when != PieceWhen::input || args[piece.argument] == 0) continue;
    end = put_input(end, piece, args);
    ++pieces;
  }
  record->pieces = static_cast<uint8_t>(pieces);  // for rec, should the call be interrupted
  record->enter = now(slot);
  int64_t result = 0;
  bool is_made = false;
  if ((call->flags & call_answered) != 0) {
    result = call->answer;
    *const_cast<volatile Phase*>(&slot->phase) = Phase::after;
  } else if (ask_vdso(slot, &result)) {
    *const_cast<volatile Phase*>(&slot->phase) = Phase::after;
  } else {
    result = agent_call(slot->nr, args);
    is_made = true;
  }
  record->leave = is_made ? now(slot) : record->enter;
  record->result = result;
  for (uint32_t i = 0; i < call->pieces; ++i) {
    const Piece& piece = call->piece[i];
    if (piece.when == PieceWhen::input || args[piece.argument] == 0) continue;
    const uint64_t written = written_size(piece, args, result);
    if (written == 0) continue;
    end = put_piece(end, piece, args, written, written, PieceRole::output);
    ++pieces;
  }
  if ((call->flags & (call_opens | call_closes)) != 0) learn_descriptors(slot, call, result);
  record->pieces = static_cast<uint8_t>(pieces);
  record->size = static_cast<uint32_t>(end - start);
  slot->result = result;
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

int leave(Slot* slot, const Record* record) {
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
  return leave(slot, record);
}

int replay_counter(Slot* slot) {
  Record* record = next_record(slot);
  if (record == nullptr) return 0;
  if (record->nr != counter_read) stop_for(slot, Trap::not_a_call, 0);
  give_counter(slot, static_cast<uint64_t>(record->result));
  return leave(slot, record);
}

}  // namespace

extern "C" int agent_main(Slot* slot) {
  if (globals().mode == Mode::record) return record_call(slot) ? 1 : 0;
  return replay_call(slot);
}

extern "C" int agent_counter(Slot* slot) {
  if (globals().mode == Mode::record) return record_counter(slot) ? 1 : 0;
  return replay_counter(slot);
}

}  // namespace rec::agent

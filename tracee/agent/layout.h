// What the agent inside a tracee and rec outside share: addresses, and the structures in the memory that both
// have mapped. Freestanding: the agent has no libc.
//
//   0x70000000  RX   one page of rec's, there from the exec on: `syscall; jmp *%r12`
//   0x70001000  RX   the agent's code (agent.cc, entry.S)
//   0x70020000  RX   trampolines for code in the lowest 2 GiB
//   0x70100000  RW   scratch, there from the exec on
//   0x70200000  RW   shared with rec: Globals, then tables of calls, of descriptors, of files
//   0x70300000  RW   shared with rec: one Slot per task: control block, the agent's stack, the ring
//   0x7db00000  RW   recording: buffers that stand in for the program's during calls (recorder/redirect.h)
//   0x7f000000  RX   recording: the kernel's vDSO and its data, moved out of the program's sight
//
// The memory is one file without a name (memfd) per executed program; children made by fork share it with
// their parent and have slots of their own in it. A task finds its slot by the base of the gs segment.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace rec::agent {

inline constexpr uint64_t own_memory = 0x70000000;  // all of rec's but for distant trampolines
inline constexpr uint64_t code_address = 0x70001000;
inline constexpr uint64_t counter_address = code_address + 8;
inline constexpr uint64_t code_limit = 0x70020000;
inline constexpr uint64_t low_trampolines = 0x70020000;
inline constexpr uint64_t low_trampolines_end = 0x70100000;
inline constexpr uint64_t shared_address = 0x70200000;
inline constexpr uint64_t call_table_address = shared_address + 0x1000;
inline constexpr uint64_t descriptor_tables_address = shared_address + 0x20000;
inline constexpr uint64_t stored_files_address = shared_address + 0xe8000;
inline constexpr uint64_t slots_address = shared_address + 0x100000;

inline constexpr uint64_t scratch_address = 0x7db00000;
inline constexpr uint64_t vdso_address = 0x7f000000;
inline constexpr uint64_t vdso_limit = 0x7f100000;

inline constexpr uint32_t descriptor_table_size = 2048;  // descriptors that a process's table has a byte for
inline constexpr uint32_t descriptor_table_count = 400;
inline constexpr uint32_t slot_size = 0x90000;
inline constexpr uint32_t slot_count = 384;
inline constexpr uint32_t stack_top_offset = 0x8000;
inline constexpr uint32_t ring_offset = 0x10000;
inline constexpr uint32_t ring_size = 0x80000;  // a power of two
inline constexpr uint64_t shared_size = 0x100000 + uint64_t{slot_count} * slot_size;
static_assert(shared_address + shared_size <= scratch_address);
static_assert(ring_offset + ring_size == slot_size);

// Beyond this one call's data leaves the ring to the traced way. From its start, the ring holds a record with
// so much.
inline constexpr uint32_t largest_piece = 0x40000;
// At replay there may be a RemadeCall with it.
inline constexpr uint32_t largest_record = ring_size - 0x1000;

// --- which calls the agent makes ---

inline constexpr uint32_t call_count = 512;
inline constexpr uint32_t extra_calls = 512;  // behind the first call_count: requests of multiplexers
inline constexpr uint32_t piece_count = 3072;
inline constexpr uint32_t max_pieces = 12;         // of one call
inline constexpr uint32_t largest_structure = 56;  // that pointers are taken from
inline constexpr uint32_t most_vectors = 200;      // iovecs of one call; Record::pieces counts a byte

// How much memory there is.
enum class PieceRule : uint8_t {
  fixed,     // `unit` bytes
  argument,  // `unit` bytes, as often as args[by] says
  string,    // up to and with a NUL
  pointee,   // as many bytes as the 32-bit number at args[by] says: before the call room, after it what there
             // was
  bits,      // as many bits as args[by] says, in whole 64-bit words
  field_32,  // `unit` bytes, as often as the number behind the pointer in the structure says; after the call,
             // what
  field_64,  // there was
  vectors,   // the buffers of the iovecs that the piece before holds, one behind the other
};

// What the agent looks into for the pieces that follow.
enum class PieceHolds : uint8_t { data, structure, vectors };

enum class PieceWhen : uint8_t {
  input,     // read by the kernel: taken before the call
  success,   // written, unless the result is an error
  positive,  // written when the result is above 0
  always,    // written in any case
};

enum class PieceBound : uint8_t { none, bytes, elements };  // of the result, that says how much was written

// One piece of memory that belongs to a call. Its address is args[argument] or, if it is nested, the pointer
// at byte `field` of the structure that is there.
struct Piece {
  uint8_t argument;
  uint8_t by;
  PieceRule rule;
  PieceWhen when;
  PieceBound bound;
  PieceHolds holds;
  uint8_t bulk;  // an input of arbitrary length: Data::Role::bulk
  uint8_t nested;
  uint16_t unit;
  uint8_t field;
  uint8_t most;   // bytes that the kernel looks at; 0: all
  uint32_t keep;  // an input is cut after so many bytes
};

enum CallFlags : uint16_t {
  call_usable = 1,
  call_blocks =
      2,  // may block: only when no other task waits for its turn, or it certainly will not (see Probe)
  call_writes_fd = 4,     // args[fd] has to be known to be neither rec's output nor a file mapped shared
  call_opens = 8,         // a result that is not an error is a new descriptor
  call_closes = 16,       // args[fd] is closed
  call_needs_alone = 64,  // blocks on more than one descriptor: only when no other task waits for its turn
  call_multiplexed =
      32,  // by args[selector]: see `first`, `count`; if it is usable, too, other requests are made
  call_waits_for_tasks = 128,  // blocks until another task of the program acts: only when there is none
  call_answered = 256,         // not made: the result is `answer`
  call_on_memory = 512,     // about the memory at args[0], args[1] bytes long: not where Globals::kept says
  call_conditional = 1024,  // only where `conditions` hold
  call_opens_pair = 2048,   // two new descriptors are where args[pair] points to
  call_maps_file = 4096,    // unless args[3] has MAP_ANONYMOUS: only a file that is among the StoredFiles
  call_shows = 8192,  // its bulk inputs go to args[fd], and to where a replay shows them, if that is such
};

// How the agent finds out that a call which may block will not.
enum class Probe : uint8_t {
  none,
  input,   // args[fd] has something to be read, or does not block
  output,  // args[fd] takes something, or does not block
  path,    // what is opened, args[path] from args[fd] on, is a regular file or a directory
};

// What an argument has to be for the agent to make the call (format/syscalls/spec.h, Condition).
struct Condition {
  uint8_t argument;  // 0xff: nothing
  uint8_t among;
  uint16_t unused;
  uint32_t mask;
  uint32_t value;
};

inline constexpr uint8_t no_argument = 0xff;

// Arguments are told by their index, or are no_argument.
struct Call {
  uint16_t flags;
  uint8_t fd;  // its descriptor
  uint8_t selector;
  uint8_t second_selector;  // the request's upper half
  uint8_t path;
  uint8_t pair;
  Probe probe;
  uint8_t timeout;        // milliseconds: with 0 it does not block
  uint8_t message_flags;  // MSG_WAITALL, MSG_DONTWAIT
  uint8_t pieces;
  uint16_t first_piece;  // in CallTable::pieces
  uint16_t first;        // call_multiplexed: its requests are extra calls, from here on, …
  uint16_t count;        // … so many, sorted by `request`
  int16_t answer;        // call_answered
  uint32_t unused;
  uint64_t request;  // of an extra call: what args[selector] & mask has to be
  uint64_t mask;
  Condition conditions[2];
};

struct CallTable {
  Call calls[call_count + extra_calls];
  Piece pieces[piece_count];
};
static_assert(call_table_address + sizeof(CallTable) <= descriptor_tables_address);

// What is known of a descriptor (a byte in the process's table; 0: nothing).
enum DescriptorFlags : uint8_t {
  descriptor_plain = 1,   // neither rec's own standard output or error, nor a file that is mapped shared
  descriptor_prompt = 2,  // a regular file or directory: does not block
  // What was rec's own standard output, or error, and is no file that is mapped shared: only rec finds out.
  descriptor_output = 4,
  descriptor_error = 8,
};
inline constexpr uint8_t descriptor_shown = descriptor_output | descriptor_error;

// --- the ring ---

// A call that was made, or is to be replayed; `size` bytes with all that belongs to it. Never wraps around
// the ring's end: there, a record without a call fills the rest.
struct Record {
  uint32_t size;
  uint16_t nr;  // no_call: filler
  uint8_t pieces;
  union {
    uint8_t shown;      // recording: what of descriptor_shown it writes to
    uint8_t arguments;  // replay: how many of them are to be compared
  };
  uint64_t enter;  // recording: time (see Slot::clock_source); replay: number of the event
  uint64_t leave;
  int64_t result;
  uint64_t args[6];
  // then: pieces × {PieceHeader, bytes, filled up to a multiple of 8}
};
inline constexpr uint16_t no_call = 0xffff;
inline constexpr uint16_t counter_read = 0xfffe;  // an rdtsc: `result` is what it yielded

enum class PieceRole : uint8_t {
  output,
  input,
  bulk,  // so far as Data::Role
  call,  // replay: a RemadeCall, which the agent makes in its place among the pieces
  file,  // recording: StoredFile::version of what is mapped
};

// Replay: a call that changes the address space, or a segment base, as the recorded one did.
struct RemadeCall {
  uint64_t nr;
  uint64_t args[6];
  int64_t result;
};

struct PieceHeader {
  uint64_t address = 0;
  uint64_t full_size = 0;
  uint32_t size = 0;
  PieceRole role = PieceRole::output;
  uint8_t argument = 0;
  uint16_t unused = 0;
};

constexpr uint64_t round_up(uint64_t size) { return (size + 7) & ~uint64_t{7}; }

// --- files that are mapped ---

// A file that the trace has the whole content of: to map it, private and not executable, needs no stop.
struct StoredFile {
  uint64_t is_there;    // while it is 0, the rest may change
  uint64_t version[7];  // what fstat(2) says of it: device, inode, size, times of modification and change
};
inline constexpr uint32_t version_words = 7;
inline constexpr uint32_t stored_file_count = 1024;
inline constexpr uint32_t stored_file_ways = 4;  // places that a file may be in, one behind the other
constexpr uint32_t stored_file_place(uint64_t inode) {
  return static_cast<uint32_t>((inode ^ inode >> 8) % (stored_file_count / stored_file_ways)) *
         stored_file_ways;
}
static_assert(descriptor_tables_address + uint64_t{descriptor_table_count} * descriptor_table_size <=
              stored_files_address);
static_assert(stored_files_address + stored_file_count * sizeof(StoredFile) <= slots_address);

// --- shared memory ---

enum class Mode : uint32_t { record, replay };
enum class ClockSource : uint32_t { time_stamp_counter, system_call };

// Memory that a call of the agent's shall not touch: code in which rec has changed something, or may. Ranges
// only ever grow, and come before the count of them does.
struct KeptMemory {
  uint64_t start, end;
};
inline constexpr uint32_t most_kept = 64;
inline constexpr uint32_t mapped_file_bits = 8192;
constexpr uint32_t mapped_file_bit(uint64_t inode) {
  return static_cast<uint32_t>((inode ^ inode >> 13) % mapped_file_bits);
}

struct Globals {
  Mode mode;
  uint32_t echo_count;  // what rec's own standard output and error are, unless their numbers alone tell
  uint64_t echo_device[2];
  uint64_t echo_inode[2];
  // Functions of the vDSO in the tracee, for clocks that can be read without a call; 0: none.
  uint64_t vdso_clock_gettime;
  uint64_t vdso_gettimeofday;
  uint64_t vdso_time;
  uint64_t cookie;  // tells rec that what it mapped in a tracee is this memory
  uint32_t kept_count;
  KeptMemory kept[most_kept];
  // A bit for each file that a recorded process has mapped, by mapped_file_bit().
  uint8_t mapped_files[mapped_file_bits / 8];
};
static_assert(sizeof(Globals) <= call_table_address - shared_address);

// Who else there is when a task may block.
enum class Company : uint32_t {
  waiting,  // another task waits for the turn: what may block is left to the traced way
  asleep,   // others are, all of them inside of calls; rec interrupts the task when one of those returns
  none,     // no other task shares its memory
};

// Where in the agent a task is.
enum class Phase : uint32_t {
  outside,
  before,   // nothing has happened yet; the agent may be left by its fallback exit
  calling,  // in agent_call() or the `syscall` instruction that it uses
  after,    // the call was made, Slot::result is there, and it is being written down
};

// Replay: why the agent stopped at its breakpoint.
enum class Trap : uint32_t { none, ring_empty, other_call, other_input, other_result, not_a_call };

struct Slot {
  Slot* self;
  // Saved at entry; what both exits restore. (entry.S knows the offsets.)
  uint64_t stack_pointer;                 // 8
  uint64_t stack_top;                     // 16
  uint64_t return_address;                // 24: L1 of the trampoline
  uint64_t flags;                         // 32
  uint64_t nr;                            // 40
  uint64_t args[6];                       // 48
  uint64_t rbx, rbp, r12, r13, r14, r15;  // 96
  int64_t result;                         // 144
  Phase phase;                            // 152
  uint32_t stop;                          // 156: rec's wish: take the traced way
  Company company;                        // 160
  Trap trap;                              // 164
  uint32_t leave_trap;                    // 168: replay: stop at the exit that empties the ring
  uint32_t calls;                         // 172: made so far
  uint8_t* descriptors;                   // 176
  uint64_t written;                       // 184: positions in the ring, growing
  uint64_t read;                          // 192
  uint64_t trap_argument;                 // 200
  int64_t clock[2];                       // 208: struct timespec
  uint64_t entry;                         // 224: where code_address leads to
  uint64_t counter_entry;                 // 232: … and counter_address
  ClockSource clock_source;               // Record times: ticks, or ns of CLOCK_MONOTONIC
  uint32_t shares_descriptors;            // with another process: none of them is known for long
  uint32_t wants_room;  // recording: only for that the call was left to the traced way; rec takes it back
  uint32_t may_show;    // recording: rec's word that nobody else writes to its standard output or error now
  uint64_t shown;       // recording: as Record::shown, of the call that the task is in, or was
  uint64_t begun;       // recording: position of the record of that call; below `written`: it is finished
  uint64_t stat[18];    // struct stat of a descriptor just opened
  uint64_t ring;        // how far behind the slot its ring begins (or before it: the sum wraps around)
};
static_assert(offsetof(Slot, phase) == 152 && offsetof(Slot, read) == 192 && offsetof(Slot, entry) == 224 &&
              offsetof(Slot, counter_entry) == 232);

// At code_address: how rec finds its way in the agent. The address itself is where trampolines jump to, that
// of the second jump for an rdtsc; both are part of every trace and never change.
struct Symbols {
  uint8_t jump[8];            // code: to Slot::entry
  uint8_t counter_jump[8];    // … and to Slot::counter_entry
  uint64_t entry;             // for a task with a slot of its own
  uint64_t counter_entry;     // the same for an rdtsc
  uint64_t no_entry;          // for all others: the traced way, without touching the slot
  uint64_t fallback;          // leaves by the traced way, undoing everything; from anywhere in phase `before`
  uint64_t breakpoint;        // replay: behind the int3 in the agent's midst
  uint64_t leave_breakpoint;  // replay: behind the int3 at the exit; registers are the program's but for rip
  uint64_t call;              // agent_call, and in it
  uint64_t call_instruction;  // the instruction that goes to `syscall`
};

}  // namespace rec::agent

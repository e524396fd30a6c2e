// What a trace is made of: events, in one global sequence.
//
// A recorded task runs in *segments* of user code. An event says two things: where the task's last segment
// ended (a system call with these arguments, a trapped instruction, a fault), and what the task was handed
// before its next segment began (a result, memory, registers). It takes its number at that second moment:
//
//        segment            event n                segment            event m
//   ── user code ──▶│ call entry … result │── user code ──▶│ call entry … result │──
//                                         ▲ n is taken here                     ▲ m
//
// Tasks of one domain run one segment at a time, so the numbers order the segments of a domain completely.
// The segment opened by an event ends at the domain's next event: if that event is of the same task it says
// where; if it is of another task, the segment ends at the task's next system-call entry (in which it then
// waits).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "format/base/ids.h"
#include "format/base/remote_ptr.h"
#include "format/registers.h"

namespace rec {

enum class EventKind : std::uint8_t {
  call = 0,   // A system call and its result.
  start = 1,  // A task exists: `tid` is the new one, made by extra.parent, which is inside its clone/fork
              // call (or, for the first task of a trace, by rec; then extra.parent is 0). Opens no segment.
  begin =
      2,     // A task takes its turn without being handed anything: its first segment, or after a preemption.
  exec = 3,  // A successful execve: a call event, plus the new address space in `extra` (outputs: pages that
             // no file gives) and, in args[5], the program break.
  signal = 4,  // A signal was delivered; see SignalAction for what came of it.
  trap =
      5,  // A trapped instruction (TrapKind in `nr`); `result` is its length in bytes. args[0..3] are rax,
          // rbx, rcx, rdx as handed over; for rdrand, rdseed and rdpid, args[0] is the destination register
          // as handed over, args[1] which one it is (0 rax, 1 rcx, 2 rdx, 3 rbx, 4 rsp, … 15 r15, as
          // instructions number them), args[2] the arithmetic flags. args[4]: the instruction's address if an
          // int3 of rec's stands there, 0 if it faults by itself. args[5]: of cpuid, the leaf and (upper
          // half) subleaf asked for. Length 0: rec put the instruction itself back (outputs); it runs now.
  stop = 6,     // The task's group was stopped (nr: the signal) or went on (nr: 0). For printing only.
  exit = 7,     // The task is gone; `result` is its wait status (wait(2)). Data: memory the kernel cleared.
  merge = 8,    // Domain args[0] became part of domain args[1] (a writable mapping came to be shared).
  note = 9,     // A remark in extra.text: something that rec could not do fully, and why.
  memory = 10,  // The kernel wrote memory (data) while the task is inside the call that its segment ended
                // with; args[0]: of this task, 0: its own. That one stands behind its last event, or in a
                // call. Its mappings of a file that has got another size are in extra.mappings.
  agent = 11,   // rec changed the task's code for its agent (outputs, extra.mappings). args[0]: the gs base
                // that the task has from here on, 0: as before; args[1]: its instruction pointer, 0: as
                // before; args[2]: 1 if the agent's own memory came to be there before. Opens no segment: the
                // task goes on from its last event.
  point = 12,   // The segment ended in the middle of user code, where the whole state of the task was this:
               // extra.before its registers, extra.xstate, and data, all inputs: the code at rip (argument 0)
               // and whole pages (argument 1); args[0] is the sum of its pages' hashes, args[1] its rip
               // (tracee/memory_hash.h). Opens no segment: a signal or a begin event of the task does.
  traced =
      13,  // The task stopped for another task of the program, args[0], which traces it with ptrace(2). nr:
           // what wait(2) tells of the stop, without its lowest byte; args[1]: where (TracedAt); args[2]:
           // its instruction pointer. Opens no segment: where one follows, a begin event of the task opens
           // it. What the tracer changes meanwhile belongs to its own events: calls of ptrace whose extra
           // has the registers (`after`) and FP state (`xstate`) that the *traced* task goes on with.
};

// Event::nr of a call made by `int $0x80` has this bit, which no number of the 64-bit table has; below it is
// the number in the 32-bit table. Its arguments are ebx, ecx, edx, esi, edi and ebp.
inline constexpr std::int32_t call_of_32_bit = 1 << 29;
[[nodiscard]] constexpr std::int32_t number_of_32_bit(std::uint64_t number) {
  return call_of_32_bit | static_cast<std::int32_t>(number & (call_of_32_bit - 1));
}
[[nodiscard]] constexpr bool is_of_32_bit(std::int64_t nr) { return nr >= 0 && (nr & call_of_32_bit) != 0; }

inline constexpr EventKind last_event_kind = EventKind::traced;

// Where a task was that stopped for its tracer.
enum class TracedAt : std::uint8_t {
  boundary = 0,     // right behind its last event
  entry = 1,        // at a system-call entry; the call follows, with the arguments that the tracer leaves
  before_call = 2,  // at a system-call entry, for a signal: the call is made (again) when it goes on
  fault = 3,        // its own instruction raised a signal
  in_call = 4,      // inside the call that its segment ended with
  stepped = 5,      // one instruction behind its last event
  ending = 6,       // it is about to be gone
};

inline constexpr TracedAt last_traced_at = TracedAt::ending;

enum class TrapKind : std::int32_t {
  rdtsc = 0,
  rdtscp = 1,
  cpuid = 2,
  rdrand = 3,
  rdseed = 4,
  rdpid = 5,
  xgetbv = 6
};

inline constexpr TrapKind last_trap_kind = TrapKind::xgetbv;

// Where a signal found its task.
enum class SignalPoint : std::uint8_t {
  boundary = 0,     // right after the task's last event, no user instruction in between
  before_call = 1,  // at a system-call entry; the call is made (again) when the handler returns
  fault = 2,        // the task's own instruction raised it
  anywhere = 3,  // in user code, at a place that does not matter: no more of its user code follows before the
                 // task ends, or (ignored, stop) nothing of the task changed
};

enum class SignalAction : std::uint8_t { ignore = 0, handler = 1, terminate = 2, stop = 3, resume = 4 };

// One piece of memory that belongs to an event.
struct Data {
  enum class Role : std::uint8_t {
    // Written by the kernel: replay writes it back before the next segment. Whole, except behind a note
    // with event_not_replayable.
    output = 0,
    input =
        1,     // what the program passed: for printing, and compared at replay; may be cut at the snap length
    bulk = 2,  // an input, too: data of arbitrary length (what it wrote), not a path or a structure
  };
  RemotePtr<> address;
  std::span<const std::byte> bytes;
  std::uint64_t full_size = 0;  // size before it was cut
  Role role = Role::output;
  std::uint8_t argument = 0;  // argument of the call that it hangs off, directly or through a structure
};

// A new piece of address space.
struct Mapping {
  enum class Kind : std::uint8_t { anonymous = 0, file = 1, stack = 2, heap = 3 };
  RemotePtr<> start;
  RemotePtr<> end;
  std::uint32_t protection = 0;  // PROT_*
  std::uint32_t flags = 0;       // MAP_* (of the mmap call; MAP_PRIVATE or MAP_SHARED at least)
  Kind kind = Kind::anonymous;
  std::optional<ContentId> content;  // the bytes behind it; absent: zeros
  std::uint64_t offset = 0;          // in bytes, into the content
  std::uint64_t shared_object = 0;   // same number = same shared memory; 0 = private
  std::string path;                  // as the kernel named it, for people
};

// What only few events have.
struct Extra {
  Tid parent{};                     // start
  Pid pid{};                        // start, exec: process the task belongs to
  Tid former_tid{};                 // exec by a thread that was not the leader: its tid until then
  DomainId domain{};                // start, exec: the task's domain from here on
  std::uint64_t clone_flags = 0;    // start: as clone(2)
  std::optional<Registers> before;  // signal: state interrupted
  std::optional<Registers> after;   // start, exec, signal with a handler, rt_sigreturn, other special calls
  std::vector<std::byte> xstate;    // FP/SIMD state belonging to `after`, NT_X86_XSTATE layout; may be empty
  std::vector<std::byte> siginfo;   // signal: siginfo_t, 128 bytes
  SignalPoint point = SignalPoint::boundary;
  SignalAction action = SignalAction::ignore;
  std::vector<Mapping> mappings;  // exec, mmap, shmat, …
  std::string text;               // note; exec: path of the executable
  std::uint64_t stack_limit = 0;  // exec: RLIMIT_STACK, soft
};

// Event::flags.
enum EventFlags : std::uint16_t {
  event_echo_stdout = 1,      // the call wrote its input data to what was rec's standard output …
  event_echo_stderr = 2,      // … or standard error; that input is never cut
  event_not_modelled = 4,     // outputs were found by comparing memory, not from the table
  event_denied = 8,           // rec answered in the kernel's place (policy `deny`)
  event_no_result = 16,       // a call that did not return: exit, exit_group, or its task was killed in it
  event_not_replayable = 32,  // note: what follows cannot be replayed, extra.text says why
  event_by_agent = 128,       // call, rdtsc: made, and at replay answered, inside the program (tracee/agent)
  event_ends_turn = 256,  // a call that opens no segment: others get their turn, and a begin event opens it
  event_found_when_run = 512,  // trap: nothing stood for the instruction until now; the int3 is an output
  event_without_stop = 1024,   // call: made inside the program like event_by_agent, but replayed with a stop
  event_cpuid_faults = 64,  // exec: cpuid faults in the new program wherever rec has put no int3 in its place
};

// One event. As read, the spans and `extra` point into the reader and are valid until its next read;
// as written, they need to live during append() only.
struct Event {
  EventNumber number{};  // given by the writer
  Tid tid{};
  EventKind kind = EventKind::call;
  std::uint16_t flags = 0;
  std::int32_t nr = 0;  // system call, signal or TrapKind
  std::array<std::uint64_t, 6> args{};
  std::int64_t result = 0;
  std::uint64_t enter_ns = 0;  // CLOCK_MONOTONIC, ns since the start of the recording: the segment ended
  std::uint64_t leave_ns = 0;  // the task was handed the result
  std::span<const Data> data;
  const Extra* extra = nullptr;
};

}  // namespace rec

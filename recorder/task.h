// The recorder's picture of the program: processes, tasks, and the domains in which tasks take turns.
#pragma once

#include <array>
#include <compare>
#include <csignal>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "format/base/ids.h"
#include "format/syscalls/plan.h"
#include "recorder/agent_state.h"
#include "recorder/aio_state.h"
#include "recorder/data_buffer.h"
#include "recorder/held_code.h"
#include "recorder/patched_code.h"
#include "recorder/points.h"
#include "recorder/redirect.h"
#include "recorder/tracer_thread.h"
#include "recorder/tracing_state.h"
#include "tracee/remote_memory.h"
#include "tracee/stopped.h"

namespace rec {

struct Task;

// A file, as stat(2) tells it from others.
struct FileIdentity {
  std::uint64_t device = 0, inode = 0;
  auto operator<=>(const FileIdentity&) const = default;
};

// What rt_sigaction(2) takes: the kernel's layout, not libc's.
struct KernelSigaction {
  std::uint64_t handler = 0;  // 0: SIG_DFL, 1: SIG_IGN
  std::uint64_t flags = 0;
  std::uint64_t restorer = 0;
  std::uint64_t mask = 0;
};

// A set of processes that share writable memory. One task of a domain runs user code at a time.
struct Domain {
  DomainId id;
  Task* turn = nullptr;  // who may run user code; may be inside a system call
  std::uint64_t turn_since_ns = 0;
  std::uint64_t slice_ns = 0;    // of this turn, if chaos chose one
  const Task* before = nullptr;  // chaos: whose turn it was before; to be compared only
  std::deque<Task*> waiting;     // stopped, with something to be handed to them; first come, first served
  int processes = 0;
  int passed_over = 0;     // how often in a row a task that spins was, for one that does not
  std::size_t tracer = 0;  // the number of the thread that traces its tasks, or most of them
  StopRate stops;
};

// Of a task that left it by exec; until the exec is appended.
struct UsedSlot {
  std::shared_ptr<AgentMemory> memory;
  std::uint64_t slot;
};

// A thread group.
struct Process {
  Pid pid;
  std::shared_ptr<Domain> domain;
  std::array<KernelSigaction, 65> actions{};
  int tasks = 0;
  bool parent_waits = false;                           // a vfork child that has not executed yet
  std::vector<Scratch> unused_scratch;                 // left by threads that are gone
  std::uint64_t scratch_end = agent::scratch_address;  // of what it has been given of this area
  std::set<FileIdentity> mapped_files;                 // at some time, since its exec
  // A seccomp filter that is not rec's may refuse a call, and what it refuses never reaches rec's
  // (seccomp(2): the strictest answer wins). Then entries are seen as system-call stops, which come before
  // all filters; or, if it was there before the program, see Session::traps_calls().
  bool stops_at_entry = false;
  // Descriptors known to lead to no file that was mapped when so many files had been (Session::was_mapped).
  std::set<std::int32_t> unmapped_fds;
  std::size_t unmapped_as_of = 0;
  // Which descriptors lead to rec's own standard output and error, as far as known: 0 neither, else
  // EventFlags.
  std::map<std::int32_t, std::uint16_t> echo_cache;
  std::uint64_t heap_end = 0;
  // Of its address space: processes that share that share this, too. Never null.
  std::shared_ptr<PatchedCode> code = std::make_shared<PatchedCode>();
  std::shared_ptr<HeldCode> held = std::make_shared<HeldCode>();
  // Of its address space, too. Never null.
  std::shared_ptr<AgentState> agent = std::make_shared<AgentState>();
  // Of its address space, too. Never null.
  std::shared_ptr<AioContexts> aio = std::make_shared<AioContexts>();
  bool shares_descriptors = false;  // with another process (CLONE_FILES)
  std::uint64_t descriptors = 0;    // the agent's table of them, in the tracee; 0: none
  std::vector<UsedSlot> slots_before_exec;
  // Of its memory, when a point was last taken in it; and how long that took.
  std::vector<PageHash> pages_at_last_point;
  int looks_at_changes = 0;  // … before the first one
  std::uint64_t point_cost_ns = 0;
  bool executed = false;                // its first exec is behind it: the program's own code runs
  Pid parent{};                         // the process that made it, and …
  Tid maker{};                          // … the task of that
  std::optional<bool> has_our_numbers;  // it numbers tasks as rec does; see rec::has_our_numbers()
  // Tracing within the program (tracing.h).
  bool was_traced = false;              // one of its tasks: no agent until the next exec
  std::deque<TracedEnd> traced_ends;    // of tasks that it traces, and that are not its children
  std::deque<siginfo_t> child_signals;  // what SIGCHLDs sent by rec stand for
};

// What a call writes to the memory of a process that need not be the caller's (special/foreign_memory.cc).
struct ForeignWrite {
  Tid task;                         // any of that process
  std::vector<MemoryRange> ranges;  // where it may write; the first is written first
};

// A system call between its entry and the moment its result is handed over.
struct PendingCall {
  syscalls::CallArguments call;
  const syscalls::Syscall* entry = nullptr;  // nullptr: a number that the table does not have
  syscalls::Policy policy;
  syscalls::Plan plan;
  syscalls::CallArguments restarted;  // what `plan` was made for: differs from `call` for restart_syscall(2)
  std::uint64_t enter_ns = 0;
  std::uint16_t flags = 0;
  std::optional<std::size_t> replaced;  // the argument that the kernel was given another value for
  std::optional<std::uint64_t>
      clone_flags;                     // clone3(2): as passed, while the kernel finds others in their place
  std::optional<std::int64_t> answer;  // what rec answers in the kernel's place
  bool is_emulated = false;    // … because rec is the kernel for this one: tracing within the program
  std::optional<Extra> extra;  // what such an answer adds to the event
  bool is_set_aside = false;   // a wait that the kernel would refuse: it pauses instead
  bool is_made_again = false;  // it has to enter the call once more
  int exit_signal = 0;         // of the child that it makes
  bool blocks = false;
  std::optional<ForeignWrite> writes_to;
  bool was_interrupted = false;  // rec had sent PTRACE_INTERRUPT, which this call's own stop came before
  std::optional<Redirect> redirect;
  DataBuffer data;
  // Memory around pointer arguments as it was at entry, for a call that is not modelled.
  struct Snapshot {
    RemotePtr<> address;
    std::vector<std::byte> bytes;
    std::uint8_t argument;
  };
  std::vector<Snapshot> snapshots;
  // It changes files that some process has mapped: by which names rec finds them.
  std::vector<std::string> changed_files;
  std::vector<AioRequest> submitted;  // by io_submit(2)
};

// A word of its memory that the kernel may write when the task ends.
struct WordAtExit {
  std::uint64_t address;
  std::uint32_t before;
  bool is_robust;  // a futex of its robust list, not the word of set_tid_address(2)
};

struct Task {
  enum class Position {
    user,        // running the program's code, or about to (has the turn)
    call,        // inside a system call
    held_call,   // stopped at a system call's entry, until no other task of its domain runs user code
    after_call,  // stopped at a call's exit, waiting for its turn
    first_stop,  // new, waiting for its first turn
    group_stop,  // stopped by job control
    preempted,   // stopped in user code so that others get their turn
    traced,      // stopped for its tracer in the program, or waiting for its turn to go on from there
    exiting,     // past PTRACE_EVENT_EXIT
  };

  Tid tid;
  std::shared_ptr<Process> process;
  Position position = Position::first_stop;
  PendingCall call;
  // Signals that came in the middle of user code; they are delivered before the next system call.
  std::deque<siginfo_t> held;
  std::uint64_t left_ns = 0;  // when it last went to user code
  // Registers with which it went to user code: a signal stop with the same ones is at the boundary.
  std::optional<Registers> left_with;
  std::uint64_t signal_mask = 0;  // blocked signals, as of its last event
  std::uint64_t clear_tid = 0;    // set_tid_address(2)
  std::uint64_t robust_list = 0;  // set_robust_list(2)
  // What the kernel may write at its end.
  std::vector<WordAtExit> words_at_exit;
  // The plan of the call that restart_syscall(2) would go on with.
  struct Restart {
    syscalls::Plan plan;
    syscalls::CallArguments call;
    std::optional<Redirect> redirect;
  };
  std::optional<Restart> restart;
  std::optional<Scratch> scratch;       // while others of its domain may look at its buffers
  bool aborting_for_signal = false;     // its call was called off so that a held signal can come first
  std::uint64_t number_called_off = 0;  // … that one
  bool before_call = false;             // … and it stands right before that call now
  bool interrupting = false;            // PTRACE_INTERRUPT was sent because it computes for long
  Computing computing;
  bool spun = false;                    // its turn went to others because it did
  std::uint32_t instructions_left = 0;  // chaos: after these it loses its turn; 0: not that way
  unsigned priority = 0;                // chaos
  std::uint64_t priority_drawn_in = 0;  // … and the stretch in which it was drawn
  bool joins_turns = false;   // its domain became part of another: its next call shall be a traced one
  bool counter_traps = true;  // PR_SET_TSC; inherited over clone and exec
  std::uint64_t slot = 0;     // the agent's, in the tracee; 0: none
  std::shared_ptr<AgentMemory>
      slot_memory;  // … which is there: an exec leaves it behind before its threads are gone
  std::uint32_t calls_looked_at = 0;  // the slot's count when the timer looked last
  // Blocking calls that are left to the traced way, after the agent was interrupted in one because others had
  // to have their turn: how many more, how many in all, and the slot's count when they were over.
  std::uint32_t blocks_to_trace = 0;
  std::uint32_t blocks_traced = 0;
  std::uint32_t calls_at_trial = 0;
  // While it is inside of a call that the kernel was told to be rec's own: where it stands for the program,
  // right behind its `syscall` instruction.
  std::optional<std::uint64_t> behind_call;
  // The call that comes next was begun then, and interrupted by rec alone.
  std::optional<std::uint64_t> began_ns;
  std::optional<Tracing> traced;  // by another task of the program
  Tid vfork_child{};              // which it waits for
  bool waits_aside = false;  // its next wait call pauses instead: it waits for tasks that only rec knows of
  bool exit_recorded = false;
  bool setting_up_exec = false;  // between PTRACE_EVENT_EXEC and the exit stop of its execve
  Tid former_tid{};              // … and the number it had until then

  [[nodiscard]] RemoteMemory memory() const { return RemoteMemory(tid); }
  [[nodiscard]] Domain& domain() const { return *process->domain; }
};

}  // namespace rec

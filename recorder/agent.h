// The agent in the tracees, from the recorder's side: when it is injected, which `syscall` instructions are
// led to it, what it wrote down, and what becomes of a task that is stopped inside of it.
//
// All that changes the program's memory or registers for it is an event of kind `agent`, so that replay has
// the same code at the same places. What the agent recorded are call events with the flag event_by_agent.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "recorder/ring_events.h"
#include "recorder/task.h"
#include "tracee/code_patch.h"
#include "tracee/maps.h"
#include "tracee/page_cache.h"
#include "tracee/remote_batch.h"
#include "tracee/seen_file.h"

namespace rec {

class MappedFiles;
class Session;

class Agents {
 public:
  explicit Agents(Session& session);
  ~Agents();

  // Before anything is done about a stop: makes events of what has been written down in all rings, in the
  // order of their times. `stopped`: the task whose stop it is, if there is one.
  void drain(std::optional<Tid> stopped = std::nullopt);
  // Whether any task may be writing things down.
  [[nodiscard]] bool any() const { return !with_slots_.empty(); }
  // How many calls have been made events of so far.
  [[nodiscard]] std::uint64_t records() const { return records_; }

  // At the exit stop of a traced call, once its event is appended: counts, injects, patches, learns about its
  // descriptor. May change `registers`, which are the task's.
  void after_call(Task& task, std::int64_t result, Registers& registers);

  // Behind an rdtsc that trapped, once its event is appended: counts, patches. May change `registers`, which
  // are the task's.
  void after_counter(Task& task, Registers& registers);

  // Before a task goes (back) to user code: an instruction pointer inside a patched window moves to where its
  // instruction is now, and the task gets its slot. `registers` are the task's. Appends an event if anything
  // changed.
  void before_user(Task& task, Registers& registers);
  // As above, without a slot and an event: for registers that an event holds anyway. True if they changed.
  [[nodiscard]] bool map_pointer(const Task& task, Registers& registers) const;
  // Before a handler is entered: the frame shall hold addresses that the program knows.
  [[nodiscard]] bool unmap_pointer(const Task& task, Registers& registers) const;

  // Whether the address lies in code of rec's: the agent's, or a trampoline that leads to it.
  [[nodiscard]] static bool holds(const Task& task, std::uint64_t address);
  // The time-stamp counter traps where an rdtsc may be that was not patched; elsewhere the agent reads it.
  // True: the task made calls for it. `result`: of the call that it is at the exit of; not while that is to
  // be restarted.
  bool set_counter(Task& task, std::int64_t result);

  // Right before the task is resumed into user code.
  void set_wishes(Task& task) const;
  // The task's next call shall be a traced one.
  static void ask_to_stop(const Task& task);
  // The task's writes to rec's own standard output and error shall be traced ones, but for one that it is in.
  static void must_not_show(const Task& task);
  // Another task has come to wait for the turn: the task shall not block any more without a stop.
  static void tell_of_waiting(const Task& task);
  // It did, and was interrupted: its next blocking calls are traced ones, the more, the less it went well
  // before.
  static void had_to_give_way(Task& task);
  // Inside a call of the agent's; how many calls it has made. To be asked while the task runs.
  [[nodiscard]] static bool is_in_call(const Task& task);
  [[nodiscard]] static bool is_inside(const Task& task);
  // Inside a write to rec's own standard output or error.
  [[nodiscard]] static bool is_showing(const Task& task);
  [[nodiscard]] static std::uint32_t calls_made(const Task& task);

  // A new task, in its first stop, its process and domain known; before its registers are recorded.
  void adopt(Task& child, const Process& parent);
  // The task is gone, and its last event appended.
  void leave(Task& task);
  // The task has another address space now, but its exec is not appended yet: until has_executed(), nobody
  // else gets its slot, from which a replay still makes the calls before.
  void leave_by_exec(Task& task);
  static void has_executed(Process& process);
  // The same for the last task of a process.
  static void leave_process(Process& process);
  // What is known about descriptors of the process does not hold any more.
  static void forget_descriptors(const Process& process);

  // What a stop found of a task that is inside the agent.
  enum class Found {
    elsewhere,  // it is not: nothing was done
    left,       // it was taken out, and makes its call the traced way
    at_exit,    // it was at the exit of its call: the event is appended, and the task stands right behind the
                // call
    finishing,  // its call is made; the agent has to write it down first
  };
  enum class TakeOut {
    for_good,
    to_give_way,  // rec interrupted it: a call that was not made because of that is made again the traced way
    at_end,       // it runs no more: what it would write down of a call that it has made, rec does
  };
  Found take_out(Task& task, TakeOut why);
  // At a system-call entry: true if the agent had asked the vDSO, and the vDSO makes the call itself. It is
  // called off, the task taken out, and no agent of this program asks again.
  [[nodiscard]] bool left_vdso(Task& task, std::uint64_t call_from);

  // At a system-call entry, nobody waiting for the turn: true if it is a call that the agent left to the
  // traced way only because the ring was full. That has been emptied since; the task goes back to the agent.
  [[nodiscard]] bool goes_back_in(Task& task, std::uint64_t call_from);

  // Some process maps a file, for the first time: from now on calls that write to it are traced.
  void file_is_mapped(std::uint64_t inode);

  // The trace has the whole content of the file in this version, which is not going to change unseen: agents
  // may map it from now on. Precondition: Session::file_is_mapped().
  void file_is_stored(const FileVersion& version);
  // Somebody is about to change the file: whoever maps it from now on does so with a stop, and who has it
  // mapped is known.
  void file_changes(std::uint64_t device, std::uint64_t inode);

  // What the recorder knows of the task changes with the call.
  static void apply_effects(Task& task, const Event& event);

  // One more place for trampolines, as the last of the process's chunks, where code near `near` can jump to:
  // what maps it becomes part of `batch`, after which finish_chunk() tells whether it is there. `maps`: what
  // is mapped now. What maps it at replay is the caller's affair.
  [[nodiscard]] static NewChunk begin_chunk(const Task& task, std::span<const MapsEntry> maps,
                                            std::uint64_t near, RemoteBatch& batch);
  [[nodiscard]] static bool finish_chunk(const Task& task, const RemoteBatch& batch, const NewChunk& chunk);
  // What is known of the code in a file, and where it jumps to (JumpTargets::is_known). Lives as long as the
  // session.
  CodeFile* file_with_targets(const SeenFile& file);
  // [start, end) of `mapping` is code of the file; nullptr: of none.
  void add_code(Task& task, const MapsEntry& mapping, std::uint64_t start, std::uint64_t end,
                const SeenFile* file);
  // At an exec, before its event is appended: where other processes have made many calls from the same code,
  // the agent is there from the start. What maps it becomes part of `batch`; finish_injection() has to
  // follow.
  struct Injection {
    std::shared_ptr<AgentMemory> memory;
    RemoteBatch::Place code = 0, shared = 0;
  };
  [[nodiscard]] std::optional<Injection> begin_program(const Task& task, std::span<const MapsEntry> maps,
                                                       MappedFiles& files, RemoteBatch& batch);
  // Precondition: where the vDSO is, is known. False: it could not be mapped, and is off.
  bool finish_injection(Task& task, const RemoteBatch& batch, Injection injection);
  // At an exec, and at an mmap: patches the new code, if the agent is there. What is written becomes output
  // of the task's pending call.
  void patch_program(Task& task, PageCache& pages);
  void patch_known_sites(Task& task, PageCache& pages, std::uint64_t start, std::uint64_t end);

  // The program takes the gs segment for itself, or its calls have to be seen by others first: all its
  // patches are undone, with its next before_user().
  void remove(Task& task);
  // The same for a task that is stopped for its tracer, right now: appends the event.
  void retire(Task& task);

 private:
  // A call made once or twice shall not pay for its site (some 50 µs).
  static constexpr int calls_before_patching = 3;

  [[nodiscard]] bool is_wanted(const Process& process) const;
  [[nodiscard]] std::optional<Injection> begin_injection(const Task& task, RemoteBatch& batch);
  [[nodiscard]] bool inject(Task& task);
  [[nodiscard]] static bool holds_code_of_file(const MapsEntry& mapping);
  void append_change(const Task& task, std::uint64_t new_gs, std::uint64_t new_rip);
  void give_slot(Task& task, Registers& registers);
  UsedSlot take_slot_away(Task& task);
  void write_code(const Task& task, std::uint64_t address, const std::vector<std::byte>& bytes);
  [[nodiscard]] static agent::Slot* slot_of(const Task& task);
  [[nodiscard]] static agent::Phase phase_of(const Task& task);
  [[nodiscard]] bool count_site(Task& task, const Registers& registers, std::optional<std::uint32_t> nr);
  [[nodiscard]] bool patch(Task& task, const CodeRegion& region, std::uint64_t address);
  void patch_hot_sites(Task& task, Registers& registers);
  [[nodiscard]] bool find_targets(const Task& task, const CodeRegion& region);
  CodeFile* code_file(const SeenFile& file);
  std::shared_ptr<AgentMemory> take_memory();
  [[nodiscard]] bool map_chunk(Task& task, std::uint64_t near);
  void update_descriptors(const Task& task, std::int64_t result);
  void learn_used_descriptor(const Task& task);
  void learn_descriptor(const Task& task, std::uint64_t fd);
  void set_stored_file(std::uint32_t place, const agent::StoredFile& entry);
  void show_stored_files(const AgentMemory& memory) const;
  // What rings were found to hold.
  struct Scan {
    std::uint32_t records = 0;
    std::size_t bytes = 0;
    std::size_t large_bytes = 0;  // of records whose data is stored in blocks
    bool is_urgent = false;       // the events are to be made at once: some are large, or rec has to see them
  };
  [[nodiscard]] std::span<const std::byte> scan(Task& task, std::uint64_t end, std::uint64_t* read,
                                                Scan& scan);
  // A ring that is the trace writer's from now on, and the task that wrote to it.
  struct LentRing {
    Tid tid{};
    std::shared_ptr<const void> keeper;  // nullptr: there is none
  };
  [[nodiscard]] LentRing lend_ring(const Task& task) const;
  void put_records(std::vector<RingPart> parts, const Scan& found, const LentRing& lent);
  [[nodiscard]] bool changes_descriptors(const agent::Record& record) const;
  [[nodiscard]] std::uint64_t exact_time_of(const agent::Slot& slot, std::uint64_t clock);
  void look_at_clocks();

  Session& session_;
  std::shared_ptr<agent::CallTable> table_;  // what every agent has in its memory
  std::vector<bool> has_effects_;            // by call: on what the recorder keeps in mind of a task
  std::vector<bool> may_change_descriptors_;
  std::vector<Task*> with_slots_;
  std::map<FileVersion, std::unique_ptr<CodeFile>> files_;
  // Of programs that are gone, to be used again. Shared with those that are in use, who come back to it.
  struct SpareMemory {
    std::mutex mutex;
    std::vector<std::unique_ptr<AgentMemory>> all;
  };
  std::shared_ptr<SpareMemory> spare_memory_ = std::make_shared<SpareMemory>();
  // 12 MiB.
  std::shared_ptr<AgentMemory::RingBudget> ring_budget_ = std::make_shared<AgentMemory::RingBudget>(24);
  // What is being made of the event of kind `agent` that comes next.
  DataBuffer written_;
  std::vector<Mapping> mapped_;
  std::array<std::uint8_t, agent::mapped_file_bits / 8> mapped_files_{};
  // What every agent has in its memory, and which places of it have ever been used.
  std::vector<agent::StoredFile> stored_files_;
  std::set<std::uint32_t> stored_places_;
  std::uint32_t stored_files_replaced_ = 0;
  bool injected_ = false;
  std::uint64_t next_cookie_ = 0;
  std::uint64_t hot_sites_ = 0;  // that were met often enough to be patched, in all files
  std::uint64_t records_ = 0;
  std::shared_ptr<SpareBytes> spare_ = std::make_shared<SpareBytes>();
  RingClock clock_;
  std::uint64_t first_ticks_ = 0, first_ns_ = 0;  // both clocks when they were first looked at
};

}  // namespace rec

#include "recorder/points.h"

#include <sys/mman.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "format/base/error.h"
#include "recorder/session.h"
#include "recorder/traps.h"
#include "tracee/execution_point.h"
#include "tracee/instruction.h"
#include "tracee/jump_place.h"
#include "tracee/maps.h"
#include "tracee/point_stub.h"
#include "tracee/written_memory.h"

namespace rec {
namespace {

// How many instructions are looked at before one that suits replay less is taken.
constexpr int most_steps = 64;
// A loop that waits for another thread is shorter than this.
constexpr std::uint64_t short_loop = 256;

// How well replay can stop in front of an instruction.
enum class Suits {
  well,       // with a jump in its place
  with_luck,  // … which leads to where the next instruction's bytes say
  badly       // with a breakpoint: a stop for every pass
};

class PointTaker {
 public:
  PointTaker(Session& session, Task& task, std::uint32_t instructions)
      : session_(session), task_(task), first_(static_cast<int>(instructions)) {}

  bool take() {
    // The trap of an int3 that stands for an instruction may be on its way: until that is carried out, the
    // task is in the midst of it. (Other signals may come faster than points; they are held when they do.)
    if (Stopped(task_.tid).has_pending_trap()) {
      session_.go_on(task_);
      return false;
    }
    const std::uint64_t started = session_.now_ns();
    if (!go_to_suitable()) return false;
    append();
    task_.process->point_cost_ns = session_.now_ns() - started;
    return true;
  }

 private:
  // False: the task is no longer ours to look at.
  bool go_to_suitable() {
    std::optional<std::uint64_t> second_best;
    for (int steps = -first_; steps < 2 * most_steps; ++steps) {
      const auto instruction = look();
      if (!instruction) {
        session_.go_on(task_);
        return false;
      }
      if (instruction->kind == Instruction::Kind::repeated) {
        if (!run_past(*instruction)) return false;
        continue;
      }
      // Chaos wants this very instruction: one further, a race may be over. It comes so soon after the last
      // event that replay need not pass it often, whatever it takes to stop there.
      if (first_ > 0 && (steps >= 0 || is_tempting(*instruction))) return true;
      const Suits suits = steps < 0 ? Suits::badly : how_it_suits(*instruction);
      if (suits == Suits::well) return true;
      if (suits == Suits::with_luck && !second_best) second_best = registers_.rip;
      // Round the loop once more: nothing better was found in it.
      if (steps >= most_steps && (!second_best || registers_.rip == *second_best)) return true;
      if (!step(*instruction)) return false;
    }
    return true;
  }

  // The instruction in front of which the task stands; nullopt where no point can be taken.
  std::optional<Instruction> look() {
    const Stopped stopped(task_.tid);
    registers_ = stopped.registers();
    // Right behind a call that it has left, orig_rax still has its number.
    const bool in_call =
        static_cast<std::int64_t>(registers_.orig_rax) >= 0 && is_restart_code(registers_.result());
    const bool steps_itself = (registers_.eflags & flag_trap) != 0;
    if (in_call || steps_itself || session_.agents().holds(task_, registers_.rip)) return std::nullopt;
    code_.resize(longest_instruction + jump_length);
    code_.resize(task_.memory().read_some(RemotePtr<>(registers_.rip), code_));
    if (code_.empty()) return std::nullopt;
    const auto instruction = decode_instruction(code_, registers_.rip);
    if (!instruction || instruction->kind == Instruction::Kind::leaves) return std::nullopt;
    return instruction;
  }

  // Chaos: where threads meet is where the program's own code (not the C library's) touches memory that is
  // not its stack. Now and then such a place is taken.
  bool is_tempting(const Instruction& instruction) {
    if (!instruction.touches_memory) return false;
    if (maps_.empty()) maps_ = read_maps(task_.tid);
    const auto entry = std::find_if(maps_.begin(), maps_.end(), [&](const MapsEntry& one) {
      return one.start.address() <= registers_.rip && registers_.rip < one.end.address();
    });
    const bool is_system_code =
        entry == maps_.end() || entry->path.find("/libc.") != std::string::npos ||
        entry->path.find("/libc-") != std::string::npos || entry->path.find("/ld-") != std::string::npos ||
        entry->path.find("/ld.") != std::string::npos || entry->path.find("/libpthread") != std::string::npos;
    return !is_system_code && session_.chaos_takes_place();
  }

  Suits how_it_suits(const Instruction& instruction) {
    if (!instruction.can_be_moved()) return Suits::badly;
    if (instruction.length >= jump_length) return Suits::well;
    if (maps_.empty()) maps_ = read_maps(task_.tid);
    const auto place = find_jump_place(registers_.rip, instruction.length, code_, maps_, stub_region_size);
    return place ? Suits::with_luck : Suits::badly;
  }

  bool step(const Instruction& instruction) {
    if (!run(Resume::step)) return false;
    if (instruction.pushes_flags) clear_pushed_trap_flag();
    return true;
  }

  // A stepped pushf pushes the flag by which it is stepped.
  void clear_pushed_trap_flag() {
    const RemotePtr<std::uint64_t> top(Stopped(task_.tid).registers().rsp);
    const auto pushed = task_.memory().read(top);
    if (pushed) task_.memory().write_value(top.cast<void>(), *pushed & ~flag_trap);
  }

  // Stepping a string instruction would stop after each round of it.
  bool run_past(const Instruction& instruction) {
    const std::uint64_t behind = registers_.rip + instruction.length;
    const RemoteMemory memory = task_.memory();
    const auto original = memory.read(RemotePtr<std::byte>(behind));
    if (!original) {
      session_.go_on(task_);
      return false;
    }
    constexpr std::byte int3{0xcc};
    memory.write_value(RemotePtr<>(behind), int3);
    bool arrived = false;
    const bool ours = run(Resume::cont, [&] {
      memory.write_value(RemotePtr<>(behind), *original);
      Registers registers = Stopped(task_.tid).registers();
      arrived = registers.rip == behind + 1;
      if (!arrived) return;
      registers.rip = behind;
      Stopped(task_.tid).set_registers(registers);
    });
    return ours && arrived;
  }

  bool run(Resume how) {
    return run(how, [] {});
  }

  // Runs until the SIGTRAP that `how` is to bring; `at_stop` is called at the stop, whatever it is. False: it
  // stopped for something else, which was dealt with.
  template <class AtStop>
  bool run(Resume how, AtStop at_stop) {
    for (;;) {
      (void)Stopped(task_.tid).resume(how);
      const WaitStatus status = session_.wait_stop(task_.tid);
      at_stop();
      const auto* stop = std::get_if<SignalStop>(&status);
      if (stop != nullptr && stop->signal == SIGTRAP && Stopped(task_.tid).siginfo().si_code > 0) {
        restore_disposition(task_, SIGTRAP);
        if (how == Resume::step) hide_trap_flag(Stopped(task_.tid));
        return true;
      }
      if (stop != nullptr && how == Resume::step && hold_signal(task_, stop->signal)) continue;
      session_.dispatch({task_.tid, status});
      return false;
    }
  }

  [[nodiscard]] std::vector<std::uint64_t> written_around() const {
    const std::uint64_t start = registers_.rip - std::min(registers_.rip, code_around);
    std::vector<std::byte> bytes(2 * code_around);
    std::uint64_t from = start;
    std::size_t got = task_.memory().read_some(RemotePtr<>(from), bytes);
    if (got == 0) {  // it begins in the page before, which may not be there
      from = page_down(registers_.rip);
      got = task_.memory().read_some(RemotePtr<>(from), bytes);
    }
    return written_memory(std::span(bytes).first(got), from, registers_);
  }

  void append() {
    registers_ = normalised(registers_);
    const Stopped stopped(task_.tid);
    stopped.set_registers(registers_);
    Extra extra;
    extra.before = registers_;
    extra.xstate = normalised_xstate(stopped.xstate());
    const RemoteMemory memory = task_.memory();
    MemoryHash hash = hash_memory(task_.tid, session_.own_ranges(*task_.process));
    DataBuffer data;
    data.add_copy(Data::Role::input, RemotePtr<>(registers_.rip), code_);
    std::vector<PageHash>& before = task_.process->pages_at_last_point;
    for (const std::uint64_t page : choose_sample_pages(registers_, written_around(), hash, before)) {
      const auto room = data.add(Data::Role::input, RemotePtr<>(page), 1, page_size, page_size);
      data.shrink_last(memory.read_some(RemotePtr<>(page), room));
    }
    before = std::move(hash.pages);
    session_.append({.tid = task_.tid,
                     .kind = EventKind::point,
                     .args = {hash.total, registers_.rip},
                     .data = data.data(),
                     .extra = &extra});
    task_.left_with = registers_;
    task_.before_call = false;
  }

  Session& session_;
  Task& task_;
  int first_;
  Registers registers_{};
  std::vector<std::byte> code_;
  std::vector<MapsEntry> maps_;
};

// A loop that only looks at memory has the same registers wherever it is found.
bool same_but_position(Registers a, const Registers& b) {
  const std::uint64_t apart = a.rip > b.rip ? a.rip - b.rip : b.rip - a.rip;
  if (apart > short_loop) return false;
  a.rip = b.rip;
  a.eflags = b.eflags;
  a.orig_rax = b.orig_rax;
  return a == b;
}

}  // namespace

bool is_spinning(Task& task) {
  const Registers now = Stopped(task.tid).registers();
  Computing& computing = task.computing;
  const bool same_stay = computing.since_ns == task.left_ns;
  const bool spins = same_stay && computing.last_sample && same_but_position(now, *computing.last_sample);
  computing.since_ns = task.left_ns;
  computing.last_sample = now;
  return spins;
}

bool take_point(Session& session, Task& task, std::uint32_t instructions) {
  return PointTaker(session, task, instructions).take();
}

}  // namespace rec

#include "recorder/held_code.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "format/base/error.h"
#include "recorder/session.h"
#include "recorder/traps.h"
#include "tracee/agent_area.h"
#include "tracee/instruction.h"
#include "tracee/instruction_finder.h"
#include "tracee/maps.h"
#include "tracee/remote_call.h"
#include "tracee/trapped_instruction.h"

namespace rec {
namespace {

using syscalls::Special;

constexpr std::uint64_t code_and_data = PROT_READ | PROT_WRITE | PROT_EXEC;

// A step takes some 10 µs; bytes that are no instructions look like some on one page in sixteen.
constexpr std::uint64_t most_steps_a_page = 2'000;
constexpr std::uint64_t most_steps = 20'000;
constexpr std::size_t longest_trapped = 5;

bool is_writable_code(std::uint64_t protection) {
  return (protection & ~code_and_data) == 0 && (protection & PROT_WRITE) != 0 &&
         (protection & PROT_EXEC) != 0;
}

// Shared memory may be run by others, whom rec could not tell. A stack grows with what it was given.
bool all_private(Tid tid, std::uint64_t start, std::uint64_t end) {
  const auto maps = read_maps(tid);
  return std::none_of(maps.begin(), maps.end(), [&](const MapsEntry& entry) {
    const bool concerned = entry.start.address() < end && entry.end.address() > start;
    return concerned && (entry.shared || entry.path == "[stack]");
  });
}

// One page, from the fault on.
class HeldPage {
 public:
  HeldPage(Session& session, Task& task, std::uint64_t page) : session_(session), task_(task), page_(page) {}

  void run() {
    protect(code_and_data);
    const bool steps_itself = (Stopped(task_.tid).registers().eflags & flag_trap) != 0;
    if (steps_itself || !holds_instructions()) return let_go();
    std::uint64_t& instructions = task_.process->held->instructions;
    for (std::uint64_t steps = 0; steps < most_steps_a_page && instructions < most_steps;
         ++steps, ++instructions) {
      const Registers registers = Stopped(task_.tid).registers();
      if (page_down(registers.rip) != page_ && page_down(registers.rip + longest_trapped - 1) != page_) {
        protect(PROT_READ | PROT_WRITE);
        return session_.go_on(task_);
      }
      if (is_int3(registers.rip)) {
        protect(PROT_READ | PROT_WRITE);
        return carry_out_trapped(session_, task_, registers.rip);
      }
      if (const auto found = decode_trapped_at(task_.memory(), RemotePtr<>(registers.rip));
          found && is_unseen(*found)) {
        if (page_down(registers.rip) == page_ && !is_left_after(registers.rip))
          forget();
        else
          protect(PROT_READ | PROT_WRITE);
        return record_found_instruction(session_, task_, *found);
      }
      if (!step()) return;
    }
    session_.note(
        task_, "too long in held code",
        fmt::format(
            "task {} ran long in a page of code at {:#x} whose bytes look like rdrand, rdseed, rdpid, "
            "cpuid or xgetbv: if they are, what they yield from now on is not recorded",
            task_.tid, page_),
        Session::Audience::readers);
    let_go();
  }

 private:
  // One of rec's own: a step would run it.
  [[nodiscard]] bool is_int3(std::uint64_t address) const {
    const PatchedCode& code = *task_.process->code;
    return code.find(address) != code.end() &&
           task_.memory().read(RemotePtr<std::byte>(address)) == std::byte{0xcc};
  }

  // The program's bytes, with rec's int3s in place.
  [[nodiscard]] bool holds_instructions() const { return is_left_after(~std::uint64_t{0}); }

  // Whether there are such bytes that are no int3 of rec's and not those at `address`.
  [[nodiscard]] bool is_left_after(std::uint64_t address) const {
    std::vector<std::byte> code(page_size + longest_trapped);
    code.resize(task_.memory().read_some(RemotePtr<>(page_), code));
    if (address >= page_ && address - page_ < code.size()) code[address - page_] = std::byte{0xcc};
    return may_hold_instructions(code);
  }

  // rdtsc, rdtscp and, where the processor can, cpuid fault by themselves.
  static bool is_unseen(const TrappedInstruction& found) {
    const bool is_counter = found.kind == TrapKind::rdtsc || found.kind == TrapKind::rdtscp;
    return !is_counter && processor_has(found.kind);
  }

  void protect(std::uint64_t protection) const {
    const Stopped stopped(task_.tid);
    RemoteCalls calls(stopped, agent_area::syscall_instruction);
    calls.must("mprotect of generated code", SYS_mprotect, {page_, page_size, protection});
  }

  void forget() const { task_.process->held->remove(page_, page_ + page_size); }
  void let_go() const {
    forget();
    session_.go_on(task_);
  }

  // False: the task stopped for something else, which was dealt with; the page is let go.
  [[nodiscard]] bool step() const {
    const Registers before = Stopped(task_.tid).registers();
    std::vector<std::byte> code(longest_instruction);
    code.resize(task_.memory().read_some(RemotePtr<>(before.rip), code));
    const auto instruction = decode_instruction(code, before.rip);
    for (;;) {
      (void)Stopped(task_.tid).resume(Resume::step);
      const WaitStatus status = session_.wait_stop(task_.tid);
      const auto* stop = std::get_if<SignalStop>(&status);
      if (stop != nullptr && stop->signal == SIGTRAP && Stopped(task_.tid).siginfo().si_code > 0) {
        restore_disposition(task_, SIGTRAP);
        if (instruction && instruction->pushes_flags) clear_pushed_trap_flag();
        hide_trap_flag(Stopped(task_.tid));
        return true;
      }
      if (stop != nullptr && hold_signal(task_, stop->signal)) continue;
      forget();
      session_.dispatch({task_.tid, status});
      return false;
    }
  }

  // A stepped pushf pushes the flag by which it is stepped.
  void clear_pushed_trap_flag() const {
    const RemotePtr<std::uint64_t> top(Stopped(task_.tid).registers().rsp);
    const auto pushed = task_.memory().read(top);
    if (pushed) task_.memory().write_value(top.cast<void>(), *pushed & ~flag_trap);
  }

  Session& session_;
  Task& task_;
  std::uint64_t page_;
};

}  // namespace

void HeldCode::add(std::uint64_t start, std::uint64_t end) {
  remove(start, end);
  if (start < end) ranges_[start] = end;
}

void HeldCode::remove(std::uint64_t start, std::uint64_t end) {
  auto at = ranges_.upper_bound(start);
  if (at != ranges_.begin()) --at;
  while (at != ranges_.end() && at->first < end) {
    const auto [from, to] = *at;
    if (to <= start) {
      ++at;
      continue;
    }
    at = ranges_.erase(at);
    if (from < start) ranges_[from] = start;
    if (to > end) at = ranges_.emplace(end, to).first;
  }
}

void HeldCode::move(std::uint64_t from, std::uint64_t old_size, std::uint64_t to, std::uint64_t new_size) {
  std::map<std::uint64_t, std::uint64_t> moved;
  for (const auto& [start, end] : ranges_) {
    const std::uint64_t low = std::max(start, from),
                        high = std::min(end, from + std::min(old_size, new_size));
    if (low < high) moved[low - from + to] = high - from + to;
    // What it grows by has the protection of its end.
    if (start < from + old_size && end >= from + old_size && new_size > old_size)
      moved[to + old_size] = to + new_size;
  }
  remove(from, from + old_size);
  remove(to, to + new_size);
  for (const auto& [start, end] : moved) add(start, end);
}

bool HeldCode::contains(std::uint64_t address) const {
  const auto at = ranges_.upper_bound(address);
  return at != ranges_.begin() && std::prev(at)->second > address;
}

bool holds_code(const Task& task) {
  const auto& args = task.call.call.args;
  const Special special = task.call.policy.special;
  if (!is_writable_code(args[2])) return false;
  if (special == Special::mmap)
    return (args[3] & MAP_TYPE) == MAP_PRIVATE && (args[3] & MAP_ANONYMOUS) != 0 &&
           (args[3] & MAP_GROWSDOWN) == 0;
  return special == Special::mprotect && all_private(task.tid, args[0], args[0] + page_up(args[1]));
}

void update_held_code(Task& task, std::int64_t result, bool is_held) {
  const auto& args = task.call.call.args;
  HeldCode& held = *task.process->held;
  const Special special = task.call.policy.special;
  if (special == Special::mremap)
    return held.move(args[0], page_up(args[1]), static_cast<std::uint64_t>(result), page_up(args[2]));
  if (special != Special::mmap && special != Special::mprotect && special != Special::munmap) return;
  const std::uint64_t start = special == Special::mmap ? static_cast<std::uint64_t>(result) : args[0];
  const std::uint64_t end = start + page_up(args[1]);
  if (is_held) {
    held.add(start, end);
    task.process->agent->keep(start, end);
  } else {
    held.remove(start, end);
  }
}

bool handle_held_code(Session& session, Task& task, const siginfo_t& info) {
  if (info.si_signo != SIGSEGV || info.si_code != SEGV_ACCERR) return false;
  const auto fault = reinterpret_cast<std::uint64_t>(info.si_addr);
  if (!task.process->held->contains(fault)) return false;
  // An instruction may begin on the page before; what is further from it reads or writes.
  if (fault - Stopped(task.tid).registers().rip >= longest_instruction) return false;
  restore_disposition(task, SIGSEGV);
  HeldPage(session, task, page_down(fault)).run();
  return true;
}

}  // namespace rec

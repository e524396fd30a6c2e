#include "recorder/session.h"

#include <linux/audit.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "format/base/error.h"
#include "recorder/filter.h"
#include "recorder/special/special.h"

namespace rec {
namespace {

// How long a task may keep its turn over its calls while others of its domain wait.
constexpr std::uint64_t slice_ns = 50'000'000;
// Period of the timer that looks after calls that block although the table does not say so, and after tasks that compute.
constexpr long timer_us = 5'000;
// How long a task may compute without a system call while a signal for it, or another task of its domain, waits for one.
constexpr std::uint64_t patience_ns = 2'000'000'000;

std::uint64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

// State letter of a task, as in /proc/PID/stat; 0 when it is gone.
char task_state(Tid tid) {
  const std::string path = fmt::format("/proc/{}/stat", tid);
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return 0;
  std::array<char, 512> line{};
  const bool got = std::fgets(line.data(), line.size(), file) != nullptr;
  (void)std::fclose(file);
  // The name in parentheses may itself contain parentheses: the last one ends it.
  const std::string text = got ? line.data() : "";
  const std::size_t end = text.rfind(')');
  return end != std::string::npos && end + 2 < text.size() ? text[end + 2] : '\0';
}

// Words that the kernel writes when the task ends: the one set with set_tid_address(2), and those of its robust futexes
// (kernel/futex/core.c, exit_robust_list), each with its value before.
std::vector<std::pair<std::uint64_t, std::uint32_t>> words_cleared_at_exit(const Task& task) {
  constexpr int list_limit = 2048;  // ROBUST_LIST_LIMIT
  struct Head {
    std::uint64_t next;
    std::int64_t futex_offset;
    std::uint64_t pending;
  };
  const RemoteMemory memory = task.memory();
  std::vector<std::pair<std::uint64_t, std::uint32_t>> words;
  const auto add = [&](std::uint64_t address) {
    if (const auto word = memory.read(RemotePtr<std::uint32_t>(address))) words.emplace_back(address, *word);
  };
  if (task.clear_tid != 0) add(task.clear_tid);
  const auto head = task.robust_list != 0 ? memory.read(RemotePtr<Head>(task.robust_list)) : std::nullopt;
  if (!head) return words;
  // The lowest bit of an entry marks a priority-inheritance futex.
  const auto futex_of = [&](std::uint64_t entry) {
    return (entry & ~std::uint64_t{1}) + static_cast<std::uint64_t>(head->futex_offset);
  };
  if (head->pending != 0) add(futex_of(head->pending));
  std::uint64_t entry = head->next;
  for (int i = 0; i < list_limit && (entry & ~std::uint64_t{1}) != task.robust_list; ++i) {
    add(futex_of(entry));
    const auto next = memory.read(RemotePtr<std::uint64_t>(entry & ~std::uint64_t{1}));
    if (!next) break;
    entry = *next;
  }
  return words;
}

}  // namespace

Session::Session(const RecordOptions& options, TraceWriter& writer)
    : options_(options), writer_(writer), contents_(writer), start_ns_(monotonic_ns()) {}

std::uint64_t Session::now_ns() const { return monotonic_ns() - start_ns_; }

int Session::run(Stopped first) {
  first_tid_ = first.tid();
  auto process = std::make_shared<Process>();
  process->pid = Pid(first_tid_.value());
  process->stops_at_entry = options_.under_filter;
  for (const int signal : options_.signals.ignored) process->actions.at(static_cast<std::size_t>(signal)).handler = 1;
  move_to_domain(*process, new_domain());
  Task& task = add_task(first_tid_, process);
  task.position = Task::Position::user;
  task.domain().turn = &task;
  const Registers registers = first.registers();
  Extra extra;
  extra.pid = process->pid;
  extra.domain = task.domain().id;
  extra.after = registers;
  append({.tid = first_tid_, .kind = EventKind::start, .extra = &extra});
  begin_call(*this, task, static_cast<std::int64_t>(registers.orig_rax), registers.arguments());
  while (dispatch_one()) {
  }
  set_timer(false);
  return first_status_;
}

std::vector<Tid> Session::all_tids() const {
  std::vector<Tid> tids;
  for (const auto& [tid, task] : tasks_) tids.push_back(tid);
  return tids;
}

void Session::update_pinning() {
  if (live_domains_ == 1) {
    if (pinning_.wants_to_pin(true)) pinning_.pin(all_tids());
  } else {
    (void)pinning_.wants_to_pin(false);
    if (pinning_.is_pinned()) pinning_.unpin(all_tids());
  }
}

bool Session::dispatch_one() {
  update_pinning();
  if (needs_timer() != timer_on_) set_timer(!timer_on_);
  bool none_left = false;
  const auto result = wait_any(WaitMode::block, &none_left);
  if (none_left) return false;
  if (!result) {
    on_timer();
    return true;
  }
  std::optional<WaitResult> next = *result;
  while (next) {
    const WaitResult now = *next;
    next.reset();
    try {
      dispatch(now);
    } catch (const TaskGone& gone) {
      // Whatever we wanted of it, it was killed meanwhile. If its end was seen already, go on from there.
      if (gone.seen) next = WaitResult{gone.tid, *gone.seen};
    }
  }
  return true;
}

void Session::dispatch(const WaitResult& result) {
  if (std::holds_alternative<Exited>(result.status) || std::holds_alternative<Killed>(result.status)) {
    on_gone(result.tid, result.status);
    return;
  }
  Task* task = find(result.tid);
  if (task == nullptr) {
    early_stops_.insert(result.tid);
    return;
  }
  if (const auto* event = std::get_if<PtraceEvent>(&result.status)) {
    on_event(*task, event->event);
  } else if (std::holds_alternative<SyscallStop>(result.status)) {
    if (task->position == Task::Position::user) {
      on_entry_stop(*task);
    } else if (task->aborting_for_signal) {
      send_held_signal(*this, *task);
    } else if (task->domain().turn == task && (task->domain().waiting.empty() || !finished_turn(*task))) {
      finish_call(*this, *task);
    } else {
      task->position = Task::Position::after_call;
      if (task->domain().turn == task) release_turn(*task);
      queue_for_turn(*task);
    }
  } else if (const auto* stop = std::get_if<SignalStop>(&result.status)) {
    on_signal_stop(*this, *task, stop->signal);
  } else {
    on_group_stop(*task, std::get<GroupStop>(result.status).signal);
  }
}

bool Session::finished_turn(const Task& task) const {
  const bool yields = task.call.entry != nullptr && task.call.entry->yields;
  return yields || monotonic_ns() - task.domain().turn_since_ns > slice_ns;
}

void Session::on_event(Task& task, int event) {
  switch (event) {
    case PTRACE_EVENT_SECCOMP:
      if (task.position == Task::Position::call) {
        resume_call(task);  // its entry stop is behind it
        return;
      }
      on_entry_stop(task);
      return;
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
      special::on_created(*this, task, Tid(static_cast<std::int32_t>(Stopped(task.tid).event_message())));
      return;
    case PTRACE_EVENT_EXEC:
      special::on_exec(*this, task, Tid(static_cast<std::int32_t>(Stopped(task.tid).event_message())));
      return;
    case PTRACE_EVENT_EXIT:
      on_exit_event(task);
      return;
    case PTRACE_EVENT_STOP:
      on_interrupt_stop(task);
      return;
    default:
      resume_user(task);
  }
}

void Session::on_entry_stop(Task& task) {
  const auto info = Stopped(task.tid).syscall_info();
  if (info.arch != AUDIT_ARCH_X86_64) refuse_foreign_abi(task);
  if (!task.held.empty() && deliver_held_signal_first(task)) return;
  // Entry and seccomp information begin alike (linux/ptrace.h).
  begin_call(*this, task, static_cast<std::int64_t>(info.entry.nr), std::to_array(info.entry.args));
  after_entry(task);
}

void Session::refuse_foreign_abi(const Task& task) {
  fail("task {} made a 32-bit (or x32) system call: rec records 64-bit programs only", task.tid);
}

// A call that is likely to return soon keeps the turn; while one blocks, another task of the domain goes on.
void Session::after_entry(Task& task) {
  Domain& domain = task.domain();
  if (task.position != Task::Position::call || domain.waiting.empty()) return;
  if (!task.call.blocks) return;  // should it block after all, the timer will see to it
  // Most calls that may block do not: give it as long as changing over would cost.
  for (int looks = 0; looks < 20; ++looks) {
    ::sched_yield();
    if (const auto result = wait_for(task.tid, WaitMode::poll)) {
      dispatch(*result);
      return;
    }
  }
  release_turn(task);
}

void Session::append(Event event) {
  event.leave_ns = now_ns();
  if (event.enter_ns == 0) event.enter_ns = event.leave_ns;
  writer_.append(event);
}

void Session::note(const Task& task, const std::string& key, const std::string& text) {
  if (!noted_.insert(key).second) return;
  const Extra extra{.text = text};
  append({.tid = task.tid, .kind = EventKind::note, .extra = &extra});
  if (!options_.quiet) (void)std::fprintf(stderr, "rec: %s\n", text.c_str());
}

void Session::append_call(Task& task, std::int64_t result, const Extra* extra, EventKind kind) {
  PendingCall& pending = task.call;
  append({.tid = task.tid,
          .kind = kind,
          .flags = pending.flags,
          .nr = static_cast<std::int32_t>(pending.call.nr),
          .args = pending.call.args,
          .result = result,
          .enter_ns = pending.enter_ns,
          .data = pending.data.data(),
          .extra = extra});
}

void Session::resume_user(Task& task, int signal) {
  task.position = Task::Position::user;
  task.left_ns = now_ns();
  task.interrupting = false;  // any other stop has cancelled it
  (void)Stopped(task.tid).resume(task.process->stops_at_entry ? Resume::syscall : Resume::cont, signal);
}

void Session::resume_call(Task& task) {
  task.position = Task::Position::call;
  (void)Stopped(task.tid).resume(Resume::syscall);
}

Task* Session::find(Tid tid) {
  const auto at = tasks_.find(tid);
  return at == tasks_.end() ? nullptr : at->second.get();
}

std::vector<Task*> Session::tasks_of(const Process& process) {
  std::vector<Task*> found;
  for (const auto& [tid, task] : tasks_) {
    if (task->process.get() == &process) found.push_back(task.get());
  }
  return found;
}

Task& Session::add_task(Tid tid, std::shared_ptr<Process> process) {
  ++task_count_;
  auto task = std::make_unique<Task>();
  task->tid = tid;
  task->process = std::move(process);
  return *(tasks_[tid] = std::move(task));
}

// --- turns and domains ---

std::shared_ptr<Domain> Session::new_domain() {
  auto domain = std::make_shared<Domain>();
  domain->id = DomainId(next_domain_++);
  std::erase_if(domains_, [](const auto& old) { return old.expired(); });
  domains_.push_back(domain);
  return domain;
}

void Session::leave_domain(Domain& domain) {
  if (--domain.processes == 0) --live_domains_;
}

void Session::move_to_domain(Process& process, std::shared_ptr<Domain> domain) {
  if (process.domain) leave_domain(*process.domain);
  process.domain = std::move(domain);
  if (++process.domain->processes == 1) ++live_domains_;
}

void Session::queue_for_turn(Task& task) {
  Domain& domain = task.domain();
  domain.waiting.push_back(&task);
  const Task* holder = domain.turn;
  // Who is stopped by job control needs no turn; who sits in a call that blocks neither.
  if (holder == nullptr || holder->position == Task::Position::group_stop ||
      (holder->position == Task::Position::call && holder->call.blocks)) {
    if (holder != nullptr) leave_in_call(*domain.turn);
    give_turn(domain);
  }
}

void Session::leave_in_call(Task& task) {
  const PendingCall& pending = task.call;
  const bool waits_for_lock = task.position == Task::Position::call && pending.entry != nullptr &&
                              pending.entry->subsystem == syscalls::Subsystem::futex;
  if (!waits_for_lock) return;
  DataBuffer data;
  for (const syscalls::Extent& extent : pending.plan.extents) {
    if (!extent.output || !extent.input || extent.size > sizeof(std::uint64_t)) continue;
    // Until it sleeps: then the word is as those who run now will find it (kernel/futex/pi.c).
    for (int looks = 0; looks < 1000 && task_state(task.tid) == 'R'; ++looks) ::sched_yield();
    const auto room = data.add(Data::Role::output, extent.address, extent.argument, extent.size, extent.size);
    data.shrink_last(task.memory().read_some(extent.address, room));
  }
  if (!data.empty()) append({.tid = task.tid, .kind = EventKind::memory, .data = data.data()});
}

void Session::release_turn(Task& task) {
  Domain& domain = task.domain();
  if (domain.turn != &task) return;
  leave_in_call(task);
  domain.turn = nullptr;
  give_turn(domain);
}

void Session::give_turn(Domain& domain) {
  if (domain.waiting.empty()) return;
  Task& next = *domain.waiting.front();
  domain.waiting.pop_front();
  domain.turn = &next;
  domain.turn_since_ns = monotonic_ns();
  try {
    hand_over(next);
  } catch (const TaskGone& gone) {
    // Killed while it waited. Its end gives the turn on; if that was seen already, it is now.
    if (gone.seen) dispatch({gone.tid, *gone.seen});
  }
}

void Session::hand_over(Task& task) {
  switch (task.position) {
    case Task::Position::after_call:
      finish_call(*this, task);
      return;
    case Task::Position::first_stop:
      append({.tid = task.tid, .kind = EventKind::begin});
      task.left_with = Stopped(task.tid).registers();
      resume_user(task);
      return;
    case Task::Position::group_stop:
    case Task::Position::preempted:
      append({.tid = task.tid, .kind = EventKind::begin});
      resume_user(task);
      return;
    case Task::Position::user:
    case Task::Position::call:
    case Task::Position::exiting:
      ENSURE(false, "task {} waited for its turn in position {}", task.tid, static_cast<int>(task.position));
  }
}

void Session::merge_domains(Task& task, const std::shared_ptr<Domain>& other) {
  const std::shared_ptr<Domain> own = task.process->domain;
  if (own == other) return;
  append({.tid = task.tid, .kind = EventKind::merge, .args = {other->id.value(), own->id.value()}});
  std::set<Process*> moving;
  for (const auto& [tid, member] : tasks_) {
    if (member->process->domain == other) moving.insert(member->process.get());
  }
  const auto waiting = std::move(other->waiting);
  for (Process* process : moving) move_to_domain(*process, own);
  for (Task* waiter : waiting) own->waiting.push_back(waiter);
  // The other domain's task that has its turn may be in user code now; it joins the order of turns at the end of its next
  // system call.
  other->turn = nullptr;
}

void Session::share_object(Task& task, std::uint64_t object, bool writable) {
  Sharing& sharing = sharing_[object];
  sharing.processes.insert(task.process->pid);
  sharing.writable = sharing.writable || writable;
  if (!sharing.writable) return;
  for (const Pid pid : sharing.processes) {
    const Task* other = find(Tid(pid.value()));
    if (other != nullptr && other->process->domain != task.process->domain) {
      merge_domains(task, other->process->domain);
    }
  }
}

bool Session::shares_with_children(const Process& process) const {
  return std::any_of(sharing_.begin(), sharing_.end(), [&](const auto& object) {
    return object.second.writable && object.second.processes.count(process.pid) != 0;
  });
}

void Session::inherit_shares(const Process& parent, const Process& child) {
  for (auto& [object, sharing] : sharing_) {
    if (sharing.processes.count(parent.pid) != 0) sharing.processes.insert(child.pid);
  }
}

void Session::leave_shared_memory(Process& process) {
  process.maps_files_shared = false;
  for (auto& [object, sharing] : sharing_) sharing.processes.erase(process.pid);
}

Task& Session::rename_executing_task(Tid former, Task& leader) {
  const Tid tid = leader.tid;
  ENSURE(find(former) != nullptr, "task {} executed as {}, but is not known", former, tid);
  forget_task(leader);
  auto node = tasks_.extract(former);
  node.key() = tid;
  node.mapped()->tid = tid;
  return *tasks_.insert(std::move(node)).position->second;
}

// Nothing refers to the task any more; it is no longer in tasks_, but alive until the caller drops it.
std::unique_ptr<Task> Session::forget_task(Task& task) {
  Domain& domain = task.domain();
  std::erase(domain.waiting, &task);
  if (domain.turn == &task) domain.turn = nullptr;
  std::erase(output_waiting_, &task);
  release_output(task);
  auto node = tasks_.extract(task.tid);
  return std::move(node.mapped());
}

bool Session::acquire_output(Task& task) {
  if (output_holder_ == nullptr) output_holder_ = &task;
  if (output_holder_ == &task) return true;
  output_waiting_.push_back(&task);
  task.position = Task::Position::call;
  task.call.blocks = true;  // whoever shares its domain need not wait with it
  return false;
}

void Session::release_output(const Task& task) {
  if (output_holder_ != &task) return;
  output_holder_ = nullptr;
  if (output_waiting_.empty()) return;
  output_holder_ = output_waiting_.front();
  output_waiting_.pop_front();
  try {
    resume_call(*output_holder_);
  } catch (const TaskGone&) {
    // Killed while it waited: its end gives the right on.
  }
}

std::uint64_t Session::find_shared_object(std::uint64_t device, std::uint64_t inode) const {
  const auto at = shared_objects_.find({device, inode});
  return at == shared_objects_.end() ? 0 : at->second;
}

std::uint64_t Session::shared_object(std::uint64_t device, std::uint64_t inode) {
  const auto [at, is_new] = shared_objects_.try_emplace({device, inode}, next_shared_object_);
  if (is_new) ++next_shared_object_;
  return at->second;
}

// --- stops that are not calls ---

WaitStatus Session::wait_stop(Tid tid) {
  for (;;) {
    const auto result = wait_for(tid, WaitMode::block);
    if (!result) {
      if (errno == ECHILD) throw TaskGone{tid};
      continue;
    }
    const auto* event = std::get_if<PtraceEvent>(&result->status);
    const bool dying = std::holds_alternative<Exited>(result->status) ||
                       std::holds_alternative<Killed>(result->status) ||
                       (event != nullptr && event->event == PTRACE_EVENT_EXIT);
    if (dying) throw TaskGone{tid, result->status};
    return result->status;
  }
}

void Session::take_first_stop(Tid tid) {
  if (early_stops_.erase(tid) != 0) return;
  (void)wait_stop(tid);
}

void Session::on_interrupt_stop(Task& task) {
  if (task.position == Task::Position::group_stop) {
    append({.tid = task.tid, .kind = EventKind::stop, .nr = 0});
    Domain& domain = task.domain();
    if (domain.turn == &task) {
      resume_user(task);
    } else {
      queue_for_turn(task);
    }
    return;
  }
  if (task.position == Task::Position::call) {
    resume_call(task);
    return;
  }
  if (!task.interrupting) {
    resume_user(task);
    return;
  }
  task.interrupting = false;
  Domain& domain = task.domain();
  if (!task.held.empty()) {
    lose_point(task, "a signal waits for it");
    task.point_lost = true;
    send_held_signal(*this, task);
  } else if (domain.turn == &task && !domain.waiting.empty()) {
    lose_point(task, "other threads wait for their turn");
    domain.point_lost = true;
    task.position = Task::Position::preempted;
    domain.turn = nullptr;
    domain.waiting.push_back(&task);
    give_turn(domain);
  } else {
    resume_user(task);
  }
}

void Session::lose_point(Task& task, const std::string& why) {
  const std::string text =
      fmt::format("task {} computes for more than {} s without a system call while {}: it is interrupted where it is, and "
                  "this recording can be replayed up to there only",
                  task.tid, patience_ns / 1'000'000'000, why);
  if (!noted_.insert("point lost").second) return;
  const Extra extra{.text = text};
  append({.tid = task.tid, .kind = EventKind::note, .flags = event_not_replayable, .extra = &extra});
  if (!options_.quiet) (void)std::fprintf(stderr, "rec: %s\n", text.c_str());
}

void Session::on_group_stop(Task& task, int signal) {
  append({.tid = task.tid, .kind = EventKind::stop, .nr = signal});
  task.position = Task::Position::group_stop;
  (void)Stopped(task.tid).resume(Resume::listen);
  // Processes that share memory with this one go on; its own tasks are stopped as well.
  Domain& domain = task.domain();
  if (domain.turn == &task && domain.processes > 1) release_turn(task);
  // Stopped from the terminal as one job with rec: the shell waits for rec to stop, too, and continues both.
  const bool from_terminal = signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
  if (from_terminal && task.tid == first_tid_ && ::getpgid(first_tid_.value()) == ::getpgrp()) {
    ::kill(::getpid(), SIGSTOP);
  }
}

void Session::on_exit_event(Task& task) {
  task.position = Task::Position::exiting;
  std::erase(task.domain().waiting, &task);
  const auto raw_status = static_cast<std::int64_t>(Stopped(task.tid).event_message());
  const bool is_leader = task.tid.value() == task.process->pid.value();
  task.words_cleared_at_exit = words_cleared_at_exit(task);
  (void)Stopped(task.tid).resume(Resume::cont);
  // A leader that exits before its threads is reported by waitpid after the last of them; yet others must not go on
  // before the kernel has cleared its tid word and woken its joiner (kernel/fork.c, mm_release).
  if (is_leader && task.domain().turn == &task && tasks_of(*task.process).size() > 1) {
    for (int i = 0; i < 200; ++i) {
      const char state = task_state(task.tid);
      if (state == 'Z' || state == 0) break;
      if (state == 'X') break;
      ::usleep(50);
    }
    if (task_state(task.tid) == 'Z') {
      record_exit(task, raw_status);
      release_turn(task);
    }
  }
}

void Session::record_exit(Task& task, std::int64_t raw_status) {
  if (task.exit_recorded) return;
  task.exit_recorded = true;
  DataBuffer data;
  // Only someone else who has the memory can see what the kernel did to it.
  for (const auto& [tid, other] : tasks_) {
    if (other->process->domain != task.process->domain || other.get() == &task || other->exit_recorded) continue;
    for (const auto& [address, before] : task.words_cleared_at_exit) {
      const auto now = other->memory().read(RemotePtr<std::uint32_t>(address));
      if (!now || *now == before) continue;
      const auto room = data.add(Data::Role::output, RemotePtr<>(address), 0, sizeof *now, sizeof *now);
      std::memcpy(room.data(), &*now, sizeof *now);
    }
    break;
  }
  append({.tid = task.tid, .kind = EventKind::exit, .result = raw_status, .data = data.data()});
}

void Session::on_gone(Tid tid, const WaitStatus& status) {
  early_stops_.erase(tid);
  if (tid == first_tid_) first_status_ = raw_wait_status(status);
  Task* task = find(tid);
  if (task == nullptr) return;
  record_exit(*task, raw_wait_status(status));
  const std::shared_ptr<Domain> keep = task->process->domain;
  const bool had_turn = keep->turn == task;
  const std::unique_ptr<Task> last = forget_task(*task);
  if (tasks_of(*last->process).empty()) {
    leave_domain(*keep);
    leave_shared_memory(*last->process);
  }
  if (had_turn) give_turn(*keep);
}

// --- the timer ---

bool Session::needs_timer() const {
  for (const auto& weak : domains_) {
    const auto domain = weak.lock();
    if (domain && domain->turn != nullptr && (!domain->waiting.empty() || !domain->turn->held.empty())) return true;
  }
  return false;
}

void Session::set_timer(bool on) {
  timer_on_ = on;
  const itimerval period{{0, on ? timer_us : 0}, {0, on ? timer_us : 0}};
  if (::setitimer(ITIMER_REAL, &period, nullptr) != 0) fail_with_errno("setitimer");
}

void Session::on_timer() {
  for (const auto& weak : std::vector(domains_)) {
    const auto domain = weak.lock();
    if (domain && domain->turn != nullptr) look_after(*domain->turn);
  }
}

void Session::look_after(Task& task) {
  Domain& domain = task.domain();
  if (task.position == Task::Position::call && !domain.waiting.empty()) {
    // A call that was not expected to block has kept the turn for more than a period.
    if (monotonic_ns() - domain.turn_since_ns > 2 * timer_us * 1000) release_turn(task);
    return;
  }
  if (task.position != Task::Position::user || task.interrupting) return;
  if (task.held.empty() && domain.waiting.empty()) return;
  if (now_ns() - task.left_ns < (domain.point_lost ? slice_ns : patience_ns)) return;
  task.interrupting = true;
  Running(task.tid).interrupt();
}

}  // namespace rec

// Domains and turns: which task of a domain runs user code, who waits for it, and what memory ties processes
// together.
#include <sched.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include <algorithm>

#include "format/base/error.h"
#include "recorder/session.h"
#include "recorder/tracing.h"
#include "tracee/maps.h"
#include "tracee/task_state.h"

namespace rec {
namespace {

// The first that waits; but of many that spin (threads that wait for a word of the last one, say) each costs
// a point to find that out again, and what they wait for is done by one that does not.
std::size_t first_to_get_on(Domain& domain) {
  constexpr int most_passed_over = 16;
  const auto& waiting = domain.waiting;
  const auto at = std::find_if(waiting.begin(), waiting.end(), [](const Task* task) { return !task->spun; });
  if (at == waiting.begin() || at == waiting.end() || domain.passed_over == most_passed_over) {
    domain.passed_over = 0;
    return 0;
  }
  ++domain.passed_over;
  return static_cast<std::size_t>(at - waiting.begin());
}

}  // namespace

bool Session::domains_run_in_parallel(const Tracer& tracer) const {
  int running = 0;
  for (const auto& weak : domains_) {
    const auto domain = weak.lock();
    const Task* holder = domain && domain->tracer == tracer.number() ? domain->turn : nullptr;
    const bool runs =
        holder != nullptr && (holder->position == Task::Position::user ||
                              (holder->position == Task::Position::call && !holder->call.blocks));
    if (runs && ++running > 1) return true;
  }
  return false;
}

std::shared_ptr<Domain> Session::new_domain() {
  auto domain = std::make_shared<Domain>();
  domain->id = DomainId(next_domain_++);
  domain->tracer = Tracers::here().number();
  std::erase_if(domains_, [](const auto& old) { return old.expired(); });
  domains_.push_back(domain);
  return domain;
}

void Session::move_to_domain(Process& process, std::shared_ptr<Domain> domain) {
  if (process.domain) --process.domain->processes;
  process.domain = std::move(domain);
  ++process.domain->processes;
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
  } else if (holder->position == Task::Position::user && holder->slot != 0) {
    hurry(*domain.turn);
  }
}

// It may block in a call of the agent's, which seemed right as long as nobody waited for the turn.
void Session::hurry(Task& holder) {
  Agents::tell_of_waiting(holder);
  const std::uint32_t calls = Agents::calls_made(holder);
  // As long as changing over would cost, it may return by itself.
  for (int looks = 0; looks < 20; ++looks) {
    if (holder.interrupting || !Agents::is_in_call(holder) || Agents::calls_made(holder) != calls) return;
    ::sched_yield();
  }
  if (task_state(holder.tid) != 'S') return;
  holder.interrupting = true;
  Running(holder.tid).interrupt();
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
  const std::size_t chosen =
      chaos_ ? chaos_->choose(domain.waiting, domain.before, now_ns()) : first_to_get_on(domain);
  Task& next = *domain.waiting[chosen];
  domain.waiting.erase(domain.waiting.begin() + static_cast<std::ptrdiff_t>(chosen));
  next.spun = false;
  domain.turn = &next;
  domain.before = &next;
  domain.turn_since_ns = now_ns();
  if (chaos_) domain.slice_ns = chaos_->slice_ns(now_ns());
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
      provide_scratch(task);
      append({.tid = task.tid, .kind = EventKind::begin});
      begin_user(task);
      return;
    case Task::Position::held_call:
      if (!task.call.changed_files.empty()) {
        make_call(*this, task);
      } else {
        make_call_alone(task);
      }
      return;
    case Task::Position::group_stop:
    case Task::Position::preempted:
      append({.tid = task.tid, .kind = EventKind::begin});
      begin_user(task);
      return;
    case Task::Position::traced:
      leave_trace_stop(*this, task);
      return;
    case Task::Position::user:
    case Task::Position::call:
    case Task::Position::exiting:
      ENSURE(false, "task {} waited for its turn in position {}", task.tid, static_cast<int>(task.position));
  }
}

void Session::begin_user(Task& task) {
  Registers registers = Stopped(task.tid).registers();
  agents_.before_user(task, registers);
  if (task.position == Task::Position::first_stop) task.left_with = registers;
  resume_user(task);
}

void Session::merge_domains(Task& task, const std::shared_ptr<Domain>& other) {
  const std::shared_ptr<Domain> own = task.process->domain;
  if (own == other) return;
  if (other->turn != nullptr) leave_agent(*other->turn);
  append({.tid = task.tid, .kind = EventKind::merge, .args = {other->id.value(), own->id.value()}});
  std::set<Process*> moving;
  for (const auto& [tid, member] : tasks_) {
    if (member->process->domain == other) moving.insert(member->process.get());
  }
  const auto waiting = std::move(other->waiting);
  for (Process* process : moving) move_to_domain(*process, own);
  for (Task* waiter : waiting) own->waiting.push_back(waiter);
  // The other domain's task that has its turn may be in user code now; it joins the order of turns at the end
  // of its next system call.
  other->turn = nullptr;
}

void Session::join_domain(Task& task, const std::shared_ptr<Domain>& other) {
  const std::shared_ptr<Domain> own = task.process->domain;
  ENSURE(own->turn == &task && own != other, "task {} joins another domain", task.tid);
  append({.tid = task.tid, .kind = EventKind::merge, .args = {own->id.value(), other->id.value()}});
  std::set<Process*> moving;
  for (const auto& [tid, member] : tasks_) {
    if (member->process->domain == own) moving.insert(member->process.get());
  }
  for (Process* process : moving) move_to_domain(*process, other);
  for (Task* waiter : own->waiting) other->waiting.push_back(waiter);
  own->waiting.clear();
  own->turn = nullptr;
  wait_at_entry(task);
}

void Session::wait_at_entry(Task& task) {
  task.position = Task::Position::held_call;
  queue_for_turn(task);
}

void Session::file_is_mapped(Process& process, const FileIdentity& file) {
  process.mapped_files.insert(file);
  if (ever_mapped_.insert(file).second) agents_.file_is_mapped(file.inode);
}

std::vector<Task*> Session::mappers_of(const FileIdentity& file) {
  std::map<const PatchedCode*, Task*> found;  // one task for each address space
  for (const auto& [tid, task] : tasks_) {
    const bool is_there = task->position != Task::Position::exiting && !task->setting_up_exec;
    if (is_there && task->process->mapped_files.contains(file))
      found.emplace(task->process->code.get(), task.get());
  }
  std::vector<Task*> mappers;
  for (const auto& [space, task] : found) mappers.push_back(task);
  return mappers;
}

// The next call of a task that runs shall be a traced one: what it does by the agent belongs before that
// event.
void Session::leave_agent(Task& task) {
  if (task.slot == 0 || task.position != Task::Position::user) return;
  task.joins_turns = true;
  Agents::ask_to_stop(task);
  wait_for_agent(task, Agents::is_inside);
}

// Until the task, which is running and has been asked to, is there no more, and what it did is in the trace.
void Session::wait_for_agent(Task& task, bool (*is_there)(const Task&)) {
  constexpr useconds_t pause_us = 20;  // far longer than its processor keeps what it writes to itself
  constexpr int pauses = 50;
  for (int i = 0; i < pauses; ++i) {
    ::usleep(pause_us);
    if (!is_there(task)) break;
  }
  if (is_there(task)) {
    // In a call that blocks: it is interrupted, and made again the traced way.
    Running(task.tid).interrupt();
    const WaitStatus status = wait_stop(task.tid);
    agents_.drain();
    const auto* event = std::get_if<PtraceEvent>(&status);
    if (event != nullptr && event->event == PTRACE_EVENT_STOP && task.position == Task::Position::user) {
      const Agents::Found found = agents_.take_out(task, Agents::TakeOut::to_give_way);
      if (found == Agents::Found::at_exit) task.left_with = Stopped(task.tid).registers();
      resume_user(task);
      while (found == Agents::Found::finishing && Agents::is_inside(task)) ::usleep(pause_us);
    } else {
      in_tracer_of(task.tid, [&] { Tracers::here().put_off({task.tid, status}); });
    }
  }
  agents_.drain();
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
  process.mapped_files.clear();
  for (auto& [object, sharing] : sharing_) sharing.processes.erase(process.pid);
}

Task& Session::rename_executing_task(Tid former, Task& leader) {
  const Tid tid = leader.tid;
  ENSURE(find(former) != nullptr, "task {} executed as {}, but is not known", former, tid);
  agents_.leave_by_exec(leader);
  forget_task(leader);
  for (const auto& [other, task] : tasks_) {
    if (task->traced && task->traced->tracer == former) task->traced->tracer = tid;
  }
  auto node = tasks_.extract(former);
  node.key() = tid;
  node.mapped()->tid = tid;
  if (Tracer* tracer = tracers_.owner(former)) tracers_.set_owner(tid, *tracer);
  tracers_.forget(former);
  return *tasks_.insert(std::move(node)).position->second;
}

// Nothing refers to the task any more; it is no longer in tasks_, but alive until the caller drops it.
std::unique_ptr<Task> Session::forget_task(Task& task) {
  Domain& domain = task.domain();
  std::erase(domain.waiting, &task);
  if (domain.turn == &task) domain.turn = nullptr;
  std::erase(output_waiting_, &task);
  std::erase(held_calls_, &task);
  release_output(task);
  --task.process->tasks;
  if (task.scratch) task.process->unused_scratch.push_back(*task.scratch);
  agents_.leave(task);
  tracers_.forget(task.tid);
  auto node = tasks_.extract(task.tid);
  return std::move(node.mapped());
}

bool Session::runs_alone(const Task& task) const {
  return std::none_of(tasks_.begin(), tasks_.end(), [&](const auto& other) {
    return other.second.get() != &task && other.second->position == Task::Position::user &&
           other.second->process->domain == task.process->domain;
  });
}

void Session::make_call_alone(Task& task) {
  if (task.domain().turn != &task) {
    task.position = Task::Position::held_call;
    queue_for_turn(task);
  } else if (runs_alone(task)) {
    resume_call(task);
  } else {
    task.position = Task::Position::held_call;
    held_calls_.push_back(&task);
  }
}

// After each stop, as any of them may be what such a call waits for.
void Session::look_at_held_calls() {
  const auto next = std::find_if(held_calls_.begin(), held_calls_.end(),
                                 [&](const Task* task) { return runs_alone(*task); });
  if (next == held_calls_.end()) return;
  Task& task = **next;
  held_calls_.erase(next);
  resume_call(task);
}

bool Session::may_show(const Task& task) const {
  const Domain& domain = task.domain();
  return output_holder_ == nullptr && output_by_agent_ == domain.id && domain.turn == &task;
}

// `task` is about to write with a stop.
void Session::take_back_output(const Task& task) {
  // Where two write by turns, taking it back costs as much as a few writes with a stop.
  constexpr int in_row = 8;
  const DomainId domain = task.domain().id;
  outputs_in_row_ = domain == last_output_ ? outputs_in_row_ + 1 : 1;
  last_output_ = domain;
  const DomainId before = output_by_agent_;
  if (before != domain) output_by_agent_ = outputs_in_row_ >= in_row ? domain : DomainId();
  if (before == domain || before == DomainId()) return;
  const auto owner = std::find_if(domains_.begin(), domains_.end(), [&](const auto& weak) {
    const auto other = weak.lock();
    return other && other->id == before;
  });
  Task* writer = owner == domains_.end() ? nullptr : owner->lock()->turn;
  if (writer == nullptr || writer->slot == 0 || writer->position != Task::Position::user) return;
  Agents::must_not_show(*writer);
  try {
    wait_for_agent(*writer, Agents::is_showing);
  } catch (const TaskGone& gone) {
    if (gone.seen) in_tracer_of(gone.tid, [&] { Tracers::here().put_off({gone.tid, *gone.seen}); });
  }
}

bool Session::acquire_output(Task& task) {
  take_back_output(task);
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

bool Session::is_mapped_elsewhere(const Task& task, std::uint64_t object, MemoryRange made) const {
  const std::vector<MapsEntry> maps = read_maps(task.tid);
  const auto own = std::find_if(maps.begin(), maps.end(), [&](const MapsEntry& entry) {
    return entry.start.address() <= made.start && entry.end.address() > made.start;
  });
  if (own == maps.end() || own->start.address() < made.start || own->end.address() > made.end) {
    return true;  // the kernel made one of it and its neighbour
  }
  const auto is_same_file = [&](const MapsEntry& entry) {
    return entry.shared && entry.inode == own->inode && entry.device_major == own->device_major &&
           entry.device_minor == own->device_minor;
  };
  const bool is_here = std::any_of(maps.begin(), maps.end(), [&](const MapsEntry& entry) {
    return is_same_file(entry) && entry.start != own->start;
  });
  if (is_here) return true;
  const auto sharing = sharing_.find(object);
  if (sharing == sharing_.end()) return false;
  return std::any_of(tasks_.begin(), tasks_.end(), [&](const auto& other) {
    const Process& process = *other.second->process;
    // Processes with one address space have one PatchedCode.
    if (process.code == task.process->code || sharing->second.processes.count(process.pid) == 0) return false;
    try {
      const std::vector<MapsEntry> theirs = read_maps(other.first);
      return std::any_of(theirs.begin(), theirs.end(), is_same_file);
    } catch (const TaskGone&) {
      return false;  // what it had mapped is unmapped, or its other threads have it
    }
  });
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

}  // namespace rec

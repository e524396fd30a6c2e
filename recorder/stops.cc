// Which stop comes next, and those that are neither a call nor a signal: interruptions and job control.
#include <sys/ptrace.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "recorder/session.h"
#include "recorder/tracing.h"

namespace rec {

// The kernel tells of the youngest task that has stopped (kernel/ptrace.c, __ptrace_link: at the head of the
// list). Where the young stop again and again, the old would never be heard: now and then all that have
// stopped are put in a row.
void Session::gather_stops() {
  constexpr std::uint32_t stops_between = 8;
  constexpr std::size_t few = 2;
  TracerThread& thread = here();
  if (tasks_.size() <= few || ++thread.stops_since_gathered < stops_between) return;
  thread.stops_since_gathered = 0;
  Tracers::here().gather();
}

WaitStatus Session::wait_stop(Tid tid) {
  const WaitStatus status = wait_until_stopped(tid);
  if (is_dying(status)) throw TaskGone{tid, status};
  return status;
}

void Session::take_first_stop(Tid tid) {
  if (early_stops_.erase(tid) != 0) return;
  (void)wait_stop(tid);
}

void Session::on_interrupt_stop(Task& task) {
  if (task.position == Task::Position::group_stop) {
    append({.tid = task.tid, .kind = EventKind::stop, .nr = 0});
    if (stop_at_group_end(*this, task)) return;
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
  const bool wanted = task.interrupting;
  task.interrupting = false;
  const bool gives_way = wanted && task.held.empty();
  const Agents::Found found =
      agents_.take_out(task, gives_way ? Agents::TakeOut::to_give_way : Agents::TakeOut::for_good);
  if (found == Agents::Found::at_exit) task.left_with = Stopped(task.tid).registers();
  if (found != Agents::Found::elsewhere) {
    if (gives_way && found != Agents::Found::finishing) Agents::had_to_give_way(task);
    resume_user(task);
  } else if (wanted) {
    on_interrupted(task);
  } else {
    go_on(task);
  }
}

void Session::on_group_stop(Task& task, int signal) {
  if (task.position != Task::Position::group_stop)
    append({.tid = task.tid, .kind = EventKind::stop, .nr = signal});
  if (stop_with_group(*this, task, signal)) return;
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

}  // namespace rec

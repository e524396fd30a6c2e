// How tasks end, and what the kernel writes to their memory when they do.
#include <linux/futex.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "format/base/error.h"
#include "recorder/session.h"
#include "recorder/special/special.h"
#include "recorder/tracing.h"
#include "tracee/task_state.h"

namespace rec {
namespace {

// Words that the kernel writes when the task ends: the one set with set_tid_address(2), and those of its
// robust futexes (kernel/futex/core.c, exit_robust_list), each with its value before.
std::vector<WordAtExit> words_at_exit(const Task& task) {
  constexpr int list_limit = 2048;  // ROBUST_LIST_LIMIT
  struct Head {
    std::uint64_t next;
    std::int64_t futex_offset;
    std::uint64_t pending;
  };
  const RemoteMemory memory = task.memory();
  std::vector<WordAtExit> words;
  const auto add = [&](std::uint64_t address, bool is_robust) {
    if (const auto word = memory.read(RemotePtr<std::uint32_t>(address)))
      words.push_back({address, *word, is_robust});
  };
  if (task.clear_tid != 0) add(task.clear_tid, false);
  const auto head = task.robust_list != 0 ? memory.read(RemotePtr<Head>(task.robust_list)) : std::nullopt;
  if (!head) return words;
  // The lowest bit of an entry marks a priority-inheritance futex.
  const auto futex_of = [&](std::uint64_t entry) {
    return (entry & ~std::uint64_t{1}) + static_cast<std::uint64_t>(head->futex_offset);
  };
  if (head->pending != 0) add(futex_of(head->pending), true);
  std::uint64_t entry = head->next;
  for (int i = 0; i < list_limit && (entry & ~std::uint64_t{1}) != task.robust_list; ++i) {
    add(futex_of(entry), true);
    const auto next = memory.read(RemotePtr<std::uint64_t>(entry & ~std::uint64_t{1}));
    if (!next) break;
    entry = *next;
  }
  return words;
}

// What the kernel leaves in a robust futex of a task that is gone (kernel/futex/core.c, handle_futex_death).
std::uint32_t after_owner_died(const Task& task, std::uint32_t before) {
  const bool owned = (before & FUTEX_TID_MASK) == static_cast<std::uint32_t>(task.tid.value());
  return owned ? (before & FUTEX_WAITERS) | FUTEX_OWNER_DIED : before;
}

}  // namespace

void Session::on_exit_event(Task& task) {
  special::adopt_untold_children(*this, task);
  // Killed at the end of a write, it has not written that down; but it is there for all to see.
  if (task.position == Task::Position::user && Agents::is_showing(task))
    (void)agents_.take_out(task, Agents::TakeOut::at_end);
  std::erase(task.domain().waiting, &task);
  if (!stop_at_end(*this, task)) let_end(task);
}

void Session::let_end(Task& task) {
  task.position = Task::Position::exiting;
  const auto raw_status = static_cast<std::int64_t>(Stopped(task.tid).event_message());
  const bool is_leader = task.tid.value() == task.process->pid.value();
  task.words_at_exit = words_at_exit(task);
  (void)Stopped(task.tid).resume(Resume::cont);
  // A leader that exits before its threads is reported by waitpid after the last of them; yet others must not
  // go on before the kernel has cleared its tid word and woken its joiner (kernel/fork.c, mm_release).
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

// Others of its address space have the word; with the last of them only a robust futex in memory that it
// shared with other processes matters, and that memory can no longer be read through it.
std::optional<std::uint32_t> Session::word_after_exit(const Task& task, const WordAtExit& word) const {
  for (const auto& [tid, other] : tasks_) {
    if (other->process->code != task.process->code || other.get() == &task || other->exit_recorded) continue;
    try {
      return other->memory().read(RemotePtr<std::uint32_t>(word.address));
    } catch (const TaskGone&) {
      // A zombie: it has given up the memory; its own end is still to be told.
    }
  }
  if (word.is_robust) return after_owner_died(task, word.before);
  return std::nullopt;
}

void Session::record_exit(Task& task, std::int64_t raw_status) {
  if (task.exit_recorded) return;
  task.exit_recorded = true;
  DataBuffer data;
  for (const WordAtExit& word : task.words_at_exit) {
    const std::optional<std::uint32_t> now = word_after_exit(task, word);
    if (!now || *now == word.before) continue;
    const auto room = data.add(Data::Role::output, RemotePtr<>(word.address), 0, sizeof *now, sizeof *now);
    std::memcpy(room.data(), &*now, sizeof *now);
  }
  append({.tid = task.tid, .kind = EventKind::exit, .result = raw_status, .data = data.data()});
}

void Session::on_gone(Tid tid, const WaitStatus& status) {
  early_stops_.erase(tid);
  if (tid == first_tid_) first_status_ = raw_wait_status(status);
  Task* task = find(tid);
  if (task == nullptr) return;
  record_exit(*task, raw_wait_status(status));
  end_tracing(*this, *task, raw_wait_status(status));
  const std::shared_ptr<Domain> keep = task->process->domain;
  const bool had_turn = keep->turn == task;
  const std::unique_ptr<Task> last = forget_task(*task);
  if (tasks_of(*last->process).empty()) {
    --keep->processes;
    leave_shared_memory(*last->process);
    Agents::leave_process(*last->process);
    Agents::has_executed(*last->process);  // killed within it
  }
  if (had_turn) give_turn(*keep);
}

}  // namespace rec

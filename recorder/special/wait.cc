// wait4 and waitid of tasks that trace others. The kernel tells them of their children only: of stops for a
// tracer, and of the ends of traced tasks that are no children, rec tells them.
//
// What there is to tell when the call begins is told at once. Otherwise the kernel waits, and rec interrupts
// it (PTRACE_INTERRUPT) when there is something; a wait that the kernel would refuse, as there are no
// children, pauses instead.
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "format/base/error.h"
#include "recorder/special/special.h"
#include "recorder/tracing.h"

namespace rec::special {
namespace {

using syscalls::Special;

// What a wait call asks for.
struct Wanted {
  idtype_t kind = P_ALL;
  std::int32_t id = 0;
  std::uint64_t options = 0;
  std::size_t status = 1;  // which argument points to the status (waitid: the siginfo), and the usage
  std::size_t usage = 3;
};

Wanted wanted_by(const Task& waiter) {
  const auto& args = waiter.call.call.args;
  if (waiter.call.policy.special == Special::waitid) {
    return {.kind = static_cast<idtype_t>(args[0]),
            .id = static_cast<std::int32_t>(args[1]),
            .options = args[3],
            .status = 2,
            .usage = 4};
  }
  const auto pid = static_cast<std::int32_t>(args[0]);
  Wanted wanted{.options = args[2]};
  if (pid > 0) wanted.kind = P_PID, wanted.id = pid;
  if (pid == 0) wanted.kind = P_PGID, wanted.id = ::getpgid(waiter.tid.value());
  if (pid < -1) wanted.kind = P_PGID, wanted.id = -pid;
  return wanted;
}

bool is_wait(const Task& task) {
  const Special special = task.call.policy.special;
  return special == Special::wait4 || special == Special::waitid;
}

bool matches(const Wanted& wanted, Tid tid) {
  if (wanted.kind == P_ALL) return true;
  if (wanted.kind == P_PGID) return ::getpgid(tid.value()) == wanted.id;
  return wanted.kind == P_PID && wanted.id == tid.value();
}

// With __WNOTHREAD a task is told only of those that it traces itself (wait(2)).
bool may_tell(const Wanted& wanted, const Task& waiter, const Task& traced) {
  const bool own_only = (wanted.options & __WNOTHREAD) != 0;
  return matches(wanted, traced.tid) && (!own_only || traced.traced->tracer == waiter.tid);
}

struct News {
  Tid tid;
  bool is_end;
  std::int32_t code;  // of an end: the wait status
};

// The stop that has waited longest, or else an end.
std::optional<News> take_news(Session& session, const Task& waiter, const Wanted& wanted) {
  const bool keep = (wanted.options & WNOWAIT) != 0;
  Task* oldest = nullptr;
  for (Task* task : traced_by(session, *waiter.process)) {
    if (!task->traced->stop || task->traced->stop->is_reported || !may_tell(wanted, waiter, *task)) continue;
    if (oldest == nullptr || task->traced->stop->since_ns < oldest->traced->stop->since_ns) oldest = task;
  }
  if (oldest != nullptr) {
    oldest->traced->stop->is_reported = !keep;
    return News{oldest->tid, false, oldest->traced->stop->code};
  }
  auto& ends = waiter.process->traced_ends;
  const auto end =
      std::find_if(ends.begin(), ends.end(), [&](const TracedEnd& one) { return matches(wanted, one.tid); });
  if (end == ends.end()) return std::nullopt;
  const News news{end->tid, true, end->status};
  if (!keep) ends.erase(end);
  return news;
}

void write_siginfo(const Task& waiter, std::uint64_t to, const News& news) {
  siginfo_t info{};
  info.si_signo = SIGCHLD;
  info.si_pid = news.tid.value();
  info.si_code = CLD_TRAPPED;
  info.si_status = news.code;
  if (news.is_end && WIFEXITED(news.code)) {
    info.si_code = CLD_EXITED;
    info.si_status = WEXITSTATUS(news.code);
  } else if (news.is_end) {
    info.si_code = WCOREDUMP(news.code) ? CLD_DUMPED : CLD_KILLED;
    info.si_status = WTERMSIG(news.code);
  }
  waiter.memory().write_value(RemotePtr<>(to), info);
}

bool is_writable(const Task& task, std::uint64_t address, std::size_t size) {
  std::vector<std::byte> bytes(size);
  return address == 0 || task.memory().read_exact(RemotePtr<>(address), bytes);
}

// Writes what there is to tell where the call's arguments point to; its result.
std::int64_t tell(const Task& waiter, const Wanted& wanted, const News& news,
                  const std::array<std::uint64_t, 6>& args) {
  const bool by_id = waiter.call.policy.special == Special::waitid;
  const std::uint64_t status = args.at(wanted.status);
  const std::uint64_t usage = args.at(wanted.usage);
  const std::size_t status_size = by_id ? sizeof(siginfo_t) : sizeof(std::int32_t);
  if (!is_writable(waiter, status, status_size) || !is_writable(waiter, usage, sizeof(rusage)))
    return -EFAULT;
  constexpr std::int32_t stopped = 0x7f;
  if (status != 0 && by_id) write_siginfo(waiter, status, news);
  if (status != 0 && !by_id) {
    const std::int32_t word = news.is_end ? news.code : (news.code << 8 | stopped);
    waiter.memory().write_value(RemotePtr<>(status), word);
  }
  if (usage != 0) waiter.memory().write_value(RemotePtr<>(usage), rusage{});
  return by_id ? 0 : news.tid.value();
}

bool has_candidates(Session& session, const Task& waiter, const Wanted& wanted) {
  const std::vector<Task*> traced = traced_by(session, *waiter.process);
  return std::any_of(traced.begin(), traced.end(),
                     [&](const Task* task) { return may_tell(wanted, waiter, *task); });
}

// Without WNOHANG, waitid's result is 0 only when it found something.
bool found_nothing(const Task& task, const Wanted& wanted, std::int64_t result,
                   const std::array<std::uint64_t, 6>& args) {
  if (is_restart_code(result) || result == -ECHILD || result == -EINTR) return true;
  if (result != 0 || (wanted.options & WNOHANG) == 0) return false;
  if (task.call.policy.special == Special::wait4) return true;
  const std::uint64_t info = args.at(wanted.status);
  constexpr std::uint64_t pid_at = offsetof(siginfo_t, si_pid);
  const auto pid = task.memory().read(RemotePtr<std::int32_t>(info + pid_at));
  return info == 0 || pid == 0;
}

}  // namespace

bool waits_for(const Task& task, Tid tid) {
  return task.position == Task::Position::call && is_wait(task) && !task.call.answer &&
         matches(wanted_by(task), tid);
}

void answer_wait(Session& session, Task& task) {
  if (!session.is_tracing_used()) return;
  PendingCall& pending = task.call;
  const Wanted wanted = wanted_by(task);
  const bool waits_aside = std::exchange(task.waits_aside, false);
  if (const auto news = take_news(session, task, wanted)) {
    pending.answer = tell(task, wanted, *news, pending.call.args);
    pending.is_emulated = true;
    pending.blocks = false;
    return;
  }
  if (!waits_aside || (wanted.options & WNOHANG) != 0) return;
  const Stopped stopped(task.tid);
  Registers registers = stopped.registers();
  registers.orig_rax = SYS_pause;
  stopped.set_registers(registers);
  pending.is_set_aside = true;
}

void finish_wait(Session& session, Task& task, Registers* registers) {
  if (!session.is_tracing_used() || !is_wait(task) || task.call.answer) return;
  PendingCall& pending = task.call;
  const Wanted wanted = wanted_by(task);
  if (pending.is_set_aside) {
    registers->orig_rax = static_cast<std::uint64_t>(pending.call.nr);
    registers->rax = static_cast<std::uint64_t>(RestartCode::restart_sys);
  } else if (!found_nothing(task, wanted, registers->result(), registers->arguments())) {
    return;
  }
  if (const auto news = take_news(session, task, wanted)) {
    registers->rax = static_cast<std::uint64_t>(tell(task, wanted, *news, registers->arguments()));
  } else if (registers->result() == -ECHILD && has_candidates(session, task, wanted)) {
    const bool returns = (wanted.options & WNOHANG) != 0;
    registers->rax = returns ? 0 : static_cast<std::uint64_t>(RestartCode::restart_sys);
    pending.is_made_again = task.waits_aside = !returns;
  }
  Stopped(task.tid).set_registers(*registers);
}

}  // namespace rec::special

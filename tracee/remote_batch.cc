#include "tracee/remote_batch.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "format/base/error.h"
#include "tracee/agent_area.h"
#include "tracee/remote_call.h"
#include "tracee/wait_status.h"

namespace rec {
namespace {

constexpr std::int64_t end = -1;
constexpr std::int64_t copy = -2;

// In front of it is room for what the calls' arguments point to.
constexpr std::uint64_t table = agent_area::data + 0x1000;
constexpr std::size_t most = 513;
static_assert(table + most * 64 < agent_area::data + agent_area::data_size);

// Until the call at the loop's end is stopped by the filter. Whether a SIGSTOP came, which no mask holds back
// and which was taken away from it.
bool run_to_end(const Stopped& task) {
  bool was_stopped = false;
  for (;;) {
    Stopped stopped(task.tid());
    (void)std::move(stopped).resume(Resume::cont);
    const WaitStatus status = wait_until_stopped(task.tid());
    // (PTRACE_CONT leads to no syscall stop: whatever it is that stops there, it is not the batch.)
    if (is_dying(status) || std::holds_alternative<SyscallStop>(status)) throw TaskGone{task.tid(), status};
    const auto* event = std::get_if<PtraceEvent>(&status);
    if (event != nullptr && event->event == PTRACE_EVENT_SECCOMP) return was_stopped;
    if (const auto* stop = std::get_if<SignalStop>(&status)) {
      ENSURE(stop->signal == SIGSTOP, "task {} got signal {} in calls that rec made in it", task.tid(),
             stop->signal);
      was_stopped = true;
    }
  }
}

}  // namespace

RemoteBatch::Place RemoteBatch::add(std::int64_t nr, std::initializer_list<std::uint64_t> args,
                                    std::optional<Passed> passed) {
  if (passed) {
    const std::uint64_t from = table + passed->from * sizeof(Entry) + offsetof(Entry, result);
    const std::uint64_t to =
        table + (entries_.size() + 1) * sizeof(Entry) + offsetof(Entry, args) + 8 * passed->argument;
    entries_.push_back({copy, {from, to}, 0});
  }
  Entry entry{nr, {}, 0};
  std::copy(args.begin(), args.end(), std::begin(entry.args));
  entries_.push_back(entry);
  return entries_.size() - 1;
}

void RemoteBatch::run(const Stopped& task, const RemoteMemory& memory) {
  ENSURE(entries_.size() < most, "{} calls at once", entries_.size());
  Registers saved = task.registers();
  const std::uint64_t saved_mask = task.signal_mask();
  task.set_signal_mask(~std::uint64_t{0});  // as RemoteCalls does
  std::vector<Entry> all = entries_;
  all.push_back({end, {}, 0});
  memory.write(RemotePtr<>(table), std::as_bytes(std::span(all)));
  Registers registers = saved;
  registers.rbx = table;
  registers.r12 = agent_area::batch_called;
  registers.rip = agent_area::batch_loop;
  registers.orig_rax = ~std::uint64_t{0};
  task.set_registers(registers);
  const bool was_stopped = run_to_end(task);
  const bool is_whole = memory.read_exact(RemotePtr<>(table), std::as_writable_bytes(std::span(entries_)));
  ENSURE(is_whole, "the table of calls is gone in task {}", task.tid());
  saved.orig_rax =
      ~std::uint64_t{0};  // the call at the loop's end is skipped (seccomp(2), SECCOMP_RET_TRACE)
  task.set_registers(saved);
  task.set_signal_mask(saved_mask);
  if (was_stopped) ::syscall(SYS_tkill, task.tid().value(), SIGSTOP);
}

void RemoteBatch::run_one_by_one(const Stopped& task) {
  RemoteCalls calls(task, agent_area::syscall_instruction);
  const auto place_of = [](std::uint64_t address) { return (address - table) / sizeof(Entry); };
  for (Entry& entry : entries_) {
    if (entry.nr == copy) {
      const std::uint64_t argument = (entry.args[1] - table) % sizeof(Entry) - offsetof(Entry, args);
      entries_.at(place_of(entry.args[1])).args[argument / 8] =
          static_cast<std::uint64_t>(entries_.at(place_of(entry.args[0])).result);
      continue;
    }
    const std::uint64_t* args = entry.args;
    entry.result = calls.call(entry.nr, {args[0], args[1], args[2], args[3], args[4], args[5]});
  }
}

std::int64_t RemoteBatch::first_error() const {
  const auto failed = std::find_if(entries_.begin(), entries_.end(), [](const Entry& entry) {
    return entry.nr != copy && is_error(entry.result);
  });
  return failed == entries_.end() ? 0 : failed->result;
}

}  // namespace rec

// Calls that write to the memory of another process: process_vm_writev(2), and write(2) to its /proc/PID/mem.
// No event of that process would tell of it. So the two become one domain, the call is made while nobody else
// of it runs the program's code, and what it wrote is an event of its own (EventKind::memory).
//
// /proc/self/mem is such a file, too.
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>

#include "format/base/error.h"
#include "recorder/special/special.h"
#include "recorder/tracing.h"
#include "tracee/maps.h"

namespace rec::special {
namespace {

using syscalls::Special;

std::int32_t written_descriptor(const PendingCall& pending) {
  return static_cast<std::int32_t>(pending.call.args.at(static_cast<std::size_t>(pending.entry->written_fd)));
}

bool writes_memory_file(Session& session, const Task& task) {
  const PendingCall& pending = task.call;
  if (pending.entry == nullptr || pending.entry->written_fd < 0) return false;
  return session.echo().is_memory(*task.process, task.tid, written_descriptor(pending));
}

// Whose memory the file is, by its name: /proc/PID/mem or /proc/PID/task/TID/mem. Tid{}: it is another
// procfs, which numbers tasks differently (pid_namespaces(7)).
Tid owner_of_memory_file(const Task& task) {
  const std::string link = fmt::format("/proc/{}/fd/{}", task.tid, written_descriptor(task.call));
  struct stat file {
  }, own{};
  if (::stat(link.c_str(), &file) != 0 || ::stat("/proc/self", &own) != 0 || file.st_dev != own.st_dev)
    return {};
  std::array<char, 64> name{};
  const ssize_t length = ::readlink(link.c_str(), name.data(), name.size());
  std::string_view path(name.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  constexpr std::string_view file_name = "/mem";
  if (!path.ends_with(file_name)) return {};
  path.remove_suffix(file_name.size());
  path.remove_prefix(path.rfind('/') + 1);
  std::int32_t number = 0;
  std::from_chars(path.data(), path.data() + path.size(), number);
  return Tid(number);
}

// Where the call may write, in the order in which it does.
std::vector<MemoryRange> ranges_of_file(const Task& task) {
  const PendingCall& pending = task.call;
  std::uint64_t size = 0;
  for (const syscalls::Extent& extent : pending.plan.extents) {
    if (extent.input && extent.bulk) size += extent.size;
  }
  const std::uint64_t start =
      offset_argument(pending).value_or(file_position(task, written_descriptor(pending)).value_or(0));
  return {{start, start + size}};
}

std::vector<MemoryRange> ranges_of_vectors(const Task& task) {
  const auto& args = task.call.call.args;
  constexpr std::uint64_t most_vectors = 1024;  // uio(7), UIO_MAXIOV; the kernel refuses more
  std::vector<iovec> vectors(std::min(args[4], most_vectors));
  if (!task.memory().read_exact(RemotePtr<>(args[3]), std::as_writable_bytes(std::span(vectors)))) return {};
  std::vector<MemoryRange> ranges;
  for (const iovec& vector : vectors) {
    const auto start = reinterpret_cast<std::uint64_t>(vector.iov_base);
    ranges.push_back({start, start + vector.iov_len});
  }
  return ranges;
}

// Code in which rec's agent has put its jumps.
bool meets_changed_code(const Task& target, const std::vector<MemoryRange>& ranges) {
  const AgentState& agent = *target.process->agent;
  if (!agent.memory || agent.is_off) return false;
  const std::vector<MapsEntry> maps = read_maps(target.tid);
  return std::any_of(maps.begin(), maps.end(), [&](const MapsEntry& entry) {
    return (entry.protection & PROT_EXEC) != 0 &&
           std::any_of(ranges.begin(), ranges.end(), [&](const MemoryRange& range) {
             return range.start < entry.end.address() && entry.start.address() < range.end;
           });
  });
}

void refuse(Session& session, Task& task, int error, std::string_view why) {
  task.call.answer = -error;
  session.note(task, "memory of others",
               fmt::format("task {} writes to the memory of a process in a way that rec cannot record ({}): "
                           "it answers {}",
                           task.tid, why, error == EIO ? "EIO" : "EFAULT"));
}

}  // namespace

void plan_foreign_write(Session& session, Task& task) {
  PendingCall& pending = task.call;
  const bool by_number = pending.policy.special == Special::process_vm_writev;
  if (!by_number && !writes_memory_file(session, task)) return;
  // What the kernel itself would answer for memory that cannot be written.
  const int error = by_number ? EFAULT : EIO;
  Tid owner;
  if (!by_number) {
    owner = owner_of_memory_file(task);
  } else if (has_our_numbers(task)) {
    owner = Tid(static_cast<std::int32_t>(pending.call.args[0]));
  }
  if (owner == Tid{}) {
    refuse(session, task, error, "it is in another pid namespace than rec");
    return;
  }
  const Task* target = session.find(owner);
  if (target == nullptr) return;  // not of the program: as any call that has its effect outside
  std::vector<MemoryRange> ranges = by_number ? ranges_of_vectors(task) : ranges_of_file(task);
  if (meets_changed_code(*target, ranges)) {
    refuse(session, task, error, "to code, without tracing it");
    return;
  }
  pending.writes_to = ForeignWrite{owner, std::move(ranges)};
  pending.blocks = false;
}

void make_foreign_write(Session& session, Task& task) {
  const Task* target = session.find(task.call.writes_to->task);
  if (target != nullptr) {
    const std::shared_ptr<Domain> domain = target->process->domain;  // which becomes another one
    session.merge_domains(task, domain);
  }
  session.make_call_alone(task);
}

void record_foreign_write(Session& session, const Task& task, std::int64_t result) {
  const auto& wrote = task.call.writes_to;
  if (!wrote || result <= 0 || session.is_over()) return;
  const Task* target = session.find(wrote->task);
  if (target == nullptr) return;  // nobody will see it
  auto left = static_cast<std::uint64_t>(result);
  DataBuffer data;
  try {
    for (const MemoryRange& range : wrote->ranges) {
      const std::uint64_t size = std::min(left, range.end - range.start);
      if (size == 0) continue;
      const RemotePtr<> start(range.start);
      const auto room = data.add(Data::Role::output, start, 0, size, size);
      data.shrink_last(target->memory().read_written(start, room));
      left -= size;
    }
  } catch (const TaskGone& gone) {
    if (gone.tid == task.tid) throw;
    return;
  }
  session.append({.tid = task.tid,
                  .kind = EventKind::memory,
                  .args = {static_cast<std::uint64_t>(target->tid.value())},
                  .data = data.data()});
}

}  // namespace rec::special

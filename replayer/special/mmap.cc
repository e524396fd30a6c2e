#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>

#include "format/base/error.h"
#include "replayer/special/special.h"
#include "tracee/agent_area.h"
#include "tracee/remote_call.h"

namespace rec::special {
namespace {

constexpr std::uint64_t no_fd = ~std::uint64_t{0};
// Flags of the recorded call that its re-execution keeps; all others were about finding or filling the place.
constexpr std::uint32_t kept_flags = MAP_NORESERVE | MAP_GROWSDOWN | MAP_STACK;

class Placer {
 public:
  Placer(RemoteCalls& calls, const Mapping& mapping) : calls_(calls), mapping_(mapping) {}

  void anonymous(std::uint64_t start, std::uint64_t end) const {
    const std::uint64_t flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | (mapping_.flags & kept_flags);
    calls_.must("mmap for the replay", SYS_mmap, {start, end - start, mapping_.protection, flags, no_fd, 0});
  }

  void from_arena(std::uint64_t start, std::uint64_t end, std::uint64_t offset, int sharing) const {
    const std::uint64_t flags =
        static_cast<std::uint64_t>(sharing) | MAP_FIXED | (mapping_.flags & MAP_NORESERVE);
    calls_.must("mmap for the replay", SYS_mmap,
                {start, end - start, mapping_.protection, flags, Arena::tracee_fd, offset});
  }

 private:
  RemoteCalls& calls_;
  const Mapping& mapping_;
};

void place_shared(Replayer& replayer, const Placer& placer, const Mapping& mapping) {
  const std::uint64_t length = mapping.end.address() - mapping.start.address();
  const std::uint64_t at =
      replayer.arena().place_shared(mapping.shared_object, mapping.content, mapping.offset, length);
  std::uint64_t shown = length;
  if (mapping.content && (mapping.flags & MAP_ANONYMOUS) == 0) {
    shown = std::min(length, replayer.arena().mappable(*mapping.content, mapping.offset));
  }
  const std::uint64_t middle = mapping.start.address() + shown;
  if (shown != 0) placer.from_arena(mapping.start.address(), middle, at, MAP_SHARED);
  if (shown != length) placer.from_arena(middle, mapping.end.address(), Arena::beyond_end(), MAP_SHARED);
}

void place_content(Replayer& replayer, const Placer& placer, const Mapping& mapping) {
  const std::uint64_t length = mapping.end.address() - mapping.start.address();
  const std::uint64_t at = replayer.arena().place(*mapping.content, mapping.offset, length);
  const std::uint64_t shown = std::min(length, replayer.arena().mappable(*mapping.content, mapping.offset));
  const std::uint64_t middle = mapping.start.address() + shown;
  if (shown != 0) placer.from_arena(mapping.start.address(), middle, at, MAP_PRIVATE);
  if (shown != length) placer.from_arena(middle, mapping.end.address(), Arena::beyond_end(), MAP_PRIVATE);
}

void replay_brk(const ReplayTask& task, const Event& event) {
  const auto now = static_cast<std::uint64_t>(event.result);
  const std::uint64_t before = page_up(task.space->heap_end);
  const std::uint64_t after = page_up(now);
  task.space->heap_end = now;
  if (after == before) return;
  const Stopped stopped = task.stopped();
  RemoteCalls calls(stopped, agent_area::syscall_instruction);
  if (after > before) {
    calls.must(
        "mmap of the heap", SYS_mmap,
        {before, after - before, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, no_fd, 0});
  } else {
    calls.must("munmap of the heap", SYS_munmap, {after, before - after});
  }
}

void replay_mremap(const ReplayTask& task, const Event& event) {
  const auto to = static_cast<std::uint64_t>(event.result);
  const bool moved = to != event.args[0];
  const std::uint64_t keep = event.args[3] & MREMAP_DONTUNMAP;
  const std::uint64_t flags = moved ? keep | MREMAP_MAYMOVE | MREMAP_FIXED : 0;
  const Stopped stopped = task.stopped();
  RemoteCalls calls(stopped, agent_area::syscall_instruction);
  calls.must("mremap for the replay", SYS_mremap, {event.args[0], event.args[1], event.args[2], flags, to});
}

// Advice that changes what the memory holds; all other advice is about speed.
void replay_madvise(const ReplayTask& task, const Event& event) {
  std::uint64_t advice = event.args[2];
  if (advice == MADV_FREE) advice = MADV_DONTNEED;  // as it was recorded
  switch (advice) {
    case MADV_DONTNEED:
    case MADV_REMOVE:
    case MADV_DONTFORK:
    case MADV_DOFORK:
    case MADV_WIPEONFORK:
    case MADV_KEEPONFORK:
      break;
    default:
      return;
  }
  const Stopped stopped = task.stopped();
  RemoteCalls calls(stopped, agent_area::syscall_instruction);
  calls.must("madvise for the replay", SYS_madvise, {event.args[0], event.args[1], advice});
}

// struct rlimit begins with the soft limit.
void replay_limit(const ReplayTask& task, std::uint64_t resource, std::uint64_t new_limit) {
  if (resource != RLIMIT_STACK) return;
  if (const auto soft = task.memory().read(RemotePtr<std::uint64_t>(new_limit))) limit_stack(task, *soft);
}

}  // namespace

void place_mapping(Replayer& replayer, const ReplayTask& task, const Mapping& mapping) {
  const Stopped stopped = task.stopped();
  RemoteCalls calls(stopped, agent_area::syscall_instruction);
  const Placer placer(calls, mapping);
  if (mapping.shared_object != 0) {
    place_shared(replayer, placer, mapping);
  } else if (mapping.content) {
    place_content(replayer, placer, mapping);
  } else {
    placer.anonymous(mapping.start.address(), mapping.end.address());
  }
}

void replay(ReplayTask& task, const Event& event, syscalls::Special special, Registers* registers) {
  using syscalls::Special;
  if (special == Special::brk) {
    replay_brk(task, event);
  } else if (special == Special::mremap) {
    replay_mremap(task, event);
  } else if (special == Special::madvise) {
    replay_madvise(task, event);
  } else if (special == Special::arch_prctl) {
    constexpr std::uint64_t set_gs = 0x1001, set_fs = 0x1002;  // asm/prctl.h
    if (event.args[0] == set_fs) registers->fs_base = event.args[1];
    if (event.args[0] == set_gs) registers->gs_base = event.args[1];
  } else if (special == Special::setrlimit) {
    replay_limit(task, event.args[0], event.args[1]);
  } else if (special == Special::prlimit64 && event.args[2] != 0) {
    const auto pid = static_cast<std::int32_t>(event.args[0]);
    if (pid == 0 || pid == task.pid.value()) replay_limit(task, event.args[1], event.args[2]);
  }
}

}  // namespace rec::special

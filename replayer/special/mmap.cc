#include <asm/prctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>

#include "format/base/error.h"
#include "format/syscalls/table.h"
#include "replayer/divergence.h"
#include "replayer/special/special.h"
#include "tracee/agent_area.h"
#include "tracee/remote_batch.h"
#include "tracee/remote_call.h"

namespace rec::special {
namespace {

constexpr std::uint64_t no_fd = ~std::uint64_t{0};
// Flags of the recorded call that its re-execution keeps; all others were about finding or filling the place.
constexpr std::uint32_t kept_flags = MAP_NORESERVE | MAP_GROWSDOWN | MAP_STACK;

// The calls that put one mapping in place.
class Placer {
 public:
  Placer(RemoteBatch& batch, const Mapping& mapping) : batch_(batch), mapping_(mapping) {}

  void anonymous(std::uint64_t start, std::uint64_t end) const {
    const std::uint64_t flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | (mapping_.flags & kept_flags);
    batch_.add(SYS_mmap, {start, end - start, mapping_.protection, flags, no_fd, 0});
  }

  void from_arena(std::uint64_t start, std::uint64_t end, std::uint64_t offset, int sharing) const {
    const std::uint64_t flags =
        static_cast<std::uint64_t>(sharing) | MAP_FIXED | (mapping_.flags & MAP_NORESERVE);
    batch_.add(SYS_mmap, {start, end - start, mapping_.protection, flags, Arena::tracee_fd, offset});
  }

 private:
  RemoteBatch& batch_;
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
  if (shown == length) return;
  // What the file had there before it was cut off is gone: when it grows again, there are zeros.
  replayer.arena().clear(at + shown, length - shown);
  placer.from_arena(middle, mapping.end.address(), Arena::beyond_end(), MAP_SHARED);
}

void place_content(Replayer& replayer, const Placer& placer, const Mapping& mapping) {
  const std::uint64_t length = mapping.end.address() - mapping.start.address();
  const std::uint64_t at = replayer.arena().place(*mapping.content, mapping.offset, length);
  const std::uint64_t shown = std::min(length, replayer.arena().mappable(*mapping.content, mapping.offset));
  const std::uint64_t middle = mapping.start.address() + shown;
  if (shown != 0) placer.from_arena(mapping.start.address(), middle, at, MAP_PRIVATE);
  if (shown != length) placer.from_arena(middle, mapping.end.address(), Arena::beyond_end(), MAP_PRIVATE);
}

agent::RemadeCall remade_brk(AddressSpace& space, const Event& event) {
  const auto now = static_cast<std::uint64_t>(event.result);
  const std::uint64_t before = page_up(space.heap_end);
  const std::uint64_t after = page_up(now);
  space.heap_end = now;
  if (after < before) return {SYS_munmap, {after, before - after}, 0};
  constexpr std::uint64_t flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  return {SYS_mmap,
          {before, after - before, PROT_READ | PROT_WRITE, flags, no_fd, 0},
          static_cast<std::int64_t>(before)};
}

// Of private memory without a file.
agent::RemadeCall remade_mmap(const Event& event) {
  const std::uint64_t flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | (event.args[3] & kept_flags);
  const auto start = static_cast<std::uint64_t>(event.result);
  return {SYS_mmap, {start, event.args[1], event.args[2], flags, no_fd, 0}, event.result};
}

agent::RemadeCall remade_mremap(const Event& event) {
  const auto to = static_cast<std::uint64_t>(event.result);
  const bool moved = to != event.args[0];
  const std::uint64_t keep = event.args[3] & MREMAP_DONTUNMAP;
  const std::uint64_t flags = moved ? keep | MREMAP_MAYMOVE | MREMAP_FIXED : 0;
  return {SYS_mremap, {event.args[0], event.args[1], event.args[2], flags, to}, event.result};
}

// Advice that changes what the memory holds; all other advice is about speed.
bool is_advice_to_remake(std::uint64_t advice) {
  switch (advice) {
    case MADV_DONTNEED:
    case MADV_REMOVE:
    case MADV_DONTFORK:
    case MADV_DOFORK:
    case MADV_WIPEONFORK:
    case MADV_KEEPONFORK:
      return true;
    default:
      return false;
  }
}

// struct rlimit begins with the soft limit.
void replay_limit(const ReplayTask& task, std::uint64_t resource, std::uint64_t new_limit) {
  if (resource != RLIMIT_STACK) return;
  if (const auto soft = task.memory().read(RemotePtr<std::uint64_t>(new_limit))) limit_stack(task, *soft);
}

}  // namespace

void place_mappings(Replayer& replayer, const ReplayTask& task, std::span<const Mapping> mappings) {
  constexpr std::size_t at_once = 128;  // each two calls at most
  while (!mappings.empty()) {
    const auto some = mappings.first(std::min(mappings.size(), at_once));
    RemoteBatch batch;
    for (const Mapping& mapping : some) {
      const Placer placer(batch, mapping);
      if (mapping.shared_object != 0) {
        place_shared(replayer, placer, mapping);
      } else if (mapping.content) {
        place_content(replayer, placer, mapping);
      } else {
        placer.anonymous(mapping.start.address(), mapping.end.address());
      }
    }
    replayer.must_make("mmap for the replay", task, batch);
    mappings = mappings.subspan(some.size());
  }
}

std::optional<agent::RemadeCall> remade_call(AddressSpace& space, const Event& event) {
  using syscalls::Special;
  const syscalls::Syscall* entry = syscalls::find(event.nr);
  const bool failed = is_error(event.result);
  if (entry == nullptr || failed) return std::nullopt;
  const syscalls::Variant* variant = syscalls::select_variant(*entry, event.args);
  if (variant == nullptr && entry->replay == syscalls::Replay::emulate) return std::nullopt;
  const syscalls::Policy policy = syscalls::policy(*entry, event.args);
  const auto& a = event.args;
  if (policy.replay == syscalls::Replay::execute) {
    const auto nr = static_cast<std::uint64_t>(event.nr);
    return agent::RemadeCall{nr, {a[0], a[1], a[2], a[3], a[4], a[5]}, event.result};
  }
  if (policy.special == Special::brk) {
    const bool is_moved = page_up(space.heap_end) != page_up(static_cast<std::uint64_t>(event.result));
    const agent::RemadeCall call = remade_brk(space, event);
    return is_moved ? std::optional(call) : std::nullopt;
  }
  if (policy.special == Special::mmap && (a[3] & MAP_ANONYMOUS) != 0) return remade_mmap(event);
  if (policy.special == Special::mremap) return remade_mremap(event);
  if (policy.special == Special::madvise) {
    const std::uint64_t advice = a[2] == MADV_FREE ? MADV_DONTNEED : a[2];  // as it was recorded
    if (!is_advice_to_remake(advice)) return std::nullopt;
    return agent::RemadeCall{SYS_madvise, {a[0], a[1], advice}, 0};
  }
  if (policy.special == Special::io_destroy) return remade_aio_destroy(space, event);
  if (policy.special == Special::arch_prctl && a[0] == ARCH_SET_FS)
    return agent::RemadeCall{SYS_arch_prctl, {a[0], a[1]}, 0};
  return std::nullopt;
}

void make_again(const ReplayTask& task, const Event& event, const agent::RemadeCall& call) {
  const Stopped stopped = task.stopped();
  std::int64_t result = 0;
  {
    RemoteCalls calls(stopped, agent_area::syscall_instruction);
    const auto& a = call.args;
    result = calls.call(static_cast<std::int64_t>(call.nr), {a[0], a[1], a[2], a[3], a[4], a[5]});
  }
  if (result != call.result) {
    diverge(event, task, fmt::format("making the call again gives {}", call.result),
            fmt::format("it gave {}", result));
  }
}

void replay(ReplayTask& task, const Event& event, syscalls::Special special, Registers* registers) {
  using syscalls::Special;
  if (special == Special::arch_prctl) {
    if (event.args[0] == ARCH_SET_FS) registers->fs_base = event.args[1];
    if (event.args[0] == ARCH_SET_GS) registers->gs_base = event.args[1];
  } else if (special == Special::setrlimit) {
    replay_limit(task, event.args[0], event.args[1]);
  } else if (special == Special::prlimit64 && event.args[2] != 0) {
    const auto pid = static_cast<std::int32_t>(event.args[0]);
    if (pid == 0 || pid == task.pid.value()) replay_limit(task, event.args[1], event.args[2]);
  } else if (special == Special::io_setup) {
    replay_aio_setup(*task.space, event);
  } else if (special != Special::mmap || event.extra == nullptr) {
    // (A traced mmap says itself what it mapped.)
    if (const auto call = remade_call(*task.space, event)) make_again(task, event, *call);
  }
}

}  // namespace rec::special

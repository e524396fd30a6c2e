#include "tracee/debug_registers.h"

#include <sys/ptrace.h>
#include <sys/user.h>

#include <cerrno>
#include <cstddef>

#include "format/base/error.h"

namespace rec {
namespace {

// Debug register 7 (Intel SDM, volume 3, 19.2.4): bits 0 and 2 switch registers 0 and 1 on; bits 16 to 19 of
// register 0: execution; bits 20 to 23 of register 1: writes (1) of 8 bytes (2).
constexpr std::uint64_t breakpoint_on = 1;
constexpr std::uint64_t watch_on = 1 << 2 | 1 << 20 | 2 << 22;
constexpr std::uint64_t status_breakpoint = 1;
constexpr std::uint64_t status_watch = 2;

std::uint64_t place_of(unsigned number) {
  return offsetof(user, u_debugreg) + number * sizeof(std::uint64_t);
}

bool poke(const Stopped& task, unsigned number, std::uint64_t value) {
  if (::ptrace(PTRACE_POKEUSER, task.tid().value(), place_of(number), value) == 0) return true;
  if (errno == ESRCH) throw TaskGone{task.tid()};
  return false;
}

std::uint64_t peek(const Stopped& task, unsigned number) {
  errno = 0;
  const long value = ::ptrace(PTRACE_PEEKUSER, task.tid().value(), place_of(number), 0);
  if (errno == ESRCH) throw TaskGone{task.tid()};
  if (errno != 0) fail_with_errno(fmt::format("debug register {} of task {}", number, task.tid()));
  return static_cast<std::uint64_t>(value);
}

bool switch_on(const Stopped& task, unsigned number, std::uint64_t address, std::uint64_t bits) {
  const std::uint64_t control = peek(task, 7);
  if ((control & bits) == bits && peek(task, number) == address) return true;
  return poke(task, number, address) && poke(task, 7, control | bits);
}

void switch_off(const Stopped& task, std::uint64_t bits) {
  const std::uint64_t control = peek(task, 7);
  if ((control & bits) != 0 && !poke(task, 7, control & ~bits))
    fail_with_errno(fmt::format("debug registers of task {}", task.tid()));
}

}  // namespace

bool set_breakpoint(const Stopped& task, std::uint64_t address) {
  return switch_on(task, 0, address, breakpoint_on);
}

void clear_breakpoint(const Stopped& task) { switch_off(task, breakpoint_on); }

bool watch_writes(const Stopped& task, std::uint64_t address) {
  return switch_on(task, 1, address, watch_on);
}

void stop_watching(const Stopped& task) { switch_off(task, watch_on); }

DebugEvent take_debug_event(const Stopped& task) {
  const std::uint64_t status = peek(task, 6);
  (void)poke(task, 6, 0);
  return {(status & status_breakpoint) != 0, (status & status_watch) != 0};
}

}  // namespace rec

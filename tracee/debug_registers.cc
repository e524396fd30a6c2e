#include "tracee/debug_registers.h"

#include <sys/ptrace.h>
#include <sys/user.h>

#include <cerrno>
#include <cstddef>

#include "format/base/error.h"

namespace rec {
namespace {

// Debug register 7 (Intel SDM, volume 3, 19.2.4): bit 2n switches register n on; four bits from 16 + 4n on
// say for what: 0 for execution; 1 for writes, and 2 in the upper two for 8 bytes.
constexpr unsigned breakpoint = 3;
constexpr unsigned watch = 2;
constexpr unsigned control = 7;
constexpr std::uint64_t breakpoint_on = 1 << 2 * breakpoint;
constexpr std::uint64_t watch_on = 1 << 2 * watch | (1 | 2 << 2) << (16 + 4 * watch);
constexpr std::uint64_t status_breakpoint = 1 << breakpoint;
constexpr std::uint64_t status_watch = 1 << watch;

std::uint64_t place_of(unsigned number) {
  return offsetof(user, u_debugreg) + number * sizeof(std::uint64_t);
}

bool poke(const Stopped& task, unsigned number, std::uint64_t value) {
  const void* const data = reinterpret_cast<const void*>(value);
  if (request_ptrace(PTRACE_POKEUSER, task.tid(), place_of(number), data) == 0) return true;
  if (errno == ESRCH) throw TaskGone{task.tid()};
  return false;
}

std::uint64_t peek(const Stopped& task, unsigned number) {
  const long value = request_ptrace(PTRACE_PEEKUSER, task.tid(), place_of(number), nullptr);
  if (errno == ESRCH) throw TaskGone{task.tid()};
  if (errno != 0) fail_with_errno(fmt::format("debug register {} of task {}", number, task.tid()));
  return static_cast<std::uint64_t>(value);
}

bool switch_on(const Stopped& task, unsigned number, std::uint64_t address, std::uint64_t bits) {
  const std::uint64_t now = peek(task, control);
  if ((now & bits) == bits && peek(task, number) == address) return true;
  return poke(task, number, address) && poke(task, control, now | bits);
}

void switch_off(const Stopped& task, std::uint64_t bits) {
  const std::uint64_t now = peek(task, control);
  if ((now & bits) != 0 && !poke(task, control, now & ~bits))
    fail_with_errno(fmt::format("debug registers of task {}", task.tid()));
}

}  // namespace

bool set_breakpoint(const Stopped& task, std::uint64_t address) {
  return switch_on(task, breakpoint, address, breakpoint_on);
}

void clear_breakpoint(const Stopped& task) { switch_off(task, breakpoint_on); }

bool watch_writes(const Stopped& task, std::uint64_t address) {
  return switch_on(task, watch, address, watch_on);
}

void stop_watching(const Stopped& task) { switch_off(task, watch_on); }

DebugEvent take_debug_event(const Stopped& task) {
  const std::uint64_t status = peek(task, 6);
  (void)poke(task, 6, 0);
  return {(status & status_breakpoint) != 0, (status & status_watch) != 0};
}

bool is_debug_register(std::uint64_t place) {
  return place >= place_of(0) && place < place_of(0) + sizeof(user::u_debugreg);
}

bool write_debug_register(const Stopped& task, std::uint64_t place, std::uint64_t value) {
  return poke(task, static_cast<unsigned>((place - place_of(0)) / sizeof(std::uint64_t)), value);
}

}  // namespace rec

#include "tracee/stopped.h"

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "format/base/error.h"
#include "tracee/tracer.h"

namespace rec {
namespace {

static_assert(sizeof(Registers) == sizeof(user_regs_struct));

long request(int number, Tid tid, std::uint64_t address, const void* data, const char* name) {
  const long result = request_ptrace(number, tid, address, data);
  if (result == -1 && errno == ESRCH) throw TaskGone{tid};
  if (result == -1 && errno != 0) fail_with_errno(fmt::format("ptrace({}) of task {}", name, tid));
  return result;
}

long request(int number, Tid tid, std::uint64_t address, std::uint64_t data, const char* name) {
  return request(number, tid, address, reinterpret_cast<const void*>(data), name);
}

}  // namespace

// The glibc prototype takes an enum and varargs; requests newer than its enum exist, so pass numbers.
long request_ptrace(int number, Tid tid, std::uint64_t address, const void* data) {
  long result = 0;
  in_tracer_of(tid, [&] {
    errno = 0;  // what PTRACE_PEEKDATA and its like read may be -1 (ptrace(2), RETURN VALUE)
    result = ::ptrace(static_cast<__ptrace_request>(number), tid.value(), address, data);
  });
  return result;
}

WaitStatus wait_until_stopped(Tid tid) {
  for (;;) {
    if (const auto result = wait_for(tid, WaitMode::block)) return result->status;
    if (errno == ECHILD) throw TaskGone{tid};
  }
}

void Running::interrupt() const {
  if (request_ptrace(PTRACE_INTERRUPT, tid_, 0, nullptr) == -1 && errno != ESRCH) {
    fail_with_errno(fmt::format("ptrace(INTERRUPT) of task {}", tid_));
  }
}

Registers Stopped::registers() const {
  Registers registers;
  request(PTRACE_GETREGS, tid_, 0, &registers, "GETREGS");
  return registers;
}

void Stopped::set_registers(const Registers& registers) const {
  if (request_ptrace(PTRACE_SETREGS, tid_, 0, &registers) == 0) return;
  if (errno == ESRCH) throw TaskGone{tid_};
  if (errno != EIO) fail_with_errno(fmt::format("ptrace(SETREGS) of task {}", tid_));
  // One has a value that the task can give it and ptrace cannot: an fs base in the kernel's half, a null
  // selector with a privilege level (arch/x86/kernel/ptrace.c, putreg). It has it already; all others are
  // set.
  std::array<std::uint64_t, sizeof(Registers) / sizeof(std::uint64_t)> words{};
  std::memcpy(words.data(), &registers, sizeof registers);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::uint64_t at = i * sizeof(std::uint64_t);
    if (static_cast<std::uint64_t>(request(PTRACE_PEEKUSER, tid_, at, nullptr, "PEEKUSER")) != words.at(i))
      request(PTRACE_POKEUSER, tid_, at, words.at(i), "POKEUSER");
  }
}

std::vector<std::byte> Stopped::xstate() const {
  // 16 KiB holds every XSAVE area there is (AMX tiles take 8 KiB of it).
  std::vector<std::byte> state(16384);
  iovec area{state.data(), state.size()};
  request(PTRACE_GETREGSET, tid_, NT_X86_XSTATE, &area, "GETREGSET NT_X86_XSTATE");
  state.resize(area.iov_len);
  return state;
}

void Stopped::set_xstate(const std::vector<std::byte>& state) const {
  iovec area{const_cast<std::byte*>(state.data()), state.size()};
  request(PTRACE_SETREGSET, tid_, NT_X86_XSTATE, &area, "SETREGSET NT_X86_XSTATE");
}

siginfo_t Stopped::siginfo() const {
  siginfo_t info;
  request(PTRACE_GETSIGINFO, tid_, 0, &info, "GETSIGINFO");
  // The stop that was seen is over: a SIGKILL has brought the task to the next one, which answers, too, and
  // which waitpid(2) will tell of.
  if (info.si_signo == SIGTRAP && info.si_code == (SIGTRAP | PTRACE_EVENT_EXIT << 8)) throw TaskGone{tid_};
  return info;
}

void Stopped::set_siginfo(const siginfo_t& info) const {
  request(PTRACE_SETSIGINFO, tid_, 0, &info, "SETSIGINFO");
}

std::uint64_t Stopped::signal_mask() const {
  std::uint64_t mask = 0;
  request(PTRACE_GETSIGMASK, tid_, sizeof mask, &mask, "GETSIGMASK");
  return mask;
}

void Stopped::set_signal_mask(std::uint64_t mask) const {
  request(PTRACE_SETSIGMASK, tid_, sizeof mask, &mask, "SETSIGMASK");
}

namespace {

// Whether `is_wanted` holds for one of the signals that are pending for the task or, with
// PTRACE_PEEKSIGINFO_SHARED, for its process.
template <class IsWanted>
bool any_pending(Tid tid, std::uint32_t flags, const IsWanted& is_wanted) {
  for (std::uint64_t at = 0;; ++at) {
    siginfo_t info{};
    const __ptrace_peeksiginfo_args one{at, flags, 1};
    const long got =
        request(PTRACE_PEEKSIGINFO, tid, reinterpret_cast<std::uint64_t>(&one), &info, "PEEKSIGINFO");
    if (got != 1) return false;
    if (is_wanted(info)) return true;
  }
}

}  // namespace

bool Stopped::has_pending_signal() const {
  const std::uint64_t mask = signal_mask();
  const auto is_deliverable = [&](const siginfo_t& info) { return (mask >> (info.si_signo - 1) & 1) == 0; };
  return any_pending(tid_, 0, is_deliverable) || any_pending(tid_, PTRACE_PEEKSIGINFO_SHARED, is_deliverable);
}

bool Stopped::has_pending_trap() const {
  return any_pending(tid_, 0,
                     [](const siginfo_t& info) { return info.si_signo == SIGTRAP && info.si_code > 0; });
}

std::uint64_t Stopped::event_message() const {
  unsigned long message = 0;
  request(PTRACE_GETEVENTMSG, tid_, 0, &message, "GETEVENTMSG");
  return message;
}

__ptrace_syscall_info Stopped::syscall_info() const {
  __ptrace_syscall_info info{};
  request(PTRACE_GET_SYSCALL_INFO, tid_, sizeof info, &info, "GET_SYSCALL_INFO");
  return info;
}

__ptrace_syscall_info Stopped::call_info() const {
  const __ptrace_syscall_info info = syscall_info();
  if (info.op == PTRACE_SYSCALL_INFO_NONE) throw TaskGone{tid_};  // as in siginfo()
  return info;
}

void Stopped::poke(RemotePtr<> address, std::uint64_t word) const {
  request(PTRACE_POKEDATA, tid_, address.address(), word, "POKEDATA");
}

std::uint64_t Stopped::peek(RemotePtr<> address) const {
  return static_cast<std::uint64_t>(request(PTRACE_PEEKDATA, tid_, address.address(), nullptr, "PEEKDATA"));
}

Running Stopped::resume(Resume how, int signal) && {
  static constexpr std::array<int, 5> requests{PTRACE_CONT, PTRACE_SYSCALL, PTRACE_SYSEMU, PTRACE_SINGLESTEP,
                                               PTRACE_LISTEN};
  request(requests[static_cast<std::size_t>(how)], tid_, 0, static_cast<std::uint64_t>(signal), "resume");
  return Running(tid_);
}

void Stopped::set_options(std::uint64_t options) const {
  request(PTRACE_SETOPTIONS, tid_, 0, options, "SETOPTIONS");
}

void seize(Tid tid, std::uint64_t options) { request(PTRACE_SEIZE, tid, 0, options, "SEIZE"); }

}  // namespace rec

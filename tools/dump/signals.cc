#include "tools/dump/signals.h"

#include <sys/wait.h>

#include <array>
#include <bit>
#include <span>
#include <string_view>

#include "format/syscalls/flags.h"
#include "tools/dump/errors.h"
#include "tools/dump/values.h"

namespace rec::dump {
namespace {

using syscalls::FlagSet;

constexpr int first_real_time = 32;  // the kernel's SIGRTMIN (asm/signal.h); libc's is above those it keeps
constexpr int signal_count = 64;

// "TERM", "RTMIN", "RT_1".
void put_short_name(Text& out, int number) {
  const std::string_view name = syscalls::name_of(FlagSet::signals, static_cast<std::uint64_t>(number));
  if (!name.empty()) return put(out, name.substr(3));
  if (number == first_real_time) return put(out, "RTMIN");
  put(out, "RT_");
  put_decimal(out, number - first_real_time);
}

// The positive si_code values, which mean something else for each signal; index 0 is code 1
// (asm-generic/siginfo.h).
std::span<const std::string_view> codes_of(int signal) {
  static constexpr std::array<std::string_view, 9> ill = {"ILL_ILLOPC", "ILL_ILLOPN", "ILL_ILLADR",
                                                          "ILL_ILLTRP", "ILL_PRVOPC", "ILL_PRVREG",
                                                          "ILL_COPROC", "ILL_BADSTK", "ILL_BADIADDR"};
  static constexpr std::array<std::string_view, 8> fpe = {"FPE_INTDIV", "FPE_INTOVF", "FPE_FLTDIV",
                                                          "FPE_FLTOVF", "FPE_FLTUND", "FPE_FLTRES",
                                                          "FPE_FLTINV", "FPE_FLTSUB"};
  static constexpr std::array<std::string_view, 4> segv = {"SEGV_MAPERR", "SEGV_ACCERR", "SEGV_BNDERR",
                                                           "SEGV_PKUERR"};
  static constexpr std::array<std::string_view, 5> bus = {"BUS_ADRALN", "BUS_ADRERR", "BUS_OBJERR",
                                                          "BUS_MCEERR_AR", "BUS_MCEERR_AO"};
  static constexpr std::array<std::string_view, 6> trap = {"TRAP_BRKPT",  "TRAP_TRACE", "TRAP_BRANCH",
                                                           "TRAP_HWBKPT", "TRAP_UNK",   "TRAP_PERF"};
  static constexpr std::array<std::string_view, 6> child = {"CLD_EXITED",  "CLD_KILLED",  "CLD_DUMPED",
                                                            "CLD_TRAPPED", "CLD_STOPPED", "CLD_CONTINUED"};
  static constexpr std::array<std::string_view, 6> poll = {"POLL_IN",  "POLL_OUT", "POLL_MSG",
                                                           "POLL_ERR", "POLL_PRI", "POLL_HUP"};
  static constexpr std::array<std::string_view, 2> sys = {"SYS_SECCOMP", "SYS_USER_DISPATCH"};
  switch (signal) {
    case SIGILL:
      return ill;
    case SIGFPE:
      return fpe;
    case SIGSEGV:
      return segv;
    case SIGBUS:
      return bus;
    case SIGTRAP:
      return trap;
    case SIGCHLD:
      return child;
    case SIGPOLL:
      return poll;
    case SIGSYS:
      return sys;
    default:
      return {};
  }
}

void put_code(Text& out, const siginfo_t& info) {
  const std::span<const std::string_view> codes = codes_of(info.si_signo);
  if (info.si_code > 0 && static_cast<std::size_t>(info.si_code) <= codes.size()) {
    return put_named(out, codes[static_cast<std::size_t>(info.si_code) - 1],
                     [&] { put_decimal(out, info.si_code); });
  }
  const std::string_view name =
      syscalls::name_of(FlagSet::siginfo_codes, static_cast<std::uint64_t>(std::int64_t{info.si_code}));
  put_named(out, name, [&] { put_decimal(out, info.si_code); });
}

void put_sender(Braces& fields, const siginfo_t& info) {
  put_task(fields.field("si_pid"), info.si_pid);
  put_decimal(fields.field("si_uid"), info.si_uid);
}

void put_value(Braces& fields, const siginfo_t& info) {
  put_decimal(fields.field("si_int"), info.si_value.sival_int);
  put_pointer(fields.field("si_ptr"), reinterpret_cast<std::uintptr_t>(info.si_value.sival_ptr));
}

void put_child(Braces& fields, const siginfo_t& info) {
  put_sender(fields, info);
  Text& out = fields.field("si_status");
  if (info.si_code == CLD_EXITED) {
    put_decimal(out, info.si_status);
  } else {
    put_signal(out, info.si_status);
  }
  put_ticks(fields.field("si_utime"), info.si_utime);
  put_ticks(fields.field("si_stime"), info.si_stime);
}

// What the kernel itself has to say, by signal.
void put_details(Braces& fields, const siginfo_t& info) {
  switch (info.si_signo) {
    case SIGCHLD:
      return put_child(fields, info);
    case SIGILL:
    case SIGFPE:
    case SIGSEGV:
    case SIGBUS:
      return put_pointer(fields.field("si_addr"), reinterpret_cast<std::uintptr_t>(info.si_addr));
    case SIGPOLL:
      put_decimal(fields.field("si_band"), info.si_band);
      return put_decimal(fields.field("si_fd"), info.si_fd);
    case SIGSYS:
      put_pointer(fields.field("si_call_addr"), reinterpret_cast<std::uintptr_t>(info.si_call_addr));
      put_decimal(fields.field("si_syscall"), info.si_syscall);
      return put_hex(fields.field("si_arch"), info.si_arch);
    default:
      break;
  }
  if (info.si_pid != 0 || info.si_uid != 0) put_sender(fields, info);
  if (info.si_value.sival_ptr != nullptr) put_value(fields, info);
}

}  // namespace

void put_signal(Text& out, std::int64_t number) {
  if (number < 1 || number > signal_count) return put_decimal(out, number);
  Text name;
  put_signal_name(name, static_cast<int>(number));
  put_named(out, {name.data(), name.size()}, [&] { put_decimal(out, number); });
}

void put_signal_name(Text& out, int number) {
  if (number < 1 || number > signal_count) return put_decimal(out, number);
  put(out, "SIG");
  put_short_name(out, number);
}

void put_signal_set(Text& out, std::uint64_t bits) {
  const bool inverted = std::popcount(bits) >= signal_count * 2 / 3;
  if (inverted) {
    bits = ~bits;
    put(out, '~');
  }
  put(out, '[');
  for (bool first = true; bits != 0; bits &= bits - 1, first = false) {
    if (!first) put(out, ' ');
    put_short_name(out, std::countr_zero(bits) + 1);
  }
  put(out, ']');
}

void put_siginfo(Text& out, const siginfo_t& info) {
  Braces fields(out);
  if (info.si_signo == 0) return;
  put_signal(fields.field("si_signo"), info.si_signo);
  put_code(fields.field("si_code"), info);
  if (info.si_errno != 0) put_errno(fields.field("si_errno"), info.si_errno);
  switch (info.si_code) {
    case SI_USER:
    case SI_TKILL:
      return put_sender(fields, info);
    case SI_QUEUE:
    case SI_MESGQ:
      put_sender(fields, info);
      return put_value(fields, info);
    case SI_TIMER:
      put_hex(fields.field("si_timerid"), static_cast<std::uint32_t>(info.si_timerid));
      put_decimal(fields.field("si_overrun"), info.si_overrun);
      return put_value(fields, info);
    default:
      return put_details(fields, info);
  }
}

void put_wait_status(Text& out, std::int32_t status) {
  put(out, '{');
  if (WIFEXITED(status)) {
    put(out, "WIFEXITED(s) && WEXITSTATUS(s) == ");
    put_decimal(out, WEXITSTATUS(status));
  } else if (WIFSTOPPED(status)) {
    put(out, "WIFSTOPPED(s) && WSTOPSIG(s) == ");
    put_signal(out, WSTOPSIG(status));
  } else if (WIFSIGNALED(status)) {
    put(out, "WIFSIGNALED(s) && WTERMSIG(s) == ");
    put_signal(out, WTERMSIG(status));
    if (WCOREDUMP(status)) put(out, " && WCOREDUMP(s)");
  } else if (WIFCONTINUED(status)) {
    put(out, "WIFCONTINUED(s)");
  } else {
    put_hex(out, static_cast<std::uint32_t>(status));
  }
  put(out, '}');
}

}  // namespace rec::dump

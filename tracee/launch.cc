#include "tracee/launch.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "format/base/error.h"
#include "format/base/unique_fd.h"
#include "tracee/wait_status.h"

namespace rec {
namespace {

struct Pipe {
  UniqueFd read, write;
};

Pipe make_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) fail_with_errno("pipe2");
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

// What the child reports before it gives up. Only async-signal-safe calls from here to the exec.
struct ChildFailure {
  char step[16];
  int errno_value;
};

[[noreturn]] void child_fails(int report_fd, const char* step) {
  ChildFailure failure{};
  failure.errno_value = errno;
  for (std::size_t i = 0; i + 1 < sizeof failure.step && step[i] != 0; ++i) failure.step[i] = step[i];
  // Nothing can be done about a failing write here; the parent then reports the exit status alone.
  (void)!::write(report_fd, &failure, sizeof failure);
  ::_exit(127);
}

void restore_signals(const InheritedSignals& signals) {
  struct sigaction action {};
  for (int signal = 1; signal < 65; ++signal) {
    action.sa_handler = SIG_DFL;
    for (const int ignored : signals.ignored) {
      if (ignored == signal) action.sa_handler = SIG_IGN;
    }
    ::sigaction(signal, &action,
                nullptr);  // fails for SIGKILL, SIGSTOP and libc's own two: nothing to restore
  }
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &signals.mask, nullptr, sizeof signals.mask);
}

// False: it is refused.
bool install(const std::vector<sock_filter>& filter) {
  const sock_fprog program{static_cast<unsigned short>(filter.size()),
                           const_cast<sock_filter*>(filter.data())};
  // With CAP_SYS_ADMIN the filter needs no no_new_privs, and setuid programs keep working (seccomp(2)).
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0) return true;
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

bool stops_at_entries(const LaunchOptions& options) { return options.filter.empty() || options.under_filter; }

[[noreturn]] void child(const LaunchOptions& options, char* const* argv, int go_fd, int report_fd) {
  char go = 0;
  if (::read(go_fd, &go, 1) != 1) ::_exit(127);  // rec is gone or could not trace us
  restore_signals(options.signals);
  if (::prctl(PR_SET_TSC, PR_TSC_SIGSEGV) != 0) child_fails(report_fd, "PR_SET_TSC");
  if (stops_at_entries(options)) ::raise(SIGSTOP);  // rec looks at every call from here on
  if (!options.filter.empty() && !install(options.filter) && !options.under_filter) {
    child_fails(report_fd, "seccomp");
  }
  ::syscall(SYS_execve, options.executable.c_str(), argv, environ);
  child_fails(report_fd, "execve");
}

[[noreturn]] void report_child_failure(const Pipe& report, const WaitStatus& status) {
  ChildFailure failure{};
  if (::read(report.read.get(), &failure, sizeof failure) == static_cast<ssize_t>(sizeof failure)) {
    fail_with_errno(fmt::format("cannot set up the program's process ({})", failure.step),
                    failure.errno_value);
  }
  fail("cannot set up the program's process: it {}", describe(status));
}

// Up to its execve: seccomp(2) itself, and what comes before it, are not filtered.
Launched run_to_exec(Tid tid, const LaunchOptions& options, const Pipe& report) {
  const Resume how = stops_at_entries(options) ? Resume::syscall : Resume::cont;
  bool installing = false;
  bool filtered = !stops_at_entries(options);
  for (;;) {
    const auto result = wait_for(tid, WaitMode::block);
    if (!result) continue;
    if (is_end(result->status)) {
      report_child_failure(report, result->status);
    }
    Stopped task(tid);
    int signal = 0;
    if (const auto* stop = std::get_if<SignalStop>(&result->status)) {
      signal = stop->signal == SIGSTOP ? 0 : stop->signal;
    } else if (!std::holds_alternative<GroupStop>(result->status)) {
      // Entry and seccomp information begin alike (linux/ptrace.h).
      const auto info = task.syscall_info();
      const bool entry = info.op == PTRACE_SYSCALL_INFO_ENTRY || info.op == PTRACE_SYSCALL_INFO_SECCOMP;
      if (entry && info.entry.nr == SYS_execve) return {std::move(task), filtered};
      if (entry) installing = info.entry.nr == SYS_seccomp;
      if (!entry && installing && info.op == PTRACE_SYSCALL_INFO_EXIT) filtered = info.exit.rval == 0;
    }
    (void)std::move(task).resume(how, signal);
  }
}

}  // namespace

InheritedSignals InheritedSignals::capture() {
  InheritedSignals signals;
  if (::syscall(SYS_rt_sigprocmask, SIG_BLOCK, nullptr, &signals.mask, sizeof signals.mask) != 0) {
    fail_with_errno("rt_sigprocmask");
  }
  for (int signal = 1; signal < 65; ++signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN)
      signals.ignored.push_back(signal);
  }
  return signals;
}

Launched launch(const LaunchOptions& options) {
  std::vector<char*> argv;
  for (const std::string& argument : options.arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  Pipe go = make_pipe();
  Pipe report = make_pipe();
  const pid_t pid = ::fork();
  if (pid < 0) fail_with_errno("fork");
  if (pid == 0) child(options, argv.data(), go.read.get(), report.write.get());
  report.write.reset();
  try {
    seize(Tid(pid), options.ptrace_options);
  } catch (const Error& error) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    fail(
        "cannot trace the program ({}). In a container allow ptrace; with kernel.yama.ptrace_scope 2 or 3 "
        "ask the "
        "administrator, or run rec as root",
        errno_text(error.errno_value()));
  }
  if (::write(go.write.get(), "g", 1) != 1) fail_with_errno("write to the program's process");
  return run_to_exec(Tid(pid), options, report);
}

std::optional<std::string> find_executable(const std::string& program, int* error) {
  *error = ENOENT;
  const auto runnable = [&](const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
      if (errno == EACCES) *error = EACCES;
      return false;
    }
    if (S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0) return true;
    *error = EACCES;
    return false;
  };
  if (program.find('/') != std::string::npos) {
    return runnable(program) ? std::optional(program) : std::nullopt;
  }
  const char* variable = std::getenv("PATH");
  const std::string path = variable != nullptr ? variable : "/bin:/usr/bin";  // confstr(3) _CS_PATH
  for (std::size_t start = 0; start <= path.size() && !program.empty();) {
    const std::size_t end = std::min(path.find(':', start), path.size());
    const std::string directory = path.substr(start, end - start);
    const std::string candidate = (directory.empty() ? "." : directory) + "/" + program;
    if (runnable(candidate)) return candidate;
    start = end + 1;
  }
  return std::nullopt;
}

}  // namespace rec

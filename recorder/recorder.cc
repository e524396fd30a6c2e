#include "recorder/recorder.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cpuid.h>
#include <array>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fstream>
#include <utility>
#include <vector>

#include "format/base/error.h"
#include "recorder/session.h"
#include "tracee/filter.h"
#include "tracee/launch.h"
#include "tracee/this_processor.h"

namespace rec {
namespace {

std::string cpu_model() {
  std::array<unsigned, 12> words{};
  for (unsigned i = 0; i < 3; ++i) {
    unsigned* const at = words.data() + 4 * i;
    if (__get_cpuid(0x80000002 + i, at, at + 1, at + 2, at + 3) == 0) return "";
  }
  std::array<char, 49> name{};
  std::memcpy(name.data(), words.data(), 48);
  const std::string text = name.data();
  const std::size_t first = text.find_first_not_of(' ');
  const std::size_t last = text.find_last_not_of(' ');
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

// --- signals sent to rec itself ---

// The first process of the program, for the handlers below.
volatile std::sig_atomic_t program_pid = 0;

// A request to end that was sent to rec alone is meant for the program. What the terminal sends (SI_KERNEL)
// reaches the program by itself: both are in its foreground process group.
void forward(int signal, siginfo_t* info, void*) {
  if (info->si_code != SI_KERNEL && program_pid != 0) ::kill(static_cast<pid_t>(program_pid), signal);
}

void interrupt_wait(int) {}

void set_up_own_signals() {
  struct sigaction action {};
  action.sa_flags = SA_SIGINFO;
  action.sa_sigaction = forward;
  for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2})
    ::sigaction(signal, &action, nullptr);
  action = {};
  action.sa_handler = interrupt_wait;  // no SA_RESTART: the timer ends a waitpid, and so does another tracer
  ::sigaction(SIGALRM, &action, nullptr);
  ::sigaction(tracer_signal(), &action, nullptr);
  action.sa_handler = SIG_IGN;
  // The terminal's stop signals stop the program; rec has to go on to see it and to let it continue. A trace
  // that meets a limit is an error of write(2), not a reason to die.
  for (const int signal : {SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE, SIGXFSZ})
    ::sigaction(signal, &action, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::uint64_t cpu_time_of_children() {
  rusage usage{};
  if (::getrusage(RUSAGE_CHILDREN, &usage) != 0) return 0;
  const auto ns = [](const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(time.tv_usec) * 1'000;
  };
  return ns(usage.ru_utime) + ns(usage.ru_stime);
}

std::string working_directory() {
  std::array<char, 4096> path{};
  return ::getcwd(path.data(), path.size()) != nullptr ? path.data() : "";
}

}  // namespace

TraceHeader describe_recording(const RecordOptions& options) {
  TraceHeader header;
  header.rec_version = REC_VERSION;
  header.command = options.command;
  header.executable = options.executable;
  header.working_directory = working_directory();
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  header.start_realtime_ns =
      static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
  utsname system{};
  if (::uname(&system) == 0) {
    header.kernel = system.release;
    header.machine = system.nodename;
  }
  header.cpu_model = cpu_model();
  header.xstate_features = xstate_features();
  header.chaos_seed = options.chaos_seed;
  header.cpu_baseline = name_of(options.cpu_baseline);
  header.cpu_features = shown_features(options.cpu_baseline, this_processor);
  return header;
}

RecordResult record(const RecordOptions& options, TraceWriter& writer) {
  set_up_own_signals();
  Session session(options, writer);
  // Where another filter holds and the agent is not wanted, system-call stops serve as well.
  std::vector<sock_filter> filter;
  if (!options.under_filter) filter = make_filter();
  if (options.under_filter && options.agent) filter = make_filter(FilterStop::signal);
  Launched first = launch({.executable = options.executable,
                           .arguments = options.command,
                           .filter = std::move(filter),
                           .under_filter = options.under_filter,
                           .ptrace_options = trace_options,
                           .signals = options.signals});
  program_pid = first.task.tid().value();
  RecordResult result;
  result.wait_status = session.run(std::move(first));
  program_pid = 0;
  result.wall_ns = session.now_ns();
  result.program_cpu_ns = cpu_time_of_children();
  try {
    writer.finish({.duration_ns = result.wall_ns,
                   .wait_status = result.wait_status,
                   .tasks = session.task_count(),
                   .tracers = session.tracer_count()});
  } catch (const Error& error) {
    result.why_ended_early = error.what();
  }
  if (!result.why_ended_early) result.why_ended_early = writer.why_ended_early();
  result.events = writer.events_written();
  return result;
}

}  // namespace rec

#include "tools/doctor_probes.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#include <linux/seccomp.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>

#include "format/base/error.h"
#include "format/base/unique_fd.h"
#include "recorder/recorder.h"
#include "tracee/cpuid_faulting.h"
#include "tracee/filter.h"

namespace rec {
namespace {

constexpr std::uint64_t page_bytes = 4096;

// Runs `probe` in a child, which exits with what it returns. Answers with the child's wait status.
template <class Probe>
int in_child(const Probe& probe) {
  const pid_t child = ::fork();
  if (child < 0) fail_with_errno("fork");
  if (child == 0) {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::_exit(probe());
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

// A traced child, as the recorder has it: attached with PTRACE_SEIZE, its system calls described by the
// kernel.
int try_ptrace() {
  const pid_t child = ::fork();
  if (child < 0) fail_with_errno("fork");
  if (child == 0) {
    for (;;) ::pause();
  }
  int error = 0;
  if (::ptrace(PTRACE_SEIZE, child, nullptr, PTRACE_O_EXITKILL) != 0) {
    error = errno;
  } else if (::ptrace(PTRACE_INTERRUPT, child, nullptr, nullptr) != 0 ||
             ::waitpid(child, nullptr, __WALL) != child) {
    error = errno;
  } else {
    std::array<char, 128> info{};
    if (::ptrace(PTRACE_GET_SYSCALL_INFO, child, info.size(), info.data()) < 0) error = errno;
  }
  ::kill(child, SIGKILL);
  while (::waitpid(child, nullptr, __WALL) < 0 && errno == EINTR) {
  }
  return error;
}

int try_filter() {
  const std::vector<sock_filter> filter = make_filter();
  const int status = in_child([&] {
    const sock_fprog program{static_cast<unsigned short>(filter.size()),
                             const_cast<sock_filter*>(filter.data())};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) return errno;
    // From here on every call wants a tracer and gets ENOSYS without one, _exit(2) included: the way to tell
    // of success is to die.
    __builtin_trap();
  });
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGILL) return 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

std::optional<int> yama_scope() {
  std::ifstream file("/proc/sys/kernel/yama/ptrace_scope");
  int scope = 0;
  return file >> scope ? std::optional(scope) : std::nullopt;
}

bool try_counter_trap() {
  const int status = in_child([] {
    if (::prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0) != 0) return 1;
    return __rdtsc() != 0 ? 2 : 3;
  });
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

void try_userfaultfd(Machine& machine) {
  constexpr int user_mode_only = 1;                           // UFFD_USER_MODE_ONLY, Linux 5.11
  constexpr std::uint64_t wp_async = std::uint64_t{1} << 15;  // UFFD_FEATURE_WP_ASYNC, Linux 6.7
  const UniqueFd fd(static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | user_mode_only)));
  if (!fd.is_open()) {
    machine.userfaultfd_error = errno;
    return;
  }
  uffdio_api api{};
  api.api = UFFD_API;
  if (::ioctl(fd.get(), UFFDIO_API, &api) != 0) {
    machine.userfaultfd_error = errno;
    return;
  }
  machine.asynchronous_protection = (api.features & wp_async) != 0;
}

// include/uapi/linux/fs.h of Linux 6.7.
struct PagemapScan {
  std::uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages, category_inverted, category_mask,
      category_anyof_mask, return_mask;
};

bool try_pagemap_scan() {
  const UniqueFd file(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return false;
  std::array<std::uint64_t, 3> region{};
  constexpr std::uint64_t page_is_present = 1 << 3;
  const auto here = reinterpret_cast<std::uint64_t>(&region) & ~(page_bytes - 1);
  PagemapScan scan{};
  scan.size = sizeof scan;
  scan.start = here;
  scan.end = here + page_bytes;
  scan.vec = reinterpret_cast<std::uint64_t>(region.data());
  scan.vec_len = 1;
  scan.return_mask = page_is_present;
  return ::ioctl(file.get(), _IOWR('f', 16, PagemapScan), &scan) >= 0;
}

// Bit 55 of a page's entry tells that it was written since clear_refs
// (Documentation/admin-guide/mm/soft-dirty.rst).
bool is_soft_dirty(int pagemap, const void* page) {
  std::uint64_t entry = 0;
  const auto at = static_cast<off_t>(reinterpret_cast<std::uint64_t>(page) / page_bytes * sizeof entry);
  return ::pread(pagemap, &entry, sizeof entry, at) == sizeof entry && (entry >> 55 & 1) != 0;
}

int try_soft_dirty() {
  const UniqueFd pagemap(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  const UniqueFd clear(::open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC));
  void* const page = ::mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED || !pagemap.is_open() || !clear.is_open()) return 1;
  *static_cast<volatile char*>(page) = 1;
  if (::write(clear.get(), "4", 1) != 1 || is_soft_dirty(pagemap.get(), page)) return 1;
  *static_cast<volatile char*>(page) = 2;
  return is_soft_dirty(pagemap.get(), page) ? 0 : 1;
}

int try_performance_counter() {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.size = sizeof attributes;
  attributes.config = PERF_COUNT_HW_BRANCH_INSTRUCTIONS;
  attributes.exclude_kernel = 1;
  const UniqueFd fd(
      static_cast<int>(::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC)));
  return fd.is_open() ? 0 : errno;
}

// The directory itself, or what it would be created in.
void look_at_directory(Machine& machine) {
  std::string place = machine.directory;
  if (place.empty()) return;
  while (::access(place.c_str(), F_OK) != 0 && errno == ENOENT && place.size() > 1) {
    const std::size_t slash = place.find_last_of('/');
    if (slash == std::string::npos) {
      place = ".";
      break;
    }
    place.resize(slash == 0 ? 1 : slash);
  }
  if (::access(place.c_str(), W_OK | X_OK) != 0) machine.directory_error = errno;
  struct statvfs space {};
  if (::statvfs(place.c_str(), &space) == 0) machine.free_bytes = space.f_bavail * space.f_frsize;
}

}  // namespace

Machine examine_machine(const std::string& directory) {
  Machine machine;
  utsname system{};
  if (::uname(&system) == 0) machine.kernel = system.release;
  machine.ptrace_error = try_ptrace();
  machine.yama_scope = yama_scope();
  machine.filter_error = try_filter();
  machine.foreign_filter = under_foreign_filter();
  machine.counter_traps = try_counter_trap();
  machine.cpuid_faults = cpuid_can_fault();
  try_userfaultfd(machine);
  machine.pagemap_scan = try_pagemap_scan();
  machine.soft_dirty = in_child(try_soft_dirty) == 0;
  machine.performance_counter_error = try_performance_counter();
  machine.directory = directory;
  look_at_directory(machine);
  return machine;
}

}  // namespace rec

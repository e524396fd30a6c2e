#include "tests/fuzz/fake_kernel.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tracee/memory_hash.h"

namespace rec::fuzz {
namespace {

FakeKernel* the_kernel = nullptr;  // while one exists

constexpr std::uint64_t address_end = 0x7ffffffff000;
constexpr std::size_t most_pages = 1024;
constexpr std::size_t most_tasks = 64;
constexpr std::size_t xstate_size = 832;  // x87, SSE, AVX

int stopped(int signal, int event = 0) { return event << 16 | signal << 8 | 0x7f; }

}  // namespace

std::size_t FakeTask::copy(std::uint64_t address, std::span<std::byte> out) const {
  std::size_t done = 0;
  while (done < out.size() && address + done < address_end) {
    const std::uint64_t at = address + done;
    const std::size_t piece = std::min<std::size_t>(out.size() - done, 4096 - at % 4096);
    const auto page = memory->find(at / 4096);
    if (page == memory->end()) {
      std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(done), piece, std::byte{});
    } else {
      std::copy_n(page->second.begin() + at % 4096, piece, out.begin() + static_cast<std::ptrdiff_t>(done));
    }
    done += piece;
  }
  return done;
}

std::size_t FakeTask::write(std::uint64_t address, std::span<const std::byte> bytes) {
  std::size_t done = 0;
  while (done < bytes.size() && address + done < address_end && memory->size() < most_pages) {
    const std::uint64_t at = address + done;
    const std::size_t piece = std::min<std::size_t>(bytes.size() - done, 4096 - at % 4096);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(done), piece,
                (*memory)[at / 4096].begin() + at % 4096);
    done += piece;
  }
  return done;
}

void FakeTask::stop_by(int signal, int code) {
  info = {};
  info.si_signo = signal;
  info.si_code = code;
  statuses.push_back(stopped(signal));
}

void FakeTask::stop_at_call(std::int64_t nr, const std::array<std::uint64_t, 6>& args) {
  registers.orig_rax = static_cast<std::uint64_t>(nr);
  registers.set_arguments(args);
  statuses.push_back(stopped(SIGTRAP | 0x80));
}

FakeKernel::FakeKernel() { the_kernel = this; }
FakeKernel::~FakeKernel() { the_kernel = nullptr; }

FakeTask* FakeKernel::find(int pid) {
  const auto found = tasks_.find(pid);
  return found == tasks_.end() ? nullptr : &found->second;
}

FakeTask& FakeKernel::make_task(const FakeTask* parent, bool shares_memory) {
  FakeTask task;
  if (parent != nullptr) {
    task.registers = parent->registers;
    task.memory = shares_memory ? parent->memory : std::make_shared<FakeTask::Pages>(*parent->memory);
  }
  task.pid = next_pid_++;
  task.xstate.resize(xstate_size);
  return tasks_[task.pid] = std::move(task);
}

// The call that rec put into the task's registers.
void FakeKernel::make_call(FakeTask& task) {
  const auto args = task.registers.arguments();
  const bool is_map = task.registers.rax == SYS_mmap || task.registers.rax == SYS_mremap;
  if (task.registers.rax == SYS_clone && tasks_.size() < most_tasks) {
    const FakeTask& child = make_task(&task, (args[0] & CLONE_VM) != 0);
    find(child.pid)->statuses.push_back(stopped(SIGTRAP, PTRACE_EVENT_STOP));
    task.message = static_cast<std::uint64_t>(child.pid);
    task.statuses.push_back(stopped(SIGTRAP, PTRACE_EVENT_CLONE));
    task.result = child.pid;
  } else if (is_map && (args[0] % 4096 != 0 || args[1] == 0)) {
    task.result = -EINVAL;
  } else if (is_map && (args[0] >= address_end || args[1] > address_end - args[0])) {
    task.result = -ENOMEM;
  } else if (is_map) {
    const bool moves = task.registers.rax == SYS_mremap && args[4] != 0;
    task.result = static_cast<std::int64_t>(args[moves ? 4 : 0]);
  } else {
    task.result = task.registers.rax == SYS_clone ? -EAGAIN : other_result;
  }
}

namespace {

long fail_by(int reason) {
  errno = reason;
  return -1;
}

void resume_in_call(FakeTask& task) {
  if (!task.in_call) {
    task.in_call = true;
    task.statuses.push_back(stopped(SIGTRAP | 0x80));
    return;
  }
  if (task.message == 0) the_kernel->make_call(task);
  if (!task.statuses.empty()) return;  // a new task is reported first
  task.message = 0;
  task.in_call = false;
  task.statuses.push_back(stopped(SIGTRAP | 0x80));
}

long transfer_xstate(FakeTask& task, bool set, void* data) {
  auto& area = *static_cast<iovec*>(data);
  if (set && area.iov_len != task.xstate.size()) return fail_by(EFAULT);
  auto* bytes = static_cast<std::byte*>(area.iov_base);
  area.iov_len = std::min(area.iov_len, task.xstate.size());
  if (set) {
    std::copy_n(bytes, area.iov_len, task.xstate.begin());
  } else {
    std::copy_n(task.xstate.begin(), area.iov_len, bytes);
  }
  return 0;
}

long syscall_info(const FakeTask& task, void* data) {
  __ptrace_syscall_info info{};
  info.op = task.in_call ? PTRACE_SYSCALL_INFO_ENTRY : PTRACE_SYSCALL_INFO_EXIT;
  info.instruction_pointer = task.registers.rip + 2;
  if (!task.in_call) info.exit.rval = task.result;
  std::memcpy(data, &info, sizeof info);
  return sizeof info;
}

long peek_or_poke(FakeTask& task, bool poke, std::uint64_t address, std::uint64_t word) {
  const auto bytes = std::as_writable_bytes(std::span(&word, 1));
  if (poke) return task.write(address, bytes) == sizeof word ? 0 : fail_by(EIO);
  if (task.copy(address, bytes) != sizeof word) return fail_by(EIO);
  errno = 0;
  return static_cast<long>(word);
}

template <class T>
long give(void* data, const T& value) {
  std::memcpy(data, &value, sizeof value);
  return 0;
}

long fake_ptrace(int request, int pid, std::uint64_t address, void* data) {
  FakeTask* task = the_kernel->find(pid);
  if (task == nullptr) return fail_by(ESRCH);
  errno = 0;
  switch (request) {
    case PTRACE_INTERRUPT:
      task->statuses.push_back(stopped(SIGTRAP, PTRACE_EVENT_STOP));
      return 0;
    case PTRACE_GETREGS:
      return give(data, task->registers);
    case PTRACE_SETREGS:
      std::memcpy(&task->registers, data, sizeof task->registers);
      return 0;
    case PTRACE_GETREGSET:
    case PTRACE_SETREGSET:
      return transfer_xstate(*task, request == PTRACE_SETREGSET, data);
    case PTRACE_GETSIGINFO:
      return give(data, task->info);
    case PTRACE_GETSIGMASK:
      return give(data, std::uint64_t{0});
    case PTRACE_GETEVENTMSG:
      return give(data, task->message);
    case PTRACE_GET_SYSCALL_INFO:
      return syscall_info(*task, data);
    case PTRACE_PEEKDATA:
    case PTRACE_POKEDATA:
      return peek_or_poke(*task, request == PTRACE_POKEDATA, address, reinterpret_cast<std::uint64_t>(data));
    case PTRACE_PEEKUSER:
      return static_cast<long>(task->debug_status);
    case PTRACE_SYSCALL:
      resume_in_call(*task);
      return 0;
    case PTRACE_SYSEMU:
    case PTRACE_CONT:
    case PTRACE_SINGLESTEP:
      task->statuses.clear();
      the_kernel->run_program(*task);
      return 0;
    default:  // PTRACE_SEIZE, options, masks, debug registers
      return 0;
  }
}

int fake_waitpid(int pid, int* status) {
  FakeTask* task = the_kernel->find(pid);
  if (task == nullptr || task->statuses.empty()) return static_cast<int>(fail_by(ECHILD));
  if (status != nullptr) *status = task->statuses.front();
  task->statuses.pop_front();
  return pid;
}

}  // namespace
}  // namespace rec::fuzz

using rec::fuzz::the_kernel;

// The linker's names (ld(1), --wrap).
extern "C" {

long __real_ptrace(int request, int pid, void* address, void* data);
long __wrap_ptrace(int request, int pid, void* address, void* data) {
  if (the_kernel == nullptr) return __real_ptrace(request, pid, address, data);
  return rec::fuzz::fake_ptrace(request, pid, reinterpret_cast<std::uint64_t>(address), data);
}

int __real_fork();
int __wrap_fork() {
  return the_kernel == nullptr ? __real_fork() : the_kernel->make_task(nullptr, false).pid;
}

int __real_kill(int pid, int signal);
int __wrap_kill(int pid, int signal) {
  if (the_kernel == nullptr) return __real_kill(pid, signal);
  the_kernel->end(pid);
  return 0;
}

int __real_waitpid(int pid, int* status, int options);
int __wrap_waitpid(int pid, int* status, int options) {
  return the_kernel == nullptr ? __real_waitpid(pid, status, options) : rec::fuzz::fake_waitpid(pid, status);
}

ssize_t __real_process_vm_readv(int, const iovec*, unsigned long, const iovec*, unsigned long, unsigned long);
ssize_t __wrap_process_vm_readv(int pid, const iovec* local, unsigned long count, const iovec* remote,
                                unsigned long remote_count, unsigned long flags) {
  if (the_kernel == nullptr) return __real_process_vm_readv(pid, local, count, remote, remote_count, flags);
  const rec::fuzz::FakeTask* task = the_kernel->find(pid);
  if (task == nullptr) return rec::fuzz::fail_by(ESRCH);
  const std::size_t done = task->copy(reinterpret_cast<std::uint64_t>(remote->iov_base),
                                      {static_cast<std::byte*>(local->iov_base), local->iov_len});
  return done == 0 ? rec::fuzz::fail_by(EFAULT) : static_cast<ssize_t>(done);
}

ssize_t __real_process_vm_writev(int, const iovec*, unsigned long, const iovec*, unsigned long,
                                 unsigned long);
ssize_t __wrap_process_vm_writev(int pid, const iovec* local, unsigned long count, const iovec* remote,
                                 unsigned long remote_count, unsigned long flags) {
  if (the_kernel == nullptr) return __real_process_vm_writev(pid, local, count, remote, remote_count, flags);
  rec::fuzz::FakeTask* task = the_kernel->find(pid);
  if (task == nullptr) return rec::fuzz::fail_by(ESRCH);
  const std::size_t done = task->write(reinterpret_cast<std::uint64_t>(remote->iov_base),
                                       {static_cast<const std::byte*>(local->iov_base), local->iov_len});
  return done == 0 ? rec::fuzz::fail_by(EFAULT) : static_cast<ssize_t>(done);
}

// What a replayer does to itself: libFuzzer's own timer and processor stay as they are.
int __real_setitimer(int which, const itimerval* value, itimerval* old);
int __wrap_setitimer(int which, const itimerval* value, itimerval* old) {
  return the_kernel == nullptr ? __real_setitimer(which, value, old) : 0;
}

int __real_sigaction(int signal, const struct sigaction* action, struct sigaction* old);
int __wrap_sigaction(int signal, const struct sigaction* action, struct sigaction* old) {
  return the_kernel == nullptr ? __real_sigaction(signal, action, old) : 0;
}

int __real_prctl(int option, unsigned long, unsigned long, unsigned long, unsigned long);
int __wrap_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
  return the_kernel == nullptr ? __real_prctl(option, a, b, c, d)
                               : static_cast<int>(rec::fuzz::fail_by(EINVAL));
}

int __real_sched_getaffinity(int pid, std::size_t size, cpu_set_t* set);
int __wrap_sched_getaffinity(int pid, std::size_t size, cpu_set_t* set) {
  return the_kernel == nullptr ? __real_sched_getaffinity(pid, size, set)
                               : static_cast<int>(rec::fuzz::fail_by(EINVAL));
}

int __real_prlimit(int pid, int resource, const rlimit* limit, rlimit* old);
int __wrap_prlimit(int pid, int resource, const rlimit* limit, rlimit* old) {
  return the_kernel == nullptr ? __real_prlimit(pid, resource, limit, old)
                               : static_cast<int>(rec::fuzz::fail_by(ESRCH));
}
}

// /proc of a task that is none: in place of the two functions of tracee/ that read it (CMakeLists.txt keeps
// their own objects out).
namespace rec {

std::vector<MapsEntry> read_maps(Tid) { return the_kernel->maps; }

MemoryHash hash_memory(Tid, std::span<const MemoryRange>, std::span<const MemoryOverlay>) {
  return {.total = the_kernel->memory_total, .pages = {}};
}

}  // namespace rec

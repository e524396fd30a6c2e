#include "replayer/zygote.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <span>
#include <vector>

#include "format/base/error.h"
#include "replayer/arena.h"
#include "tracee/agent_area.h"
#include "tracee/filter.h"
#include "tracee/remote_call.h"
#include "tracee/wait_status.h"

// A `syscall` instruction at an address that a forked child has, too: for the first calls in it.
extern "C" void rec_replayer_syscall_instruction();
__asm__(
    ".text\n"
    ".globl rec_replayer_syscall_instruction\n"
    "rec_replayer_syscall_instruction:\n"
    "  syscall\n"
    "  ret\n");

namespace rec {
namespace {

constexpr std::uint64_t trace_options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK |
                                        PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
// The end of what a user mapping can reach with 4-level page tables (arch/x86/include/asm/page_64_types.h).
constexpr std::uint64_t address_space_end = 0x7ffffffff000;
// glibc registers the original struct rseq, whatever the kernel's has grown to
// (sysdeps/unix/sysv/linux/rseq-internal.h).
constexpr std::uint64_t rseq_registered_size = 32;

// With it a call of rec's own, or of the agent's, costs no stop. False: it is not possible here.
bool install_filter(RemoteCalls& calls, const RemoteMemory& memory) {
  const std::vector<sock_filter> filter = make_replay_filter();
  constexpr std::uint64_t at = agent_area::data + sizeof(sock_fprog);
  const sock_fprog program{static_cast<unsigned short>(filter.size()), reinterpret_cast<sock_filter*>(at)};
  memory.write(RemotePtr<>(at), std::as_bytes(std::span(filter)));
  memory.write_value(RemotePtr<>(agent_area::data), program);
  // Only the arena shall be there to be mapped.
  constexpr std::uint64_t fd = Arena::tracee_fd;
  if (calls.call(SYS_close_range, {0, fd - 1, 0}) != 0) return false;
  if (calls.call(SYS_close_range, {fd + 1, ~0U, 0}) != 0) return false;
  // With CAP_SYS_ADMIN it is not needed (seccomp(2)), and does no harm.
  if (calls.call(SYS_prctl, {PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0}) != 0) return false;
  return calls.call(SYS_seccomp, {SECCOMP_SET_MODE_FILTER, 0, agent_area::data}) == 0;
}

void wait_for_first_stop(Tid tid) {
  const WaitStatus status = wait_until_stopped(tid);
  ENSURE(std::holds_alternative<PtraceEvent>(status), "first stop of task {}", tid);
}

}  // namespace

Zygote::Zygote(const Arena& arena) {
  const pid_t pid = ::fork();
  if (pid < 0) fail_with_errno("fork");
  if (pid == 0) {
    for (;;) ::pause();  // all that it needs is done to it from outside
  }
  tid_ = Tid(pid);
  seize(tid_, trace_options);
  Running(tid_).interrupt();
  wait_for_first_stop(tid_);
  const Stopped stopped(tid_);
  const auto instruction = reinterpret_cast<std::uint64_t>(&rec_replayer_syscall_instruction);
  {
    RemoteCalls calls(stopped, instruction);
    calls.must("prctl(PR_SET_TSC)", SYS_prctl, {PR_SET_TSC, PR_TSC_SIGSEGV});
    // libc's registration of rec's own thread was inherited; the kernel would write to its memory, which is
    // about to go, at every preemption.
    if (__rseq_size != 0) {
      const auto thread = reinterpret_cast<std::uint64_t>(__builtin_thread_pointer());
      calls.must("rseq (unregister)", SYS_rseq,
                 {thread + static_cast<std::uint64_t>(__rseq_offset), rseq_registered_size,
                  RSEQ_FLAG_UNREGISTER, RSEQ_SIG});
    }
    calls.must("dup2 of the arena", SYS_dup2, {static_cast<std::uint64_t>(arena.fd()), Arena::tracee_fd});
    calls.must("mmap of rec's code page", SYS_mmap,
               {agent_area::code, agent_area::code_size, PROT_READ | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, ~std::uint64_t{0}, 0});
    calls.must("mmap of rec's data pages", SYS_mmap,
               {agent_area::data, agent_area::data_size, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, ~std::uint64_t{0}, 0});
  }
  const RemoteMemory memory(tid_);
  memory.write(RemotePtr<>(agent_area::code), std::as_bytes(std::span(agent_area::code_bytes)));
  RemoteCalls calls(stopped, agent_area::syscall_instruction);
  constexpr std::uint64_t data_end = agent_area::data + agent_area::data_size;
  constexpr std::uint64_t code_end = agent_area::code + agent_area::code_size;
  is_filtered_ = !under_foreign_filter() && install_filter(calls, memory);
  calls.must("munmap", SYS_munmap, {0, agent_area::code});
  calls.must("munmap", SYS_munmap, {code_end, agent_area::data - code_end});
  calls.must("munmap", SYS_munmap, {data_end, address_space_end - data_end});
}

Zygote::~Zygote() {
  ::kill(tid_.value(), SIGKILL);
  ::waitpid(tid_.value(), nullptr, __WALL);
}

Tid Zygote::fork() const {
  const Stopped zygote(tid_);
  RemoteCalls calls(zygote, agent_area::syscall_instruction);
  // CLONE_PARENT: a child of rec itself, which reaps it.
  calls.must("fork for the replay", SYS_clone, {CLONE_PARENT | SIGCHLD, 0, 0, 0, 0});
  ENSURE(calls.created().has_value(), "no new task seen");
  return *calls.created();
}

}  // namespace rec

// ptrace(2) of the program: rec carries the requests out on the traced task, which it traces itself, and
// answers in the kernel's place. Requests about processes outside of the recording are the kernel's.
#include <asm/prctl.h>
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "format/base/error.h"
#include "recorder/special/special.h"
#include "recorder/tracing.h"
#include "tracee/debug_registers.h"

namespace rec::special {
namespace {

using Until = Tracing::Until;

// What of the kernel's there is; other bits are refused (linux/ptrace.h).
constexpr std::uint64_t known_options = 0x003000ff;

constexpr std::uint64_t highest_signal = 64;

// The kernel's own answer: a negative errno, or the result.
std::int64_t ask_kernel(int request, Tid tid, std::uint64_t address, const void* data) {
  const long result = ::syscall(SYS_ptrace, request, tid.value(), address, data);
  if (result != -1) return result;
  if (errno == ESRCH) throw TaskGone{tid};
  return -errno;
}

// A request of `tracer` for `traced`, which is stopped for it.
class Request {
 public:
  Request(Session& session, Task& tracer, Task& traced)
      : session_(session),
        tracer_(tracer),
        traced_(traced),
        number_(static_cast<int>(tracer.call.call.args[0])),
        address_(tracer.call.call.args[2]),
        data_(tracer.call.call.args[3]) {}

  // Its result.
  [[nodiscard]] std::int64_t carry_out();

 private:
  [[nodiscard]] std::int64_t go_on();
  [[nodiscard]] std::int64_t go_on(Until until, bool leaves = false);
  [[nodiscard]] std::int64_t listen();
  [[nodiscard]] std::int64_t about_stop();
  [[nodiscard]] std::int64_t about_memory();
  [[nodiscard]] std::int64_t about_registers();
  [[nodiscard]] std::int64_t write_user_area();
  [[nodiscard]] std::int64_t register_set(bool writes);
  [[nodiscard]] std::int64_t call_info();
  [[nodiscard]] std::int64_t unsupported();

  // To and from the tracer's memory; false: there is none.
  [[nodiscard]] bool put(std::uint64_t to, std::span<const std::byte> bytes) const {
    std::vector<std::byte> there(bytes.size());
    if (!tracer_.memory().read_exact(RemotePtr<>(to), there)) return false;
    tracer_.memory().write(RemotePtr<>(to), bytes);
    return true;
  }
  [[nodiscard]] bool get(std::uint64_t from, std::span<std::byte> bytes) const {
    return tracer_.memory().read_exact(RemotePtr<>(from), bytes);
  }
  template <class T>
  [[nodiscard]] std::int64_t put_value(const T& value) const {
    return put(data_, std::as_bytes(std::span(&value, 1))) ? 0 : -EFAULT;
  }
  [[nodiscard]] std::int64_t fetch(std::size_t size);
  [[nodiscard]] std::int64_t store(std::size_t size);
  void note_registers(bool with_fp_state);

  Session& session_;
  Task& tracer_;
  Task& traced_;
  int number_;
  std::uint64_t address_;
  std::uint64_t data_;
};

// What the traced task goes on with belongs to the tracer's event. If the kernel is about to make a call
// again, that is what it goes on with.
void Request::note_registers(bool with_fp_state) {
  const Stopped stopped(traced_.tid);
  Extra& extra = tracer_.call.extra.emplace();
  Registers registers = stopped.registers();
  const bool in_call = static_cast<std::int32_t>(registers.orig_rax) >= 0;
  if (traced_.traced->stop->at == TracedAt::boundary && in_call && is_restart_code(registers.result())) {
    prepare_restart(&registers, registers.result());
  }
  extra.after = registers;
  if (with_fp_state) extra.xstate = stopped.xstate();
  traced_.traced->is_changed = true;
}

std::int64_t Request::fetch(std::size_t size) {
  std::vector<std::byte> bytes(size);
  const std::int64_t result = ask_kernel(number_, traced_.tid, address_, bytes.data());
  if (result < 0) return result;
  return put(data_, bytes) ? 0 : -EFAULT;
}

std::int64_t Request::store(std::size_t size) {
  std::vector<std::byte> bytes(size);
  if (!get(data_, bytes)) return -EFAULT;
  return ask_kernel(number_, traced_.tid, address_, bytes.data());
}

std::int64_t Request::carry_out() {
  switch (number_) {
    case PTRACE_CONT:
    case PTRACE_SYSCALL:
    case PTRACE_SINGLESTEP:
    case PTRACE_DETACH:
    case PTRACE_LISTEN:
      return go_on();
    case PTRACE_SETOPTIONS:
    case PTRACE_GETEVENTMSG:
    case PTRACE_GETSIGINFO:
    case PTRACE_SETSIGINFO:
    case PTRACE_GETSIGMASK:
    case PTRACE_SETSIGMASK:
    case PTRACE_GET_SYSCALL_INFO:
      return about_stop();
    case PTRACE_PEEKTEXT:
    case PTRACE_PEEKDATA:
    case PTRACE_PEEKUSER:
    case PTRACE_POKETEXT:
    case PTRACE_POKEDATA:
      return about_memory();
    case PTRACE_POKEUSER:
    case PTRACE_GETREGS:
    case PTRACE_SETREGS:
    case PTRACE_GETFPREGS:
    case PTRACE_SETFPREGS:
    case PTRACE_GETREGSET:
    case PTRACE_SETREGSET:
    case PTRACE_ARCH_PRCTL:
      return about_registers();
    default:
      return unsupported();
  }
}

std::int64_t Request::go_on() {
  switch (number_) {
    case PTRACE_CONT:
      return go_on(Until::signal);
    case PTRACE_SYSCALL:
      return go_on(Until::call);
    case PTRACE_SINGLESTEP:
      return go_on(Until::instruction);
    case PTRACE_DETACH:
      return go_on(Until::signal, true);
    default:
      return listen();
  }
}

std::int64_t Request::go_on(Until until, bool leaves) {
  if (data_ > highest_signal) return -EIO;
  Tracing& tracing = *traced_.traced;
  if (leaves) tracing.next.clear();
  tracing.is_leaving = leaves;
  continue_traced(session_, traced_, until, static_cast<int>(data_));
  return 0;
}

std::int64_t Request::listen() {
  Tracing& tracing = *traced_.traced;
  if (!tracing.is_seized || !tracing.stop->is_group_stop) return -EIO;
  tracing.stop.reset();
  traced_.position = Task::Position::group_stop;
  (void)Stopped(traced_.tid).resume(Resume::listen);
  return 0;
}

std::int64_t Request::about_stop() {
  TraceStop& stop = *traced_.traced->stop;
  std::int64_t result = 0;
  switch (number_) {
    case PTRACE_SETOPTIONS:
      if ((data_ & ~known_options) != 0) return -EINVAL;
      traced_.traced->options = data_;
      return 0;
    case PTRACE_GETEVENTMSG:
      return put_value(traced_.traced->message);
    case PTRACE_GETSIGINFO:
      return stop.info ? put_value(*stop.info) : -EINVAL;
    case PTRACE_SETSIGINFO: {
      siginfo_t info{};
      if (!stop.info) return -EINVAL;
      if (!get(data_, std::as_writable_bytes(std::span(&info, 1)))) return -EFAULT;
      stop.info = info;
      return 0;
    }
    case PTRACE_GETSIGMASK:
      return address_ == sizeof(std::uint64_t) ? fetch(sizeof(std::uint64_t)) : -EINVAL;
    case PTRACE_SETSIGMASK:
      if (address_ != sizeof(std::uint64_t)) return -EINVAL;
      result = store(sizeof(std::uint64_t));
      traced_.signal_mask = Stopped(traced_.tid).signal_mask();
      return result;
    default:
      return call_info();
  }
}

// kernel/ptrace.c, ptrace_get_syscall_info. The kernel's own stop may be another one than the tracer's.
std::int64_t Request::call_info() {
  const Registers registers = Stopped(traced_.tid).registers();
  __ptrace_syscall_info info{};
  info.op = PTRACE_SYSCALL_INFO_NONE;
  info.arch = Stopped(traced_.tid).syscall_info().arch;
  info.instruction_pointer = registers.rip;
  info.stack_pointer = registers.rsp;
  std::size_t size = offsetof(__ptrace_syscall_info, entry);
  const TraceStop::Call call = traced_.traced->stop->call;
  if (call == TraceStop::Call::entry) {
    info.op = PTRACE_SYSCALL_INFO_ENTRY;
    info.entry.nr = registers.orig_rax;
    const auto arguments = registers.arguments();
    std::copy(arguments.begin(), arguments.end(), std::begin(info.entry.args));
    size += sizeof info.entry;
  } else if (call == TraceStop::Call::exit) {
    info.op = PTRACE_SYSCALL_INFO_EXIT;
    info.exit.rval = registers.result();
    info.exit.is_error = is_error(registers.result()) ? 1 : 0;
    size += offsetof(decltype(info.exit), is_error) + 1;
  }
  const std::size_t wanted = std::min<std::uint64_t>(size, address_);
  if (!put(data_, std::as_bytes(std::span(&info, 1)).first(wanted))) return -EFAULT;
  return static_cast<std::int64_t>(size);
}

std::int64_t Request::about_memory() {
  std::uint64_t word = 0;
  std::int64_t result = 0;
  switch (number_) {
    case PTRACE_POKETEXT:
    case PTRACE_POKEDATA:
      return ask_kernel(number_, traced_.tid, address_, reinterpret_cast<const void*>(data_));
    default:
      result = ask_kernel(number_, traced_.tid, address_, &word);
      return result < 0 ? result : put_value(word);
  }
}

std::int64_t Request::about_registers() {
  std::int64_t result = 0;
  switch (number_) {
    case PTRACE_GETREGS:
      return fetch(sizeof(user_regs_struct));
    case PTRACE_GETFPREGS:
      return fetch(sizeof(user_fpregs_struct));
    case PTRACE_GETREGSET:
      return register_set(false);
    case PTRACE_SETREGSET:
      return register_set(true);
    case PTRACE_POKEUSER:
      return write_user_area();
    case PTRACE_SETREGS:
      result = store(sizeof(user_regs_struct));
      break;
    case PTRACE_SETFPREGS:
      result = store(sizeof(user_fpregs_struct));
      break;
    default:  // PTRACE_ARCH_PRCTL
      if (data_ == ARCH_GET_FS || data_ == ARCH_GET_GS) return unsupported();
      result = ask_kernel(number_, traced_.tid, address_, reinterpret_cast<const void*>(data_));
  }
  if (result >= 0) note_registers(number_ == PTRACE_SETFPREGS);
  return result;
}

std::int64_t Request::write_user_area() {
  const std::int64_t result =
      ask_kernel(number_, traced_.tid, address_, reinterpret_cast<const void*>(data_));
  if (result >= 0 && !is_debug_register(address_)) note_registers(false);
  return result;
}

std::int64_t Request::register_set(bool writes) {
  constexpr std::size_t largest = 16384;
  struct Area {
    std::uint64_t base, length;
  } area{};
  if (!get(data_, std::as_writable_bytes(std::span(&area, 1)))) return -EFAULT;
  const bool has_fp_state = address_ == NT_PRFPREG || address_ == NT_X86_XSTATE;
  if (writes && !has_fp_state && address_ != NT_PRSTATUS) return -EINVAL;
  std::vector<std::byte> bytes(std::min<std::uint64_t>(area.length, largest));
  if (writes && !get(area.base, bytes)) return -EFAULT;
  iovec local{bytes.data(), bytes.size()};
  const std::int64_t result = ask_kernel(number_, traced_.tid, address_, &local);
  if (result < 0) return result;
  if (writes) {
    note_registers(has_fp_state);
  } else if (!put(area.base, std::span(bytes).first(local.iov_len))) {
    return -EFAULT;
  }
  constexpr std::uint64_t length_at = 8;
  const std::uint64_t length = local.iov_len;
  return put(data_ + length_at, std::as_bytes(std::span(&length, 1))) ? 0 : -EFAULT;
}

std::int64_t Request::unsupported() {
  session_.note(
      tracer_, fmt::format("ptrace {:#x}", number_),
      fmt::format("task {} makes a request of ptrace ({:#x}) that rec cannot record: it answers EIO",
                  tracer_.tid, number_));
  return -EIO;
}

// --- who traces whom ---

// kernel/ptrace.c, ptrace_attach and ptrace_may_access, as far as a program of one user's can tell.
std::int64_t attach(Session& session, const Task& tracer, Task& task, bool seizes) {
  const auto& args = tracer.call.call.args;
  if (seizes && args[2] != 0) return -EIO;
  if (seizes && (args[3] & ~known_options) != 0) return -EIO;
  if (task.process == tracer.process || task.traced || task.position == Task::Position::exiting)
    return -EPERM;
  struct stat own {
  }, other{};
  if (::stat(fmt::format("/proc/{}", tracer.tid).c_str(), &own) != 0 ||
      ::stat(fmt::format("/proc/{}", task.tid).c_str(), &other) != 0)
    return -ESRCH;
  if (own.st_uid != 0 && own.st_uid != other.st_uid) return -EPERM;
  begin_tracing(session, task, tracer, seizes, seizes ? args[3] : 0);
  if (!seizes) ask_for_stop(task, false);
  return 0;
}

// nullopt: its parent is not of the program.
std::optional<std::int64_t> trace_me(Session& session, Task& task) {
  if (task.traced) return -EPERM;
  const Process& process = *task.process;
  const Task* tracer = session.find(process.maker);
  if (tracer == nullptr || tracer->process->pid != process.parent) {
    tracer = session.find(Tid(process.parent.value()));
  }
  if (tracer == nullptr || !has_our_numbers(*tracer)) return std::nullopt;
  begin_tracing(session, task, *tracer, false, 0);
  return 0;
}

std::int64_t for_traced(Session& session, Task& tracer, Task& traced) {
  const auto request = static_cast<int>(tracer.call.call.args[0]);
  if (request == PTRACE_ATTACH || request == PTRACE_SEIZE)
    return attach(session, tracer, traced, request == PTRACE_SEIZE);
  if (!traced.traced || traced.traced->tracer != tracer.tid) return -ESRCH;
  if (request == PTRACE_KILL) {
    ::syscall(SYS_tgkill, traced.process->pid.value(), traced.tid.value(), SIGKILL);
    return 0;
  }
  if (request == PTRACE_INTERRUPT) {
    if (!traced.traced->is_seized) return -EIO;
    ask_for_stop(traced, true);
    return 0;
  }
  if (!traced.traced->stop) return -ESRCH;
  return Request(session, tracer, traced).carry_out();
}

}  // namespace

void answer_ptrace(Session& session, Task& task) {
  PendingCall& pending = task.call;
  const auto request = static_cast<int>(pending.call.args[0]);
  std::optional<std::int64_t> answer;
  if (request == PTRACE_TRACEME) {
    answer = trace_me(session, task);
  } else if (!has_our_numbers(task)) {
    return;
  } else if (Task* traced = session.find(Tid(static_cast<std::int32_t>(pending.call.args[1])))) {
    try {
      answer = for_traced(session, task, *traced);
    } catch (const TaskGone& gone) {
      if (gone.tid == task.tid) throw;
      answer = -ESRCH;  // killed meanwhile: its own end will tell
    }
  }
  if (!answer) return;
  pending.answer = answer;
  pending.is_emulated = true;
}

}  // namespace rec::special

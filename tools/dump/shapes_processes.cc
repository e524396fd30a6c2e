// Structures of processes, scheduling and signals.
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>
#include <utility>

#include "tools/dump/quote.h"
#include "tools/dump/shape_list.h"
#include "tools/dump/signals.h"
#include "tools/dump/values.h"

namespace rec::dump {
namespace {

using syscalls::FlagSet;

// A handler or restorer; the first two values are no addresses.
void put_handler(Text& out, std::uint64_t handler) {
  const std::string_view name = handler == 0 ? "SIG_DFL" : handler == 1 ? "SIG_IGN" : "";
  put_named(out, name, [&] { put_hex(out, handler); });
}

void put_limit(Text& out, std::uint64_t value) {
  Text name;
  if (value == ~std::uint64_t{0}) {
    put(name, "RLIM64_INFINITY");
  } else if (value > 1024 && value % 1024 == 0) {
    put_decimal(name, value / 1024);
    put(name, "*1024");
  }
  put_named(out, name.view(), [&] { put_decimal(out, value); });
}

void put_c_string(Text& out, std::string_view text) {
  text = text.substr(0, text.find('\0'));
  put_quoted(out, std::as_bytes(std::span(text)), text.size());
}

void put_capabilities(Text& out, std::uint64_t bits) {
  if (bits == 0) return put(out, '0');
  for (bool first = true; bits != 0; bits &= bits - 1, first = false) {
    if (!first) put(out, '|');
    put(out, "1<<");
    put_flags(out, FlagSet::capabilities, static_cast<std::uint64_t>(std::countr_zero(bits)));
  }
}

struct KernelSigaction {  // as rt_sigaction(2) takes it: include/linux/signal_types.h
  std::uint64_t handler;
  std::uint64_t flags;
  std::uint64_t restorer;
  std::uint64_t mask;
};
constexpr std::uint64_t has_restorer = 0x04000000;  // SA_RESTORER

}  // namespace

bool print_wait_status(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto status = load<std::int32_t>(scope, at);
  if (!status) return false;
  put_wait_status(scope.out, *status);
  return true;
}

bool print_sigset(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto set = load<std::uint64_t>(scope, at);
  if (!set) return false;
  put_signal_set(scope.out, *set);
  return true;
}

bool print_sigmask_pack(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto pack = load<std::array<std::uint64_t, 2>>(scope, at);
  if (!pack) return false;
  Braces fields(scope.out);
  fields.field("sigmask");
  put_shape_or_pointer(scope, syscalls::Shape::sigset, (*pack)[0], 8);
  put_decimal(fields.field("sigsetsize"), (*pack)[1]);
  return true;
}

bool print_sigaction(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto action = load<KernelSigaction>(scope, at);
  if (!action) return false;
  Braces fields(scope.out);
  put_handler(fields.field("sa_handler"), action->handler);
  put_signal_set(fields.field("sa_mask"), action->mask);
  put_flags(fields.field("sa_flags"), FlagSet::sigaction_flags, action->flags);
  if ((action->flags & has_restorer) != 0) put_pointer(fields.field("sa_restorer"), action->restorer);
  return true;
}

bool print_siginfo(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto info = load<siginfo_t>(scope, at);
  if (!info) return false;
  put_siginfo(scope.out, *info);
  return true;
}

bool print_stack(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto stack = load<::stack_t>(scope, at);
  if (!stack) return false;
  Braces fields(scope.out);
  put_pointer(fields.field("ss_sp"), reinterpret_cast<std::uintptr_t>(stack->ss_sp));
  put_flags(fields.field("ss_flags"), FlagSet::sigaltstack_flags,
            static_cast<std::uint32_t>(stack->ss_flags));
  put_decimal(fields.field("ss_size"), stack->ss_size);
  return true;
}

bool print_sigevent(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto event = load<::sigevent>(scope, at);
  if (!event) return false;
  Braces fields(scope.out);
  if (event->sigev_value.sival_ptr != nullptr) {
    put_format(fields.field("sigev_value"), "{{sival_int={}, sival_ptr={:#x}}}", event->sigev_value.sival_int,
               reinterpret_cast<std::uintptr_t>(event->sigev_value.sival_ptr));
  }
  put_signal(fields.field("sigev_signo"), event->sigev_signo);
  put_flags(fields.field("sigev_notify"), FlagSet::sigevent_notify,
            static_cast<std::uint32_t>(event->sigev_notify));
  if (event->sigev_notify == SIGEV_THREAD_ID) {
    put_decimal(fields.field("sigev_notify_thread_id"), event->_sigev_un._tid);
  }
  return true;
}

bool print_rusage(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto usage = load<::rusage>(scope, at);
  if (!usage) return false;
  Braces fields(scope.out);
  put_format(fields.field("ru_utime"), "{{tv_sec={}, tv_usec={}}}", usage->ru_utime.tv_sec,
             usage->ru_utime.tv_usec);
  put_format(fields.field("ru_stime"), "{{tv_sec={}, tv_usec={}}}", usage->ru_stime.tv_sec,
             usage->ru_stime.tv_usec);
  if (scope.out.abbreviates) {
    fields.more();
    return true;
  }
  const std::pair<std::string_view, long> counts[] = {
      {"ru_maxrss", usage->ru_maxrss}, {"ru_ixrss", usage->ru_ixrss},     {"ru_idrss", usage->ru_idrss},
      {"ru_isrss", usage->ru_isrss},   {"ru_minflt", usage->ru_minflt},   {"ru_majflt", usage->ru_majflt},
      {"ru_nswap", usage->ru_nswap},   {"ru_inblock", usage->ru_inblock}, {"ru_oublock", usage->ru_oublock},
      {"ru_msgsnd", usage->ru_msgsnd}, {"ru_msgrcv", usage->ru_msgrcv},   {"ru_nsignals", usage->ru_nsignals},
      {"ru_nvcsw", usage->ru_nvcsw},   {"ru_nivcsw", usage->ru_nivcsw}};
  for (const auto& [name, count] : counts) put_decimal(fields.field(name), count);
  return true;
}

bool print_rlimit(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto limit = load<std::array<std::uint64_t, 2>>(scope, at);
  if (!limit) return false;
  Braces fields(scope.out);
  put_limit(fields.field("rlim_cur"), (*limit)[0]);
  put_limit(fields.field("rlim_max"), (*limit)[1]);
  return true;
}

bool print_utsname(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto name = load<::utsname>(scope, at);
  if (!name) return false;
  Braces fields(scope.out);
  put_c_string(fields.field("sysname"), {name->sysname, sizeof name->sysname});
  put_c_string(fields.field("nodename"), {name->nodename, sizeof name->nodename});
  if (scope.out.abbreviates) {
    fields.more();
    return true;
  }
  put_c_string(fields.field("release"), {name->release, sizeof name->release});
  put_c_string(fields.field("version"), {name->version, sizeof name->version});
  put_c_string(fields.field("machine"), {name->machine, sizeof name->machine});
  put_c_string(fields.field("domainname"), {name->domainname, sizeof name->domainname});
  return true;
}

bool print_sysinfo(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto info = load<struct ::sysinfo>(scope, at);
  if (!info) return false;
  Braces fields(scope.out);
  put_decimal(fields.field("uptime"), info->uptime);
  put_format(fields.field("loads"), "[{}, {}, {}]", info->loads[0], info->loads[1], info->loads[2]);
  put_decimal(fields.field("totalram"), info->totalram);
  put_decimal(fields.field("freeram"), info->freeram);
  put_decimal(fields.field("sharedram"), info->sharedram);
  put_decimal(fields.field("bufferram"), info->bufferram);
  put_decimal(fields.field("totalswap"), info->totalswap);
  put_decimal(fields.field("freeswap"), info->freeswap);
  put_decimal(fields.field("procs"), info->procs);
  put_decimal(fields.field("totalhigh"), info->totalhigh);
  put_decimal(fields.field("freehigh"), info->freehigh);
  put_decimal(fields.field("mem_unit"), info->mem_unit);
  return true;
}

bool print_clone_args(const Scope& scope, RemotePtr<> at, std::uint64_t size) {
  // The structure has grown over time; what the caller did not give is zero (kernel/fork.c,
  // copy_clone_args_from_user).
  ::clone_args args{};
  const auto given =
      std::span(reinterpret_cast<std::byte*>(&args), std::min<std::uint64_t>(size, sizeof args));
  if (given.size() < CLONE_ARGS_SIZE_VER0 || !scope.memory.read_exact(at, given)) return false;
  Braces fields(scope.out);
  put_flags(fields.field("flags"), FlagSet::clone_flags, args.flags);
  if ((args.flags & CLONE_PIDFD) != 0) put_pointer(fields.field("pidfd"), args.pidfd);
  if ((args.flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)) != 0) {
    put_pointer(fields.field("child_tid"), args.child_tid);
  }
  if ((args.flags & CLONE_PARENT_SETTID) != 0) put_pointer(fields.field("parent_tid"), args.parent_tid);
  put_signal(fields.field("exit_signal"), static_cast<std::int64_t>(args.exit_signal));
  put_pointer(fields.field("stack"), args.stack);
  put_hex(fields.field("stack_size"), args.stack_size);
  if ((args.flags & CLONE_SETTLS) != 0) put_pointer(fields.field("tls"), args.tls);
  if (args.set_tid != 0) put_pointer(fields.field("set_tid"), args.set_tid);
  if (args.set_tid_size != 0) put_decimal(fields.field("set_tid_size"), args.set_tid_size);
  if ((args.flags & CLONE_INTO_CGROUP) != 0) put_decimal(fields.field("cgroup"), args.cgroup);
  return true;
}

bool print_sched_attr(const Scope& scope, RemotePtr<> at, std::uint64_t size) {
  struct Attributes {  // include/uapi/linux/sched/types.h
    std::uint32_t size, policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime, deadline, period;
    std::uint32_t util_min, util_max;
  };
  constexpr std::size_t first_version = 48;  // SCHED_ATTR_SIZE_VER0: without the util fields
  Attributes attr{};
  const auto given =
      std::span(reinterpret_cast<std::byte*>(&attr), std::min<std::uint64_t>(size, sizeof attr));
  if (scope.memory.read_some(at, given) < first_version) return false;
  Braces fields(scope.out);
  put_decimal(fields.field("size"), attr.size);
  put_flags(fields.field("sched_policy"), FlagSet::sched_policies, attr.policy);
  put_flags(fields.field("sched_flags"), FlagSet::sched_flags, attr.flags);
  put_decimal(fields.field("sched_nice"), attr.nice);
  put_decimal(fields.field("sched_priority"), attr.priority);
  put_decimal(fields.field("sched_runtime"), attr.runtime);
  put_decimal(fields.field("sched_deadline"), attr.deadline);
  put_decimal(fields.field("sched_period"), attr.period);
  if (attr.size <= first_version) return true;
  put_decimal(fields.field("sched_util_min"), attr.util_min);
  put_decimal(fields.field("sched_util_max"), attr.util_max);
  return true;
}

bool print_cpu_set(const Scope& scope, RemotePtr<> at, std::uint64_t size) {
  const std::span<const std::byte> bits = scope.memory.view(at, size);
  if (bits.empty()) return false;
  put_bit_numbers(scope.out, bits, '[', ']');
  return true;
}

bool print_cap_header(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto header = load<::__user_cap_header_struct>(scope, at);
  if (!header) return false;
  Braces fields(scope.out);
  put_flags(fields.field("version"), FlagSet::cap_versions, header->version);
  put_decimal(fields.field("pid"), header->pid);
  return true;
}

// One structure of 32 capabilities, or two whose bits belong together.
bool print_cap_data(const Scope& scope, RemotePtr<> at, std::uint64_t size) {
  std::array<::__user_cap_data_struct, 2> data{};
  const std::uint64_t wanted = std::min<std::uint64_t>(size, sizeof data);
  const auto bytes = std::as_writable_bytes(std::span(data)).first(wanted);
  if (wanted < sizeof data[0] || !scope.memory.read_exact(at, bytes)) return false;
  const auto wide = [](std::uint32_t low, std::uint32_t high) { return low | std::uint64_t{high} << 32; };
  Braces fields(scope.out);
  put_capabilities(fields.field("effective"), wide(data[0].effective, data[1].effective));
  put_capabilities(fields.field("permitted"), wide(data[0].permitted, data[1].permitted));
  put_capabilities(fields.field("inheritable"), wide(data[0].inheritable, data[1].inheritable));
  return true;
}

bool print_comm(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto name = load<std::array<char, 16>>(scope, at);
  if (!name) return false;
  put_c_string(scope.out, {name->data(), name->size()});
  return true;
}

bool print_futex_waitv(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto waiter = load<::futex_waitv>(scope, at);
  if (!waiter) return false;
  Braces fields(scope.out);
  put_hex(fields.field("val"), waiter->val);
  put_pointer(fields.field("uaddr"), waiter->uaddr);
  put_flags(fields.field("flags"), FlagSet::futex_waitv_flags, waiter->flags);
  if (waiter->__reserved != 0) put_hex(fields.field("__reserved"), waiter->__reserved);
  return true;
}

bool print_sock_fprog(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto program = load<std::array<std::uint64_t, 2>>(scope, at);
  if (!program) return false;
  put_format(scope.out, "{{len={}, filter=", static_cast<std::uint16_t>((*program)[0]));
  put_pointer(scope.out, (*program)[1]);
  put(scope.out, '}');
  return true;
}

}  // namespace rec::dump

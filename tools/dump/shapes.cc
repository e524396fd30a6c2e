#include "tools/dump/shapes.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "tools/dump/quote.h"
#include "tools/dump/shape_list.h"

namespace rec::dump {
namespace {

using syscalls::Shape;

template <class Integer>
bool print_number(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto value = load<Integer>(scope, at);
  if (!value) return false;
  put_decimal(scope.out, *value);
  return true;
}

// A user or group id; -1 means "leave as it is".
bool print_id(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto value = load<std::uint32_t>(scope, at);
  if (!value) return false;
  if (*value == ~0U) {
    put(scope.out, "-1");
  } else {
    put_decimal(scope.out, *value);
  }
  return true;
}

bool print_descriptor(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto fd = load<std::int32_t>(scope, at);
  if (!fd) return false;
  put_descriptor(scope.out, *fd);
  return true;
}

bool print_pid(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto pid = load<std::int32_t>(scope, at);
  if (!pid) return false;
  put_task(scope.out, *pid);
  return true;
}

template <class Integer>
bool print_hex(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto value = load<Integer>(scope, at);
  if (!value) return false;
  put_hex(scope.out, *value);
  return true;
}

bool print_pointer(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto value = load<std::uint64_t>(scope, at);
  if (!value) return false;
  put_pointer(scope.out, *value);
  return true;
}

bool print_fd_pair(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto fds = load<std::array<std::int32_t, 2>>(scope, at);
  if (!fds) return false;
  Braces list(scope.out, '[', ']');
  for (const std::int32_t fd : *fds) put_descriptor(list.next(), fd);
  return true;
}

bool print_bytes(const Scope& scope, RemotePtr<> at, std::uint64_t size) {
  const std::span<const std::byte> bytes = scope.memory.view(at, size);
  if (bytes.empty() && size > 0) return false;
  put_quoted(scope.out, bytes, scope.options.string_limit, bytes.size() < size);
  return true;
}

constexpr std::size_t shape_count = std::size(syscalls::shape_sizes);

constexpr std::pair<Shape, ShapeForm> forms[] = {
    {Shape::bytes, {print_bytes}},
    {Shape::int32, {print_number<std::int32_t>, Frame::brackets}},
    {Shape::uint32, {print_number<std::uint32_t>, Frame::brackets}},
    {Shape::int64, {print_number<std::int64_t>, Frame::brackets}},
    {Shape::uint64, {print_number<std::uint64_t>, Frame::brackets}},
    {Shape::hex64, {print_hex<std::uint64_t>, Frame::brackets}},
    {Shape::pointer, {print_pointer, Frame::brackets}},
    {Shape::file_offset, {print_number<std::int64_t>, Frame::brackets}},
    {Shape::fd_pair, {print_fd_pair}},
    {Shape::wait_status, {print_wait_status, Frame::brackets}},
    {Shape::pid, {print_pid, Frame::brackets}},
    {Shape::uid, {print_id, Frame::brackets}},
    {Shape::gid, {print_id, Frame::brackets}},
    {Shape::descriptor, {print_descriptor, Frame::brackets}},
    {Shape::length, {print_number<std::int32_t>, Frame::brackets}},
    {Shape::flags32, {print_hex<std::uint32_t>, Frame::brackets}},
    {Shape::timer_id, {print_number<std::int32_t>, Frame::brackets}},
    {Shape::sched_param, {print_number<std::int32_t>, Frame::brackets}},
    {Shape::node_mask, {print_hex<std::uint64_t>, Frame::none}},

    {Shape::stat, {print_stat}},
    {Shape::statx, {print_statx}},
    {Shape::statfs, {print_statfs}},
    {Shape::iovec, {print_iovec}},
    {Shape::remote_iovec, {print_remote_iovec}},
    {Shape::pollfd, {print_pollfd}},
    {Shape::fd_set, {print_fd_set, Frame::whole}},
    {Shape::epoll_event, {print_epoll_event}},
    {Shape::dirent, {print_dirent}},
    {Shape::dirent64, {print_dirent64}},
    {Shape::flock, {print_flock}},
    {Shape::f_owner_ex, {print_f_owner_ex}},
    {Shape::open_how, {print_open_how}},
    {Shape::iocb, {print_iocb}},
    {Shape::iocb_pointer, {print_iocb_pointer}},
    {Shape::io_event, {print_io_event}},

    {Shape::timespec, {print_timespec}},
    {Shape::timespec_pair, {print_timespec_pair}},
    {Shape::timeval, {print_timeval}},
    {Shape::timeval_pair, {print_timeval_pair}},
    {Shape::timezone, {print_timezone}},
    {Shape::itimerval, {print_itimerval}},
    {Shape::itimerspec, {print_itimerspec}},
    {Shape::utimbuf, {print_utimbuf}},
    {Shape::timex, {print_timex}},
    {Shape::tms, {print_tms}},
    {Shape::time_t, {print_time_t, Frame::brackets}},

    {Shape::sigset, {print_sigset}},
    {Shape::sigmask_pack, {print_sigmask_pack}},
    {Shape::sigaction, {print_sigaction}},
    {Shape::siginfo, {print_siginfo}},
    {Shape::stack_t, {print_stack}},
    {Shape::sigevent, {print_sigevent}},

    {Shape::rusage, {print_rusage}},
    {Shape::rlimit, {print_rlimit}},
    {Shape::utsname, {print_utsname}},
    {Shape::sysinfo, {print_sysinfo}},
    {Shape::clone_args, {print_clone_args}},
    {Shape::sched_attr, {print_sched_attr}},
    {Shape::cpu_set, {print_cpu_set, Frame::whole}},
    {Shape::cap_header, {print_cap_header}},
    {Shape::cap_data, {print_cap_data, Frame::whole}},
    {Shape::comm, {print_comm}},
    {Shape::futex_waitv, {print_futex_waitv}},
    {Shape::sock_fprog, {print_sock_fprog}},

    {Shape::sockaddr, {print_sockaddr}},
    {Shape::msghdr, {print_msghdr}},
    {Shape::mmsghdr, {print_mmsghdr}},
    {Shape::control, {print_control}},
    {Shape::linger, {print_linger}},
    {Shape::ucred, {print_ucred}},
    {Shape::ifreq, {print_ifreq}},
    {Shape::ifconf, {print_ifconf}},
    {Shape::tcp_info, {print_bytes}},

    {Shape::sembuf, {print_sembuf}},
    {Shape::semid_ds, {print_semid_ds}},
    {Shape::shmid_ds, {print_shmid_ds}},
    {Shape::msqid_ds, {print_msqid_ds}},
    {Shape::msgbuf, {print_msgbuf}},
    {Shape::mq_attr, {print_mq_attr}},
    {Shape::termios, {print_termios}},
    {Shape::termios2, {print_termios}},
    {Shape::winsize, {print_winsize}},

    {Shape::fiemap, {print_fiemap}},
    {Shape::file_clone_range, {print_file_clone_range}},
    {Shape::fsxattr, {print_fsxattr}},
    {Shape::fstrim_range, {print_fstrim_range}},
    {Shape::if_dqblk, {print_if_dqblk}},
    {Shape::if_dqinfo, {print_if_dqinfo}},
    {Shape::ip_mreq, {print_ip_mreq}},
    {Shape::seminfo, {print_seminfo}},
    {Shape::shminfo, {print_shminfo}},
    {Shape::shm_info, {print_shm_info}},
    {Shape::msginfo, {print_msginfo}},
    {Shape::io_uring_params, {print_io_uring_params}},
    {Shape::landlock_ruleset_attr, {print_landlock_ruleset_attr}},
    {Shape::landlock_path_beneath, {print_landlock_path_beneath}},
    {Shape::landlock_net_port, {print_landlock_net_port}},
    {Shape::loop_info64, {print_loop_info64}},
    {Shape::rtc_time, {print_rtc_time}},
    {Shape::seccomp_notif_sizes, {print_seccomp_notif_sizes}},
    {Shape::cachestat_range, {print_cachestat_range}},
    {Shape::cachestat, {print_cachestat}},
    {Shape::keyctl_dh_params, {print_keyctl_dh_params}},
    {Shape::bpf_attr, {print_bpf_attr}},
    {Shape::perf_event_attr, {print_perf_event_attr}},
    {Shape::mount_attr, {print_mount_attr}},
    {Shape::user_desc, {print_user_desc}},
    {Shape::file_handle, {print_file_handle}},
};

constexpr auto form_by_shape = [] {
  std::array<ShapeForm, shape_count> result{};
  for (const auto& [shape, form] : forms) result[static_cast<std::size_t>(shape)] = form;
  return result;
}();

}  // namespace

void put_flags(Text& out, syscalls::FlagSet set, std::uint64_t value) {
  if (out.constants == Constants::names) return syscalls::decode(set, value, out.buffer);
  put_hex(out, value);
  if (out.constants == Constants::numbers) return;
  // A bare number has no name to add.
  const std::size_t start = out.size();
  put(out, " /* ");
  const std::size_t name = out.size();
  syscalls::decode(set, value, out.buffer);
  if (out.size() == name || (out.data()[name] >= '0' && out.data()[name] <= '9')) return out.cut(start);
  put(out, " */");
}

const ShapeForm& form_of(Shape shape) { return form_by_shape[static_cast<std::size_t>(shape)]; }

void put_shape_or_pointer(const Scope& scope, Shape shape, std::uint64_t address, std::uint64_t size) {
  const ShapeForm& form = form_of(shape);
  if (form.print == nullptr || address == 0) return put_pointer(scope.out, address);
  const std::size_t before = scope.out.size();
  if (form.frame == Frame::brackets) put(scope.out, '[');
  if (!form.print(scope, RemotePtr<>(address), size)) {
    scope.out.cut(before);
    return put_pointer(scope.out, address);
  }
  if (form.frame == Frame::brackets) put(scope.out, ']');
}

bool put_array(const Scope& scope, Shape shape, RemotePtr<> at, std::uint64_t count, std::uint64_t unit) {
  const ShapeForm& form = form_of(shape);
  if (form.print == nullptr) return false;
  if (form.frame == Frame::whole) return form.print(scope, at, count * unit);
  const std::size_t before = scope.out.size();
  put(scope.out, '[');
  for (std::uint64_t i = 0; i < count; ++i) {
    if (i > 0) put(scope.out, ", ");
    if (i >= scope.options.string_limit) {
      put(scope.out, "...");
      break;
    }
    if (form.print(scope, at.plus_bytes(i * unit), unit)) continue;
    if (i == 0) {
      scope.out.cut(before);
      return false;
    }
    put_format(scope.out, "... /* {} */", at.plus_bytes(i * unit));
    break;
  }
  put(scope.out, ']');
  return true;
}

void put_bytes_or_pointer(const Scope& scope, std::uint64_t address, std::uint64_t size) {
  if (address == 0 || !print_bytes(scope, RemotePtr<>(address), size)) put_pointer(scope.out, address);
}

void put_string_or_pointer(const Scope& scope, std::uint64_t address, std::size_t limit) {
  if (address == 0) return put(scope.out, "NULL");
  const std::span<const std::byte> bytes = scope.memory.view(RemotePtr<>(address), limit + 1);
  if (bytes.empty()) return put_hex(scope.out, address);
  const auto end = std::find(bytes.begin(), bytes.end(), std::byte{0});
  const auto length = static_cast<std::size_t>(end - bytes.begin());
  put_quoted(scope.out, bytes.first(length), limit, end == bytes.end());
}

}  // namespace rec::dump

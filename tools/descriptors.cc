#include "tools/descriptors.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "tools/dump/errors.h"
#include "tools/dump/event_memory.h"

namespace rec {
namespace {

using syscalls::Arg;
using syscalls::Effect;
using syscalls::Syscall;
using syscalls::Type;

// A directory may be nested deeper than PATH_MAX; beyond this a trace is not to be believed.
constexpr std::size_t longest_directory = 1 << 16;

std::int32_t fd_in(std::uint64_t word) { return static_cast<std::int32_t>(word); }

// Descriptors that no path leads to, as the kernel names them in /proc/PID/fd: the argument of
// anon_inode_getfd() and anon_inode_getfile() where these calls are made.
constexpr std::array<std::pair<std::int64_t, std::string_view>, 16> anonymous = {{
    {SYS_epoll_create, "anon_inode:[eventpoll]"},
    {SYS_epoll_create1, "anon_inode:[eventpoll]"},
    {SYS_eventfd, "anon_inode:[eventfd]"},
    {SYS_eventfd2, "anon_inode:[eventfd]"},
    {SYS_signalfd, "anon_inode:[signalfd]"},
    {SYS_signalfd4, "anon_inode:[signalfd]"},
    {SYS_timerfd_create, "anon_inode:[timerfd]"},
    {SYS_inotify_init, "anon_inode:inotify"},
    {SYS_inotify_init1, "anon_inode:inotify"},
    {SYS_fanotify_init, "anon_inode:[fanotify]"},
    {SYS_pidfd_open, "anon_inode:[pidfd]"},
    {SYS_perf_event_open, "anon_inode:[perf_event]"},
    {SYS_userfaultfd, "anon_inode:[userfaultfd]"},
    {SYS_io_uring_setup, "anon_inode:[io_uring]"},
    {SYS_landlock_create_ruleset, "anon_inode:[landlock-ruleset]"},
    {SYS_fsopen, "anon_inode:[fscontext]"},
}};

// Returns the descriptor that it got as its first argument, or a copy of it.
bool is_copy(const Event& event) {
  return event.nr == SYS_dup || event.nr == SYS_dup2 || event.nr == SYS_dup3 || event.nr == SYS_fcntl;
}

// Whether the descriptor that a call makes is closed by an exec. All families of flags have O_CLOEXEC's bit
// for that (SOCK_, EFD_, TFD_, SFD_, EPOLL_, IN_CLOEXEC: asm-generic/fcntl.h and its users), memfd_create
// aside.
bool makes_close_on_exec(const Event& event, const Syscall& call) {
  if (event.nr == SYS_fcntl) return event.args[1] == F_DUPFD_CLOEXEC;
  if (event.nr == SYS_pidfd_open || event.nr == SYS_pidfd_getfd)
    return true;  // pidfd_open(2), pidfd_getfd(2)
  for (std::size_t i = 0; i < call.arg_count; ++i) {
    const Arg& arg = call.args[i];
    if (event.nr == SYS_memfd_create && arg.name == "flags") return (event.args[i] & MFD_CLOEXEC) != 0;
    if (arg.type == Type::flags && (arg.name == "flags" || arg.name == "type"))
      return (event.args[i] & O_CLOEXEC) != 0;
    if (arg.shape == syscalls::Shape::open_how) {
      const dump::EventMemory memory(event.data, dump::Moment::before);
      return (memory.read(RemotePtr<std::uint64_t>(event.args[i])).value_or(0) & O_CLOEXEC) != 0;
    }
  }
  return false;
}

// The address that a call passed or was given in an argument.
std::string address_behind(const Event& event, std::size_t argument) {
  constexpr std::size_t longest = 128;  // sizeof(sockaddr_storage)
  for (const Data& piece : event.data) {
    if (piece.argument == argument && piece.address.address() == event.args[argument])
      return address_text(piece.bytes.first(std::min(piece.bytes.size(), longest)));
  }
  return {};
}

// Besides calls that make descriptors.
bool changes_what_is_open(const Syscall& call) {
  return call.effect == Effect::enters_path || call.effect == Effect::enters_descriptor ||
         call.effect == Effect::controls_descriptor;
}

bool tells_address(std::int32_t nr) {
  return nr == SYS_bind || nr == SYS_connect || nr == SYS_getsockname || nr == SYS_getpeername;
}

// Without empty parts, "." and "..". The text alone decides: a symbolic link before ".." is not followed.
std::string normalised(std::string_view path) {
  std::vector<std::string_view> parts;
  const bool is_absolute = path.starts_with('/');
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == ".." && !parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (part != ".." || !is_absolute) {
      parts.push_back(part);
    }
  }
  std::string out;
  for (const std::string_view part : parts) {
    if (is_absolute || !out.empty()) out += '/';
    out += part;
  }
  if (out.empty()) out = is_absolute ? "/" : ".";
  return out;
}

}  // namespace

const std::string* Descriptors::name_of(Tid task, TraceeFd fd) const {
  const auto of = tasks_.find(task);
  if (of == tasks_.end()) return nullptr;
  const auto open = of->second.files->find(fd.value());
  return open == of->second.files->end() ? nullptr : open->second.name;
}

std::uint64_t Descriptors::description_of(Tid task, TraceeFd fd) const {
  const auto of = tasks_.find(task);
  if (of == tasks_.end()) return 0;
  const auto open = of->second.files->find(fd.value());
  return open == of->second.files->end() ? 0 : open->second.description;
}

ObjectKind Descriptors::kind_of(Tid task, TraceeFd fd) const {
  const auto of = tasks_.find(task);
  if (of == tasks_.end()) return ObjectKind::unknown;
  const auto open = of->second.files->find(fd.value());
  return open == of->second.files->end() ? ObjectKind::unknown : open->second.kind;
}

std::vector<Descriptors::Held> Descriptors::held_by(Tid task) const {
  std::vector<Held> held;
  const auto of = tasks_.find(task);
  if (of == tasks_.end()) return held;
  for (const auto& [fd, open] : *of->second.files)
    held.push_back({TraceeFd(fd), open.name, open.description});
  return held;
}

const std::string* Descriptors::directory_of(Tid task) const {
  const auto of = tasks_.find(task);
  return of == tasks_.end() ? nullptr : of->second.directory.get();
}

std::string Descriptors::absolute(Tid task, TraceeFd directory, std::string_view path) const {
  if (path.starts_with('/')) return normalised(path);
  const bool is_cwd = directory.value() == AT_FDCWD;
  const std::string* base = is_cwd ? directory_of(task) : name_of(task, directory);
  if (base == nullptr) return path.empty() ? std::string() : normalised(path);
  if (path.empty()) return *base;
  return normalised(*base + '/' + std::string(path));
}

std::string Descriptors::socket_text(Tid task, TraceeFd fd) const {
  const auto of = tasks_.find(task);
  const std::shared_ptr<Socket> socket = of == tasks_.end() ? nullptr : socket_of(of->second, fd.value());
  return socket == nullptr ? std::string() : rec::socket_text(*socket);
}

std::shared_ptr<Socket> Descriptors::socket_of(const Task& task, std::int32_t fd) const {
  const auto open = task.files->find(fd);
  return open == task.files->end() ? nullptr : open->second.socket;
}

// Of a call that gives a descriptor: its new socket, or the one that it copies.
std::shared_ptr<Socket> Descriptors::new_socket(const Event& event, const Task& task) const {
  if (is_copy(event)) return socket_of(task, fd_in(event.args[0]));
  constexpr std::uint64_t type_mask = 0xf;  // SOCK_TYPE_MASK, linux/net.h
  if (event.nr == SYS_socket) {
    return std::make_shared<Socket>(Socket{.family = fd_in(event.args[0]),
                                           .type = static_cast<std::int32_t>(event.args[1] & type_mask),
                                           .protocol = fd_in(event.args[2]),
                                           .number = sockets_});
  }
  if (event.nr != SYS_accept && event.nr != SYS_accept4) return nullptr;
  const std::shared_ptr<Socket> listening = socket_of(task, fd_in(event.args[0]));
  if (listening == nullptr) return nullptr;
  Socket accepted = *listening;
  accepted.number = sockets_;
  accepted.peer = address_behind(event, 1);
  return std::make_shared<Socket>(std::move(accepted));
}

// The calls that tell a socket's addresses.
void Descriptors::on_socket_call(const Event& event, Task& task) {
  const std::shared_ptr<Socket> socket = socket_of(task, fd_in(event.args[0]));
  if (socket == nullptr) return;
  const bool has_address =
      !dump::is_error(event.result) || (event.nr == SYS_connect && event.result == -EINPROGRESS);
  std::string address = has_address ? address_behind(event, 1) : std::string();
  if (address.empty()) return;
  const bool is_peer = event.nr == SYS_connect || event.nr == SYS_getpeername;
  (is_peer ? socket->peer : socket->local) = std::move(address);
}

std::optional<std::string> Descriptors::path_of(const Event& event) const {
  constexpr std::size_t longest = 4096;  // PATH_MAX, linux/limits.h
  const Syscall* call = syscalls::find(event.nr);
  if (call == nullptr) return std::nullopt;
  TraceeFd directory(AT_FDCWD);
  for (std::size_t i = 0; i < call->arg_count; ++i) {
    if (call->args[i].type == Type::dirfd) directory = TraceeFd(fd_in(event.args[i]));
    if (call->args[i].type != Type::path || call->args[i].dir != syscalls::Dir::in) continue;
    const dump::EventMemory memory(event.data, dump::Moment::before);
    const auto path = memory.read_string(RemotePtr<>(event.args[i]), longest);
    if (!path) return std::nullopt;
    std::string whole = absolute(event.tid, directory, *path);
    return whole.empty() ? std::nullopt : std::optional(std::move(whole));
  }
  return std::nullopt;
}

void Descriptors::add(const Event& event) {
  switch (event.kind) {
    case EventKind::start:
      return on_start(event);
    case EventKind::exec:
      return on_exec(event);
    case EventKind::exit:
      tasks_.erase(event.tid);
      return;
    case EventKind::call:
      return on_call(event);
    case EventKind::begin:
    case EventKind::signal:
    case EventKind::trap:
    case EventKind::stop:
    case EventKind::merge:
    case EventKind::note:
    case EventKind::memory:
    case EventKind::agent:
    case EventKind::point:
    case EventKind::traced:
      return;
  }
}

void Descriptors::on_start(const Event& event) {
  if (event.extra == nullptr) return;
  const auto parent = tasks_.find(event.extra->parent);
  if (parent == tasks_.end()) {
    tasks_[event.tid] = {std::make_shared<Files>(), std::make_shared<std::string>(first_directory_)};
    return;
  }
  Task task = parent->second;
  const std::uint64_t shared = event.extra->clone_flags;
  on_unshare(~shared & (CLONE_FILES | CLONE_FS), task);
  tasks_[event.tid] = std::move(task);
}

void Descriptors::on_exec(const Event& event) {
  // A thread that executes a program goes on under its process's number (see ProcessTree).
  if (event.extra != nullptr && event.extra->former_tid != Tid{} && event.extra->former_tid != event.tid) {
    auto former = tasks_.extract(event.extra->former_tid);
    if (!former.empty()) tasks_[event.tid] = std::move(former.mapped());
  }
  const auto of = tasks_.find(event.tid);
  if (of == tasks_.end()) return;
  on_unshare(CLONE_FILES, of->second);  // execve(2): the table of descriptors is unshared
  std::erase_if(*of->second.files, [](const auto& open) { return open.second.close_on_exec; });
}

void Descriptors::on_unshare(std::uint64_t flags, Task& task) {
  if ((flags & CLONE_FILES) != 0) task.files = std::make_shared<Files>(*task.files);
  if ((flags & (CLONE_FS | CLONE_NEWNS | CLONE_NEWUSER)) != 0)
    task.directory = std::make_shared<std::string>(*task.directory);
}

void Descriptors::on_call(const Event& event) {
  const Syscall* call = syscalls::find(event.nr);
  const bool is_about_sockets = tells_address(event.nr);
  const bool is_ours = call != nullptr && (call->changes_fds || changes_what_is_open(*call));
  if ((!is_ours && !is_about_sockets) || (event.flags & event_no_result) != 0) return;
  const auto of = tasks_.find(event.tid);
  if (of == tasks_.end()) return;
  Task& task = of->second;
  if (is_about_sockets) return on_socket_call(event, task);
  // The kernel has freed the number even when the file's own closing fails (close(2), "Dealing with error
  // returns").
  if (call->effect == Effect::closes && event.result != -EBADF) task.files->erase(fd_in(event.args[0]));
  if (dump::is_error(event.result)) return;
  on_effect(event, call->effect, task);
  for (std::size_t i = 0; i < call->arg_count; ++i) {
    if (call->args[i].shape == syscalls::Shape::fd_pair) return on_pair(event, i, task);
  }
  const syscalls::Variant* variant = syscalls::select_variant(*call, event.args);
  if ((variant != nullptr ? variant->returns : call->returns) == syscalls::Returns::new_fd)
    on_new_descriptor(event, *call, task);
}

void Descriptors::on_effect(const Event& event, Effect effect, Task& task) {
  switch (effect) {
    case Effect::enters_path:
      if (auto path = path_of(event); path && path->size() <= longest_directory)
        *task.directory = std::move(*path);
      return;
    case Effect::enters_descriptor:
      if (const std::string* name = name_of(event.tid, TraceeFd(fd_in(event.args[0]))))
        *task.directory = *name;
      return;
    case Effect::unshares:
      return on_unshare(event.args[0], task);
    case Effect::closes_range:
      return on_close_range(event, task);
    case Effect::controls_descriptor:
      return on_fcntl(event, task);
    case Effect::none:
    case Effect::closes:  // has been looked at
    case Effect::changes_names:
    case Effect::changes_last_name:
    case Effect::tells_process:
    case Effect::tells_thread:
    case Effect::makes_task:
      return;
  }
}

void Descriptors::on_close_range(const Event& event, Task& task) {
  if ((event.args[2] & CLOSE_RANGE_UNSHARE) != 0) on_unshare(CLONE_FILES, task);
  const auto first = static_cast<std::uint32_t>(event.args[0]);
  const auto last = static_cast<std::uint32_t>(event.args[1]);
  const auto is_inside = [&](std::int32_t fd) {
    return static_cast<std::uint32_t>(fd) >= first && static_cast<std::uint32_t>(fd) <= last;
  };
  if ((event.args[2] & CLOSE_RANGE_CLOEXEC) == 0) {
    std::erase_if(*task.files, [&](const auto& open) { return is_inside(open.first); });
    return;
  }
  for (auto& [fd, open] : *task.files) open.close_on_exec |= is_inside(fd);
}

void Descriptors::on_fcntl(const Event& event, Task& task) {
  const auto open = task.files->find(fd_in(event.args[0]));
  if (open == task.files->end()) return;
  const auto request = static_cast<std::uint32_t>(event.args[1]);
  if (event.nr == SYS_fcntl && request == F_SETFD)
    open->second.close_on_exec = (event.args[2] & FD_CLOEXEC) != 0;
  if (event.nr == SYS_ioctl && (request == FIOCLEX || request == FIONCLEX))
    open->second.close_on_exec = request == FIOCLEX;
}

void Descriptors::on_new_descriptor(const Event& event, const Syscall& call, Task& task) {
  const auto fd = static_cast<std::int32_t>(event.result);
  if (event.nr == SYS_dup2 && fd_in(event.args[0]) == fd) return;  // dup2(2): then it does nothing
  const std::string* name =
      is_copy(event) ? name_of(event.tid, TraceeFd(fd_in(event.args[0]))) : new_name(event, call);
  std::shared_ptr<Socket> socket = new_socket(event, task);
  const std::uint64_t description =
      is_copy(event) ? description_of(event.tid, TraceeFd(fd_in(event.args[0]))) : ++descriptions_;
  const ObjectKind kind = name == nullptr ? ObjectKind::unknown : object_kind(*name, socket.get());
  (*task.files)[fd] = {name, makes_close_on_exec(event, call), std::move(socket), description, kind};
}

const std::string* Descriptors::new_name(const Event& event, const Syscall& call) {
  if (event.nr == SYS_socket || event.nr == SYS_accept || event.nr == SYS_accept4)
    return kept(fmt::format("socket:[{}]", ++sockets_));
  for (const auto& [nr, name] : anonymous) {
    if (nr == event.nr) return kept(std::string(name));
  }
  if (event.nr == SYS_memfd_create) {
    const dump::EventMemory memory(event.data, dump::Moment::before);
    constexpr std::size_t longest = 249;  // MFD_NAME_MAX_LEN, mm/memfd.c
    const auto name = memory.read_string(RemotePtr<>(event.args[0]), longest);
    return name ? kept(fmt::format("/memfd:{} (deleted)", *name)) : nullptr;
  }
  // A family of calls with one entry, ioctl or bpf: its path, if any, is not the new descriptor's.
  if (syscalls::find_multiplexer(call.nr) != nullptr) return nullptr;
  auto path = path_of(event);
  return path ? kept(std::move(*path)) : nullptr;
}

void Descriptors::on_pair(const Event& event, std::size_t argument, Task& task) {
  const dump::EventMemory memory(event.data, dump::Moment::after);
  const auto pair = memory.read(RemotePtr<std::array<std::int32_t, 2>>(event.args[argument]));
  if (!pair) return;
  const bool close_on_exec = event.nr == SYS_socketpair
                                 ? (event.args[1] & SOCK_CLOEXEC) != 0
                                 : event.nr == SYS_pipe2 && (event.args[1] & O_CLOEXEC) != 0;
  const bool is_pipe = event.nr != SYS_socketpair;
  if (is_pipe) {
    ++pipes_;
    for (const std::int32_t fd : *pair)
      (*task.files)[fd] = {kept(fmt::format("pipe:[{}]", pipes_)), close_on_exec, nullptr, ++descriptions_,
                           ObjectKind::pipe};
    return;
  }
  Socket socket{.family = fd_in(event.args[0]),
                .type = static_cast<std::int32_t>(event.args[1] & 0xf),
                .protocol = fd_in(event.args[2])};
  const std::uint64_t first = sockets_ + 1;
  for (const std::int32_t fd : *pair) {
    socket.number = ++sockets_;
    socket.peer_number = socket.number == first ? first + 1 : first;
    (*task.files)[fd] = {kept(fmt::format("socket:[{}]", socket.number)), close_on_exec,
                         std::make_shared<Socket>(socket), ++descriptions_, object_kind({}, &socket)};
  }
}

}  // namespace rec

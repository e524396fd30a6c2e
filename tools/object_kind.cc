#include "tools/object_kind.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <utility>

namespace rec {
namespace {

ObjectKind socket_kind(const Socket& socket) {
  switch (socket.family) {
    case AF_UNIX:
      return ObjectKind::unix_socket;
    case AF_NETLINK:
      return ObjectKind::netlink;
    case AF_PACKET:
      return ObjectKind::packet;
    case AF_INET:
    case AF_INET6: {
      // Protocol 0: the type's own (ip(7)).
      const bool is_default = socket.protocol == 0;
      if (socket.type == SOCK_STREAM && (is_default || socket.protocol == IPPROTO_TCP))
        return ObjectKind::tcp;
      if (socket.type == SOCK_DGRAM && (is_default || socket.protocol == IPPROTO_UDP)) return ObjectKind::udp;
      return ObjectKind::other_socket;
    }
    default:
      return ObjectKind::other_socket;
  }
}

bool is_below(std::string_view path, std::string_view directory) {
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

ObjectKind path_kind(std::string_view path) {
  constexpr std::array<std::pair<std::string_view, ObjectKind>, 9> directories = {{
      {"/proc", ObjectKind::proc},
      {"/sys", ObjectKind::sys},
      {"/dev/shm", ObjectKind::shared_memory},
      {"/dev/pts", ObjectKind::terminal},
      {"/dev/tty", ObjectKind::terminal},
      {"/dev/ptmx", ObjectKind::terminal},
      {"/dev/console", ObjectKind::terminal},
      {"/dev/hugepages", ObjectKind::shared_memory},
      {"/dev/mqueue", ObjectKind::file},
  }};
  for (const auto& [directory, kind] : directories) {
    if (is_below(path, directory)) return kind;
  }
  if (path.starts_with("/dev/tty")) return ObjectKind::terminal;  // tty1, ttyS0
  if (path.starts_with("/memfd:")) return ObjectKind::shared_memory;
  return is_below(path, "/dev") && path != "/dev" ? ObjectKind::device : ObjectKind::file;
}

ObjectKind anonymous_kind(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, ObjectKind>, 12> kinds = {{
      {"eventpoll", ObjectKind::epoll},
      {"eventfd", ObjectKind::eventfd},
      {"signalfd", ObjectKind::signalfd},
      {"timerfd", ObjectKind::timerfd},
      {"inotify", ObjectKind::inotify},
      {"fanotify", ObjectKind::fanotify},
      {"pidfd", ObjectKind::pidfd},
      {"perf_event", ObjectKind::perf_event},
      {"io_uring", ObjectKind::io_uring},
      {"bpf", ObjectKind::bpf},
      {"userfaultfd", ObjectKind::userfaultfd},
      {"fscontext", ObjectKind::other},
  }};
  for (const auto& [part, kind] : kinds) {
    if (name.find(part) != std::string_view::npos) return kind;
  }
  return ObjectKind::other;
}

// Entries are in the kernel's sources, as of Linux 6.1.
constexpr std::array<ObjectFacts, object_kinds> facts = {{
    {"not opened in the trace", "-", ""},
    {"file", "-", ""},
    {"/proc", "fs/proc/", "CONFIG_PROC_FS"},
    {"/sys", "fs/sysfs/", "CONFIG_SYSFS"},
    {"terminal", "drivers/tty/tty_io.c", "CONFIG_TTY"},
    {"device", "-", ""},
    {"pipe", "fs/pipe.c", ""},
    {"TCP socket", "net/ipv4/tcp.c", "CONFIG_INET"},
    {"UDP socket", "net/ipv4/udp.c", "CONFIG_INET"},
    {"UNIX socket", "net/unix/af_unix.c", "CONFIG_UNIX"},
    {"netlink socket", "net/netlink/af_netlink.c", "CONFIG_NET"},
    {"packet socket", "net/packet/af_packet.c", "CONFIG_PACKET"},
    {"other socket", "net/socket.c", "CONFIG_NET"},
    {"shared memory", "mm/shmem.c", "CONFIG_SHMEM"},
    {"epoll", "fs/eventpoll.c", "CONFIG_EPOLL"},
    {"eventfd", "fs/eventfd.c", "CONFIG_EVENTFD"},
    {"signalfd", "fs/signalfd.c", "CONFIG_SIGNALFD"},
    {"timerfd", "fs/timerfd.c", "CONFIG_TIMERFD"},
    {"inotify", "fs/notify/inotify/inotify_user.c", "CONFIG_INOTIFY_USER"},
    {"fanotify", "fs/notify/fanotify/fanotify_user.c", "CONFIG_FANOTIFY"},
    {"pidfd", "kernel/fork.c", ""},
    {"perf event", "kernel/events/core.c", "CONFIG_PERF_EVENTS"},
    {"io_uring", "io_uring/io_uring.c", "CONFIG_IO_URING"},
    {"BPF object", "kernel/bpf/syscall.c", "CONFIG_BPF_SYSCALL"},
    {"userfaultfd", "fs/userfaultfd.c", "CONFIG_USERFAULTFD"},
    {"other", "fs/anon_inodes.c", ""},
}};

}  // namespace

ObjectKind object_kind(std::string_view name, const Socket* socket) {
  if (socket != nullptr) return socket_kind(*socket);
  if (name.starts_with("pipe:")) return ObjectKind::pipe;
  if (name.starts_with("socket:")) return ObjectKind::other_socket;
  if (name.starts_with("anon_inode:")) return anonymous_kind(name);
  return path_kind(name);
}

const ObjectFacts& facts_of(ObjectKind kind) { return facts[static_cast<std::size_t>(kind)]; }

}  // namespace rec

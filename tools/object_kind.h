// What a call works on, as far as another part of the kernel serves it: a read of a pipe is another matter
// than one of a TCP connection.
#pragma once

#include <cstdint>
#include <string_view>

#include "tools/sockets.h"

namespace rec {

enum class ObjectKind : std::uint8_t {
  unknown,  // inherited, or received through a socket
  file,     // a file or directory of a file system
  proc,
  sys,
  terminal,
  device,
  pipe,
  tcp,
  udp,
  unix_socket,
  netlink,
  packet,
  other_socket,
  shared_memory,  // memfd, /dev/shm
  epoll,
  eventfd,
  signalfd,
  timerfd,
  inotify,
  fanotify,
  pidfd,
  perf_event,
  io_uring,
  bpf,
  userfaultfd,
  other,  // what the kernel calls an anonymous inode, of no kind above
};
inline constexpr std::size_t object_kinds = static_cast<std::size_t>(ObjectKind::other) + 1;

// By the name that Descriptors gives, and by the socket if it is one.
[[nodiscard]] ObjectKind object_kind(std::string_view name, const Socket* socket);

struct ObjectFacts {
  std::string_view name;     // "TCP socket"
  std::string_view entry;    // where the kernel serves it; "-" where that hangs on the file system or driver
  std::string_view kconfig;  // "CONFIG_INET"; empty: in every kernel
};
[[nodiscard]] const ObjectFacts& facts_of(ObjectKind kind);

}  // namespace rec

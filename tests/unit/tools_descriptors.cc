#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>

#include "tests/unit/tools_events.h"
#include "tools/descriptors.h"

namespace rec::testing {
namespace {

constexpr auto cwd = static_cast<std::uint64_t>(AT_FDCWD);

OwnedEvent open_event(std::int32_t tid, const std::string& path, std::int64_t fd, std::uint64_t flags = 0,
                      std::uint64_t directory = cwd) {
  return with_string(call_event(tid, SYS_openat, {directory, 0, flags}, fd), 1, path);
}

// What the descriptor is called, "?" when that is not known.
std::string name(const Descriptors& descriptors, std::int32_t tid, std::int32_t fd) {
  const std::string* known = descriptors.name_of(Tid(tid), TraceeFd(fd));
  return known != nullptr ? *known : "?";
}

TraceHeader started_in(const std::string& directory) {
  TraceHeader header;
  header.working_directory = directory;
  return header;
}

TEST_CASE("a descriptor has the name of what was opened, until it is closed") {
  Descriptors descriptors(started_in("/home/a"));
  feed(descriptors, {start_event(1, 1, 0), open_event(1, "/etc/passwd", 3), open_event(1, "b/../c", 4),
                     open_event(1, "missing", -ENOENT)});
  CHECK(name(descriptors, 1, 3) == "/etc/passwd");
  CHECK(name(descriptors, 1, 4) == "/home/a/c");
  CHECK(name(descriptors, 1, 0) == "?");  // inherited from outside
  CHECK(name(descriptors, 2, 3) == "?");  // no such task
  feed(descriptors, {call_event(1, SYS_close, {3}, 0), call_event(1, SYS_close, {4}, -EBADF)});
  CHECK(name(descriptors, 1, 3) == "?");
  CHECK(name(descriptors, 1, 4) == "/home/a/c");
}

TEST_CASE("relative paths start at the directory that they were opened from") {
  Descriptors descriptors(started_in("/home/a"));
  feed(descriptors, {start_event(1, 1, 0), open_event(1, "/usr", 3), open_event(1, "lib", 4, 0, 3),
                     with_string(call_event(1, SYS_chdir, {}, 0), 0, "../b"), open_event(1, "x", 5)});
  CHECK(name(descriptors, 1, 4) == "/usr/lib");
  CHECK(name(descriptors, 1, 5) == "/home/b/x");
  feed(descriptors, {call_event(1, SYS_fchdir, {3}, 0), open_event(1, ".", 6)});
  CHECK(name(descriptors, 1, 6) == "/usr");
}

TEST_CASE("copies of a descriptor have its name") {
  Descriptors descriptors(started_in("/"));
  feed(descriptors, {start_event(1, 1, 0), open_event(1, "f", 3), call_event(1, SYS_dup2, {3, 1}, 1),
                     call_event(1, SYS_fcntl, {3, F_DUPFD, 10}, 10), call_event(1, SYS_dup2, {9, 3}, -EBADF),
                     call_event(1, SYS_fcntl, {3, F_GETFD}, 1), call_event(1, SYS_dup, {7}, 11)});
  CHECK(name(descriptors, 1, 1) == "/f");
  CHECK(name(descriptors, 1, 10) == "/f");
  CHECK(name(descriptors, 1, 3) == "/f");
  CHECK(name(descriptors, 1, 11) == "?");
}

TEST_CASE("pipes and sockets are numbered as they are made") {
  Descriptors descriptors(started_in("/"));
  using Pair = std::array<std::int32_t, 2>;
  feed(descriptors,
       {start_event(1, 1, 0), with_output(call_event(1, SYS_pipe2, {}, 0), 0, Pair{3, 4}),
        with_output(call_event(1, SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0}, 0), 3, Pair{5, 6}),
        call_event(1, SYS_socket, {AF_INET, SOCK_STREAM, 0}, 7), call_event(1, SYS_eventfd2, {0, 0}, 8)});
  CHECK(name(descriptors, 1, 3) == "pipe:[1]");
  CHECK(name(descriptors, 1, 4) == "pipe:[1]");
  CHECK(name(descriptors, 1, 5) == "socket:[1]");
  CHECK(name(descriptors, 1, 6) == "socket:[2]");
  CHECK(name(descriptors, 1, 7) == "socket:[3]");
  CHECK(name(descriptors, 1, 8) == "anon_inode:[eventfd]");
}

TEST_CASE("threads share their descriptors, processes have copies") {
  Descriptors descriptors(started_in("/"));
  feed(descriptors,
       {start_event(1, 1, 0), open_event(1, "f", 3), start_event(2, 1, 1, CLONE_FILES | CLONE_FS),
        start_event(3, 3, 1), call_event(2, SYS_close, {3}, 0)});
  CHECK(name(descriptors, 1, 3) == "?");
  CHECK(name(descriptors, 3, 3) == "/f");
  feed(descriptors, {with_string(call_event(2, SYS_chdir, {}, 0), 0, "/tmp"), open_event(1, "x", 4),
                     open_event(3, "x", 5)});
  CHECK(name(descriptors, 1, 4) == "/tmp/x");
  CHECK(name(descriptors, 3, 5) == "/x");
}

TEST_CASE("an exec closes the descriptors that are marked for it") {
  Descriptors descriptors(started_in("/"));
  OwnedEvent exec = call_event(1, SYS_execve, {}, 0);
  exec.fixed.kind = EventKind::exec;
  exec.extra.emplace();
  feed(descriptors,
       {start_event(1, 1, 0), open_event(1, "a", 3, O_CLOEXEC), open_event(1, "b", 4), open_event(1, "c", 5),
        call_event(1, SYS_fcntl, {5, F_SETFD, FD_CLOEXEC}, 0), call_event(1, SYS_dup, {3}, 6), exec});
  CHECK(name(descriptors, 1, 3) == "?");
  CHECK(name(descriptors, 1, 4) == "/b");
  CHECK(name(descriptors, 1, 5) == "?");
  CHECK(name(descriptors, 1, 6) == "/a");  // dup(2): the copy's flag is off
}

TEST_CASE("close_range closes what is inside of it") {
  Descriptors descriptors(started_in("/"));
  feed(descriptors, {start_event(1, 1, 0), open_event(1, "a", 3), open_event(1, "b", 4),
                     open_event(1, "c", 5), call_event(1, SYS_close_range, {4, 0xffffffff, 0}, 0)});
  CHECK(name(descriptors, 1, 3) == "/a");
  CHECK(name(descriptors, 1, 4) == "?");
  CHECK(name(descriptors, 1, 5) == "?");
}

}  // namespace
}  // namespace rec::testing

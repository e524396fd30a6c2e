#include <doctest/doctest.h>
#include <sys/socket.h>

#include <memory>
#include <vector>

#include "format/syscalls/table.h"
#include "recorder/agent_calls.h"

namespace rec {
namespace {

const agent::CallTable& table() {
  static const std::unique_ptr<agent::CallTable> filled = [] {
    auto made = std::make_unique<agent::CallTable>();
    fill_agent_calls(*made, RecordOptions{});
    return made;
  }();
  return *filled;
}

const agent::Call& call_named(std::string_view name) {
  const syscalls::Syscall* entry = syscalls::find(name);
  REQUIRE(entry != nullptr);
  return table().calls[static_cast<std::size_t>(entry->nr)];
}

bool is_made(std::string_view name) { return (call_named(name).flags & agent::call_usable) != 0; }

std::vector<agent::Piece> pieces_of(std::string_view name) {
  const agent::Call& call = call_named(name);
  return {table().pieces + call.first_piece, table().pieces + call.first_piece + call.pieces};
}

const agent::Call* request_of(std::string_view name, std::uint64_t request) {
  const agent::Call& call = call_named(name);
  for (std::size_t i = call.first; i < std::size_t{call.first} + call.count; ++i) {
    if (table().calls[i].request == request) return &table().calls[i];
  }
  return nullptr;
}

}  // namespace

TEST_CASE("the agent makes calls with lists of buffers, messages, and lengths that come back") {
  for (const char* name : {"readv", "writev", "preadv2", "pwritev2", "sendmsg", "recvmsg", "recvfrom",
                           "sendto", "accept", "accept4", "getsockname", "getpeername", "getsockopt",
                           "setsockopt", "select", "pselect6", "pipe2", "socketpair", "dup3"}) {
    CHECK_MESSAGE(is_made(name), name);
  }
}

TEST_CASE("the agent leaves alone what concerns tasks, and pointers that it does not follow") {
  for (const char* name :
       {"clone", "execve", "wait4", "exit_group", "ptrace", "recvmmsg", "sendmmsg", "vmsplice"}) {
    CHECK_FALSE_MESSAGE(is_made(name), name);
  }
}

TEST_CASE("a message's pieces come in the order in which the stopped way has them") {
  const auto pieces = pieces_of("recvmsg");
  REQUIRE(pieces.size() == 6);
  CHECK(pieces[0].holds == agent::PieceHolds::structure);
  CHECK(pieces[0].when == agent::PieceWhen::input);
  CHECK(pieces[1].when == agent::PieceWhen::success);
  CHECK(pieces[2].rule == agent::PieceRule::field_32);  // the sender's name
  CHECK(pieces[3].holds == agent::PieceHolds::vectors);
  CHECK(pieces[3].when == agent::PieceWhen::input);
  CHECK(pieces[4].rule == agent::PieceRule::vectors);
  CHECK(pieces[4].when == agent::PieceWhen::success);
  CHECK(pieces[5].rule == agent::PieceRule::field_64);  // control data
  for (const agent::Piece& piece : pieces_of("sendmsg")) CHECK(piece.when == agent::PieceWhen::input);
}

TEST_CASE("options that lead to memory of their own are left to the stopped way, unknown ones are not") {
  CHECK((call_named("setsockopt").flags & agent::call_usable) != 0);
  const auto key = [](std::uint64_t option) { return std::uint64_t{SOL_SOCKET} << 32 | option; };
  const agent::Call* filter = request_of("setsockopt", key(SO_ATTACH_FILTER));
  REQUIRE(filter != nullptr);
  CHECK(filter->flags == 0);
  const agent::Call* reuse = request_of("setsockopt", key(SO_REUSEADDR));
  REQUIRE(reuse != nullptr);
  CHECK((reuse->flags & agent::call_usable) != 0);
  CHECK(request_of("setsockopt", key(54321)) == nullptr);
}

TEST_CASE("the requests of a call are in order") {
  for (const char* name : {"ioctl", "fcntl", "getsockopt", "setsockopt"}) {
    const agent::Call& call = call_named(name);
    REQUIRE(call.count > 1);
    for (std::size_t i = call.first + 1; i < std::size_t{call.first} + call.count; ++i) {
      CHECK(table().calls[i - 1].request < table().calls[i].request);
    }
  }
}

TEST_CASE("the agent asks first where a call may block on one descriptor or a name") {
  CHECK(call_named("read").probe == agent::Probe::input);
  CHECK(call_named("accept4").probe == agent::Probe::input);
  CHECK(call_named("writev").probe == agent::Probe::output);
  CHECK(call_named("openat").probe == agent::Probe::path);
  CHECK(call_named("openat").path == 1);
  CHECK(call_named("epoll_wait").timeout == 3);
  CHECK(call_named("recvfrom").message_flags == 3);
  CHECK(call_named("flock").probe == agent::Probe::none);
  CHECK(call_named("connect").probe == agent::Probe::none);
}

TEST_CASE("what a call writes may be shown by a replay, what the kernel copies may not") {
  for (const char* name : {"write", "writev", "pwrite64", "pwritev2", "sendto", "sendmsg"}) {
    CHECK_MESSAGE((call_named(name).flags & agent::call_shows) != 0, name);
  }
  for (const char* name : {"read", "sendfile", "splice", "tee", "copy_file_range"}) {
    CHECK_MESSAGE((call_named(name).flags & agent::call_shows) == 0, name);
  }
}

TEST_CASE("the pieces of all calls fit into the table") {
  for (const agent::Call& call : table().calls) {
    CHECK(call.pieces <= agent::max_pieces);
    CHECK(std::size_t{call.first_piece} + call.pieces <= agent::piece_count);
  }
}

}  // namespace rec

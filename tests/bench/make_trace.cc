// make_trace FILE EVENTS: a trace of so many events, as `dd bs=1` of four processes would leave it: reads and
// writes of single bytes, now and then a file that is opened, looked at and closed.
#include <fcntl.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string>

#include "format/trace_writer.h"

namespace {

constexpr std::uint64_t path_address = 0x7ffd00001000;
constexpr std::uint64_t buffer_address = 0x55d000002000;
constexpr std::int32_t processes = 4;

class Maker {
 public:
  Maker(const std::string& path, std::uint64_t events) : writer_(path, header()), wanted_(events) {}

  void make() {
    for (std::int32_t i = 0; i < processes; ++i) start(i);
    for (std::uint64_t round = 0; made_ + processes < wanted_; ++round) {
      const rec::Tid tid(1000 + static_cast<std::int32_t>(round / 64) % processes);
      if (round % 256 == 0) open_and_close(tid, round);
      byte(tid, SYS_read, 0, rec::Data::Role::output);
      byte(tid, SYS_write, 1, rec::Data::Role::bulk);
    }
    while (made_ < wanted_) exit(static_cast<std::int32_t>(wanted_ - made_ - 1) % processes);
    rec::TraceSummary summary;
    summary.duration_ns = now_;
    summary.tasks = processes;
    writer_.finish(summary);
  }

 private:
  static rec::TraceHeader header() {
    rec::TraceHeader header;
    header.rec_version = "bench";
    header.command = {"dd", "bs=1"};
    header.working_directory = "/tmp";
    return header;
  }

  void append(rec::Event& event) {
    event.enter_ns = now_ += 400;
    event.leave_ns = now_ += 600;
    writer_.append(event);
    ++made_;
  }

  void start(std::int32_t index) {
    rec::Extra extra;
    extra.pid = rec::Pid(1000 + index);
    extra.parent = rec::Tid(index == 0 ? 0 : 1000);
    rec::Event event;
    event.kind = rec::EventKind::start;
    event.tid = rec::Tid(1000 + index);
    event.extra = &extra;
    append(event);
  }

  void exit(std::int32_t index) {
    rec::Event event;
    event.kind = rec::EventKind::exit;
    event.tid = rec::Tid(1000 + index);
    append(event);
  }

  void call(rec::Tid tid, std::int32_t nr, const std::array<std::uint64_t, 6>& args, std::int64_t result,
            std::span<const rec::Data> data = {}) {
    rec::Event event;
    event.tid = tid;
    event.nr = nr;
    event.args = args;
    event.result = result;
    event.data = data;
    append(event);
  }

  void byte(rec::Tid tid, std::int32_t nr, std::uint64_t fd, rec::Data::Role role) {
    const std::byte value{static_cast<unsigned char>('a' + made_ % 26)};
    rec::Data data;
    data.address = rec::RemotePtr<>(buffer_address);
    data.bytes = {&value, 1};
    data.full_size = 1;
    data.role = role;
    data.argument = 1;
    call(tid, nr, {fd, buffer_address, 1}, 1, {&data, 1});
  }

  void open_and_close(rec::Tid tid, std::uint64_t round) {
    const std::string path = "/usr/share/data/file-" + std::to_string(round / 256 % 500);
    rec::Data data;
    data.address = rec::RemotePtr<>(path_address);
    data.bytes = std::as_bytes(std::span(path.c_str(), path.size() + 1));
    data.full_size = path.size() + 1;
    data.role = rec::Data::Role::input;
    data.argument = 1;
    const bool is_there = round % 512 != 0;
    const auto directory = static_cast<std::uint64_t>(AT_FDCWD);
    call(tid, SYS_openat, {directory, path_address, O_RDONLY | O_CLOEXEC}, is_there ? 3 : -ENOENT,
         {&data, 1});
    if (!is_there) return;
    call(tid, SYS_lseek, {3, 0, 0}, 0);
    call(tid, SYS_close, {3}, 0);
  }

  rec::TraceWriter writer_;
  std::uint64_t wanted_;
  std::uint64_t made_ = 0;
  std::uint64_t now_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t events = argc == 3 ? std::strtoull(argv[2], nullptr, 10) : 0;
  if (events < 100) {
    (void)std::fprintf(stderr, "usage: make_trace FILE EVENTS (at least 100)\n");
    return 2;
  }
  try {
    Maker(argv[1], events).make();
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "make_trace: %s\n", error.what());
    return 1;
  }
  return 0;
}

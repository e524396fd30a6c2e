#include "replayer/program_output.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "format/base/error.h"

namespace rec {
namespace {

void write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail_with_errno("cannot write the recorded program's output");
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

// Of what the call passed, what the kernel took.
template <class Function>
void for_each_written(const Event& event, Function function) {
  auto left = static_cast<std::uint64_t>(event.result);
  for (const Data& data : event.data) {
    if (data.role != Data::Role::bulk || left == 0) continue;
    const std::span<const std::byte> bytes = data.bytes.first(std::min<std::size_t>(data.bytes.size(), left));
    left -= bytes.size();
    function(bytes);
  }
}

}  // namespace

bool ProgramOutput::is_shown(const Event& event) {
  return (event.flags & (event_echo_stdout | event_echo_stderr)) != 0 && event.result > 0;
}

int ProgramOutput::fd_for(const Event& event) const {
  return (event.flags & event_echo_stdout) != 0 ? output_.standard_output : output_.standard_error;
}

void ProgramOutput::show(const Event& event) const {
  for_each_written(event, [&](std::span<const std::byte> bytes) { write_all(fd_for(event), bytes); });
}

void ProgramOutput::keep(const Event& event, std::uint64_t end) {
  const std::size_t before = bytes_.size();
  for_each_written(event, [&](std::span<const std::byte> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  });
  waiting_.push_back({fd_for(event), bytes_.size() - before, end});
}

void ProgramOutput::show_until(std::uint64_t position) {
  std::span<const std::byte> left = bytes_;
  auto at = waiting_.begin();
  while (at != waiting_.end() && at->end <= position) {
    // What goes to one place in a row is written at once.
    const int fd = at->fd;
    std::size_t size = 0;
    for (; at != waiting_.end() && at->fd == fd && at->end <= position; ++at) size += at->size;
    write_all(fd, left.first(size));
    left = left.subspan(size);
  }
  const std::size_t shown = bytes_.size() - left.size();
  waiting_.erase(waiting_.begin(), at);
  bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(shown));
}

}  // namespace rec

#include "recorder/echo.h"

#include <fmt/format.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "format/event.h"
#include "recorder/task.h"

namespace rec {

EchoDescriptors::Target EchoDescriptors::look(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return {};
  const bool device = S_ISCHR(info.st_mode) && ::isatty(fd) == 0;
  return {.is_open = true, .by_number_only = device, .device = info.st_dev, .inode = info.st_ino};
}

EchoDescriptors::EchoDescriptors() : out_(look(STDOUT_FILENO)), err_(look(STDERR_FILENO)) {}

std::uint16_t EchoDescriptors::flags_for(Process& process, Tid tid, std::int32_t fd) const {
  const auto known = process.echo_cache.find(fd);
  if (known != process.echo_cache.end()) return known->second;
  std::uint16_t flags = 0;
  struct stat info {};
  if (::stat(fmt::format("/proc/{}/fd/{}", tid, fd).c_str(), &info) == 0) {
    const auto leads_to = [&](const Target& target, int number) {
      return target.is_open && target.device == info.st_dev && target.inode == info.st_ino &&
             (!target.by_number_only || fd == number);
    };
    const bool out = leads_to(out_, STDOUT_FILENO);
    const bool err = leads_to(err_, STDERR_FILENO);
    // Both are the same terminal or file: the number decides where replay shows it.
    if (err && (!out || fd == STDERR_FILENO)) {
      flags = event_echo_stderr;
    } else if (out) {
      flags = event_echo_stdout;
    }
  }
  process.echo_cache.emplace(fd, flags);
  return flags;
}

void EchoDescriptors::forget(Process& process) {
  process.echo_cache.clear();
  process.unshared_fds.clear();
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> EchoDescriptors::identities() const {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> found;
  for (const Target& target : {out_, err_}) {
    if (target.is_open && !target.by_number_only) found.emplace_back(target.device, target.inode);
  }
  return found;
}

}  // namespace rec

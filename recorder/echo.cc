#include "recorder/echo.h"

#include <fmt/format.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

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

namespace {

// Beside the EventFlags in the cache.
constexpr std::uint16_t leads_to_memory = 0x8000;

bool names_memory(const std::string& link) {
  std::array<char, 64> name{};
  const ssize_t length = ::readlink(link.c_str(), name.data(), name.size());
  if (length < 0) return false;
  const std::string_view path(name.data(), static_cast<std::size_t>(length));
  return path.starts_with("/proc/") && path.ends_with("/mem");
}

}  // namespace

std::uint16_t EchoDescriptors::flags_for(Process& process, Tid tid, std::int32_t fd) const {
  return look_up(process, tid, fd) & (event_echo_stdout | event_echo_stderr);
}

bool EchoDescriptors::is_memory(Process& process, Tid tid, std::int32_t fd) const {
  return (look_up(process, tid, fd) & leads_to_memory) != 0;
}

std::uint16_t EchoDescriptors::look_up(Process& process, Tid tid, std::int32_t fd) const {
  const auto known = process.echo_cache.find(fd);
  if (known != process.echo_cache.end()) return known->second;
  std::uint16_t flags = 0;
  struct stat info {};
  const std::string link = fmt::format("/proc/{}/fd/{}", tid, fd);
  if (::stat(link.c_str(), &info) == 0) {
    if (S_ISREG(info.st_mode) && info.st_size == 0 && names_memory(link)) flags = leads_to_memory;
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
  process.unmapped_fds.clear();
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> EchoDescriptors::identities() const {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> found;
  for (const Target& target : {out_, err_}) {
    if (target.is_open && !target.by_number_only) found.emplace_back(target.device, target.inode);
  }
  return found;
}

}  // namespace rec

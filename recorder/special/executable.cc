#include "recorder/special/executable.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "format/base/unique_fd.h"
#include "recorder/task.h"

namespace rec::special {
namespace {

// By which rec finds the file.
std::optional<std::string> file_of_exec(const Task& task) {
  const auto& args = task.call.call.args;
  const bool has_directory = task.call.policy.special == syscalls::Special::execveat;
  const auto name = task.memory().read_string(RemotePtr<>(args[has_directory ? 1 : 0]), PATH_MAX);
  if (!name) return std::nullopt;
  if (!name->empty() && name->front() == '/') return fmt::format("/proc/{}/root{}", task.tid, *name);
  const auto directory = static_cast<std::int32_t>(args[0]);
  if (!has_directory || directory == AT_FDCWD) return fmt::format("/proc/{}/cwd/{}", task.tid, *name);
  // An empty name: the descriptor itself (AT_EMPTY_PATH, open(2)).
  return fmt::format("/proc/{}/fd/{}{}{}", task.tid, directory, name->empty() ? "" : "/", *name);
}

bool is_32_bit(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::array<char, EI_NIDENT> identity{};
  if (!file.is_open() || ::pread(file.get(), identity.data(), identity.size(), 0) != EI_NIDENT) return false;
  return std::memcmp(identity.data(), ELFMAG, SELFMAG) == 0 && identity[EI_CLASS] == ELFCLASS32;
}

// execve(2): under a tracer without CAP_SYS_PTRACE, and with no_new_privs, the bits have no effect.
bool loses_privileges(const struct stat& info) {
  if (::geteuid() == 0) return false;
  const bool other_user = (info.st_mode & S_ISUID) != 0 && info.st_uid != ::geteuid();
  constexpr mode_t setgid = S_ISGID | S_IXGRP;  // without the second: mandatory locking
  return other_user || ((info.st_mode & setgid) == setgid && info.st_gid != ::getegid());
}

}  // namespace

Executable look_at_executable(const Task& task) {
  const auto path = file_of_exec(task);
  struct stat info {};
  // The stat comes first: opening a device or a FIFO could have effects.
  if (!path || ::stat(path->c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return Executable::usual;
  if (is_32_bit(*path)) return Executable::is_32_bit;
  return loses_privileges(info) ? Executable::loses_privileges : Executable::usual;
}

}  // namespace rec::special

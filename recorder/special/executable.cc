#include "recorder/special/executable.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "format/base/unique_fd.h"
#include "recorder/task.h"
#include "tracee/seen_file.h"

namespace rec::special {
namespace {

// A name that the program gave, as rec finds it.
std::string seen_from_here(const Task& task, const std::string& name) {
  const bool absolute = !name.empty() && name.front() == '/';
  return absolute ? fmt::format("/proc/{}/root{}", task.tid, name)
                  : fmt::format("/proc/{}/cwd/{}", task.tid, name);
}

// By which rec finds the file.
std::optional<std::string> file_of_exec(const Task& task) {
  const auto& args = task.call.call.args;
  const bool has_directory = task.call.policy.special == syscalls::Special::execveat;
  const auto name = task.memory().read_string(RemotePtr<>(args[has_directory ? 1 : 0]), PATH_MAX);
  if (!name) return std::nullopt;
  const auto directory = static_cast<std::int32_t>(args[0]);
  const bool absolute = !name->empty() && name->front() == '/';
  if (absolute || !has_directory || directory == AT_FDCWD) return seen_from_here(task, *name);
  // An empty name: the descriptor itself (AT_EMPTY_PATH, open(2)).
  return fmt::format("/proc/{}/fd/{}{}{}", task.tid, directory, name->empty() ? "" : "/", *name);
}

// The beginning of a regular file, as much as execve(2) looks at to tell what it is; "": not to be read.
std::string beginning_of(const std::string& path) {
  constexpr std::size_t looked_at = 256;  // linux/binfmts.h, BINPRM_BUF_SIZE
  if (!SeenFile::look(path)) return "";
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::string bytes(looked_at, 0);
  const ssize_t got = file.is_open() ? ::pread(file.get(), bytes.data(), bytes.size(), 0) : 0;
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

// Of a script (fs/binfmt_script.c); "": it is none.
std::string interpreter_in(const std::string& bytes) {
  if (bytes.compare(0, 2, "#!") != 0) return "";
  const std::string line = bytes.substr(2, bytes.find('\n') - 2);
  const std::size_t start = line.find_first_not_of(" \t");
  if (start == std::string::npos) return "";
  return line.substr(start, line.find_first_of(std::string_view(" \t\0", 3), start) - start);
}

// The program itself, or that which its first line names.
bool is_32_bit(const Task& task, std::string path) {
  constexpr int most_interpreters = 5;  // fs/exec.c, exec_binprm
  for (int depth = 0; depth <= most_interpreters; ++depth) {
    const std::string bytes = beginning_of(path);
    if (bytes.size() > EI_CLASS && bytes.compare(0, SELFMAG, ELFMAG) == 0)
      return bytes[EI_CLASS] == ELFCLASS32;
    const std::string interpreter = interpreter_in(bytes);
    if (interpreter.empty()) return false;
    path = seen_from_here(task, interpreter);
  }
  return false;
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
  if (!path || ::stat(path->c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return Executable::usual;
  if (is_32_bit(task, *path)) return Executable::is_32_bit;
  return loses_privileges(info) ? Executable::loses_privileges : Executable::usual;
}

}  // namespace rec::special

#include "tracee/task_state.h"

#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace rec {
namespace {

// What /proc/PID/stat says behind the task's name, from the state letter on; empty when the task is gone.
std::string behind_name(Tid tid) {
  const std::string path = fmt::format("/proc/{}/stat", tid);
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return {};
  std::array<char, 512> bytes{};
  const std::size_t got = std::fread(bytes.data(), 1, bytes.size(), file);
  (void)std::fclose(file);
  // The name, in parentheses, may hold parentheses and line ends, too: the last parenthesis ends it.
  const std::string_view text(bytes.data(), got);
  const std::size_t end = text.rfind(')');
  return end != std::string_view::npos && end + 2 < text.size() ? std::string(text.substr(end + 2))
                                                                : std::string();
}

}  // namespace

char task_state(Tid tid) {
  const std::string fields = behind_name(tid);
  return fields.empty() ? '\0' : fields.front();
}

Pid parent_process(Tid tid) {
  const std::string fields = behind_name(tid);
  return fields.empty() ? Pid() : Pid(static_cast<std::int32_t>(std::strtol(&fields[1], nullptr, 10)));
}

bool is_in_our_pid_namespace(Tid tid) {
  struct stat own {
  }, other{};
  return ::stat("/proc/self/ns/pid", &own) == 0 &&
         ::stat(fmt::format("/proc/{}/ns/pid", tid).c_str(), &other) == 0 && own.st_dev == other.st_dev &&
         own.st_ino == other.st_ino;
}

}  // namespace rec

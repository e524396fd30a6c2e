#include "recorder/task_state.h"

#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <string>

namespace rec {

char task_state(Tid tid) {
  const std::string path = fmt::format("/proc/{}/stat", tid);
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return 0;
  std::array<char, 512> line{};
  const bool got = std::fgets(line.data(), line.size(), file) != nullptr;
  (void)std::fclose(file);
  // The name in parentheses may itself contain parentheses: the last one ends it.
  const std::string text = got ? line.data() : "";
  const std::size_t end = text.rfind(')');
  return end != std::string::npos && end + 2 < text.size() ? text[end + 2] : '\0';
}

bool is_in_our_pid_namespace(Tid tid) {
  struct stat own {
  }, other{};
  return ::stat("/proc/self/ns/pid", &own) == 0 &&
         ::stat(fmt::format("/proc/{}/ns/pid", tid).c_str(), &other) == 0 && own.st_dev == other.st_dev &&
         own.st_ino == other.st_ino;
}

}  // namespace rec

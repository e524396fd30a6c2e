#include "tools/trace_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "format/base/error.h"
#include "format/base/unique_fd.h"

namespace rec {
namespace {

constexpr std::string_view suffix = ".rec";
constexpr const char* latest_name = "latest";

// An environment variable that is set and not empty.
std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

// mkdir -p, each new directory for its owner only (as the XDG base directory specification asks).
void make_directories(const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
      fail_with_errno(fmt::format("cannot make the trace directory {}", path));
    if (end == std::string::npos) return;
  }
}

// Something is there that may be a trace; a directory is none.
bool exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && !S_ISDIR(status.st_mode);
}

// What `latest` points to, by its own name: the link may point elsewhere a moment later. Empty: there is no
// such file.
std::string latest_recording(const std::string& directory) {
  std::error_code error;
  const std::filesystem::path target = std::filesystem::read_symlink(directory + "/" + latest_name, error);
  if (error) return {};
  const std::string path = target.is_absolute() ? target.string() : directory + "/" + target.string();
  return exists(path) ? path : std::string();
}

// When `latest` points nowhere (its recording was deleted): the newest one that is left. Empty: there is
// none.
std::string newest_recording() {
  std::string newest;
  timespec newest_time{};
  for (const std::string& path : all_recordings()) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) continue;
    const timespec& time = status.st_mtim;
    if (!newest.empty() &&
        std::pair(time.tv_sec, time.tv_nsec) <= std::pair(newest_time.tv_sec, newest_time.tv_nsec))
      continue;
    newest = path;
    newest_time = time;
  }
  return newest;
}

// The program's name as part of a file name, which has at most NAME_MAX bytes.
std::string stem_of(const std::string& program) {
  constexpr std::size_t longest = 200;
  const std::string name = program.substr(program.find_last_of('/') + 1).substr(0, longest);
  if (name.empty() || name.front() == '.') return "_" + name;  // a file that starts with a dot is not seen
  return name;
}

// rename() replaces a link in one step, so that `latest` always points somewhere.
void point_latest_to(const std::string& directory, const std::string& file) {
  const std::string link = directory + "/" + latest_name;
  const std::string fresh = fmt::format("{}/.{}-{}", directory, latest_name, ::getpid());
  ::unlink(fresh.c_str());  // left by a process that had our number and was killed right here
  if (::symlink(file.c_str(), fresh.c_str()) != 0 || ::rename(fresh.c_str(), link.c_str()) != 0)
    fail_with_errno(fmt::format("cannot let {} point to {}", link, file));
}

}  // namespace

std::string trace_directory() {
  if (const auto directory = variable("REC_TRACE_DIR")) return *directory;
  // A relative path in it is to be ignored (XDG base directory specification).
  if (const auto data = variable("XDG_DATA_HOME"); data && data->starts_with('/')) return *data + "/rec";
  if (const auto home = variable("HOME")) return *home + "/.local/share/rec";
  throw Error("no directory to keep traces in: set HOME or REC_TRACE_DIR");
}

std::string new_recording(const std::string& program) {
  const std::string directory = trace_directory();
  make_directories(directory);
  const std::string stem = stem_of(program);
  for (unsigned number = 0;; ++number) {
    const std::string name = fmt::format("{}-{}{}", stem, number, suffix);
    const std::string path = directory + "/" + name;
    // O_EXCL: of two recorders that try the same number, one gets EEXIST.
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd.is_open()) {
      if (errno == EEXIST) continue;
      fail_with_errno(fmt::format("cannot create the trace {}", path));
    }
    point_latest_to(directory, name);
    return path;
  }
}

std::string resolve_trace(const std::string& name) {
  if (name.find('/') != std::string::npos || (!name.empty() && exists(name))) return name;
  const std::string directory = trace_directory();
  if (name.empty()) {
    if (const std::string latest = latest_recording(directory); !latest.empty()) return latest;
    const std::string newest = newest_recording();
    if (newest.empty()) fail("no recording yet in {}: make one with ‘rec record -- PROGRAM’", directory);
    return newest;
  }
  const std::string path = directory + "/" + name;
  if (exists(path)) return path;
  if (const std::string with_suffix = path + std::string(suffix); exists(with_suffix)) return with_suffix;
  fail("there is no trace ‘{}’, neither here nor in {} (‘rec ls’ shows what is there)", name, directory);
}

void remove_old_recordings(std::size_t keep) {
  struct Recording {
    std::string path;
    timespec written;
  };
  std::vector<Recording> finished;
  for (const std::string& path : all_recordings()) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat status {};
    if (!fd.is_open() || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    // Its recorder has it locked as long as it writes (OutputFile).
    if (::flock(fd.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) continue;
    finished.push_back({path, status.st_mtim});
  }
  std::sort(finished.begin(), finished.end(), [](const Recording& a, const Recording& b) {
    return std::pair(a.written.tv_sec, a.written.tv_nsec) > std::pair(b.written.tv_sec, b.written.tv_nsec);
  });
  for (std::size_t i = keep; i < finished.size(); ++i) {
    if (::unlink(finished[i].path.c_str()) != 0 && errno != ENOENT)
      fail_with_errno(fmt::format("cannot delete the old trace {}", finished[i].path));
  }
}

std::vector<std::string> all_recordings() {
  const std::string directory = trace_directory();
  std::vector<std::string> paths;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == suffix && !entry->is_symlink()) paths.push_back(entry->path().string());
  }
  if (error && error.value() != ENOENT)
    fail_with_errno(fmt::format("cannot list the traces in {}", directory), error.value());
  return paths;
}

}  // namespace rec

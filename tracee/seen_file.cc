#include "tracee/seen_file.h"

#include <algorithm>
#include <ctime>
#include <utility>

namespace rec {

std::optional<SeenFile> SeenFile::look(std::string name) {
  struct stat info {};
  if (::stat(name.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return SeenFile(std::move(name), info);
}

std::optional<SeenFile> SeenFile::look(int fd, std::string name) {
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return SeenFile(std::move(name), info);
}

FileVersion SeenFile::version() const {
  return {info_.st_dev,          info_.st_ino,         info_.st_size,        info_.st_mtim.tv_sec,
          info_.st_mtim.tv_nsec, info_.st_ctim.tv_sec, info_.st_ctim.tv_nsec};
}

bool SeenFile::has_rested() const {
  return ::time(nullptr) - std::max(info_.st_mtim.tv_sec, info_.st_ctim.tv_sec) >= 2;
}

}  // namespace rec

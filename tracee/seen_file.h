// A regular file that rec has looked at: where it can be opened, and which version of it that is.
#pragma once

#include <sys/stat.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace rec {

// As far as stat(2) can tell.
struct FileVersion {
  std::uint64_t device, inode;
  std::int64_t size, modified_s, modified_ns, changed_s, changed_ns;
  auto operator<=>(const FileVersion&) const = default;
};

class SeenFile {
 public:
  // nullopt: there is none, or it is not a regular file: opening a device or a FIFO could have effects.
  [[nodiscard]] static std::optional<SeenFile> look(std::string name);
  // The same of a descriptor of rec's own that leads to the file called `name`.
  [[nodiscard]] static std::optional<SeenFile> look(int fd, std::string name);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint64_t size() const { return static_cast<std::uint64_t>(info_.st_size); }
  [[nodiscard]] std::uint64_t device() const { return info_.st_dev; }
  [[nodiscard]] std::uint64_t inode() const { return info_.st_ino; }
  [[nodiscard]] FileVersion version() const;
  // Kernel time stamps are as coarse as a tick (4 to 10 ms): a file written a moment ago may be written again
  // without looking any different, so only what is known of a file that has rested holds.
  [[nodiscard]] bool has_rested() const;

 private:
  SeenFile(std::string name, const struct stat& info) : name_(std::move(name)), info_(info) {}

  std::string name_;
  struct stat info_;
};

}  // namespace rec

// /proc/PID/maps as data (proc(5)).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "format/base/ids.h"
#include "format/base/remote_ptr.h"

namespace rec {

struct MapsEntry {
  RemotePtr<> start;
  RemotePtr<> end;
  std::uint32_t protection = 0;  // PROT_*
  bool shared = false;
  std::uint64_t offset = 0;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint64_t inode = 0;  // 0: no file
  std::string path;         // also "[stack]", "[heap]", "[vdso]", …

  [[nodiscard]] std::uint64_t size() const { return end.address() - start.address(); }
};

// Throws TaskGone when the task is gone, Error when the file cannot be read.
[[nodiscard]] std::vector<MapsEntry> read_maps(Tid tid);

// One line of the file; false if it is not one.
[[nodiscard]] bool parse_maps_line(const std::string& line, MapsEntry* entry);

}  // namespace rec

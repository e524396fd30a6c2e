#include "tracee/maps.h"

#include <sys/mman.h>

#include <cinttypes>
#include <cstdio>
#include <fstream>

#include "format/base/error.h"
#include "tracee/stopped.h"

namespace rec {

bool parse_maps_line(const std::string& line, MapsEntry* entry) {
  std::uint64_t start = 0, end = 0, offset = 0, inode = 0;
  unsigned major = 0, minor = 0;
  char rights[5] = {};
  int path_at = -1;
  const int fields = std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n",
                                 &start, &end, rights, &offset, &major, &minor, &inode, &path_at);
  if (fields != 7 || end <= start) return false;
  entry->start = RemotePtr<>(start);
  entry->end = RemotePtr<>(end);
  entry->protection = (rights[0] == 'r' ? PROT_READ : 0u) | (rights[1] == 'w' ? PROT_WRITE : 0u) |
                      (rights[2] == 'x' ? PROT_EXEC : 0u);
  entry->shared = rights[3] == 's';
  entry->offset = offset;
  entry->device_major = major;
  entry->device_minor = minor;
  entry->inode = inode;
  entry->path = path_at > 0 ? line.substr(static_cast<std::size_t>(path_at)) : "";
  return true;
}

std::vector<MapsEntry> read_maps(Tid tid) {
  std::ifstream file(fmt::format("/proc/{}/maps", tid));
  if (!file) throw TaskGone{tid};
  std::vector<MapsEntry> entries;
  for (std::string line; std::getline(file, line);) {
    MapsEntry entry;
    if (!parse_maps_line(line, &entry)) fail("/proc/{}/maps: cannot read the line ‘{}’", tid, line);
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace rec

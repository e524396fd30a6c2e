// Puts the files behind mappings into the trace, each version of each file once.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "format/trace_writer.h"
#include "tracee/remote_memory.h"
#include "tracee/seen_file.h"

namespace rec {

class ContentStore {
 public:
  // `keeps_bytes`: false to note only which files there were and how long.
  ContentStore(TraceWriter& writer, bool keeps_bytes) : writer_(writer), keeps_bytes_(keeps_bytes) {}

  struct Stored {
    ContentId id;
    std::uint64_t file_size;
    std::uint64_t device;
    std::uint64_t inode;
  };

  // When the bytes are read: before store_file() returns, or before read_late() of the file does.
  enum class Reading { now, late };
  // Stores what the mapping [offset, offset + length) of a file can show, `name` being what to call it.
  // nullopt: it cannot be read; the caller takes the bytes from the tracee's memory then.
  [[nodiscard]] std::optional<Stored> store_file(const SeenFile& file, const std::string& name,
                                                 std::uint64_t offset, std::uint64_t length, Reading reading);
  // To be called before a program changes a file that may be mapped, or can do so unseen.
  void read_late(std::uint64_t device, std::uint64_t inode);

  // Whether all of this version is stored, and it will not change unseen.
  [[nodiscard]] bool has_all_of(const SeenFile& file) const;
  // A version of which that was so. Throws Error for any other.
  struct Named {
    ContentId id;
    const std::string& name;
  };
  [[nodiscard]] Named find(const FileVersion& version) const;

  // Stores `size` bytes of the tracee's memory as a content of its own. Unreadable parts are zeros.
  [[nodiscard]] ContentId store_memory(const RemoteMemory& memory, RemotePtr<> from, std::uint64_t size,
                                       const std::string& name);

 private:
  [[nodiscard]] std::optional<Stored> find_stored(const SeenFile& file, std::uint64_t offset,
                                                  std::uint64_t length) const;

  struct Known {
    ContentId id;
    std::string name;
    std::set<std::uint64_t> blocks;
  };

  [[nodiscard]] bool keeps_bytes() const { return keeps_bytes_ && !writer_.has_ended_early(); }

  TraceWriter& writer_;
  bool keeps_bytes_;
  std::map<FileVersion, Known> known_;
};

}  // namespace rec

// All file content and shared memory of a replay, in one memory file that every replayed task has open under
// the same number: a mapping of any recorded file is then an ordinary mmap of a part of it, and no file of
// the recording machine (nor /proc) is needed.
//
//   | content A | content B | …          read-only use: mapped MAP_PRIVATE
//   | shared object 1 | …                mapped MAP_SHARED
//   end of file                          what is mapped beyond it faults with SIGBUS, as past the end of a
//   real file
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "format/base/unique_fd.h"
#include "format/trace_reader.h"

namespace rec {

class Arena {
 public:
  explicit Arena(TraceReader& reader);

  // The arena's descriptor in every replayed task.
  static constexpr int tracee_fd = 200;
  [[nodiscard]] int fd() const { return file_.get(); }

  // Where `offset` of the content is, after making sure that [offset, offset + length) of it is there.
  [[nodiscard]] std::uint64_t place(ContentId id, std::uint64_t offset, std::uint64_t length);
  // Bytes of the content that can be mapped from `offset` on, in whole pages: up to the end of the file.
  [[nodiscard]] std::uint64_t mappable(ContentId id, std::uint64_t offset);

  // Where `offset` of a shared memory object is. `initial` gives its first content (only pages not yet there
  // are taken).
  [[nodiscard]] std::uint64_t place_shared(std::uint64_t object, std::optional<ContentId> initial,
                                           std::uint64_t offset, std::uint64_t length);

  // Makes zeros of what is there, whole pages, for all who have it mapped.
  void clear(std::uint64_t at, std::uint64_t length);

  // A piece of the file that is nobody's yet, for something else than content.
  [[nodiscard]] std::uint64_t take(std::uint64_t size);

  // An offset at which nothing ever is.
  [[nodiscard]] static std::uint64_t beyond_end() { return arena_size; }

 private:
  static constexpr std::uint64_t arena_size = std::uint64_t{1} << 60;
  static constexpr std::uint64_t shared_stride = std::uint64_t{1} << 36;
  static constexpr std::uint64_t shared_start = arena_size / 2;
  static constexpr std::uint64_t others_start = arena_size - (arena_size / 8);

  struct Placed {
    std::uint64_t start;
    std::set<std::uint64_t> blocks;
  };
  void fill(Placed& placed, const Content& content, std::uint64_t offset, std::uint64_t length);
  void write_but_zeros(std::uint64_t at, std::span<const std::byte> bytes);
  void write(std::uint64_t at, std::span<const std::byte> bytes);

  TraceReader& reader_;
  UniqueFd file_;
  std::uint64_t next_ = 0;
  std::uint64_t next_shared_ = shared_start;
  std::uint64_t next_other_ = others_start;
  std::map<ContentId, Placed> contents_;
  std::map<std::uint64_t, Placed> shared_;
};

}  // namespace rec

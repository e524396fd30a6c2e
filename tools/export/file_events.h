// What the calls of a trace say about files, each looked at by itself.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "format/event.h"
#include "format/syscalls/table.h"
#include "tools/descriptors.h"

namespace rec {

[[nodiscard]] TraceeFd fd_in(std::uint64_t word);

// The paths that a call makes or takes away: of renames both, of links the new one.
[[nodiscard]] std::vector<std::string> changed_names(const Event& event, const syscalls::Syscall& call,
                                                     const Descriptors& descriptors);

// What the stat or statx structure says that the call filled in.
struct FileStatus {
  unsigned mode;
  std::uint64_t size;
  timespec modified;
};
[[nodiscard]] std::optional<FileStatus> status_in(const Event& event, const syscalls::Syscall& call);

[[nodiscard]] bool is_open(std::int32_t nr);
// The flags of an open, however they are passed.
[[nodiscard]] std::uint64_t open_flags(const Event& event);

[[nodiscard]] bool is_read(std::int32_t nr);
[[nodiscard]] bool moves_position(std::int32_t nr);
// Where a read at an offset of its own begins; nullopt: at the descriptor's position.
[[nodiscard]] std::optional<std::uint64_t> own_offset(const Event& event);

}  // namespace rec

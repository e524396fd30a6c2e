// Contexts of asynchronous I/O (io_setup(2)), and what is under way in them.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tracee/memory_hash.h"

namespace rec {

// One submitted iocb, as far as its end concerns the recording.
struct AioRequest {
  std::uint64_t iocb = 0;  // its address, by which its completion names it
  std::int32_t fd = -1;
  std::vector<MemoryRange> buffers;  // which it fills
  bool writes = false;
  std::uint64_t offset = 0;            // … here in the file
  std::string mapped_file;             // … which processes may have mapped: by which name rec finds it
  std::optional<bool> ends_by_itself;  // a disk alone decides when; nullopt: not asked yet
  bool is_complete = false;            // another task was told so before the call that submits it was over
};

struct AioContext {
  MemoryRange ring;              // where rec has moved the kernel's ring to
  std::uint64_t shown_size = 0;  // of what the program sees in its place
  std::uint32_t capacity = 0;    // of the ring, in events
  std::uint32_t seen = 0;        // index of the first completion that rec has not looked at
  std::deque<AioRequest> under_way;
};

// Of one address space, by the number that the program knows a context by: the address of its ring.
struct AioContexts {
  std::map<std::uint64_t, AioContext> contexts;
  std::vector<MemoryRange> free_places;  // where rings have been
};

}  // namespace rec

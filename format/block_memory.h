// Memory of the blocks that a writer is given: of those that wait to be written, and of such that have been,
// kept for others. Memory that was used is there already; new one would be cleared by the kernel first.
//
// Used by one thread at a time.
#pragma once

#include <cstddef>
#include <vector>

#include "format/base/raw_bytes.h"

namespace rec {

class BlockMemory {
 public:
  // `most`: bytes in all, beyond which nothing is kept. Blocks that wait may take more.
  explicit BlockMemory(std::size_t most) : most_(most) {}

  // What was kept last; nothing, if there is none.
  [[nodiscard]] RawBytes take();
  // What is too much stays the caller's, to be freed when others need not wait for it.
  void keep(RawBytes& memory);
  // A block waits from now on in this memory; and does so no more.
  void begin_use(const RawBytes& memory);
  void end_use(RawBytes& memory);

 private:
  std::size_t most_;
  std::vector<RawBytes> spare_;
  std::size_t bytes_ = 0;  // of those, and of all in use
};

}  // namespace rec

// Memory of blocks that is used again.
#include "format/block_memory.h"

#include <doctest/doctest.h>

namespace rec {
namespace {

TEST_CASE("memory of blocks is kept for others, and given up where blocks that wait take all there may be") {
  BlockMemory memory(100);
  CHECK(memory.take().room() == 0);
  RawBytes written(60);
  memory.begin_use(written);
  RawBytes spare(50);
  memory.keep(spare);
  CHECK(spare.room() == 50);  // too much
  memory.end_use(written);
  RawBytes again = memory.take();
  CHECK(again.room() == 60);
  memory.keep(again);
  RawBytes waiting(70);
  memory.begin_use(waiting);  // in place of what was kept
  CHECK(memory.take().room() == 0);
  memory.end_use(waiting);
  CHECK(memory.take().room() == 70);
}

}  // namespace
}  // namespace rec

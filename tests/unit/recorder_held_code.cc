// Which pages of generated code are not executable yet.
#include <doctest/doctest.h>

#include "recorder/held_code.h"

namespace rec {

TEST_CASE("pages that are held are those added and not removed since") {
  HeldCode held;
  held.add(0x1000, 0x5000);
  held.remove(0x2000, 0x3000);
  CHECK(held.contains(0x1fff));
  CHECK_FALSE(held.contains(0x2000));
  CHECK_FALSE(held.contains(0x2fff));
  CHECK(held.contains(0x3000));
  CHECK_FALSE(held.contains(0x5000));
  CHECK_FALSE(held.contains(0xfff));
}

TEST_CASE("removing reaches over several held ranges") {
  HeldCode held;
  held.add(0x1000, 0x2000);
  held.add(0x3000, 0x4000);
  held.add(0x5000, 0x7000);
  held.remove(0x1800, 0x6000);
  CHECK(held.contains(0x1000));
  CHECK_FALSE(held.contains(0x1800));
  CHECK_FALSE(held.contains(0x3000));
  CHECK_FALSE(held.contains(0x5fff));
  CHECK(held.contains(0x6000));
}

TEST_CASE("memory that is moved stays held, and grows as its end was") {
  HeldCode held;
  held.add(0x2000, 0x4000);
  held.move(0x1000, 0x3000, 0x10000, 0x5000);
  CHECK_FALSE(held.contains(0x2000));
  CHECK_FALSE(held.contains(0x10000));
  CHECK(held.contains(0x11000));
  CHECK(held.contains(0x14fff));
  CHECK_FALSE(held.contains(0x15000));
}

TEST_CASE("memory that shrinks is held no longer than it is") {
  HeldCode held;
  held.add(0x1000, 0x5000);
  held.move(0x1000, 0x4000, 0x1000, 0x2000);
  CHECK(held.contains(0x2fff));
  CHECK_FALSE(held.contains(0x3000));
}

}  // namespace rec

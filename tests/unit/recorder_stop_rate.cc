#include <doctest/doctest.h>

#include "recorder/tracer_thread.h"

namespace rec {
namespace {

constexpr std::uint64_t stretch_ns = 10'000'000;

TEST_CASE("a domain's rate of stops is that of the last stretch of time that is over") {
  StopRate rate;
  CHECK(rate.count(stretch_ns));
  for (std::uint64_t i = 1; i < 20; ++i) CHECK_FALSE(rate.count(stretch_ns + i));
  CHECK(rate.of_last_stretch(stretch_ns + 20) == 0);
  CHECK(rate.of_last_stretch(2 * stretch_ns) == 20);
  CHECK(rate.count(2 * stretch_ns));
  CHECK(rate.of_last_stretch(2 * stretch_ns + 1) == 20);
}

TEST_CASE("a domain that has not stopped for a whole stretch has no rate") {
  StopRate rate;
  for (std::uint64_t i = 0; i < 20; ++i) (void)rate.count(stretch_ns + i);
  CHECK(rate.of_last_stretch(3 * stretch_ns) == 0);
  CHECK(rate.count(3 * stretch_ns));
  CHECK(rate.of_last_stretch(3 * stretch_ns) == 0);
}

}  // namespace
}  // namespace rec

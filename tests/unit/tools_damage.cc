// Damaged traces through the tools that print and count them.
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/base/error.h"
#include "format/base/unique_fd.h"
#include "format/trace_reader.h"
#include "tests/unit/trace_support.h"
#include "tools/coverage/survey.h"
#include "tools/dump/dumper.h"
#include "tools/stat/statistics.h"

namespace rec {
namespace {

// What dump prints, after stat and coverage have seen the same events; all of it up to the damage.
std::string printed_by_tools(const std::string& path) {
  dump::Text text;
  std::string printed;
  try {
    TraceReader reader(path);
    dump::Dumper dumper({}, reader.header());
    stat::Statistics statistics({.errors = true}, reader.header());
    coverage::Survey survey(true, reader.header());
    while (const Event* event = reader.next()) {
      dumper.add(*event, text);
      statistics.add(*event);
      survey.add(*event);
      printed += std::string_view(text.data(), text.size());
      text.clear();
    }
    (void)statistics.result();
  } catch (const Error&) {
    // One clear line for the user; what came before it stands.
  }
  return printed;
}

// A file in memory: thousands of small changes on a disk take half a minute.
class MemoryFile {
 public:
  MemoryFile() : fd_(::memfd_create("trace", MFD_CLOEXEC)) { ENSURE(fd_.is_open()); }
  [[nodiscard]] std::string path() const { return fmt::format("/proc/self/fd/{}", fd_.get()); }
  void fill(std::span<const std::byte> bytes) const {
    ENSURE(::ftruncate(fd_.get(), 0) == 0);
    ENSURE(::pwrite(fd_.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  }

 private:
  UniqueFd fd_;
};

std::vector<std::byte> small_trace() {
  const testing::TemporaryDirectory directory;
  testing::write_samples(directory / "small.rec", 24);
  return testing::file_bytes(directory / "small.rec");
}

TEST_CASE("with any byte changed, the tools print the trace or the part before the damage") {
  const auto whole = small_trace();
  const MemoryFile file;
  file.fill(whole);
  const std::string expected = printed_by_tools(file.path());
  CHECK(expected.size() > 500);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    auto damaged = whole;
    damaged[i] ^= std::byte{1} << i % 8;
    file.fill(damaged);
    CAPTURE(i);
    CHECK(expected.starts_with(printed_by_tools(file.path())));
  }
}

TEST_CASE("cut at any length, the tools print the part that is there") {
  const auto whole = small_trace();
  const MemoryFile file;
  file.fill(whole);
  const std::string expected = printed_by_tools(file.path());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    file.fill(std::span(whole).first(length));
    CAPTURE(length);
    CHECK(expected.starts_with(printed_by_tools(file.path())));
  }
}

}  // namespace
}  // namespace rec

// Any bytes as a trace file, through what prints and counts it: dump, stat, coverage, the exported tree. Only
// Error may come of it.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "format/base/error.h"
#include "format/base/unique_fd.h"
#include "format/trace_reader.h"
#include "tools/coverage/survey.h"
#include "tools/dump/dumper.h"
#include "tools/export/rootfs.h"
#include "tools/stat/statistics.h"

namespace {

void go_through(const std::string& path) {
  rec::TraceReader reader(path);
  rec::dump::Dumper dumper({}, reader.header());
  rec::stat::Statistics calls({.errors = true, .longest = 3}, reader.header());
  rec::stat::Statistics files({.by = rec::stat::By::file}, reader.header());
  rec::coverage::Survey survey(true, reader.header());
  rec::dump::Text text;
  while (const rec::Event* event = reader.next()) {
    dumper.add(*event, text);
    calls.add(*event);
    files.add(*event);
    survey.add(*event);
    text.clear();
  }
  (void)calls.result();
  (void)files.result();
}

void export_tree(const std::string& path) {
  rec::TraceReader reader(path);
  rec::RootFileSystem root(reader);
  while (const rec::Event* event = reader.next()) root.add(*event);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const rec::UniqueFd fd(::memfd_create("trace", MFD_CLOEXEC));
  if (!fd.is_open() || ::write(fd.get(), data, size) != static_cast<ssize_t>(size)) std::abort();
  const std::string path = "/proc/self/fd/" + std::to_string(fd.get());
  for (const auto use : {go_through, export_tree}) {
    try {
      use(path);
    } catch (const rec::Error&) {
    }
  }
  return 0;
}

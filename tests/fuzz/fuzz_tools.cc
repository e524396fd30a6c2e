// Any bytes as a trace file, through what prints, counts and converts it: dump, stat, coverage, lint, diff,
// the exports. Only Error may come of it.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

#include "format/base/error.h"
#include "format/base/unique_fd.h"
#include "format/trace_reader.h"
#include "tools/coverage/survey.h"
#include "tools/diff/report.h"
#include "tools/dump/dumper.h"
#include "tools/export/rootfs.h"
#include "tools/export/timeline_events.h"
#include "tools/lint/linter.h"
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

void find_habits(const std::string& path) {
  rec::TraceReader reader(path);
  rec::lint::Linter linter({.reopens = 1,
                            .clock_reads = 1,
                            .tiny_calls = 1,
                            .lookups = 1,
                            .misses = 1,
                            .syncs = 1,
                            .descriptors = 1},
                           reader.header());
  while (const rec::Event* event = reader.next()) linter.add(*event);
  (void)linter.findings();
}

// With itself, from which it must not differ, and all events compared.
void compare(const std::string& path) {
  rec::TraceReader a(path);
  rec::TraceReader b(path);
  rec::diff::Alignment alignment({a, path}, {b, path}, {.calls = rec::dump::CallFilter("all"), .all = true});
  const rec::diff::Compared compared{.path_a = path, .path_b = path, .hunks = alignment.run()};
  if (!compared.hunks.empty()) std::abort();
  (void)rec::diff::text_report(compared, alignment, false);
  (void)rec::diff::json_report(compared, alignment);
}

void export_timelines(const std::string& path) {
  using namespace rec::exports;
  for (int format = 0; format < 5; ++format) {
    rec::TraceReader reader(path);
    TextOutput nowhere("/dev/null");
    const auto writer = format == 0   ? perfetto_format(std::move(nowhere))
                        : format == 1 ? chrome_format(std::move(nowhere))
                        : format == 2 ? folded_format(std::move(nowhere))
                        : format == 3 ? speedscope_format(std::move(nowhere), reader.header())
                                      : sqlite_format("/dev/shm/rec-fuzz.sqlite", reader.header());
    TimelineEvents events(*writer);
    while (const rec::Event* event = reader.next()) events.add(*event);
    writer->finish();
  }
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
  for (const auto use : {go_through, find_habits, compare, export_timelines, export_tree}) {
    try {
      use(path);
    } catch (const rec::Error&) {
    }
  }
  return 0;
}

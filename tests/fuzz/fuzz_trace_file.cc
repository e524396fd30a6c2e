// Any bytes as a trace file: read to its end, every content and block asked for. Only Error may come of it.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "format/base/error.h"
#include "format/base/unique_fd.h"
#include "format/trace_reader.h"

namespace {

void read_contents(rec::TraceReader& reader, const rec::Event& event) {
  if (event.extra == nullptr) return;
  for (const rec::Mapping& mapping : event.extra->mappings) {
    if (!mapping.content) continue;
    for (const auto& block : reader.content(*mapping.content).blocks) (void)reader.block(block.hash);
  }
}

void read_whole(const std::string& path) {
  rec::TraceReader reader(path);
  while (const rec::Event* event = reader.next()) read_contents(reader, *event);
  reader.seek(rec::EventNumber(reader.event_count() / 2));
  (void)reader.next();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const rec::UniqueFd fd(::memfd_create("trace", MFD_CLOEXEC));
  if (!fd.is_open() || ::write(fd.get(), data, size) != static_cast<ssize_t>(size)) std::abort();
  try {
    read_whole("/proc/self/fd/" + std::to_string(fd.get()));
  } catch (const rec::Error&) {
  }
  return 0;
}

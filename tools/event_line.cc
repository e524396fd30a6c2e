#include "tools/event_line.h"

#include "format/trace.h"
#include "tools/dump/dumper.h"

namespace rec {

std::string event_line(const Event& event, std::size_t string_limit) {
  dump::DumpOptions options;
  options.string_limit = string_limit;
  dump::Dumper dumper(options, TraceHeader{});
  dump::Text text;
  dumper.add(event, text);
  std::string line(text.view());
  while (line.ends_with('\n')) line.pop_back();
  return line;
}

}  // namespace rec

// make_trace_corpus FILES CHUNKS REPLAYS: fills the directory FILES with small traces, CHUNKS with the
// payloads of their chunks one by one, and REPLAYS with those of each trace in one piece (payloads.h).
#include <cstdio>
#include <filesystem>
#include <string>

#include "format/base/error.h"
#include "format/chunk_reader.h"
#include "format/trace_layout.h"
#include "format/trace_writer.h"
#include "tests/fuzz/payloads.h"
#include "tests/fuzz/program_trace.h"
#include "tests/unit/trace_support.h"

namespace {

using namespace rec;

constexpr std::size_t large_input = 100'000;  // a fuzzer takes its longest input for the length to reach

// Events with extras, contents that they refer to, and data large enough to lie in blocks.
void write_trace(const std::string& path, std::uint64_t events, bool finish) {
  TraceWriter writer(path, testing::sample_header());
  Content content;
  content.path = "/lib/x.so";
  content.size = content_block_size + 100;
  content.blocks.push_back({1, writer.add_block(testing::noise(100, 1))});
  (void)writer.add_content(content);
  for (std::uint64_t i = 0; i < events; ++i)
    testing::with_event(testing::sample_event(i), [&](const Event& event) { (void)writer.append(event); });
  if (finish) writer.finish({.duration_ns = 1, .wait_status = 0, .tasks = 3});
}

// One event whose data is in two blocks; they are zeros, so that the trace stays small.
void write_large_event(const std::string& path) {
  TraceWriter writer(path, testing::sample_header());
  testing::OwnedEvent event = testing::sample_event(1);
  event.data = {{0x1000, std::vector<std::byte>(content_block_size + 1), content_block_size + 1,
                 Data::Role::output, 1}};
  testing::with_event(event, [&](const Event& e) { (void)writer.append(e); });
  writer.finish({});
}

void unpack_chunks(const std::string& path, const std::string& into) {
  ChunkReader reader(path);
  std::uint64_t offset = layout::prologue_size;
  std::string_view problem;
  for (std::size_t number = 0; const auto place = reader.find(offset, problem); ++number) {
    RawChunk raw;
    (void)reader.load(*place, number, raw);
    if (raw.bytes().size() < large_input) testing::write_file(into + std::to_string(number), raw.bytes());
    offset = place->end();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  try {
    const std::string files = argv[1];
    const std::string chunks = argv[2];
    const std::string replays = argv[3];
    for (const std::string& directory : {files, chunks, replays})
      std::filesystem::create_directories(directory);
    const auto unpack = [&](const std::string& name) {
      unpack_chunks(files + "/" + name, chunks + "/" + name + "-");
      const auto payloads = fuzz::payloads_of(files + "/" + name);
      if (payloads.size() < large_input) testing::write_file(replays + "/" + name, payloads);
    };
    for (const std::uint64_t events : {0U, 1U, 10U, 100U}) {
      for (const bool finish : {true, false}) {
        const std::string name = std::to_string(events) + (finish ? "-finished" : "-cut");
        write_trace(files + "/" + name, events, finish);
        unpack(name);
      }
    }
    write_large_event(files + "/large");
    unpack("large");
    fuzz::write_program_trace(files + "/program");
    unpack("program");
  } catch (const Error& error) {
    (void)std::fprintf(stderr, "make_trace_corpus: %s\n", error.what());
    return 1;
  }
  return 0;
}

// `rec pack`: the same trace in less space. `rec unpack`: what is in it, as plain files.
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "format/base/error.h"
#include "format/trace_reader.h"
#include "format/trace_writer.h"
#include "tools/commands.h"
#include "tools/display.h"
#include "tools/dump/dump_trace.h"
#include "tools/file_pieces.h"
#include "tools/trace_store.h"

namespace rec {
namespace {

constexpr int default_level = 19;
// What --no-content leaves of a piece of memory: structures, the beginnings of data.
constexpr std::size_t kept_of_a_piece = 4096;

struct PackArguments {
  std::string trace;
  std::string output;  // empty: in the trace's place
  int level = default_level;
  bool without_content = false;
};

// Copies a trace. What no event refers to stays behind.
class Packer {
 public:
  Packer(TraceReader& reader, TraceWriter& writer, bool without_content)
      : reader_(reader), writer_(writer), without_content_(without_content) {}

  void run() {
    while (const Event* event = reader_.next()) {
      copy(*event);
      if (writer_.has_ended_early()) throw Error(*writer_.why_ended_early());
      if (event->number.value() == 0 && without_content_) add_note(event->tid);
    }
    writer_.finish(reader_.summary().value_or(TraceSummary{}));
    if (const auto why = writer_.why_ended_early()) throw Error(*why);
  }

 private:
  struct Copied {
    ContentId id;
    std::size_t blocks;  // of the original that have been copied
  };

  void copy(Event event) {
    std::optional<Extra> extra;
    if (event.extra != nullptr && !event.extra->mappings.empty()) {
      extra = *event.extra;
      for (Mapping& mapping : extra->mappings)
        if (mapping.content) mapping.content = copy_content(*mapping.content);
      event.extra = &*extra;
    }
    if (without_content_) {
      pieces_.assign(event.data.begin(), event.data.end());
      for (Data& piece : pieces_)
        if (piece.bytes.size() > kept_of_a_piece) piece.bytes = piece.bytes.first(kept_of_a_piece);
      event.data = pieces_;
    }
    (void)writer_.append(event);
  }

  ContentId copy_content(ContentId id) {
    const Content& original = reader_.content(id);
    const auto [place, is_new] = contents_.try_emplace(id.value());
    Copied& copied = place->second;
    if (is_new)
      copied = {writer_.add_content({.path = original.path, .size = original.size, .blocks = {}}), 0};
    std::vector<Content::Block> added;
    for (; !without_content_ && copied.blocks < original.blocks.size(); ++copied.blocks) {
      const Content::Block& block = original.blocks[copied.blocks];
      added.push_back({block.index, writer_.add_block(reader_.block(block.hash))});
    }
    if (!added.empty()) writer_.extend_content(copied.id, added);
    return copied.id;
  }

  void add_note(Tid tid) {
    const Extra extra{.text =
                          "rec pack --no-content took the files that the program mapped and read out of it"};
    (void)writer_.append(
        {.tid = tid, .kind = EventKind::note, .flags = event_not_replayable, .extra = &extra});
  }

  TraceReader& reader_;
  TraceWriter& writer_;
  bool without_content_;
  std::unordered_map<std::uint32_t, Copied> contents_;
  std::vector<Data> pieces_;
};

void pack(const PackArguments& arguments) {
  const std::string path = resolve_trace(arguments.trace);
  TraceReader reader(path);
  if (!reader.summary()) fail("{} cannot be packed: {}", path, reader.why_incomplete());
  // Beside its final place, and moved there when it is whole.
  const std::string target = arguments.output.empty() ? path : arguments.output;
  const std::string fresh = fmt::format("{}.{}.new", target, ::getpid());
  try {
    {
      TraceWriter writer(fresh, reader.header(), {.level = arguments.level});
      Packer(reader, writer, arguments.without_content).run();
    }
    const auto problems = TraceReader(fresh).verify(1);
    if (!problems.empty()) throw Error(problems.front());
    if (::rename(fresh.c_str(), target.c_str()) != 0) fail_with_errno(fmt::format("cannot write {}", target));
  } catch (...) {
    ::unlink(fresh.c_str());
    throw;
  }
  struct stat status {};
  if (::stat(target.c_str(), &status) != 0) fail_with_errno(target);
  (void)write_output(fmt::format("{}: {}, was {}\n", printable(target),
                                 human_size(static_cast<std::uint64_t>(status.st_size)),
                                 human_size(reader.file_size())));
}

struct UnpackArguments {
  std::string trace;
  std::string directory;
};

// Absolute, and without parts that could lead out of the directory.
bool is_plain(const std::string& path) {
  return path.starts_with('/') && !path.ends_with('/') && (path + '/').find("/../") == std::string::npos &&
         path.find('\0') == std::string::npos;
}

// Every content that a mapping refers to; versions of a file after the first one get a number.
std::string write_contents(TraceReader& reader, const std::string& directory) {
  std::map<std::uint32_t, bool> seen;
  std::map<std::string, int> versions;
  std::string list;
  while (const Event* event = reader.next()) {
    if (event->extra == nullptr) continue;
    for (const Mapping& mapping : event->extra->mappings) {
      if (!mapping.content || !seen.try_emplace(mapping.content->value()).second) continue;
      const Content& content = reader.content(*mapping.content);
      FilePieces pieces;
      pieces.add(reader, content);
      const std::string name = is_plain(content.path) ? content.path : fmt::format("/content-{}", content.id);
      const int version = ++versions[name];
      const std::string file = version == 1 ? name : fmt::format("{}~{}", name, version);
      make_directories_for(directory + file);
      pieces.write_to(directory + file, content.size, 0644);
      list += fmt::format("{}\t{} of {} bytes\n", printable(file),
                          content.size - pieces.missing_below(content.size), content.size);
    }
  }
  return list;
}

void unpack(const UnpackArguments& arguments) {
  const std::string path = resolve_trace(arguments.trace);
  TraceReader reader(path);
  if (::mkdir(arguments.directory.c_str(), 0700) != 0)
    fail_with_errno(fmt::format("cannot make the directory {}", arguments.directory));
  dump::DumpOptions options;
  options.output = arguments.directory + "/events.txt";
  dump::dump_trace(path, options, dump::Stream::standard_output);
  const std::string list = write_contents(reader, arguments.directory + "/files");
  FilePieces pieces;
  pieces.add(0, std::as_bytes(std::span(list)));
  pieces.write_to(arguments.directory + "/files.txt", list.size(), 0644);
}

}  // namespace

void add_pack(CLI::App& app) {
  auto packing = std::make_shared<PackArguments>();
  CLI::App* pack_command = app.add_subcommand("pack", "Make a trace smaller");
  pack_command->add_option("trace", packing->trace, "The trace (default: the newest recording)")
      ->type_name("TRACE");
  pack_command->add_option("-o,--output", packing->output, "Write to FILE instead of in the trace's place")
      ->type_name("FILE");
  pack_command->add_option("--level", packing->level, "zstd's level")
      ->check(CLI::Range(1, 22))
      ->capture_default_str();
  pack_command->add_flag("--no-content", packing->without_content,
                         "Take out the files that the program mapped and read: it cannot be replayed then");
  pack_command->callback([packing] { pack(*packing); });

  auto unpacking = std::make_shared<UnpackArguments>();
  CLI::App* unpack_command =
      app.add_subcommand("unpack", "Write a trace's files, and its events as text, into a new directory");
  unpack_command->add_option("directory", unpacking->directory, "The directory; it must not exist")
      ->required()
      ->type_name("DIR");
  unpack_command->add_option("trace", unpacking->trace, "The trace (default: the newest recording)")
      ->type_name("TRACE");
  unpack_command->callback([unpacking] { unpack(*unpacking); });
}

}  // namespace rec

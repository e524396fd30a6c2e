#include "format/trace_tables.h"

#include <bit>
#include <span>
#include <string>
#include <vector>

namespace rec {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

static_assert(sizeof(fb::Registers) == sizeof(Registers),
              "rec::Registers and its schema must not drift apart");

std::string text_of(const flatbuffers::String* text) { return text == nullptr ? std::string() : text->str(); }

// Absent when empty: most extras have few of their fields.
Offset<flatbuffers::String> pack_text(FlatBufferBuilder& builder, const std::string& text) {
  return text.empty() ? Offset<flatbuffers::String>() : builder.CreateString(text);
}

Offset<flatbuffers::Vector<std::uint8_t>> pack_bytes(FlatBufferBuilder& builder,
                                                     std::span<const std::byte> bytes) {
  if (bytes.empty()) return {};
  return builder.CreateVector(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

std::vector<std::byte> bytes_of(const flatbuffers::Vector<std::uint8_t>* bytes) {
  if (bytes == nullptr) return {};
  const auto* first = reinterpret_cast<const std::byte*>(bytes->data());
  return {first, first + bytes->size()};
}

// `last` is the greatest enumerator.
template <class E>
E enum_of(std::uint8_t value, E last, std::string_view problem) {
  if (value > static_cast<std::uint8_t>(last)) throw Implausible{problem};
  return static_cast<E>(value);
}

Offset<fb::Mapping> pack(FlatBufferBuilder& builder, const Mapping& mapping) {
  const auto path = pack_text(builder, mapping.path);
  fb::MappingBuilder table(builder);
  table.add_start(mapping.start.address());
  table.add_end(mapping.end.address());
  table.add_protection(mapping.protection);
  table.add_flags(mapping.flags);
  table.add_kind(static_cast<std::uint8_t>(mapping.kind));
  if (mapping.content) table.add_content(mapping.content->value());
  table.add_offset(mapping.offset);
  table.add_shared_object(mapping.shared_object);
  table.add_path(path);
  return table.Finish();
}

Mapping unpack(const fb::Mapping& table) {
  if (table.end() < table.start()) throw Implausible{"a mapping ends before it starts"};
  Mapping mapping;
  mapping.start = RemotePtr<>(table.start());
  mapping.end = RemotePtr<>(table.end());
  mapping.protection = table.protection();
  mapping.flags = table.flags();
  mapping.kind = enum_of(table.kind(), Mapping::Kind::heap, "a mapping's kind is unknown");
  if (const auto content = table.content()) mapping.content = ContentId(*content);
  mapping.offset = table.offset();
  mapping.shared_object = table.shared_object();
  mapping.path = text_of(table.path());
  return mapping;
}

}  // namespace

Offset<fb::Header> pack(FlatBufferBuilder& builder, const TraceHeader& header) {
  const auto rec_version = builder.CreateString(header.rec_version);
  const auto command = builder.CreateVectorOfStrings(header.command);
  const auto executable = builder.CreateString(header.executable);
  const auto working_directory = builder.CreateString(header.working_directory);
  const auto kernel = builder.CreateString(header.kernel);
  const auto machine = builder.CreateString(header.machine);
  const auto cpu_model = builder.CreateString(header.cpu_model);
  const auto chaos_seed = header.chaos_seed ? flatbuffers::Optional<std::uint64_t>(*header.chaos_seed)
                                            : flatbuffers::Optional<std::uint64_t>();
  const auto cpu_baseline = pack_text(builder, header.cpu_baseline);
  const auto cpu_features =
      header.cpu_features.empty() ? 0 : builder.CreateVectorOfStrings(header.cpu_features);
  return fb::CreateHeader(builder, header.format_version, rec_version, command, executable, working_directory,
                          header.start_realtime_ns, kernel, machine, cpu_model, header.xstate_features,
                          chaos_seed, cpu_baseline, cpu_features);
}

TraceHeader unpack(const fb::Header& table) {
  TraceHeader header;
  header.format_version = table.format_version();
  header.rec_version = text_of(table.rec_version());
  if (table.command() != nullptr) {
    for (const flatbuffers::String* argument : *table.command()) header.command.push_back(text_of(argument));
  }
  header.executable = text_of(table.executable());
  header.working_directory = text_of(table.working_directory());
  header.start_realtime_ns = table.start_realtime_ns();
  header.kernel = text_of(table.kernel());
  header.machine = text_of(table.machine());
  header.cpu_model = text_of(table.cpu_model());
  header.xstate_features = table.xstate_features();
  if (const auto seed = table.chaos_seed()) header.chaos_seed = *seed;
  header.cpu_baseline = text_of(table.cpu_baseline());
  if (table.cpu_features() != nullptr) {
    for (const flatbuffers::String* name : *table.cpu_features())
      header.cpu_features.push_back(text_of(name));
  }
  return header;
}

Offset<fb::Summary> pack(FlatBufferBuilder& builder, const TraceSummary& summary) {
  return fb::CreateSummary(builder, summary.events, summary.duration_ns, summary.wait_status, summary.tasks,
                           summary.tracers);
}

TraceSummary unpack(const fb::Summary& table) {
  return {table.events(), table.duration_ns(), table.wait_status(), table.tasks(), table.tracers()};
}

Offset<fb::Content> pack(FlatBufferBuilder& builder, const Content& content) {
  std::vector<fb::ContentBlock> blocks;
  blocks.reserve(content.blocks.size());
  for (const Content::Block& block : content.blocks) blocks.emplace_back(block.index, to_fb(block.hash));
  const auto path = pack_text(builder, content.path);
  return fb::CreateContent(builder, content.id.value(), path, content.size,
                           builder.CreateVectorOfStructs(blocks));
}

Content unpack(const fb::Content& table) {
  check_aligned(table.blocks());
  Content content;
  content.id = ContentId(table.id());
  content.path = text_of(table.path());
  content.size = table.size();
  if (table.blocks() != nullptr) {
    content.blocks.reserve(table.blocks()->size());
    for (const fb::ContentBlock* block : *table.blocks())
      content.blocks.push_back({block->index(), from_fb(block->hash())});
  }
  return content;
}

Offset<fb::Extra> pack(FlatBufferBuilder& builder, std::uint32_t event, const Extra& extra) {
  std::vector<Offset<fb::Mapping>> offsets;
  for (const Mapping& mapping : extra.mappings) offsets.push_back(pack(builder, mapping));
  const auto mappings =
      offsets.empty() ? Offset<flatbuffers::Vector<Offset<fb::Mapping>>>() : builder.CreateVector(offsets);
  const auto xstate = pack_bytes(builder, extra.xstate);
  const auto siginfo = pack_bytes(builder, extra.siginfo);
  const auto text = pack_text(builder, extra.text);
  fb::ExtraBuilder table(builder);
  table.add_event(event);
  table.add_parent(extra.parent.value());
  table.add_pid(extra.pid.value());
  table.add_former_tid(extra.former_tid.value());
  table.add_domain(extra.domain.value());
  table.add_clone_flags(extra.clone_flags);
  if (extra.before) table.add_before(reinterpret_cast<const fb::Registers*>(&*extra.before));
  if (extra.after) table.add_after(reinterpret_cast<const fb::Registers*>(&*extra.after));
  table.add_xstate(xstate);
  table.add_siginfo(siginfo);
  table.add_point(static_cast<std::uint8_t>(extra.point));
  table.add_action(static_cast<std::uint8_t>(extra.action));
  table.add_mappings(mappings);
  table.add_text(text);
  table.add_stack_limit(extra.stack_limit);
  return table.Finish();
}

Extra unpack(const fb::Extra& table) {
  Extra extra;
  extra.parent = Tid(table.parent());
  extra.pid = Pid(table.pid());
  extra.former_tid = Tid(table.former_tid());
  extra.domain = DomainId(table.domain());
  extra.clone_flags = table.clone_flags();
  if (table.before() != nullptr) extra.before = std::bit_cast<Registers>(*table.before());
  if (table.after() != nullptr) extra.after = std::bit_cast<Registers>(*table.after());
  extra.xstate = bytes_of(table.xstate());
  extra.siginfo = bytes_of(table.siginfo());
  extra.point = enum_of(table.point(), SignalPoint::anywhere, "a signal's point is unknown");
  extra.action = enum_of(table.action(), SignalAction::resume, "a signal's action is unknown");
  if (table.mappings() != nullptr) {
    extra.mappings.reserve(table.mappings()->size());
    for (const fb::Mapping* mapping : *table.mappings()) extra.mappings.push_back(unpack(*mapping));
  }
  extra.text = text_of(table.text());
  extra.stack_limit = table.stack_limit();
  return extra;
}

bool block_is_inside(const Content::Block& block, std::uint64_t content_size) {
  return block.index < content_size / content_block_size + (content_size % content_block_size != 0 ? 1 : 0);
}

}  // namespace rec

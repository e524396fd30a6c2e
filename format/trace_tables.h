// The FlatBuffers tables of a trace, written and read side by side.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "format/event.h"
#include "format/trace.h"
#include "format/trace_generated.h"

namespace rec {

[[nodiscard]] flatbuffers::Offset<fb::Header> pack(flatbuffers::FlatBufferBuilder& builder,
                                                   const TraceHeader& header);
[[nodiscard]] flatbuffers::Offset<fb::Summary> pack(flatbuffers::FlatBufferBuilder& builder,
                                                    const TraceSummary& summary);
[[nodiscard]] flatbuffers::Offset<fb::Content> pack(flatbuffers::FlatBufferBuilder& builder,
                                                    const Content& content);
// `event` counts from the chunk's first.
[[nodiscard]] flatbuffers::Offset<fb::Extra> pack(flatbuffers::FlatBufferBuilder& builder,
                                                  std::uint32_t event, const Extra& extra);

// Ends a chunk's buffer: `body` becomes its root, size-prefixed.
template <class T>
void finish_chunk(flatbuffers::FlatBufferBuilder& builder, flatbuffers::Offset<T> body) {
  fb::FinishSizePrefixedChunkBuffer(builder,
                                    fb::CreateChunk(builder, fb::BodyTraits<T>::enum_value, body.Union()));
}

// The tables have passed the FlatBuffers verifier. What it cannot know (ranges of enums, sizes that must
// agree) is checked here: an unpack() that finds something wrong throws Implausible.
struct Implausible {
  std::string_view problem;
};

[[nodiscard]] TraceHeader unpack(const fb::Header& table);
[[nodiscard]] TraceSummary unpack(const fb::Summary& table);
[[nodiscard]] Content unpack(const fb::Content& table);
[[nodiscard]] Extra unpack(const fb::Extra& table);

[[nodiscard]] inline fb::Hash to_fb(const BlockHash& hash) { return {hash.low, hash.high}; }
[[nodiscard]] inline BlockHash from_fb(const fb::Hash& hash) { return {hash.low(), hash.high()}; }

// The elements of a vector that may be absent.
template <class T>
[[nodiscard]] std::uint32_t size_of(const flatbuffers::Vector<T>* vector) {
  return vector == nullptr ? 0 : vector->size();
}

// The verifier of FlatBuffers 2.0 does not look at the alignment of structs in vectors; this throws
// Implausible. An empty vector may lie anywhere.
template <class T>
void check_aligned(const flatbuffers::Vector<const T*>* vector) {
  if (size_of(vector) > 0 && reinterpret_cast<std::uintptr_t>(vector->Data()) % alignof(T) != 0)
    throw Implausible{"a vector does not lie where its elements can"};
}

// Every block of a content lies inside it.
[[nodiscard]] bool block_is_inside(const Content::Block& block, std::uint64_t content_size);

}  // namespace rec

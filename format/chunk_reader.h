// Finds a trace file's chunks and unpacks them. Everything in the file is doubted: see TraceReader.
#pragma once

#include <sys/uio.h>
#include <zstd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "format/base/unique_fd.h"
#include "format/trace_generated.h"
#include "format/trace_layout.h"

namespace rec {

// A chunk's payload, unpacked. Its memory is kept when another one is loaded into it.
class RawChunk {
 public:
  // `size` bytes of undefined content, aligned for FlatBuffers.
  std::span<std::byte> resize(std::size_t size);
  [[nodiscard]] std::span<const std::byte> bytes() const { return {memory_.get(), size_}; }

 private:
  std::unique_ptr<std::byte[]> memory_;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
};

// The chunk that an unpacked payload holds, all of it verified to lie inside; nullptr when it is none. The
// bytes are to be aligned as those of a RawChunk.
[[nodiscard]] const fb::Chunk* verified_chunk(std::span<const std::byte> raw);

class ChunkReader {
 public:
  // Opens the file and reads its prologue. Throws Error as the constructor of TraceReader does.
  explicit ChunkReader(const std::string& path);

  // The same file for another thread, with memory of its own. Throws Error.
  [[nodiscard]] ChunkReader once_more() const;

  [[nodiscard]] std::uint64_t file_size() const { return file_size_; }

  // The chunk header at `offset`, bounded by the file; nullopt with `problem` set. An empty `problem`:
  // nothing but the end of the file, a part of a chunk, or zeros (which a file system leaves when the machine
  // goes down).
  [[nodiscard]] std::optional<layout::ChunkPlace> find(std::uint64_t offset, std::string_view& problem) const;

  // The place of the index chunk according to the trailer; nullopt when there is none.
  [[nodiscard]] std::optional<layout::ChunkPlace> find_index() const;

  // Reads a chunk, checks it against `place`, unpacks it into `into` and verifies it; file content is usually
  // left to whoever takes it, block by block by their hashes. `number` is for the message. Throws Error.
  enum class Checksum { of_events, of_all };
  const fb::Chunk& load(const layout::ChunkPlace& place, std::size_t number, RawChunk& into,
                        Checksum checksum = Checksum::of_events);

  // Whether the payload is there and what its checksum and hashes say.
  [[nodiscard]] bool is_intact(const layout::ChunkPlace& place);

  [[noreturn]] void fail_damaged(std::uint64_t offset, std::size_t number, std::string_view problem) const;

 private:
  ChunkReader() = default;
  [[nodiscard]] std::size_t read_at(std::uint64_t offset, std::span<std::byte> buffer) const;
  void unpack(const layout::ChunkPlace& place, std::size_t number, std::span<std::byte> raw, bool is_checked);
  [[nodiscard]] bool read_stored(const layout::ChunkPlace& place, std::span<std::byte> raw) const;
  [[nodiscard]] bool read_at(std::uint64_t offset, std::span<const iovec> places) const;
  [[nodiscard]] bool is_zero_from(std::uint64_t offset) const;

  struct FreeContext {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };

  std::string path_;
  UniqueFd fd_;
  std::uint64_t file_size_ = 0;
  std::uint32_t format_version_ = 0;
  std::unique_ptr<ZSTD_DCtx, FreeContext> decompressor_;
  RawChunk compressed_;
};

}  // namespace rec

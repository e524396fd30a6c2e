// A file as far as a trace has it: pieces of its bytes, the first that was seen of each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "format/trace_reader.h"

namespace rec {

class FilePieces {
 public:
  // Bytes at `offset` of the file. Where others are there already, those stay.
  void add(std::uint64_t offset, std::span<const std::byte> bytes);
  // Those of the content that the trace has.
  void add(TraceReader& reader, const Content& content);
  void add(const FilePieces& others);

  [[nodiscard]] std::uint64_t end() const;  // of the last byte that is known
  // Bytes below `size` that are not known.
  [[nodiscard]] std::uint64_t missing_below(std::uint64_t size) const;
  [[nodiscard]] std::vector<std::byte> first(std::size_t count) const;  // as far as they are known

  // Makes the file, `size` bytes long, zeros where nothing is known. It must not be there yet. Throws Error.
  void write_to(const std::string& path, std::uint64_t size, unsigned mode) const;

 private:
  std::map<std::uint64_t, std::vector<std::byte>> pieces_;  // by offset; they do not overlap
};

// mkdir -p. Throws Error.
void make_directories_for(const std::string& path);

}  // namespace rec

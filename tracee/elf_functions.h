// Where the functions of an ELF file lie: from its unwind tables (.eh_frame, which stripped files have too,
// through the sorted table of .eh_frame_hdr, which static programs lack; Linux Standard Base Core, "Exception
// Frames"), from its symbol tables, and from Go's own table.
//
// The file is hostile input: every offset is checked, and what cannot be read is as if it was not there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace rec {

class ElfFunctions {
 public:
  // Byte positions in the file: [start, end).
  struct Range {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
  };

  // The bytes have to outlive this object. What is no 64-bit x86 ELF file has no code and no functions.
  explicit ElfFunctions(std::span<const std::byte> file) : ElfFunctions(file, file.size()) {}
  // Only the beginning of a file of `file_size` bytes: if the program headers are in it, code() is right.
  ElfFunctions(std::span<const std::byte> beginning, std::uint64_t file_size);

  [[nodiscard]] bool is_elf() const { return is_elf_; }
  // Whether all program headers were there to be read.
  [[nodiscard]] bool has_all_headers() const { return has_all_headers_; }
  // The executable segments.
  [[nodiscard]] const std::vector<Range>& code() const { return code_; }
  // The function that the byte at file position `offset` belongs to. nullopt: nothing says so.
  [[nodiscard]] std::optional<Range> at(std::uint64_t offset);

 private:
  struct Segment {
    std::uint64_t offset, address, size;
    bool executable;
  };

  [[nodiscard]] std::optional<std::uint64_t> offset_of(std::uint64_t address) const;
  [[nodiscard]] std::optional<std::uint64_t> address_of(std::uint64_t offset) const;
  [[nodiscard]] std::optional<Range> to_file(std::uint64_t start, std::uint64_t end) const;
  [[nodiscard]] std::optional<Range> frame_at(std::uint64_t address) const;
  [[nodiscard]] std::optional<Range> frame_range(std::uint64_t frame_address) const;
  void read_sections();
  void read_symbols(std::uint64_t offset, std::uint64_t size);
  void read_go_functions(std::uint64_t offset, std::uint64_t size);
  void read_frames(std::uint64_t offset, std::uint64_t size, std::uint64_t address);

  std::span<const std::byte> file_;
  bool is_elf_ = false;
  bool has_all_headers_ = true;
  std::vector<Segment> segments_;
  std::vector<Range> code_;
  std::uint64_t frames_address_ = 0;  // of .eh_frame_hdr; 0: there is none
  bool sections_read_ = false;
  // Addresses, sorted by their start: of symbols, and of frames where no table sorts those.
  std::vector<Range> functions_;
};

}  // namespace rec

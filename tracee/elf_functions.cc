#include "tracee/elf_functions.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "tracee/cursor.h"
#include "tracee/go_functions.h"

namespace rec {
namespace {

// More of pointer encodings: what they are relative to.
constexpr std::uint8_t relative_mask = 0x70;
constexpr std::uint8_t relative_to_place = 0x10;
constexpr std::uint8_t table_of_words =
    0x3b;  // relative to the header, signed 4 bytes: what all linkers make

// How the frames of a common information entry (at file position `at`) give their addresses.
std::optional<std::uint8_t> pointer_encoding(std::span<const std::byte> file, std::uint64_t at) {
  Cursor cie(file, at);
  const auto length = cie.take<std::uint32_t>();
  if (length == 0 || length == 0xffffffff || cie.take<std::uint32_t>() != 0) return std::nullopt;
  const auto version = cie.take<std::uint8_t>();
  std::string augmentation;
  for (char c = cie.take<char>(); c != 0 && cie.good() && augmentation.size() < 8; c = cie.take<char>())
    augmentation += c;
  if (augmentation.empty()) return cie.good() ? std::optional(format_native) : std::nullopt;
  if (augmentation[0] != 'z') return std::nullopt;
  (void)cie.take_leb();  // code alignment
  (void)cie.take_leb();  // data alignment
  if (version == 1) {
    (void)cie.take<std::uint8_t>();  // return address register
  } else {
    (void)cie.take_leb();
  }
  (void)cie.take_leb();  // length of the augmentation data
  std::uint8_t encoding = format_native;
  for (const char what : std::string_view(augmentation).substr(1)) {
    if (what == 'R') {
      encoding = cie.take<std::uint8_t>();
    } else if (what == 'L') {
      (void)cie.take<std::uint8_t>();
    } else if (what == 'P') {
      (void)cie.take_encoded(cie.take<std::uint8_t>());
    } else if (what != 'S' && what != 'B') {
      return std::nullopt;
    }
  }
  return cie.good() ? std::optional(encoding) : std::nullopt;
}

// The string that begins at `at`, as far as it goes.
std::string_view string_at(std::span<const std::byte> bytes, std::uint64_t at) {
  constexpr std::size_t longest = 64;
  if (at >= bytes.size()) return {};
  const auto rest = bytes.subspan(at, std::min<std::uint64_t>(longest, bytes.size() - at));
  const auto end = std::find(rest.begin(), rest.end(), std::byte{0});
  return {reinterpret_cast<const char*>(rest.data()), static_cast<std::size_t>(end - rest.begin())};
}

}  // namespace

ElfFunctions::ElfFunctions(std::span<const std::byte> file, std::uint64_t file_size) : file_(file) {
  const auto header = read_at<Elf64_Ehdr>(file, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return;
  if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_X86_64) return;
  if (header->e_phentsize != sizeof(Elf64_Phdr)) return;
  is_elf_ = true;
  for (std::uint64_t i = 0; i < header->e_phnum; ++i) {
    const auto segment = read_at<Elf64_Phdr>(file, header->e_phoff + i * sizeof(Elf64_Phdr));
    if (!segment) {
      has_all_headers_ = false;
      break;
    }
    if (segment->p_type == PT_GNU_EH_FRAME) frames_address_ = segment->p_vaddr;
    if (segment->p_type != PT_LOAD || segment->p_offset >= file_size) continue;
    const std::uint64_t size = std::min<std::uint64_t>(segment->p_filesz, file_size - segment->p_offset);
    const bool executable = (segment->p_flags & PF_X) != 0;
    segments_.push_back({segment->p_offset, segment->p_vaddr, size, executable});
    if (executable) code_.push_back({segment->p_offset, segment->p_offset + size});
  }
}

std::optional<std::uint64_t> ElfFunctions::offset_of(std::uint64_t address) const {
  for (const Segment& segment : segments_) {
    if (address - segment.address < segment.size) return segment.offset + (address - segment.address);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> ElfFunctions::address_of(std::uint64_t offset) const {
  for (const Segment& segment : segments_) {
    if (segment.executable && offset - segment.offset < segment.size) {
      return segment.address + (offset - segment.offset);
    }
  }
  return std::nullopt;
}

// A range of addresses as one of the file: nullopt unless it is not empty and within an executable segment.
std::optional<ElfFunctions::Range> ElfFunctions::to_file(std::uint64_t start, std::uint64_t end) const {
  for (const Segment& segment : segments_) {
    if (!segment.executable || start < segment.address || start >= end) continue;
    if (end - segment.address > segment.size) continue;
    return Range{segment.offset + (start - segment.address), segment.offset + (end - segment.address)};
  }
  return std::nullopt;
}

// The addresses that the frame description entry at `frame_address` covers.
std::optional<ElfFunctions::Range> ElfFunctions::frame_range(std::uint64_t frame_address) const {
  const auto at = offset_of(frame_address);
  if (!at) return std::nullopt;
  Cursor frame(file_, *at);
  const auto length = frame.take<std::uint32_t>();
  const std::uint64_t delta_at = frame.position();
  const auto delta = frame.take<std::uint32_t>();
  if (!frame.good() || length == 0 || length == 0xffffffff || delta == 0 || delta > delta_at)
    return std::nullopt;
  const auto encoding = pointer_encoding(file_, delta_at - delta);
  if (!encoding) return std::nullopt;
  const std::uint64_t place = frame_address + (frame.position() - *at);
  std::uint64_t start = frame.take_encoded(*encoding);
  if ((*encoding & relative_mask) == relative_to_place) {
    start += place;
  } else if ((*encoding & ~format_mask) != 0) {
    return std::nullopt;
  }
  const std::uint64_t size = frame.take_encoded(*encoding & format_mask);
  if (!frame.good()) return std::nullopt;
  return Range{start, start + size};
}

// .eh_frame_hdr: version, three encodings, pointer to .eh_frame, number of entries; entries of {start of the
// function, address of its frame description entry}, sorted, as 4-byte distances from the header.
std::optional<ElfFunctions::Range> ElfFunctions::frame_at(std::uint64_t address) const {
  const auto header_at = frames_address_ != 0 ? offset_of(frames_address_) : std::nullopt;
  if (!header_at) return std::nullopt;
  Cursor header(file_, *header_at);
  const auto version = header.take<std::uint8_t>();
  const auto frames_encoding = header.take<std::uint8_t>();
  const auto count_encoding = header.take<std::uint8_t>();
  const auto table_encoding = header.take<std::uint8_t>();
  (void)header.take_encoded(frames_encoding);
  const std::uint64_t count = header.take_encoded(count_encoding);
  if (!header.good() || version != 1 || table_encoding != table_of_words) return std::nullopt;
  const std::uint64_t table = header.position();
  struct Entry {
    std::int32_t start, frame;
  };
  if (count > (file_.size() - std::min<std::uint64_t>(table, file_.size())) / sizeof(Entry))
    return std::nullopt;
  const auto entry = [&](std::uint64_t i) {
    return read_at<Entry>(file_, table + i * sizeof(Entry)).value_or(Entry{});
  };
  const auto absolute = [&](std::int32_t distance) {
    return frames_address_ + static_cast<std::uint64_t>(std::int64_t{distance});
  };
  std::uint64_t low = 0;
  std::uint64_t high = count;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (absolute(entry(middle).start) <= address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return std::nullopt;
  const auto range = frame_range(absolute(entry(low - 1).frame));
  if (!range || address < range->start || address >= range->end) return std::nullopt;
  return range;
}

void ElfFunctions::read_symbols(std::uint64_t offset, std::uint64_t size) {
  for (std::uint64_t at = 0; at + sizeof(Elf64_Sym) <= size; at += sizeof(Elf64_Sym)) {
    const auto symbol = read_at<Elf64_Sym>(file_, offset + at);
    if (!symbol) return;
    const bool function = ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx != SHN_UNDEF;
    if (function && symbol->st_size != 0) {
      functions_.push_back({symbol->st_value, symbol->st_value + symbol->st_size});
    }
  }
}

// All entries of .eh_frame, one after the other.
void ElfFunctions::read_frames(std::uint64_t offset, std::uint64_t size, std::uint64_t address) {
  for (std::uint64_t at = 0; at + 8 <= size;) {
    const auto length = read_at<std::uint32_t>(file_, offset + at);
    const auto cie = read_at<std::uint32_t>(file_, offset + at + 4);
    if (!length || !cie || *length == 0 || *length == 0xffffffff) return;
    if (const auto range = *cie != 0 ? frame_range(address + at) : std::nullopt) functions_.push_back(*range);
    at += sizeof(std::uint32_t) + *length;
  }
}

void ElfFunctions::read_go_functions(std::uint64_t offset, std::uint64_t size) {
  if (offset > file_.size()) return;
  const auto table = file_.subspan(offset, std::min<std::uint64_t>(size, file_.size() - offset));
  each_go_function(table, [this](std::uint64_t start, std::uint64_t end) {
    functions_.push_back({start, end});
  });
}

void ElfFunctions::read_sections() {
  sections_read_ = true;
  const auto header = read_at<Elf64_Ehdr>(file_, 0);
  if (!header || header->e_shentsize != sizeof(Elf64_Shdr)) return;
  const auto section = [&](std::uint64_t i) {
    return read_at<Elf64_Shdr>(file_, header->e_shoff + i * sizeof(Elf64_Shdr));
  };
  const auto names = section(header->e_shstrndx);
  for (std::uint64_t i = 0; i < header->e_shnum; ++i) {
    const auto one = section(i);
    if (!one) break;
    if (one->sh_type == SHT_SYMTAB || one->sh_type == SHT_DYNSYM) read_symbols(one->sh_offset, one->sh_size);
    if (!names) continue;
    const std::string_view name = string_at(file_, names->sh_offset + one->sh_name);
    if (name == ".eh_frame" && frames_address_ == 0) {
      read_frames(one->sh_offset, one->sh_size, one->sh_addr);
    } else if (name == ".gopclntab" || name == ".data.rel.ro.gopclntab") {
      read_go_functions(one->sh_offset, one->sh_size);
    }
  }
  std::sort(functions_.begin(), functions_.end(),
            [](const Range& a, const Range& b) { return a.start < b.start; });
}

std::optional<ElfFunctions::Range> ElfFunctions::at(std::uint64_t offset) {
  const auto address = address_of(offset);
  if (!address) return std::nullopt;
  if (const auto frame = frame_at(*address)) return to_file(frame->start, frame->end);
  if (!sections_read_) read_sections();
  const auto after =
      std::upper_bound(functions_.begin(), functions_.end(), *address,
                       [](std::uint64_t value, const Range& symbol) { return value < symbol.start; });
  if (after == functions_.begin() || std::prev(after)->end <= *address) return std::nullopt;
  return to_file(std::prev(after)->start, std::prev(after)->end);
}

}  // namespace rec

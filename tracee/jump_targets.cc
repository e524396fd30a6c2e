#include "tracee/jump_targets.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "format/base/file_part.h"
#include "tracee/file_bytes.h"
#include "tracee/opcode_search.h"

namespace rec {
namespace {

// A file's bytes: all at once, or piece by piece where that would take too much memory.
class CodeBytes {
 public:
  CodeBytes(int fd, std::uint64_t size) : fd_(fd) {
    if (size <= largest_whole_file) {
      whole_.emplace(fd, size);
    } else {
      buffer_.resize(piece_size);
    }
  }

  // nullptr: not all of it is there.
  [[nodiscard]] const FileBytes* whole() const { return whole_ ? &*whole_ : nullptr; }

  // Calls `each` with (offset in the file, bytes) for overlapping pieces of a range.
  template <typename Each>
  void for_pieces(const ElfFunctions::Range& range, const Each& each) {
    constexpr std::uint64_t overlap = 8;  // longer than any jump
    for (std::uint64_t at = range.start; at < range.end; at += piece_size - overlap)
      each(at, piece(at, std::min<std::uint64_t>(piece_size, range.end - at)));
  }

 private:
  static constexpr std::size_t piece_size = 256 << 10;

  std::span<const std::byte> piece(std::uint64_t at, std::size_t length) {
    if (!whole_) return read_file_part(fd_, at, std::span(buffer_).first(length));
    const auto rest = whole_->bytes().subspan(std::min<std::uint64_t>(at, whole_->bytes().size()));
    return rest.first(std::min(length, rest.size()));
  }

  int fd_;
  std::optional<FileBytes> whole_;
  std::vector<std::byte> buffer_;
};

std::vector<std::uint64_t> find_sites(std::uint64_t offset, std::span<const std::byte> bytes) {
  std::vector<std::uint64_t> sites;
  for_two_byte_opcodes<0x05, 0xa2, 0x31>(bytes, [&](std::size_t at) {
    sites.push_back(offset + at);
    return true;
  });
  return sites;
}

// One bit per byte of the file that is near a site.
class Interesting {
 public:
  explicit Interesting(std::uint64_t size) : bits_(size) {}
  void add_site(std::uint64_t site) {
    const std::uint64_t start = site - std::min(site, jump_length);
    const std::uint64_t end = std::min<std::uint64_t>(site + longest_window, bits_.size());
    for (std::uint64_t i = start; i < end; ++i) bits_[i] = true;
  }
  [[nodiscard]] bool has(std::uint64_t offset) const { return offset < bits_.size() && bits_[offset]; }

 private:
  std::vector<bool> bits_;
};

// e8/e9 rel32 and 0f 8x rel32, wherever such bytes are.
void find_targets(std::uint64_t offset, std::span<const std::byte> bytes, const Interesting& interesting,
                  std::vector<std::uint64_t>& targets) {
  const auto match = [](CodeVector first, CodeVector behind) {
    const CodeVector near = _mm_and_si128(equals(first, 0x0f), equals(behind, 0xf0, 0x80));
    return _mm_or_si128(equals(first, 0xfe, 0xe8), near);
  };
  for_opcodes(bytes, match, [&](std::size_t i) {
    const std::uint64_t at = i + (byte_at(bytes, i) == 0x0f ? 2 : 1);
    if (at + sizeof(std::int32_t) > bytes.size()) return true;
    const std::uint64_t target =
        offset + at + 4 + static_cast<std::uint64_t>(std::int64_t{displacement_at(bytes, at)});
    if (interesting.has(target)) targets.push_back(target);
    return true;
  });
}

}  // namespace

JumpTargets::JumpTargets(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return;
  const auto size = static_cast<std::uint64_t>(info.st_size);
  std::array<std::byte, 4096> beginning{};
  const ElfFunctions elf(read_file_part(fd, 0, beginning), size);
  if (!elf.is_elf() || !elf.has_all_headers()) return;
  CodeBytes bytes(fd, size);
  Interesting interesting(size);
  std::vector<std::uint64_t> sites;
  for (const auto& range : elf.code()) {
    bytes.for_pieces(range, [&](std::uint64_t offset, std::span<const std::byte> piece) {
      for (const std::uint64_t site : find_sites(offset, piece)) {
        interesting.add_site(site);
        sites.push_back(site);
      }
    });
  }
  // (Without them, all that looks like a jump counts as one.)
  if (bytes.whole() != nullptr) find_functions(bytes.whole()->bytes(), sites);
  // Displacements count in addresses: the same distance in the file as long as both ends are in one segment,
  // which for code they are (a second executable segment is a rarity, and jumps between the two go through
  // tables).
  for (const auto& range : elf.code()) {
    bytes.for_pieces(range, [&](std::uint64_t offset, std::span<const std::byte> piece) {
      find_targets(offset, piece, interesting, targets_);
    });
  }
  std::sort(targets_.begin(), targets_.end());
  known_ = true;
}

void JumpTargets::find_functions(std::span<const std::byte> file, const std::vector<std::uint64_t>& sites) {
  constexpr std::uint64_t around = 144;
  ElfFunctions elf(file);
  for (const std::uint64_t site : sites) {
    const std::uint64_t end = std::min<std::uint64_t>(site + around, file.size());
    for (std::uint64_t at = site - std::min(site, around); at < end;) {
      const auto function = elf.at(at);
      if (function) functions_.push_back(*function);
      at = function ? std::max(at + 1, function->end) : at + 16;  // functions are aligned
    }
  }
  const auto by_start = [](const auto& a, const auto& b) { return a.start < b.start; };
  std::sort(functions_.begin(), functions_.end(), by_start);
}

std::optional<ElfFunctions::Range> JumpTargets::function_at(std::uint64_t offset) const {
  const auto after = std::upper_bound(
      functions_.begin(), functions_.end(), offset,
      [](std::uint64_t value, const ElfFunctions::Range& function) { return value < function.start; });
  if (after == functions_.begin() || std::prev(after)->end <= offset) return std::nullopt;
  return *std::prev(after);
}

bool JumpTargets::any_in(std::uint64_t start, std::uint64_t end) const {
  const auto at = std::lower_bound(targets_.begin(), targets_.end(), start);
  return at != targets_.end() && *at < end;
}

}  // namespace rec

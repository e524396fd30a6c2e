#include "tracee/instruction_finder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <optional>

#include "format/base/error.h"
#include "format/base/file_part.h"
#include "format/base/unique_fd.h"
#include "tracee/disassembler.h"
#include "tracee/elf_functions.h"
#include "tracee/file_bytes.h"
#include "tracee/instruction_length.h"
#include "tracee/opcode_search.h"

namespace rec {
namespace {

// A function (or a piece of memory without a file) longer than this is not decoded: it would take noticeable
// time.
constexpr std::uint64_t longest_decoded = 1 << 20;

unsigned byte_at(std::span<const std::byte> bytes, std::size_t at) {
  return std::to_integer<unsigned>(bytes[at]);
}

// A position where the bytes of one of these instructions stand.
struct Hit {
  std::uint64_t at;  // of the opcode's first byte
  bool is_counter;
};

// 0F A2 cpuid, 0F 01 D0 xgetbv, 0F C7 with /6 or /7 and a register; 0F 31 rdtsc and 0F 01 F9 rdtscp, which
// fault by themselves for as long as nothing is sure about them. Calls `each` with every hit until it returns
// false.
template <class Each>
void for_patterns(std::span<const std::byte> bytes, bool counters, const Each& each) {
  for_two_byte_opcodes<0xa2, 0x01, 0xc7, 0x31>(bytes, [&](std::size_t at) {
    const unsigned second = byte_at(bytes, at + 1);
    const unsigned third = at + 2 < bytes.size() ? byte_at(bytes, at + 2) : 0;
    const bool is_counter = second == 0x31 || (second == 0x01 && third == 0xf9);
    const bool is_hit =
        is_counter ? counters
                   : second == 0xa2 || (second == 0x01 && third == 0xd0) || (second == 0xc7 && third >= 0xf0);
    return !is_hit || each(Hit{at, is_counter});
  });
}

std::vector<Hit> find_patterns(std::span<const std::byte> bytes, bool counters) {
  std::vector<Hit> hits;
  for_patterns(bytes, counters, [&](const Hit& hit) {
    hits.push_back(hit);
    return true;
  });
  return hits;
}

bool has_patterns(std::span<const std::byte> bytes, bool counters) {
  bool has = false;
  for_patterns(bytes, counters, [&](const Hit&) {
    has = true;
    return false;
  });
  return has;
}

void leave_alone(FoundInstructions& found, const Hit& hit, std::uint64_t at) {
  if (hit.is_counter) {
    found.counters_left_alone.push_back(at);
  } else {
    found.left_alone.push_back(at);
  }
}

// Decodes one stretch of code from its start, and judges the patterns in it in ascending order.
class Walk {
 public:
  Walk(Disassembler& disassembler, std::span<const std::byte> bytes, ElfFunctions::Range range,
       bool suspicious)
      : disassembler_(disassembler),
        bytes_(bytes),
        range_(range),
        at_(range.start),
        suspicious_(suspicious) {}

  [[nodiscard]] bool covers(std::uint64_t hit) const { return hit >= range_.start && hit < range_.end; }

  // The opcode at `hit`: an instruction of ours, part of another one, or in doubt.
  void judge(const Hit& what, std::uint64_t hit, FoundInstructions& found) {
    lost_ = lost_ || range_.end - range_.start > longest_decoded;
    while (!lost_ && at_ <= hit) {
      const auto code = bytes_.subspan(at_, range_.end - at_);
      // In a function, what is in front of the opcode only leads to it.
      const auto length = suspicious_ ? std::nullopt : instruction_length(code);
      if (length && at_ + *length <= hit) {
        at_ += *length;
        continue;
      }
      const auto decoded = disassembler_.decode(code);
      lost_ = !decoded || (suspicious_ && is_doubtful(*decoded));
      if (lost_) break;
      const std::uint64_t start = at_;
      at_ += decoded->length;
      if (at_ <= hit || !decoded->is_unpredictable) continue;
      const auto known = decode_trapped(bytes_.subspan(start, decoded->length));
      if (known && known->length == decoded->length) {
        found.sites.push_back({start, *known});
      } else {
        leave_alone(found, what, hit);  // with prefixes that no assembler makes
      }
    }
    if (lost_) leave_alone(found, what, hit);
  }

 private:
  [[nodiscard]] bool is_doubtful(const DecodedLength& decoded) const {
    // Two zero bytes are an instruction, too (add %al,(%rax)); they are padding, or data.
    const bool zeros = decoded.length == 2 && byte_at(bytes_, at_) == 0 && byte_at(bytes_, at_ + 1) == 0;
    return zeros || decoded.is_privileged;
  }

  Disassembler& disassembler_;
  std::span<const std::byte> bytes_;
  ElfFunctions::Range range_;
  std::uint64_t at_;
  bool suspicious_;
  bool lost_ = false;
};

// Whether the code in the file has any pattern.
bool code_may_hold_instructions(int fd, std::uint64_t size) {
  constexpr std::size_t piece = 64 << 10;
  constexpr std::size_t overlap = 2;  // a pattern is 3 bytes at most
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(piece);
  const ElfFunctions elf(read_file_part(fd, 0, std::span(buffer.get(), 4096)), size);
  if (!elf.is_elf() || !elf.has_all_headers()) return true;
  for (const ElfFunctions::Range& code : elf.code()) {
    for (std::uint64_t at = code.start; at < code.end; at += piece - overlap) {
      const std::size_t length = std::min<std::uint64_t>(piece, code.end - at);
      if (has_patterns(read_file_part(fd, at, std::span(buffer.get(), length)), true)) return true;
    }
  }
  return false;
}

FoundInstructions find_instructions_in_file(int fd, std::uint64_t size) {
  // Most has none.
  if (size > largest_whole_file && !code_may_hold_instructions(fd, size)) return {};
  const FileBytes file(fd, size);
  return find_instructions_in_elf(file.bytes());
}

}  // namespace

FoundInstructions find_instructions_in_elf(std::span<const std::byte> file) {
  FoundInstructions found;
  ElfFunctions functions(file);
  if (!functions.is_elf()) {
    for (const Hit& hit : find_patterns(file, true)) leave_alone(found, hit, hit.at);
    return found;
  }
  std::optional<Disassembler> disassembler;  // most files need none
  for (const ElfFunctions::Range& code : functions.code()) {
    const std::vector<Hit> hits = find_patterns(file.subspan(code.start, code.end - code.start), true);
    // (What saves the state asks the processor about it, too.)
    if (hits.empty()) continue;
    const std::vector<StateSave> saves = find_state_saves(file, code.start, code.end);
    found.state_saves.insert(found.state_saves.end(), saves.begin(), saves.end());
    std::optional<Walk> walk;
    for (const Hit& hit : hits) {
      const std::uint64_t offset = code.start + hit.at;
      if (!walk || !walk->covers(offset)) {
        const auto function = functions.at(offset);
        walk.reset();
        if (function) {
          if (!disassembler) disassembler.emplace();
          walk.emplace(*disassembler, file, *function, false);
        }
      }
      if (walk) {
        walk->judge(hit, offset, found);
      } else {
        leave_alone(found, hit, offset);
      }
    }
  }
  return found;
}

FoundInstructions find_instructions_in_memory(std::span<const std::byte> code) {
  FoundInstructions found;
  const std::vector<Hit> hits = find_patterns(code, false);
  if (hits.empty()) return found;
  Disassembler disassembler;
  const std::uint64_t decoded = std::min<std::uint64_t>(code.size(), longest_decoded);
  Walk walk(disassembler, code, {0, decoded}, true);
  for (const Hit& hit : hits) {
    if (hit.at < decoded) {
      walk.judge(hit, hit.at, found);
    } else {
      leave_alone(found, hit, hit.at);
    }
  }
  return found;
}

bool may_hold_instructions(std::span<const std::byte> code) { return has_patterns(code, false); }

const FoundInstructions* InstructionFinder::in_file(const SeenFile& file) {
  const auto known = known_.find(file.version());
  if (file.has_rested() && known != known_.end()) return known->second.get();
  const UniqueFd opened(::open(file.name().c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  const auto now = opened.is_open() ? SeenFile::look(opened.get(), file.name()) : std::nullopt;
  if (!now) return nullptr;
  std::unique_ptr<FoundInstructions>& found = known_[now->version()];
  found = std::make_unique<FoundInstructions>(find_instructions_in_file(opened.get(), now->size()));
  return found.get();
}

}  // namespace rec

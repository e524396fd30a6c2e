#include "tracee/instruction_finder.h"

#include <capstone/capstone.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <optional>

#include "format/base/error.h"
#include "format/base/unique_fd.h"
#include "tracee/elf_functions.h"

namespace rec {
namespace {

// A function (or a piece of memory without a file) longer than this is not decoded: it would take noticeable
// time.
constexpr std::uint64_t longest_decoded = 1 << 20;

unsigned byte_at(std::span<const std::byte> bytes, std::size_t at) {
  return std::to_integer<unsigned>(bytes[at]);
}

// Positions of opcodes (0F …) that may be ours: 0F A2 cpuid, 0F 01 D0 xgetbv, 0F C7 with /6 or /7 and a
// register.
std::vector<std::uint64_t> find_patterns(std::span<const std::byte> bytes) {
  std::vector<std::uint64_t> hits;
  const std::byte* const begin = bytes.data();
  const std::byte* const end = begin + bytes.size();
  for (const std::byte* at = begin; at != end; ++at) {
    at = static_cast<const std::byte*>(std::memchr(at, 0x0f, static_cast<std::size_t>(end - at)));
    if (at == nullptr) break;
    const auto left = static_cast<std::size_t>(end - at);
    const unsigned second = left > 1 ? std::to_integer<unsigned>(at[1]) : 0;
    const unsigned third = left > 2 ? std::to_integer<unsigned>(at[2]) : 0;
    if (second == 0xa2 || (second == 0x01 && third == 0xd0) || (second == 0xc7 && third >= 0xf0)) {
      hits.push_back(static_cast<std::uint64_t>(at - begin));
    }
  }
  return hits;
}

class Disassembler {
 public:
  Disassembler() {
    const cs_err opened = cs_open(CS_ARCH_X86, CS_MODE_64, &handle_);
    if (opened != CS_ERR_OK) fail("cannot start the disassembler: {}", cs_strerror(opened));
    instruction_ = cs_malloc(handle_);
    ENSURE(instruction_ != nullptr, "no memory for an instruction");
  }
  Disassembler(const Disassembler&) = delete;
  Disassembler& operator=(const Disassembler&) = delete;
  ~Disassembler() {
    cs_free(instruction_, 1);
    cs_close(&handle_);
  }

  struct Decoded {
    std::uint64_t length;
    unsigned id;  // x86_insn
  };
  // The instruction at the start of `bytes`; nullopt when it is none, or one that Capstone does not know.
  [[nodiscard]] std::optional<Decoded> decode(std::span<const std::byte> bytes) {
    const auto* code = reinterpret_cast<const std::uint8_t*>(bytes.data());
    std::size_t size = bytes.size();
    std::uint64_t address = 0;
    if (!cs_disasm_iter(handle_, &code, &size, &address, instruction_)) return std::nullopt;
    return Decoded{instruction_->size, instruction_->id};
  }

 private:
  csh handle_ = 0;
  cs_insn* instruction_ = nullptr;
};

// No program runs these: met on the way, they say that what is decoded is data.
bool is_for_kernels_only(unsigned id) {
  switch (id) {
    case X86_INS_HLT:
    case X86_INS_IN:
    case X86_INS_OUT:
    case X86_INS_INSB:
    case X86_INS_INSD:
    case X86_INS_INSW:
    case X86_INS_OUTSB:
    case X86_INS_OUTSD:
    case X86_INS_OUTSW:
    case X86_INS_CLI:
    case X86_INS_STI:
    case X86_INS_INT1:
    case X86_INS_IRET:
    case X86_INS_IRETD:
    case X86_INS_IRETQ:
    case X86_INS_RETF:
    case X86_INS_RETFQ:
      return true;
    default:
      return false;
  }
}

bool is_ours(unsigned id) {
  return id == X86_INS_CPUID || id == X86_INS_XGETBV || id == X86_INS_RDRAND || id == X86_INS_RDSEED;
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
  void judge(std::uint64_t hit, FoundInstructions& found) {
    while (!lost_ && at_ <= hit) {
      const auto decoded = disassembler_.decode(bytes_.subspan(at_, range_.end - at_));
      lost_ =
          !decoded || range_.end - range_.start > longest_decoded || (suspicious_ && is_doubtful(*decoded));
      if (lost_) break;
      const std::uint64_t start = at_;
      at_ += decoded->length;
      if (at_ <= hit || !is_ours(decoded->id)) continue;
      const auto known = decode_trapped(bytes_.subspan(start, decoded->length));
      if (known && known->length == decoded->length) {
        found.sites.push_back({start, *known});
      } else {
        found.left_alone.push_back(hit);  // with prefixes that no assembler makes
      }
    }
    if (lost_) found.left_alone.push_back(hit);
  }

 private:
  [[nodiscard]] bool is_doubtful(const Disassembler::Decoded& decoded) const {
    // Two zero bytes are an instruction, too (add %al,(%rax)); they are padding, or data.
    const bool zeros = decoded.length == 2 && byte_at(bytes_, at_) == 0 && byte_at(bytes_, at_ + 1) == 0;
    return zeros || is_for_kernels_only(decoded.id);
  }

  Disassembler& disassembler_;
  std::span<const std::byte> bytes_;
  ElfFunctions::Range range_;
  std::uint64_t at_;
  bool suspicious_;
  bool lost_ = false;
};

// Reads until the buffer is full or the file ends.
std::span<const std::byte> read_at(int fd, std::uint64_t offset, std::span<std::byte> buffer) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t got =
        ::pread(fd, buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  return buffer.first(done);
}

// Whether the code in the file has any pattern: most has none, and then the rest need not be read.
bool code_may_hold_instructions(int fd, std::uint64_t size) {
  constexpr std::size_t piece = 256 << 10;
  constexpr std::size_t overlap = 2;  // a pattern is 3 bytes at most
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(piece);
  const ElfFunctions elf(read_at(fd, 0, std::span(buffer.get(), 4096)), size);
  if (!elf.is_elf() || !elf.has_all_headers()) return true;
  for (const ElfFunctions::Range& code : elf.code()) {
    for (std::uint64_t at = code.start; at < code.end; at += piece - overlap) {
      const std::size_t length = std::min<std::uint64_t>(piece, code.end - at);
      if (may_hold_instructions(read_at(fd, at, std::span(buffer.get(), length)))) return true;
    }
  }
  return false;
}

// The file is read, not mapped: one that somebody cuts off meanwhile shall not end rec with a SIGBUS.
FoundInstructions find_instructions_in_file(int fd, std::uint64_t size) {
  if (!code_may_hold_instructions(fd, size)) return {};
  const auto bytes = std::make_unique_for_overwrite<std::byte[]>(size);
  return find_instructions_in_elf(read_at(fd, 0, std::span(bytes.get(), size)));
}

}  // namespace

FoundInstructions find_instructions_in_elf(std::span<const std::byte> file) {
  FoundInstructions found;
  ElfFunctions functions(file);
  if (!functions.is_elf()) {
    found.left_alone = find_patterns(file);
    return found;
  }
  std::optional<Disassembler> disassembler;  // most files need none
  for (const ElfFunctions::Range& code : functions.code()) {
    std::optional<Walk> walk;
    for (const std::uint64_t hit : find_patterns(file.subspan(code.start, code.end - code.start))) {
      const std::uint64_t offset = code.start + hit;
      if (!walk || !walk->covers(offset)) {
        const auto function = functions.at(offset);
        walk.reset();
        if (function) {
          if (!disassembler) disassembler.emplace();
          walk.emplace(*disassembler, file, *function, false);
        }
      }
      if (walk) {
        walk->judge(offset, found);
      } else {
        found.left_alone.push_back(offset);
      }
    }
  }
  return found;
}

FoundInstructions find_instructions_in_memory(std::span<const std::byte> code) {
  FoundInstructions found;
  const std::vector<std::uint64_t> hits = find_patterns(code);
  if (hits.empty()) return found;
  Disassembler disassembler;
  const std::uint64_t decoded = std::min<std::uint64_t>(code.size(), longest_decoded);
  Walk walk(disassembler, code, {0, decoded}, true);
  for (const std::uint64_t hit : hits) {
    if (hit < decoded) {
      walk.judge(hit, found);
    } else {
      found.left_alone.push_back(hit);
    }
  }
  return found;
}

bool may_hold_instructions(std::span<const std::byte> code) { return !find_patterns(code).empty(); }

const FoundInstructions* InstructionFinder::in_file(const std::string& open_path) {
  struct stat info {};
  // The stat comes first: opening a device or a FIFO could have effects.
  if (::stat(open_path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return nullptr;
  const UniqueFd file(::open(open_path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file.is_open() || ::fstat(file.get(), &info) != 0) return nullptr;
  const Version version{info.st_dev,          info.st_ino,         info.st_size,        info.st_mtim.tv_sec,
                        info.st_mtim.tv_nsec, info.st_ctim.tv_sec, info.st_ctim.tv_nsec};
  // Time stamps are as coarse as a tick: a file written a moment ago may be written again without looking any
  // different.
  const bool rested = ::time(nullptr) - std::max(info.st_mtim.tv_sec, info.st_ctim.tv_sec) >= 2;
  std::unique_ptr<FoundInstructions>& known = known_[version];
  if (!known || !rested) {
    known = std::make_unique<FoundInstructions>(
        find_instructions_in_file(file.get(), static_cast<std::uint64_t>(info.st_size)));
  }
  return known.get();
}

}  // namespace rec

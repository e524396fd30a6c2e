// Where a file's code may jump to, as far as that concerns the surroundings of its sites: the places where
// `syscall`, `cpuid` and `rdtsc` instructions may be.
//
// Any bytes that look like a jump with a 32-bit displacement count as one. For 8-bit displacements these
// would be too many: whoever looks for those needs to know where instructions begin, and so functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "tracee/elf_functions.h"
#include "tracee/instruction.h"

namespace rec {

// Each of the instructions is so long.
inline constexpr std::uint64_t site_length = 2;
// A jump in the place of a site, and the instructions that have to give way to it, end no later than so many
// bytes behind the site's start.
inline constexpr std::uint64_t longest_window = jump_length + longest_instruction;

// Precondition: the bytes are there.
[[nodiscard]] inline std::uint8_t byte_at(std::span<const std::byte> code, std::uint64_t at) {
  return std::to_integer<std::uint8_t>(code[at]);
}
[[nodiscard]] inline std::int32_t displacement_at(std::span<const std::byte> code, std::uint64_t at) {
  std::int32_t displacement = 0;
  std::memcpy(&displacement, code.data() + at, sizeof displacement);
  return displacement;
}

// Positions are file offsets.
class JumpTargets {
 public:
  // Reads the file. What cannot be read as a 64-bit ELF file has no targets that are known.
  explicit JumpTargets(int fd);
  [[nodiscard]] bool is_known() const { return known_; }
  // Whether a jump with a 32-bit displacement leads to one of [start, end).
  [[nodiscard]] bool any_in(std::uint64_t start, std::uint64_t end) const;
  // The function near a site that has the byte at `offset`; nullopt: not known.
  [[nodiscard]] std::optional<ElfFunctions::Range> function_at(std::uint64_t offset) const;

  // Whether 8-bit jumps lead to [start, end), once somebody has found out: each process has the same code.
  std::optional<bool>& short_jumps_into(std::uint64_t start, std::uint64_t end) const {
    return short_jumps_[{start, end}];
  }

 private:
  void find_functions(std::span<const std::byte> file, const std::vector<std::uint64_t>& sites);

  bool known_ = false;
  std::vector<std::uint64_t> targets_;          // sorted
  std::vector<ElfFunctions::Range> functions_;  // sorted
  mutable std::map<std::pair<std::uint64_t, std::uint64_t>, std::optional<bool>> short_jumps_;
};

}  // namespace rec

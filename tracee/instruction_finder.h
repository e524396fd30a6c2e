// Finds, in machine code, the instructions that answer differently from run to run or from processor to
// processor: rdrand, rdseed, rdpid, cpuid, xgetbv, rdtsc, rdtscp. (xgetbv with ECX 0
// gives the same on one machine at all times; but which ECX it will have, the code does not tell, and a trace
// may be replayed on another machine.)
//
// Byte patterns are looked for first; a hit counts only if decoding from the start of its function meets it
// at the beginning of an instruction. Where no function is known to be there, or decoding fails on the way,
// it may be data: it is left alone. Code that is never met this way (written to pages that are writable and
// executable at once) is not found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tracee/seen_file.h"
#include "tracee/state_save.h"
#include "tracee/trapped_instruction.h"

namespace rec {

struct FoundInstruction {
  std::uint64_t at = 0;  // of its first byte, prefixes included: in the file, or from the start of the memory
  TrappedInstruction instruction;
};

struct FoundInstructions {
  std::vector<FoundInstruction> sites;  // sorted
  std::vector<std::uint64_t>
      left_alone;  // where the bytes of such an instruction are, in doubtful surroundings; sorted
  // The same for rdtsc and rdtscp. (They fault by themselves unless PR_SET_TSC says otherwise.)
  std::vector<std::uint64_t> counters_left_alone;
  std::vector<StateSave> state_saves;
};

// In a whole ELF file. In a file of another format all patterns are left alone.
[[nodiscard]] FoundInstructions find_instructions_in_elf(std::span<const std::byte> file);

// In memory that no file is behind, which has to begin with an instruction: all up to the pattern must
// decode, as instructions that a program could make use of. rdtsc and rdtscp are not looked for.
[[nodiscard]] FoundInstructions find_instructions_in_memory(std::span<const std::byte> code);

// Whether there is any such pattern in memory that no file is behind; most has none.
[[nodiscard]] bool may_hold_instructions(std::span<const std::byte> code);

// Remembers what each version of each file holds.
class InstructionFinder {
 public:
  // nullptr: it cannot be read. Valid until the next call.
  [[nodiscard]] const FoundInstructions* in_file(const SeenFile& file);

 private:
  std::map<FileVersion, std::unique_ptr<FoundInstructions>> known_;
};

}  // namespace rec

// Instructions in the program's code that answer differently every time (tracee/instruction_finder.h) and in
// whose place rec puts an int3, so that it sees them:
//
//     0f c7 f0   rdrand %eax      ──▶      cc c7 f0
//
// A cpuid becomes a jump to a routine that answers it inside the tracee (tracee/cpuid_answers.h), where an
// exec prepared one nearby and the code around lets it; rec sees only what the routine cannot answer.
//
// It happens at the event that makes the code executable, and what was written is part of that event: replay
// has the same code. One byte is enough, as no code can jump into the rest of an instruction and mean it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "recorder/agent_state.h"
#include "tracee/maps.h"
#include "tracee/page_cache.h"
#include "tracee/seen_file.h"
#include "tracee/trapped_instruction.h"

namespace rec {

class Session;
struct Task;

// The int3s of one address space, by address, with what they stand for.
struct PatchedInstruction {
  TrappedInstruction instruction;
  std::byte first_byte{};  // what the int3 replaced
  bool jumps = false;  // its place holds a jump, no int3: a cpuid's to the routine, an rdtsc's to the agent
};
using PatchedCode = std::map<std::uint64_t, PatchedInstruction>;

// Looks through what is executable in [start, end) of `mapping`. What is written becomes output of the task's
// pending call; `pages` hold it until they are flushed. `file`: the one behind the mapping; nullptr: its
// bytes are all there is. Precondition: the task is stopped, and no other task of its address space runs user
// code.
void patch_code(Session& session, Task& task, PageCache& pages, const MapsEntry& mapping, std::uint64_t start,
                std::uint64_t end, const SeenFile* file);

// Writes to code, as a part of the task's pending call: `pages` hold it until they are flushed.
void write_new_code(Task& task, PageCache& pages, std::uint64_t address, std::span<const std::byte> bytes);

// The file behind a mapping (its name in maps may be of another mount namespace, or gone); nullopt: there is
// none, or none that can be opened.
[[nodiscard]] std::optional<SeenFile> file_of(const Task& task, const MapsEntry& mapping);

// The same for all mappings of a program that has just been executed: each file is looked at once.
class MappedFiles {
 public:
  explicit MappedFiles(const Task& task) : task_(task) {}
  // nullptr: none. Valid as long as this is.
  [[nodiscard]] const SeenFile* of(const MapsEntry& mapping);

 private:
  const Task& task_;
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint64_t>, std::optional<SeenFile>> files_;
};

// At an exec: a routine that answers cpuid near each code that executes it more than a few times. What maps
// them becomes part of `batch`.
class CpuidRoutines {
 public:
  CpuidRoutines(Session& session, Task& task, std::span<const MapsEntry> maps, MappedFiles& files,
                RemoteBatch& batch);
  // After the batch: puts them there. Returns what was mapped; to be described after the program's own
  // mappings have been patched.
  [[nodiscard]] std::vector<MapsEntry> put(const Session& session, Task& task, const RemoteBatch& batch,
                                           PageCache& pages) const;

 private:
  std::vector<NewChunk> chunks_;
};

// What a successful memory call of the task's means for its code. `file`: what a new mapping is of; nullptr:
// no regular file.
void update_code(Session& session, Task& task, std::int64_t result, const SeenFile* file);

}  // namespace rec

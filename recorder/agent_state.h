// What the recorder knows of the agent in one address space.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "format/base/memory.h"
#include "tracee/agent_memory.h"
#include "tracee/code_patch.h"
#include "tracee/remote_batch.h"

namespace rec {

struct CodeFile;

// Code in one mapping: all of it, or the part that is looked at.
struct CodeRegion {
  std::uint64_t start = 0, end = 0;
  std::uint64_t base = 0;    // where the file's offset 0 would be
  CodeFile* file = nullptr;  // lives as long as the session; nullptr: none, or no jumps are to be put there
};

// What is known of the `syscall` and `rdtsc` instructions in a file's code, from all processes that had it
// mapped so far.
struct CodeFile {
  struct Site {
    int calls = 0;                    // traced ones that the agent could have made
    std::optional<std::uint32_t> nr;  // of the last of them; nullopt: it is an rdtsc
    bool is_refused = false;          // it cannot be patched
    bool is_patched = false;          // it was, in some process
  };
  std::unique_ptr<JumpTargets> targets;  // nullptr: not looked for yet
  std::map<std::uint64_t, Site> sites;   // by their offset in the file

  // How an instruction was patched in some process: decoding the code around it anew in each takes a good
  // part of what a short one costs.
  struct KnownPatch {
    CodePatch patch;
    std::optional<std::uint32_t> nr;  // of a call
    std::uint64_t routine = 0;        // that answers a cpuid; 0: it is none
  };
  std::map<std::uint64_t, KnownPatch> known_patches;  // by the site's offset in the file

  struct Wanted {
    std::uint64_t site = 0, trampoline = 0;
    std::optional<std::uint32_t> nr;
    std::uint64_t routine = 0;
  };
  // `region`, here and below: code of this file. The patch as `wanted` says; nullopt: it is not known, or
  // what it leads to lay elsewhere, seen from the site, or `memory` has other code there now, or its window
  // would not be in the region.
  [[nodiscard]] std::optional<CodePatch> known_patch(const Memory& memory, const CodeRegion& region,
                                                     const Wanted& wanted) const;
  // To be found by it.
  void remember(const CodeRegion& region, const Wanted& wanted, const CodePatch& made) {
    known_patches.insert_or_assign(wanted.site - region.base, KnownPatch{made, wanted.nr, wanted.routine});
  }
  // The known one; else what `make` makes of the code around the site, up to `before` bytes in front of it
  // included, and that is known from now on.
  [[nodiscard]] std::optional<CodePatch> patch(
      const Memory& memory, const CodeRegion& region, const Wanted& wanted, std::uint64_t before,
      const std::function<std::optional<CodePatch>(const Surroundings&)>& make);
};

// A place for trampolines that a batch of calls maps.
struct NewChunk {
  std::uint64_t start = 0;  // 0: there is no room
  RemoteBatch::Place call = 0;
};

struct AgentState {
  // Where trampolines are put: a piece of the tracee's memory.
  struct Chunk {
    std::uint64_t start = 0;
    std::uint64_t used = 0;
    std::uint64_t size = 0;
    std::uint64_t cpuid_routine = 0;  // tracee/cpuid_answers.h; 0: none
  };
  // Less than what a 32-bit displacement reaches, by more than a module's size.
  static constexpr std::uint64_t reach = std::uint64_t{15} << 27;

  std::shared_ptr<AgentMemory> memory;  // nullptr: not there (yet)
  std::uint64_t vdso = 0;               // where the agent finds it; 0: nowhere
  bool is_off = false;                  // it was tried in vain, or the program cannot live with it
  // Code that may hold an rdtsc or rdtscp which nobody has patched: the counter has to trap.
  bool counters_in_doubt = false;
  int calls_seen = 0;                // that it could have made
  std::uint64_t hot_sites_seen = 0;  // those of all files that patching has been tried for
  // Code of files, private and not writable, where it is mapped.
  std::vector<CodeRegion> regions;
  std::set<std::uint64_t> tried;               // sites that patching has been tried for
  std::map<std::uint64_t, CodePatch> patches;  // by the site's address
  std::vector<Chunk> chunks;
  std::vector<agent::KeptMemory>
      kept;  // where code is that rec has changed, or may; `memory` knows of it, too

  // Calls about this memory are to be traced.
  void keep(std::uint64_t start, std::uint64_t end) {
    const bool is_known = std::any_of(kept.begin(), kept.end(), [&](const agent::KeptMemory& known) {
      return known.start <= start && end <= known.end;
    });
    if (is_known) return;
    kept.push_back({start, end});
    if (memory) memory->keep(kept.back());
  }

  [[nodiscard]] const CodeRegion* region_at(std::uint64_t address) const {
    for (const CodeRegion& region : regions) {
      if (address >= region.start && address < region.end) return &region;
    }
    return nullptr;
  }
  // It may be other code than the file's now.
  void forget_code(std::uint64_t start, std::uint64_t end) {
    std::erase_if(regions,
                  [&](const CodeRegion& region) { return region.start < end && start < region.end; });
  }

  // It is not mapped any more, or something else is.
  void unmap_code(std::uint64_t start, std::uint64_t end) {
    forget_code(start, end);
    patches.erase(patches.lower_bound(start), patches.lower_bound(end));
    tried.erase(tried.lower_bound(start), tried.lower_bound(end));
  }

  // One with room for a trampoline that code at `address` can jump to; nullptr: none.
  [[nodiscard]] Chunk* chunk_near(std::uint64_t address) {
    for (Chunk& chunk : chunks) {
      const std::uint64_t distance = chunk.start > address ? chunk.start - address : address - chunk.start;
      if (chunk.used + trampoline_size <= chunk.size && distance < reach) return &chunk;
    }
    return nullptr;
  }
};

}  // namespace rec

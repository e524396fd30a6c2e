// What the recorder knows of the agent in one address space.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "tracee/agent_memory.h"
#include "tracee/code_patch.h"

namespace rec {

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
  int calls_seen = 0;                  // that it could have made
  std::map<std::uint64_t, int> sites;  // traced calls at each `syscall` instruction that is not patched
  std::map<std::uint64_t, CodePatch> patches;  // by the site's address
  std::vector<Chunk> chunks;

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

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
  };

  std::shared_ptr<AgentMemory> memory;  // nullptr: not there (yet)
  bool is_off = false;                  // it was tried in vain, or the program cannot live with it
  // Code that may hold an rdtsc or rdtscp which nobody has patched: the counter has to trap.
  bool counters_in_doubt = false;
  int calls_seen = 0;                  // that it could have made
  std::map<std::uint64_t, int> sites;  // traced calls at each `syscall` instruction that is not patched
  std::map<std::uint64_t, CodePatch> patches;  // by the site's address
  std::vector<Chunk> chunks;
};

}  // namespace rec

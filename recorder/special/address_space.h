// What rec has in the address space of a program that has just been executed, and takes out of it.
#pragma once

#include <cstdint>
#include <vector>

#include "recorder/patched_code.h"
#include "recorder/session.h"
#include "tracee/maps.h"

namespace rec::special {

// Of the kernel's own, which the trace does not have.
[[nodiscard]] bool is_kernel_mapping(const MapsEntry& entry);

struct ArrangedSpace {
  std::uint64_t heap_end = 0;    // the program break
  std::vector<MapsEntry> added;  // that replay needs, too
};

// Maps rec's pages, the routine that answers cpuid, where many calls are to be expected the agent; moves the
// vDSO. `maps` and `files`: of the program as it was executed; `pages`: of its memory, to be flushed.
// Precondition: the exit stop of its exec.
[[nodiscard]] ArrangedSpace arrange_address_space(Session& session, Task& task, const Registers& registers,
                                                  const std::vector<MapsEntry>& maps, MappedFiles& files,
                                                  PageCache& pages);

}  // namespace rec::special

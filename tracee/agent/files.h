// What the agent finds out about a file that is to be mapped.
#pragma once

#include "tracee/agent/bytes.h"
#include "tracee/agent/descriptors.h"
#include "tracee/agent/layout.h"

namespace rec::agent {

// As StoredFile has it, from Slot::stat (struct stat of asm/stat.h, in words).
inline void version_in_stat(const Slot* slot, uint64_t* version) {
  constexpr uint8_t words[version_words] = {0, 1, 6, 11, 12, 13, 14};
  for (uint32_t i = 0; i < version_words; ++i) version[i] = slot->stat[words[i]];
}

inline bool is_version(const StoredFile* file, const uint64_t* version) {
  if (*const_cast<const volatile uint64_t*>(&file->is_there) == 0) return false;
  for (uint32_t i = 0; i < version_words; ++i) {
    if (*const_cast<const volatile uint64_t*>(&file->version[i]) != version[i]) return false;
  }
  return true;
}

// Whether rec has what the descriptor leads to. Who is about to change such a file takes it from the table
// first, and then waits for those who are in a call (Agents::file_changes): that this one is has to be seen
// before it looks.
inline bool is_stored(Slot* slot, uint64_t fd, uint64_t* version) {
  constexpr uint64_t nr_fstat = 5;
  __asm__ volatile("mfence" ::: "memory");
  if (own_call(nr_fstat, fd, reinterpret_cast<uint64_t>(slot->stat), 0) != 0) return false;
  if (type_in_stat(slot) != regular) return false;
  version_in_stat(slot, version);
  const auto* files = reinterpret_cast<const StoredFile*>(stored_files_address);
  const uint32_t place = stored_file_place(version[1]);
  for (uint32_t i = 0; i < stored_file_ways; ++i) {
    if (is_version(files + place + i, version)) return true;
  }
  return false;
}

}  // namespace rec::agent

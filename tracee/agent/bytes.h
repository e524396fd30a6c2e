// Copying and comparing without a libc, for the agent's sources.
#pragma once

#include <stdint.h>

namespace rec::agent {

// Keeps the compiler from moving memory accesses across; the processor keeps the order of stores by itself.
inline void barrier() { __asm__ volatile("" ::: "memory"); }

inline void copy(void* to, const void* from, uint64_t size) {
  if (size <= 64) {
    auto* out = static_cast<unsigned char*>(to);
    const auto* in = static_cast<const unsigned char*>(from);
    for (; size >= 8; size -= 8, out += 8, in += 8) {
      uint64_t word = 0;
      __builtin_memcpy(&word, in, 8);
      __builtin_memcpy(out, &word, 8);
    }
    for (; size != 0; --size) {
      *out++ = *in++;
      barrier();  // no call of memcpy shall be made of this
    }
    return;
  }
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
}

inline bool is_equal(const unsigned char* a, const unsigned char* b, uint64_t size) {
  for (; size >= 8; size -= 8, a += 8, b += 8) {
    uint64_t one = 0, other = 0;
    __builtin_memcpy(&one, a, 8);
    __builtin_memcpy(&other, b, 8);
    if (one != other) return false;
  }
  for (uint64_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return false;
    barrier();
  }
  return true;
}

// With its NUL; at most `limit`.
inline uint64_t string_length(const char* string, uint64_t limit) {
  uint64_t length = 0;
  while (length < limit) {
    if (string[length++] == 0) return length;
    barrier();
  }
  return length;
}

template <class T>
T value_at(uint64_t address) {
  return *reinterpret_cast<const volatile T*>(address);
}

}  // namespace rec::agent

// The entries of the .def files as one constant array ordered by number. For table.cc and variants.cc, which
// give it to everyone else through table.h.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>

#include "format/syscalls/words.h"

namespace rec::syscalls::entries {

using namespace words;

// In the order of the files; ROOM is the subsystem of those entries that name none.
inline constexpr Syscall by_file[] = {
#define SYSCALL(nr, name, ...) make_call(nr, #name, Subsystem::ROOM, Entry{__VA_ARGS__}),
#define ROOM filesystem
#include "format/syscalls/vfs.def"
#undef ROOM
#define ROOM memory
#include "format/syscalls/mm.def"
#undef ROOM
#define ROOM network
#include "format/syscalls/net.def"
#undef ROOM
#define ROOM process
#include "format/syscalls/process.def"
#undef ROOM
#define ROOM scheduler
#include "format/syscalls/sched.def"
#undef ROOM
#define ROOM signal
#include "format/syscalls/signal.def"
#undef ROOM
#define ROOM time
#include "format/syscalls/time.def"
#undef ROOM
#define ROOM ipc
#include "format/syscalls/ipc.def"
#undef ROOM
#define ROOM futex
#include "format/syscalls/futex.def"
#undef ROOM
#define ROOM io_uring
#include "format/syscalls/io_uring.def"
#undef ROOM
#define ROOM unimplemented
#include "format/syscalls/security.def"
#include "format/syscalls/system.def"
#include "format/syscalls/unimplemented.def"
#undef ROOM
#undef SYSCALL
};

inline constexpr std::size_t call_count = std::size(by_file);
inline constexpr std::int32_t highest_nr = 511;  // 512 and up: the x32 calls (arch/x86/entry/syscalls)
inline constexpr std::int16_t no_entry = -1;

// Where each number stands in by_file.
consteval std::array<std::int16_t, highest_nr + 1> places() {
  std::array<std::int16_t, highest_nr + 1> place{};
  for (auto& p : place) p = no_entry;
  for (std::size_t i = 0; i < call_count; ++i) {
    auto& p = place[static_cast<std::size_t>(by_file[i].nr)];
    if (p != no_entry) throw "two entries have this number";
    p = static_cast<std::int16_t>(i);
  }
  return place;
}

consteval std::array<Syscall, call_count> ordered() {
  std::array<Syscall, call_count> calls{};
  std::size_t next = 0;
  for (const std::int16_t place : places()) {
    if (place != no_entry) calls[next++] = by_file[place];
  }
  return calls;
}

inline constexpr std::array<Syscall, call_count> table = ordered();

// Index into `table` by number.
consteval std::array<std::int16_t, highest_nr + 1> indices() {
  std::array<std::int16_t, highest_nr + 1> index{};
  for (auto& i : index) i = no_entry;
  for (std::size_t i = 0; i < call_count; ++i) {
    index[static_cast<std::size_t>(table[i].nr)] = static_cast<std::int16_t>(i);
  }
  return index;
}

inline constexpr std::array<std::int16_t, highest_nr + 1> index_by_nr = indices();

consteval const Syscall& named(std::string_view name) {
  for (const Syscall& call : table) {
    if (call.name == name) return call;
  }
  throw "no call has this name";
}

}  // namespace rec::syscalls::entries

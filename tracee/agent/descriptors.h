// What the agent knows of descriptors, and finds out about them by calls of its own, which no recording
// shows.
#pragma once

#include "tracee/agent/bytes.h"
#include "tracee/agent/layout.h"
#include "tracee/agent/pieces.h"

namespace rec::agent {

// A call of the agent's own, not the program's (see agent_call() for that): by the instruction that the
// seccomp filter lets pass.
inline int64_t own_call(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d = 0) {
  uint64_t result = nr;
  register uint64_t fourth __asm__("r10") = d;
  __asm__ volatile("leaq 1f(%%rip), %%r12\n\tjmp *%[stub]\n1:"
                   : "+a"(result)
                   : "D"(a), "S"(b), "d"(c), "r"(fourth), [stub] "b"(own_memory)
                   : "rcx", "r11", "r12", "memory");
  return static_cast<int64_t>(result);
}

inline Globals& globals() { return *reinterpret_cast<Globals*>(shared_address); }

inline constexpr uint32_t type_mask = 0170000, regular = 0100000, directory = 0040000, character = 0020000;

// fs/stat.c: struct stat holds device, inode, links and mode in front.
inline uint32_t type_in_stat(const Slot* slot) { return static_cast<uint32_t>(slot->stat[3]) & type_mask; }

// What a new descriptor leads to.
inline uint8_t look_at_descriptor(Slot* slot, uint64_t fd) {
  constexpr uint64_t nr_fstat = 5;
  constexpr uint64_t last_standard = 2;
  if (own_call(nr_fstat, fd, reinterpret_cast<uint64_t>(slot->stat), 0) != 0) return 0;
  const uint32_t type = type_in_stat(slot);
  // A device may be rec's own standard output or error by its number alone.
  if (fd <= last_standard && type == character) return 0;
  const Globals& all = globals();
  for (uint32_t i = 0; i < all.echo_count; ++i) {
    if (slot->stat[0] == all.echo_device[i] && slot->stat[1] == all.echo_inode[i]) return 0;
  }
  if (type == directory) return descriptor_plain | descriptor_prompt;
  if (type != regular) return descriptor_plain;
  const uint32_t bit = mapped_file_bit(slot->stat[1]);
  const uint8_t bits = *const_cast<const volatile uint8_t*>(&all.mapped_files[bit / 8]);
  const bool may_be_mapped = (bits >> bit % 8 & 1) != 0 || slot->shares_descriptors != 0;
  return may_be_mapped ? descriptor_prompt : descriptor_plain | descriptor_prompt;
}

inline void learn_descriptor(Slot* slot, uint64_t fd) {
  if (fd < descriptor_table_size) slot->descriptors[fd] = look_at_descriptor(slot, fd);
}

// After a call.
inline void learn_descriptors(Slot* slot, const Call* call, bool failed, int64_t result) {
  if ((call->flags & call_closes) != 0 && slot->args[call->fd] < descriptor_table_size) {
    slot->descriptors[slot->args[call->fd]] = 0;
  }
  if (failed) return;
  if ((call->flags & call_opens) != 0) learn_descriptor(slot, static_cast<uint64_t>(result));
  if ((call->flags & call_opens_pair) != 0) {
    for (uint64_t i = 0; i < 2; ++i) {
      learn_descriptor(slot, value_at<uint32_t>(slot->args[call->pair] + i * sizeof(uint32_t)));
    }
  }
}

// Not by what it opens: that is a file, or nothing (then one is made, or the call fails).
inline bool opens_at_once(Slot* slot, const Call* call) {
  constexpr uint64_t nr_newfstatat = 262;
  constexpr int64_t at_fdcwd = -100;
  const uint64_t from = call->fd == no_argument ? static_cast<uint64_t>(at_fdcwd) : slot->args[call->fd];
  const int64_t result =
      own_call(nr_newfstatat, from, slot->args[call->path], reinterpret_cast<uint64_t>(slot->stat), 0);
  return result != 0 || type_in_stat(slot) == regular || type_in_stat(slot) == directory;
}

// Whether the call may sleep with a part of its bytes gone, or there: an interruption would show. A pipe that
// takes anything takes PIPE_BUF bytes.
inline bool may_go_in_parts(const Slot* slot, const Call* call, uint64_t written) {
  constexpr uint64_t wait_for_all = 0x100;  // MSG_WAITALL
  constexpr uint64_t always_fits = 4096;
  if (call->probe == Probe::output && written > always_fits) return true;
  return call->message_flags != no_argument && (slot->args[call->message_flags] & wait_for_all) != 0;
}

// Whether `written` bytes, or what there is to be read, go through at once. (If somebody else is quicker, the
// call blocks all the same; rec interrupts it then.)
inline bool is_ready(const Slot* slot, const Call* call, uint64_t written) {
  constexpr uint64_t nr_poll = 7, nr_fcntl = 72, get_flags = 3;
  constexpr uint64_t nonblocking = 04000;         // O_NONBLOCK
  constexpr uint64_t do_not_wait = 0x40;          // MSG_DONTWAIT
  constexpr int16_t can_read = 1, can_write = 4;  // POLLIN, POLLOUT
  const uint64_t fd = slot->args[call->fd];
  if (call->timeout != no_argument) {
    if (static_cast<int32_t>(slot->args[call->timeout]) == 0) return true;
  } else {
    const int64_t flags = own_call(nr_fcntl, fd, get_flags, 0);
    if (flags < 0 || (static_cast<uint64_t>(flags) & nonblocking) != 0) return true;
  }
  if (call->message_flags != no_argument && (slot->args[call->message_flags] & do_not_wait) != 0) return true;
  if (may_go_in_parts(slot, call, written)) return false;
  struct {
    int32_t fd;
    int16_t wanted, found;
  } asked{static_cast<int32_t>(fd), call->probe == Probe::input ? can_read : can_write, 0};
  return own_call(nr_poll, reinterpret_cast<uint64_t>(&asked), 1, 0) != 0;
}

inline uint64_t bytes_written(const Call* call, const Piece* pieces, const Places* places) {
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < call->pieces; ++i) {
    if (pieces[i].when != PieceWhen::input || pieces[i].bulk == 0) continue;
    if (pieces[i].rule != PieceRule::vectors) bytes += places->room[i];
    for (uint64_t k = 0; pieces[i].rule == PieceRule::vectors && k < places->vector_count; ++k) {
      bytes += places->vectors[k].size;
    }
  }
  return bytes;
}

// A call that may block, where none shall: whether it certainly will not.
inline bool goes_through(Slot* slot, const Call* call, uint64_t written) {
  switch (call->probe) {
    case Probe::none:
      return false;
    case Probe::path:
      return opens_at_once(slot, call);
    case Probe::input:
    case Probe::output:
      return is_ready(slot, call, written);
  }
  return false;
}

// Whether the call may block as it is, for other tasks' sake: rec interrupts it when one of them wants to go
// on.
inline bool may_block(const Slot* slot, const Call* call, uint64_t written) {
  const Company company = *const_cast<const volatile Company*>(&slot->company);
  if (company == Company::none) return true;
  if (company == Company::waiting) return false;
  return (call->flags & call_waits_for_tasks) == 0 && !may_go_in_parts(slot, call, written);
}

// What is known of the descriptor that the call reads from or writes to.
inline uint8_t known_descriptor(const Slot* slot, const Call* call) {
  constexpr uint32_t about_one = call_blocks | call_needs_alone | call_writes_fd;
  const bool is_asked = (call->flags & about_one) != 0 && call->fd != no_argument;
  return is_asked && slot->args[call->fd] < descriptor_table_size ? slot->descriptors[slot->args[call->fd]]
                                                                  : uint8_t{0};
}

// Whether the call, if it writes, may do so to what `known` is said of. To what a replay shows one task
// writes at a time: rec takes back its word that this is the one, waits a little, and looks whether the task
// is in such a call (Session::take_back_output). So that is to be seen before the word is looked at.
inline bool may_write(Slot* slot, const Call* call, uint8_t known) {
  slot->shown = (call->flags & call_shows) != 0 ? known & descriptor_shown : 0;
  if ((call->flags & call_writes_fd) == 0 || (known & descriptor_plain) != 0) return true;
  barrier();
  return slot->shown != 0 && *const_cast<const volatile uint32_t*>(&slot->may_show) != 0;
}

inline bool may_make(Slot* slot, const Call* call, uint8_t known, const Piece* pieces, const Places* places) {
  if ((call->flags & (call_blocks | call_needs_alone)) == 0) return true;
  const uint64_t written = call->probe == Probe::output ? bytes_written(call, pieces, places) : 0;
  if (may_block(slot, call, written)) return true;
  if ((call->flags & call_needs_alone) != 0) return false;
  const bool prompt = (known & descriptor_prompt) != 0 && call->probe != Probe::path;
  return prompt || goes_through(slot, call, written);
}

}  // namespace rec::agent

// Recording: the memory that belongs to a call, found by its pieces in the table. Sizes and pointers are
// taken once, before the call; what the program's memory holds later cannot make a record longer than the
// room for it.
#pragma once

#include "tracee/agent/bytes.h"
#include "tracee/agent/layout.h"

namespace rec::agent {

struct Vector {  // struct iovec
  uint64_t base;
  uint64_t size;
};

// Of one call: where its pieces are, and how much memory there is.
struct Places {
  uint64_t address[max_pieces];
  uint64_t room[max_pieces];
  uint64_t ring_size;  // that the record may need
  bool is_shown;       // bulk inputs are kept whole
  uint64_t vector_count;
  unsigned char structure[largest_structure];
  Vector vectors[most_vectors];
};

inline constexpr uint64_t too_much = ~uint64_t{0};

inline uint64_t times(uint64_t count, uint64_t unit) {
  return count > largest_piece * 16 ? too_much : count * unit;
}

inline uint64_t not_negative(int32_t size) { return size < 0 ? 0 : static_cast<uint64_t>(size); }

template <class T>
T field_at(const Places* places, uint32_t offset) {
  T value{};
  copy(&value, places->structure + offset, sizeof value);
  return value;
}

// How much memory `piece` is at most, for all rules but `vectors`.
inline uint64_t capacity(const Piece& piece, const uint64_t* args, const Places* places) {
  constexpr uint64_t most_bits = 1 << 20;  // more descriptors than a process has
  constexpr uint32_t behind_pointer = sizeof(uint64_t);
  switch (piece.rule) {
    case PieceRule::fixed:
      return piece.unit;
    case PieceRule::argument:
      return times(args[piece.by], piece.unit);
    case PieceRule::string:
      return piece.keep;
    case PieceRule::pointee:
      return args[piece.by] == 0 ? too_much : not_negative(value_at<int32_t>(args[piece.by]));
    case PieceRule::bits:
      return args[piece.by] > most_bits ? too_much : (args[piece.by] + 63) / 64 * 8;
    case PieceRule::field_32:
      return times(not_negative(field_at<int32_t>(places, piece.field + behind_pointer)), piece.unit);
    case PieceRule::field_64:
      return times(field_at<uint64_t>(places, piece.field + behind_pointer), piece.unit);
    case PieceRule::vectors:
      break;
  }
  return too_much;
}

inline uint64_t kept(const Piece& piece, uint64_t size, const Places* places) {
  const bool is_cut = piece.when == PieceWhen::input && !(places->is_shown && piece.bulk != 0);
  return is_cut && size > piece.keep ? piece.keep : size;
}

// False: too much for the ring.
inline bool find_vectors(const Piece& piece, Places* places) {
  for (uint64_t i = 0; i < places->vector_count; ++i) {
    const Vector& vector = places->vectors[i];
    const uint64_t size = kept(piece, vector.size, places);
    if (size > largest_piece) return false;
    places->ring_size += sizeof(PieceHeader) + round_up(size);
  }
  return true;
}

// What the pieces behind it are found by.
inline bool look_into(const Piece& piece, uint64_t address, uint64_t room, Places* places) {
  if (piece.holds == PieceHolds::structure) {
    copy(places->structure, reinterpret_cast<const void*>(address), room);
  } else if (piece.holds == PieceHolds::vectors) {
    // All of them are to be in the record, too.
    if (room > sizeof places->vectors || room > piece.keep) return false;
    copy(places->vectors, reinterpret_cast<const void*>(address), room);
    places->vector_count = room / sizeof(Vector);
  }
  return true;
}

// False: the call is to be left to the traced way.
inline bool find_pieces(const Call* call, const Piece* pieces, const uint64_t* args, bool is_shown,
                        Places* places) {
  places->ring_size = sizeof(Record);
  places->is_shown = is_shown;
  places->vector_count = 0;
  bool has_structure = true;
  for (uint32_t i = 0; i < call->pieces; ++i) {
    const Piece& piece = pieces[i];
    if (piece.rule == PieceRule::vectors) {
      if (!find_vectors(piece, places)) return false;
      continue;
    }
    uint64_t address = args[piece.argument];
    if (piece.nested != 0) address = has_structure ? field_at<uint64_t>(places, piece.field) : 0;
    uint64_t room = address == 0 ? 0 : capacity(piece, args, places);
    if (room != too_much && piece.most != 0 && room > piece.most) room = piece.most;
    places->address[i] = address;
    places->room[i] = room;
    if (piece.holds == PieceHolds::structure) has_structure = room != 0;
    if (room == 0) continue;
    const uint64_t size = kept(piece, room, places);
    if (size > largest_piece || !look_into(piece, address, room, places)) return false;
    places->ring_size += sizeof(PieceHeader) + round_up(size);
  }
  return true;
}

// Writes pieces one behind the other.
struct PieceWriter {
  unsigned char* end;
  uint32_t count;

  void put(const Piece& piece, uint64_t address, uint64_t size, uint64_t full_size, PieceRole role) {
    put(piece.argument, address, size, full_size, role);
  }

  void put_file(const uint64_t* version) {
    constexpr uint64_t size = version_words * sizeof *version;
    put(0, reinterpret_cast<uint64_t>(version), size, size, PieceRole::file);
  }

  void put(uint8_t argument, uint64_t address, uint64_t size, uint64_t full_size, PieceRole role) {
    auto* header = reinterpret_cast<PieceHeader*>(end);
    header->address = address;
    header->full_size = full_size;
    header->size = static_cast<uint32_t>(size);
    header->role = role;
    header->argument = argument;
    header->unused = 0;
    end += sizeof(PieceHeader);
    copy(end, reinterpret_cast<const void*>(address), size);
    end += round_up(size);
    ++count;
  }

  void put_input(const Piece& piece, const Places* places, uint64_t address, uint64_t size) {
    if (address == 0 || size == 0) return;
    const PieceRole role = piece.bulk != 0 ? PieceRole::bulk : PieceRole::input;
    put(piece, address, kept(piece, size, places), size, role);
  }

  void put_inputs(const Call* call, const Piece* pieces, const Places* places) {
    for (uint32_t i = 0; i < call->pieces; ++i) {
      const Piece& piece = pieces[i];
      if (piece.when != PieceWhen::input) continue;
      if (piece.rule == PieceRule::vectors) {
        for (uint64_t k = 0; k < places->vector_count; ++k) {
          put_input(piece, places, places->vectors[k].base, places->vectors[k].size);
        }
      } else if (piece.rule == PieceRule::string) {
        const uint64_t at = places->address[i];
        if (at == 0) continue;
        put_input(piece, places, at, string_length(reinterpret_cast<const char*>(at), piece.keep));
      } else {
        put_input(piece, places, places->address[i], places->room[i]);
      }
    }
  }

  // Buffers are filled in order.
  void put_filled(const Piece& piece, const Places* places, uint64_t filled) {
    for (uint64_t i = 0; i < places->vector_count && filled != 0; ++i) {
      const Vector& vector = places->vectors[i];
      const uint64_t size = vector.size < filled ? vector.size : filled;
      if (size != 0) put(piece, vector.base, size, size, PieceRole::output);
      filled -= size;
    }
  }
};

// What the kernel says that it had to write, which may be more than there was room for.
inline uint64_t told_size(const Piece& piece, const uint64_t* args, uint64_t room) {
  const uint64_t at = args[piece.argument] + piece.field + sizeof(uint64_t);
  switch (piece.rule) {
    case PieceRule::pointee:
      return not_negative(value_at<int32_t>(args[piece.by]));
    case PieceRule::field_32:
      return not_negative(value_at<int32_t>(at));
    case PieceRule::field_64:
      return value_at<uint64_t>(at);
    case PieceRule::fixed:
    case PieceRule::argument:
    case PieceRule::string:
    case PieceRule::bits:
    case PieceRule::vectors:
      break;
  }
  return room;
}

// How much of `room` the kernel wrote.
inline uint64_t written_size(const Piece& piece, const uint64_t* args, uint64_t room, int64_t result,
                             bool failed) {
  if (piece.when != PieceWhen::always && failed) return 0;
  if (piece.when == PieceWhen::positive && result <= 0) return 0;
  uint64_t size = room;
  if (piece.bound == PieceBound::bytes) size = static_cast<uint64_t>(result);
  if (piece.bound == PieceBound::elements) size = static_cast<uint64_t>(result) * piece.unit;
  if (piece.bound != PieceBound::none && result < 0) size = 0;
  if (piece.bound == PieceBound::none) size = told_size(piece, args, room);
  return size < room ? size : room;
}

}  // namespace rec::agent

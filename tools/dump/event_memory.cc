#include "tools/dump/event_memory.h"

#include <algorithm>
#include <cstring>

namespace rec::dump {

const Data* EventMemory::piece_at(RemotePtr<> at, bool output) const {
  for (const Data& piece : pieces_) {
    // Unsigned: an address before the piece becomes a very large offset.
    if ((piece.role == Data::Role::output) == output &&
        at.address() - piece.address.address() < piece.bytes.size())
      return &piece;
  }
  return nullptr;
}

bool EventMemory::is_output(RemotePtr<> at) const { return piece_at(at, true) != nullptr; }

std::span<const std::byte> EventMemory::view(RemotePtr<> from, std::uint64_t size) const {
  const Data* piece = moment_ == Moment::after ? piece_at(from, true) : nullptr;
  const bool passed_in = piece == nullptr;
  if (passed_in) piece = piece_at(from, false);
  if (piece == nullptr) return {};
  const std::uint64_t skip = from.address() - piece->address.address();
  std::uint64_t length = std::min<std::uint64_t>(size, piece->bytes.size() - skip);
  if (passed_in && moment_ == Moment::after) {
    // Up to where the kernel wrote into the same memory.
    for (const Data& other : pieces_) {
      const std::uint64_t distance = other.address.address() - from.address();
      if (other.role == Data::Role::output && distance > 0) length = std::min(length, distance);
    }
  }
  return piece->bytes.subspan(skip, length);
}

std::size_t EventMemory::read_some(RemotePtr<> from, std::span<std::byte> buffer) const {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const std::span<const std::byte> piece = view(from.plus_bytes(done), buffer.size() - done);
    if (piece.empty()) break;
    std::memcpy(buffer.data() + done, piece.data(), piece.size());
    done += piece.size();
  }
  return done;
}

}  // namespace rec::dump

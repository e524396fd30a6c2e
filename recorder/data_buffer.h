// Gathers the pieces of memory of one event, in one reusable buffer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "format/event.h"

namespace rec {

class DataBuffer {
 public:
  void clear() {
    bytes_.clear();
    pieces_.clear();
  }
  [[nodiscard]] bool empty() const { return pieces_.empty(); }

  // Room for `size` bytes, to be filled by the caller right away (a later add() may move it).
  std::span<std::byte> add(Data::Role role, RemotePtr<> address, std::uint8_t argument, std::size_t size,
                           std::uint64_t full_size) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + size);
    pieces_.push_back({address, at, size, full_size, role, argument});
    return std::span(bytes_).subspan(at, size);
  }

  // A piece of these bytes, whole.
  void add_copy(Data::Role role, RemotePtr<> address, std::span<const std::byte> bytes) {
    const auto room = add(role, address, 0, bytes.size(), bytes.size());
    std::copy(bytes.begin(), bytes.end(), room.begin());
  }

  // Shortens the last piece to what could be read; drops it if that is nothing.
  void shrink_last(std::size_t size) {
    Piece& last = pieces_.back();
    bytes_.resize(last.at + size);
    last.size = size;
    if (size == 0) pieces_.pop_back();
  }

  // Views into the buffer, valid until it changes.
  [[nodiscard]] std::span<const Data> data() {
    views_.clear();
    for (const Piece& piece : pieces_) {
      views_.push_back({piece.address, std::span(bytes_).subspan(piece.at, piece.size), piece.full_size,
                        piece.role, piece.argument});
    }
    return views_;
  }

 private:
  struct Piece {
    RemotePtr<> address;
    std::size_t at;
    std::size_t size;
    std::uint64_t full_size;
    Data::Role role;
    std::uint8_t argument;
  };
  std::vector<std::byte> bytes_;
  std::vector<Piece> pieces_;
  std::vector<Data> views_;
};

}  // namespace rec

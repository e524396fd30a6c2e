#include "recorder/redirect.h"

#include <algorithm>
#include <cstring>

namespace rec {

using syscalls::Extent;

// The program's memory as it will be: scratch shows through where buffers are redirected.
class Redirect::View : public Memory {
 public:
  View(const RemoteMemory& memory, const std::vector<Piece>& pieces) : memory_(memory), pieces_(pieces) {}

  [[nodiscard]] std::size_t read_some(RemotePtr<> from, std::span<std::byte> buffer) const override {
    const std::uint64_t at = from.address();
    for (const Piece& piece : pieces_) {
      if (at < piece.address || at - piece.address >= piece.size) continue;
      const std::size_t inside = std::min<std::uint64_t>(buffer.size(), piece.size - (at - piece.address));
      const RemotePtr<> there(piece.scratch + (at - piece.address));
      const std::size_t got = memory_.read_some(there, buffer.first(inside));
      if (got < inside || inside == buffer.size()) return got;
      return inside + read_some(from.plus_bytes(inside), buffer.subspan(inside));
    }
    return memory_.read_some(from, buffer);
  }

 private:
  const RemoteMemory& memory_;
  const std::vector<Piece>& pieces_;
};

const Redirect::Piece* Redirect::piece_of(std::size_t extent) const {
  const auto at = std::find_if(pieces_.begin(), pieces_.end(),
                               [&](const Piece& piece) { return piece.extent == extent; });
  return at == pieces_.end() ? nullptr : &*at;
}

std::optional<Redirect> Redirect::begin(const Stopped& task, const Scratch& scratch,
                                        const syscalls::Plan& plan) {
  const std::vector<Extent>& extents = plan.extents;
  // What leads to an output has to be in scratch, too: its pointer is turned.
  std::vector<bool> moves(extents.size(), false);
  for (std::size_t i = extents.size(); i-- > 0;) {
    if (extents[i].output && extents[i].size != 0) moves[i] = true;
    if (moves[i] && extents[i].pointer_in != Extent::no_extent) moves[extents[i].pointer_in] = true;
  }
  Redirect redirect;
  const RemoteMemory memory(task.tid());
  std::uint64_t used = 0;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    if (!moves[i]) continue;
    // Structures want their alignment; 64 bytes are enough for all of them.
    const std::uint64_t size = (extents[i].size + 63) & ~std::uint64_t{63};
    if (size > Scratch::size - used) return std::nullopt;
    redirect.pieces_.push_back({i, extents[i].address.address(), extents[i].size, scratch.start + used});
    used += size;
  }
  if (redirect.pieces_.empty()) return std::nullopt;
  std::vector<std::byte> bytes;
  for (const Piece& piece : redirect.pieces_) {
    const bool input = extents[piece.extent].input;
    bytes.resize(input ? piece.size : 1);
    // Where nothing is, the kernel shall find nothing.
    if (!memory.read_exact(RemotePtr<>(piece.address), bytes)) return std::nullopt;
    if (input) memory.write(RemotePtr<>(piece.scratch), bytes);
  }
  Registers registers = task.registers();
  redirect.arguments_ = registers.arguments();
  redirect.turn_pointers(memory, plan, &registers);
  task.set_registers(registers);
  return redirect;
}

void Redirect::turn_pointers(const RemoteMemory& memory, const syscalls::Plan& plan, Registers* registers) {
  auto arguments = registers->arguments();
  for (const Piece& piece : pieces_) {
    const Extent& extent = plan.extents[piece.extent];
    if (extent.pointer_in == Extent::no_extent) {
      arguments.at(extent.argument) = piece.scratch;
      continue;
    }
    const std::uint64_t at = piece_of(extent.pointer_in)->scratch + extent.pointer_offset;
    memory.write_value(RemotePtr<>(at), piece.scratch);
    pointers_.push_back({at, piece.address});
  }
  registers->set_arguments(arguments);
}

void Redirect::restore_arguments(Registers* registers) const { registers->set_arguments(arguments_); }

void Redirect::finish(const RemoteMemory& memory, syscalls::Plan* plan, const syscalls::CallArguments& call,
                      std::int64_t result) const {
  // First the pointers: a structure that the kernel wrote to goes back with those that the program had put
  // in.
  for (const Pointer& pointer : pointers_) {
    memory.write_value(RemotePtr<>(pointer.in_scratch), pointer.original);
  }
  syscalls::settle(*plan, call, result, View(memory, pieces_));
  std::vector<std::byte> bytes;
  for (const Piece& piece : pieces_) {
    const Extent& extent = plan->extents[piece.extent];
    if (!extent.output || extent.size == 0) continue;
    bytes.resize(std::min(extent.size, piece.size));
    if (memory.read_exact(RemotePtr<>(piece.scratch), bytes)) memory.write(RemotePtr<>(piece.address), bytes);
  }
}

}  // namespace rec

// A live tracee's memory.
#pragma once

#include <span>
#include <vector>

#include "format/base/ids.h"
#include "format/base/memory.h"

namespace rec {

class RemoteMemory : public Memory {
 public:
  // `tid`: any traced, not yet reaped task of the address space, as the kernel numbers it.
  explicit RemoteMemory(Tid tid) : tid_(tid) {}

  [[nodiscard]] Tid tid() const { return tid_; }

  [[nodiscard]] std::size_t read_some(RemotePtr<> from, std::span<std::byte> buffer) const override;

  // The same for what the kernel has just written there: it may have done so to a page that the program
  // itself may write but not read (PROT_WRITE alone), which process_vm_readv(2) respects.
  [[nodiscard]] std::size_t read_written(RemotePtr<> from, std::span<std::byte> buffer) const;

  // All of `size` bytes, or throws Error (TaskGone if the task died).
  [[nodiscard]] std::vector<std::byte> read_bytes(RemotePtr<> from, std::size_t size) const;

  // Writes all of `bytes`, also to pages that the tracee itself may only read (the task has to be in a ptrace
  // stop for those). Throws Error when the address is not mapped.
  void write(RemotePtr<> to, std::span<const std::byte> bytes) const;

  template <class T>
  void write_value(RemotePtr<> to, const T& value) const {
    static_assert(std::is_trivially_copyable_v<T>);
    write(to, std::as_bytes(std::span(&value, 1)));
  }

  // Many writes, to memory that the task itself may not be able to write. None crosses a page's end.
  // Precondition: the task is in a ptrace stop.
  struct Piece {
    RemotePtr<> to;
    std::span<const std::byte> bytes;
  };
  void write_protected(std::span<const Piece> pieces) const;

 private:
  void write_by_poke(RemotePtr<> to, std::span<const std::byte> bytes) const;

  Tid tid_;
};

}  // namespace rec

// The second half of plan.h: what of a plan's outputs the kernel wrote.
#include <linux/errno.h>
#include <linux/fiemap.h>

#include <algorithm>
#include <cstddef>

#include "format/registers.h"
#include "format/syscalls/capacity.h"
#include "format/syscalls/layout.h"
#include "format/syscalls/plan.h"

namespace rec::syscalls {
namespace {

bool is_interruption(std::int64_t result) { return result == -EINTR || is_restart_code(result); }

bool was_written(When when, std::int64_t result) {
  switch (when) {
    case When::success:
      return !is_error(result);
    case When::positive:
      return result > 0;
    case When::always:
      return true;
    case When::interrupted:
      return is_interruption(result);
    case When::waited:
      return !is_error(result) || is_interruption(result);
  }
  return false;
}

class Settler {
 public:
  Settler(Plan& plan, const CallArguments& call, std::span<const Arg> args, std::int64_t result,
          const Memory& memory)
      : extents_(plan.extents), call_(call), args_(args), result_(result), memory_(memory) {}

  void settle_all() {
    for (std::size_t i = 0; i < extents_.size(); ++i) {
      Extent& extent = extents_[i];
      if (!extent.output) continue;
      const Arg& arg = args_[extent.argument];
      const std::uint64_t written = was_written(arg.when, result_) ? written_size(extent, arg) : 0;
      extent.size = std::min(extent.size, written);
    }
  }

 private:
  // What the kernel had to write to `extent`: may be more than fits.
  [[nodiscard]] std::uint64_t written_size(const Extent& extent, const Arg& arg) {
    if (extent.pointer_in == Extent::no_extent) return top_level_size(extent, arg);
    if (arg.shape == Shape::iovec) return iovec_buffer_size(extent, arg);
    if (arg.shape == Shape::msghdr || arg.shape == Shape::mmsghdr) return message_part_size(extent, arg);
    if (arg.shape == Shape::ifconf) return length_at(memory_, container_of(extent).address);
    if (arg.shape == Shape::xattr_args) return result_count();
    // The first request that is refused may have been written to (fs/aio.c, io_submit_one).
    if (arg.shape == Shape::iocb_pointer)
      return extent.pointer_offset / sizeof(std::uint64_t) <= result_count() ? extent.size : 0;
    return extent.size;
  }

  [[nodiscard]] std::uint64_t top_level_size(const Extent& extent, const Arg& arg) const {
    if (arg.shape == Shape::mmsghdr) return result_count() * sizeof(layout::Mmsghdr);
    switch (arg.bound) {
      case Bound::bytes:
        return arg.shape == Shape::iovec ? extent.size : arg.prefix + result_count();
      case Bound::elements:
        return arg.prefix + result_count() * arg.unit;
      case Bound::none:
        break;
    }
    if (arg.rule == SizeRule::pointee) return length_at(memory_, RemotePtr<>(call_.args[arg.by]));
    if (arg.rule == SizeRule::handle) return 8 + length_at(memory_, extent.address);
    if (arg.rule == SizeRule::extents)
      return fiemap_size(memory_, extent.address, offsetof(struct fiemap, fm_mapped_extents));
    if (arg.rule == SizeRule::string) return string_size(memory_, extent.address);
    return extent.size;
  }

  // The result, where it counts; more than any transfer is as good as all.
  [[nodiscard]] std::uint64_t result_count() const {
    return is_error(result_) ? 0
                             : std::min<std::uint64_t>(static_cast<std::uint64_t>(result_), max_extent_bytes);
  }

  [[nodiscard]] const Extent& container_of(const Extent& extent) const { return extents_[extent.pointer_in]; }

  // Buffers are filled in order.
  [[nodiscard]] std::uint64_t iovec_buffer_size(const Extent& extent, const Arg& arg) {
    if (arg.bound == Bound::bytes) return take(extent, extent.pointer_in, result_count());
    // PTRACE_GETREGSET: the length as it was written back.
    const auto at = container_of(extent).address.plus_bytes(extent.pointer_offset);
    const auto iovec = memory_.read(at.cast<layout::Iovec>());
    return iovec ? iovec->len : 0;
  }

  // Of `total` bytes for the buffers of extent `array`, those that fell into `extent`. Asked in the order of
  // extents.
  [[nodiscard]] std::uint64_t take(const Extent& extent, std::uint16_t array, std::uint64_t total) {
    if (filling_ != array) {
      filling_ = array;
      left_ = total;
    }
    const std::uint64_t taken = std::min(left_, extent.size);
    left_ -= taken;
    return taken;
  }

  // A part of a received message: the sender's name, a data buffer, or control messages.
  [[nodiscard]] std::uint64_t message_part_size(const Extent& extent, const Arg& arg) {
    const bool many = arg.shape == Shape::mmsghdr;
    const Extent& container = container_of(extent);
    const bool is_buffer = container.pointer_in != Extent::no_extent;
    const Extent& headers = is_buffer ? container_of(container) : container;
    const std::uint32_t offset = is_buffer ? container.pointer_offset : extent.pointer_offset;
    const std::uint32_t message = many ? offset / sizeof(layout::Mmsghdr) : 0;
    if (many && message >= result_count()) return 0;
    const auto header_at = headers.address.plus_bytes(std::uint64_t{message} * sizeof(layout::Mmsghdr));
    if (is_buffer) {
      const std::uint64_t received =
          many ? length_at(memory_, header_at.plus_bytes(offsetof(layout::Mmsghdr, len))) : result_count();
      return take(extent, extent.pointer_in, received);
    }
    const auto header = memory_.read(header_at.cast<layout::Msghdr>());
    if (!header) return 0;
    const bool is_name = offset % sizeof(layout::Mmsghdr) == offsetof(layout::Msghdr, name);
    if (!is_name) return header->controllen;
    return header->namelen < 0 ? 0 : static_cast<std::uint64_t>(header->namelen);
  }

  std::vector<Extent>& extents_;
  const CallArguments& call_;
  std::span<const Arg> args_;
  std::int64_t result_;
  const Memory& memory_;
  std::uint16_t filling_ = Extent::no_extent;  // the array whose buffers are being filled
  std::uint64_t left_ = 0;
};

}  // namespace

void settle(Plan& plan, const CallArguments& call, std::int64_t result, const Memory& memory) {
  if (plan.extents.empty()) return;
  const Syscall* entry = find(call.nr);
  if (entry == nullptr) return;
  const std::span<const Arg> args = plan.variant != nullptr ? plan.variant->arguments() : entry->arguments();
  Settler(plan, call, args, result, memory).settle_all();
}

}  // namespace rec::syscalls

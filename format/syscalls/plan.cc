#include "format/syscalls/plan.h"

#include <linux/ioctl.h>
#include <linux/limits.h>
#include <linux/sched.h>
#include <linux/uio.h>

#include <algorithm>
#include <cstddef>
#include <span>

#include "format/syscalls/capacity.h"
#include "format/syscalls/layout.h"

namespace rec::syscalls {
namespace {

// Above every user address, five-level page tables included (arch/x86/include/asm/page_64.h).
constexpr std::uint64_t user_end = (std::uint64_t{1} << 56) - page_size;
constexpr std::uint64_t max_socket_address = 128;  // struct sockaddr_storage
constexpr std::size_t batch = 64;                  // array elements read at a time

// Puts one call's extents into a plan.
class Planner {
 public:
  Planner(const CallArguments& call, std::span<const Arg> args, const Memory& memory, Plan& plan)
      : call_(call), args_(args), memory_(memory), plan_(plan) {}

  void add_all() {
    for (std::uint8_t i = 0; i < args_.size(); ++i) {
      const Arg& arg = args_[i];
      if (arg.dir == Dir::value) continue;
      if (arg.condition_by != no_argument && (call_.args[arg.condition_by] & arg.condition_mask) == 0)
        continue;
      add_argument(i);
    }
  }

  // An ioctl request that the table does not have: its number tells (asm-generic/ioctl.h). A request without
  // size takes a value or nothing; or it is older than the encoding, and nothing is known.
  void add_encoded(std::uint8_t argument, std::uint64_t request) {
    const auto direction = _IOC_DIR(request);
    const std::uint64_t size = _IOC_SIZE(request);
    if (direction == _IOC_NONE || size == 0) {
      plan_.modelled = false;
      return;
    }
    add({.address = RemotePtr<>(call_.args[argument]),
         .size = size,
         .input = (direction & _IOC_WRITE) != 0,
         .output = (direction & _IOC_READ) != 0,
         .argument = argument});
  }

 private:
  static constexpr std::uint16_t none = Extent::no_extent;

  void add_argument(std::uint8_t i) {
    const Arg& arg = args_[i];
    const std::uint64_t address = call_.args[i];
    if (address == 0) return;
    switch (arg.rule) {
      case SizeRule::none:
        return;
      case SizeRule::string:
        add_string(i, address);
        return;
      case SizeRule::strings:
        add_strings(i, address);
        return;
      case SizeRule::fixed:
      case SizeRule::argument:
      case SizeRule::pointee:
      case SizeRule::fd_bits:
      case SizeRule::node_bits:
      case SizeRule::pages:
      case SizeRule::own_size:
      case SizeRule::cap_version:
      case SizeRule::handle:
      case SizeRule::extents:
        break;
    }
    const std::uint64_t count = element_count(args_, i, call_, memory_);
    if (arg.shape == Shape::iovec) return add_iovecs(i, address, count, none, 0);
    if (arg.shape == Shape::msghdr) return add_message(i, address);
    if (arg.shape == Shape::mmsghdr) return add_messages(i, address, count);
    if (arg.shape == Shape::iocb_pointer) return add_iocbs(i, address, count);
    add_structure(i, address, arg.prefix + bytes_of(count, arg.unit));
  }

  // Adds an extent cut to what can be there; nothing for a pointer that no user memory can be behind. Returns
  // its index, or `none`.
  std::uint16_t add(Extent extent) {
    const std::uint64_t address = extent.address.address();
    if (address == 0 || address >= user_end) return none;
    extent.size = std::min(extent.size, user_end - address);
    if (extent.size == 0) return none;
    if (plan_.extents.size() >= max_extents || total_ >= max_extent_bytes) {
      if (extent.output) plan_.modelled = false;
      return none;
    }
    extent.size = std::min(extent.size, max_extent_bytes - total_);
    total_ += extent.size;
    if (plan_.extents.empty()) plan_.extents.reserve(args_.size());
    plan_.extents.push_back(extent);
    return static_cast<std::uint16_t>(plan_.extents.size() - 1);
  }

  // An extent that a pointer inside of another one leads to.
  std::uint16_t add_nested(std::uint8_t argument, std::uint16_t container, std::uint64_t offset,
                           std::uint64_t address, std::uint64_t size, bool output, bool bulk = false) {
    return add({.address = RemotePtr<>(address),
                .size = size,
                .input = !output,
                .output = output,
                .bulk = bulk,
                .argument = argument,
                .pointer_in = container,
                .pointer_offset = static_cast<std::uint32_t>(offset)});
  }

  void add_structure(std::uint8_t i, std::uint64_t address, std::uint64_t size) {
    const Arg& arg = args_[i];
    // xattr_args is only read; what its pointer leads to goes the argument's way.
    const bool leads = arg.shape == Shape::xattr_args;
    const std::uint16_t index = add({.address = RemotePtr<>(address),
                                     .size = std::min(size, max_transfer),
                                     .input = leads || arg.dir != Dir::out,
                                     .output = !leads && arg.dir != Dir::in,
                                     .bulk = arg.type == Type::bytes || arg.shape == Shape::msgbuf,
                                     .argument = i});
    if (index == none) return;
    if (arg.shape == Shape::clone_args) add_clone_pointers(i, index);
    if (arg.shape == Shape::sigmask_pack) add_sigmask(i, index);
    if (arg.shape == Shape::sock_fprog) add_filter(i, index);
    if (arg.shape == Shape::ifconf) add_interfaces(i, index);
    if (arg.shape == Shape::xattr_args) add_xattr_value(i, index);
  }

  // The structure at extent `index`, zero where the program gave less of it.
  template <class T>
  [[nodiscard]] std::optional<T> structure_at(std::uint16_t index) const {
    const Extent& extent = plan_.extents[index];
    std::array<std::byte, sizeof(T)> bytes{};
    const std::size_t size = std::min<std::size_t>(sizeof(T), extent.size);
    if (!memory_.read_exact(extent.address, std::span(bytes).first(size))) return std::nullopt;
    return __builtin_bit_cast(T, bytes);
  }

  void add_clone_pointers(std::uint8_t i, std::uint16_t index) {
    const auto args = structure_at<layout::CloneArgs>(index);
    if (!args) return;
    if ((args->flags & CLONE_PIDFD) != 0) {
      add_nested(i, index, offsetof(layout::CloneArgs, pidfd), args->pidfd, sizeof(std::int32_t), true);
    }
    if ((args->flags & CLONE_PARENT_SETTID) != 0) {
      add_nested(i, index, offsetof(layout::CloneArgs, parent_tid), args->parent_tid, sizeof(std::int32_t),
                 true);
    }
    // At most one id for each level of pid namespaces (MAX_PID_NS_LEVEL).
    const std::uint64_t ids = std::min<std::uint64_t>(args->set_tid_size, 32);
    add_nested(i, index, offsetof(layout::CloneArgs, set_tid), args->set_tid, ids * sizeof(std::int32_t),
               false);
  }

  void add_sigmask(std::uint8_t i, std::uint16_t index) {
    const auto pack = structure_at<layout::SigmaskPack>(index);
    if (!pack) return;
    add_nested(i, index, offsetof(layout::SigmaskPack, mask), pack->mask, shape_size(Shape::sigset), false);
  }

  void add_filter(std::uint8_t i, std::uint16_t index) {
    const auto program = structure_at<layout::SockFprog>(index);
    if (!program) return;
    add_nested(i, index, offsetof(layout::SockFprog, filter), program->filter,
               std::uint64_t{program->len} * shape_size(Shape::sock_filter), false);
  }

  void add_interfaces(std::uint8_t i, std::uint16_t index) {
    const auto conf = structure_at<layout::Ifconf>(index);
    if (!conf || conf->len < 0) return;
    add_nested(i, index, offsetof(layout::Ifconf, buf), conf->buf, static_cast<std::uint64_t>(conf->len),
               true);
  }

  void add_xattr_value(std::uint8_t i, std::uint16_t index) {
    const auto args = structure_at<layout::XattrArgs>(index);
    if (!args) return;
    add_nested(i, index, offsetof(layout::XattrArgs, value), args->value, args->size, args_[i].dir != Dir::in,
               true);
  }

  void add_string(std::uint8_t i, std::uint64_t address) {
    const bool output = args_[i].dir == Dir::out;
    const std::uint64_t size = output ? PATH_MAX : string_size(memory_, RemotePtr<>(address));
    add({.address = RemotePtr<>(address), .size = size, .input = !output, .output = output, .argument = i});
  }

  // argv and envp: the pointers up to the NULL, then what they point to.
  void add_strings(std::uint8_t i, std::uint64_t address) {
    const std::uint16_t array =
        add({.address = RemotePtr<>(address), .size = sizeof(std::uint64_t), .input = true, .argument = i});
    if (array == none) return;
    std::array<std::uint64_t, batch> pointers;
    for (std::uint64_t at = 0;; at += batch) {
      const std::size_t readable = memory_.read_some(RemotePtr<>(address + at * sizeof(std::uint64_t)),
                                                     std::as_writable_bytes(std::span(pointers)));
      const std::size_t count = readable / sizeof(std::uint64_t);
      for (std::size_t k = 0; k < count; ++k) {
        const std::uint64_t offset = (at + k) * sizeof(std::uint64_t);
        grow(array, offset + sizeof(std::uint64_t));
        if (pointers[k] == 0 || plan_.extents.size() >= max_extents) return;
        add_nested(i, array, offset, pointers[k], string_size(memory_, RemotePtr<>(pointers[k])), false);
      }
      if (count < batch) return;
    }
  }

  void grow(std::uint16_t index, std::uint64_t size) {
    Extent& extent = plan_.extents[index];
    if (size <= extent.size) return;
    total_ += size - extent.size;
    extent.size = size;
  }

  // An array of iovecs at `address` (held by `container` unless that is none) and its buffers.
  void add_iovecs(std::uint8_t i, std::uint64_t address, std::uint64_t count, std::uint16_t container,
                  std::uint64_t offset) {
    const Arg& arg = args_[i];
    // PTRACE_GETREGSET writes the length back; nobody else changes an iovec.
    const bool changes = arg.shape == Shape::iovec && arg.dir == Dir::inout && arg.bound == Bound::none;
    const std::uint64_t listed = std::min<std::uint64_t>(count, UIO_MAXIOV);
    const std::uint16_t array = add({.address = RemotePtr<>(address),
                                     .size = listed * sizeof(layout::Iovec),
                                     .input = true,
                                     .output = changes,
                                     .argument = i,
                                     .pointer_in = container,
                                     .pointer_offset = static_cast<std::uint32_t>(offset)});
    if (array == none || count > UIO_MAXIOV) return;  // EINVAL
    std::array<layout::Iovec, batch> iovecs;
    std::uint64_t left = max_transfer;
    for (std::uint64_t at = 0; at < listed; at += batch) {
      const std::span<layout::Iovec> part =
          std::span(iovecs).first(std::min<std::uint64_t>(batch, listed - at));
      const RemotePtr<> from(address + at * sizeof(layout::Iovec));
      if (!memory_.read_exact(from, std::as_writable_bytes(part))) return;  // EFAULT
      for (std::size_t k = 0; k < part.size(); ++k) {
        const std::uint64_t size = std::min(part[k].len, left);
        left -= size;
        add_buffer(i, array, (at + k) * sizeof(layout::Iovec), part[k].base, size);
      }
    }
  }

  void add_buffer(std::uint8_t i, std::uint16_t array, std::uint64_t offset, std::uint64_t address,
                  std::uint64_t size) {
    const Arg& arg = args_[i];
    const bool output = arg.dir != Dir::in;
    const std::uint16_t index = add_nested(i, array, offset, address, size, output, true);
    if (index != none && arg.shape == Shape::iovec && arg.dir == Dir::inout)
      plan_.extents[index].input = true;
  }

  void add_message(std::uint8_t i, std::uint64_t address) {
    const std::uint16_t header = add({.address = RemotePtr<>(address),
                                      .size = sizeof(layout::Msghdr),
                                      .input = true,
                                      .output = args_[i].dir != Dir::in,
                                      .argument = i});
    if (header == none) return;
    const auto message = memory_.read(RemotePtr<layout::Msghdr>(address));
    if (message) add_message_parts(i, header, 0, *message);
  }

  // recvmmsg and sendmmsg: both store msg_len in each header they served.
  void add_messages(std::uint8_t i, std::uint64_t address, std::uint64_t count) {
    const std::uint64_t listed = std::min<std::uint64_t>(count, UIO_MAXIOV);
    const std::uint16_t headers = add({.address = RemotePtr<>(address),
                                       .size = listed * sizeof(layout::Mmsghdr),
                                       .input = true,
                                       .output = true,
                                       .argument = i});
    if (headers == none) return;
    for (std::uint64_t k = 0; k < listed; ++k) {
      const std::uint64_t offset = k * sizeof(layout::Mmsghdr);
      const auto message = memory_.read(RemotePtr<layout::Mmsghdr>(address + offset));
      if (!message) return;
      add_message_parts(i, headers, offset, message->header);
    }
  }

  void add_message_parts(std::uint8_t i, std::uint16_t header, std::uint64_t offset,
                         const layout::Msghdr& message) {
    const bool output = args_[i].dir != Dir::in;
    const std::uint64_t name_size =
        message.namelen < 0
            ? 0
            : std::min<std::uint64_t>(static_cast<std::uint64_t>(message.namelen), max_socket_address);
    add_nested(i, header, offset + offsetof(layout::Msghdr, name), message.name, name_size, output);
    add_iovecs(i, message.iov, message.iovlen, header, offset + offsetof(layout::Msghdr, iov));
    add_nested(i, header, offset + offsetof(layout::Msghdr, control), message.control,
               std::min(message.controllen, max_transfer), output);
  }

  // What io_submit(2) is given: pointers to requests, in each of which the kernel writes a field. What the
  // requests read arrives later, and is not in the plan.
  void add_iocbs(std::uint8_t i, std::uint64_t address, std::uint64_t count) {
    const std::uint64_t listed = std::min<std::uint64_t>(count, max_extents);
    const std::uint16_t array = add({.address = RemotePtr<>(address),
                                     .size = listed * sizeof(std::uint64_t),
                                     .input = true,
                                     .argument = i});
    if (array == none) return;
    for (std::uint64_t k = 0; k < listed && plan_.extents.size() < max_extents; ++k) {
      const std::uint64_t offset = k * sizeof(std::uint64_t);
      const auto pointer = memory_.read(RemotePtr<std::uint64_t>(address + offset));
      if (!pointer) return;
      add_iocb(i, array, offset, *pointer);
    }
  }

  void add_iocb(std::uint8_t i, std::uint16_t array, std::uint64_t offset, std::uint64_t address) {
    const std::uint16_t index = add_nested(i, array, offset, address, sizeof(layout::Iocb), false);
    const auto iocb = memory_.read(RemotePtr<layout::Iocb>(address));
    if (index == none || !iocb) return;
    plan_.extents[index].output = true;
    constexpr std::uint64_t buffer = offsetof(layout::Iocb, buf);
    if (iocb->opcode == layout::iocb_pwrite) {
      add_nested(i, index, buffer, iocb->buf, std::min(iocb->nbytes, max_transfer), false, true);
    } else if (iocb->opcode == layout::iocb_pwritev) {
      add_iovecs(i, iocb->buf, iocb->nbytes, index, buffer);
    } else if (iocb->opcode == layout::iocb_preadv) {
      const std::uint64_t vectors = std::min<std::uint64_t>(iocb->nbytes, UIO_MAXIOV);
      add_nested(i, index, buffer, iocb->buf, vectors * sizeof(layout::Iovec), false);
    }
  }

  const CallArguments& call_;
  std::span<const Arg> args_;
  const Memory& memory_;
  Plan& plan_;
  std::uint64_t total_ = 0;
};

}  // namespace

Plan plan(const CallArguments& call, const Memory& memory) {
  Plan result;
  const Syscall* entry = find(call.nr);
  if (entry == nullptr) {
    result.modelled = false;
    return result;
  }
  result.variant = select_variant(*entry, call.args);
  const bool chosen = result.variant != nullptr;
  result.modelled = chosen ? result.variant->modelled : entry->modelled;
  Planner planner(call, chosen ? result.variant->arguments() : entry->arguments(), memory, result);
  const Multiplexer* multiplexer = chosen ? nullptr : find_multiplexer(call.nr);
  if (multiplexer != nullptr && multiplexer->encodes_size) {
    result.modelled = true;
    planner.add_encoded(multiplexer->first, call.args[multiplexer->selector] & multiplexer->mask);
  } else {
    planner.add_all();
  }
  return result;
}

}  // namespace rec::syscalls

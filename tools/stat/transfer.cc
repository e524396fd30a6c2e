#include "tools/stat/transfer.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstddef>

#include "format/syscalls/table.h"
#include "tools/dump/errors.h"
#include "tools/dump/event_memory.h"

namespace rec::stat {
namespace {

using syscalls::Arg;
using syscalls::Shape;
using syscalls::Syscall;

TraceeFd fd_at(const Event& event, int argument) {
  return TraceeFd(static_cast<std::int32_t>(event.args[static_cast<std::size_t>(argument)]));
}

bool fills(const Arg& arg) {
  if (arg.shape == Shape::msghdr) return arg.dir == syscalls::Dir::inout;
  return arg.dir == syscalls::Dir::out && arg.bound == syscalls::Bound::bytes;
}

bool has_shape(const Syscall& call, Shape shape) {
  return std::ranges::any_of(call.arguments(), [shape](const Arg& arg) { return arg.shape == shape; });
}

// recvmmsg(2), sendmmsg(2): the result counts messages; each has its length at its end.
std::uint64_t message_bytes(const Event& event) {
  const dump::EventMemory memory(event.data, dump::Moment::after);
  std::uint64_t sum = 0;
  for (std::int64_t i = 0; i < std::min<std::int64_t>(event.result, 1024); ++i) {  // UIO_MAXIOV, net/socket.c
    const std::uint64_t at = event.args[1] + static_cast<std::uint64_t>(i) * sizeof(mmsghdr);
    sum += memory.read(RemotePtr<std::uint32_t>(at + offsetof(mmsghdr, msg_len))).value_or(0);
  }
  return sum;
}

// What a call that returns only a status wrote (mq_timedsend): all that it was told to.
std::uint64_t size_given(const Event& event, const Syscall& call) {
  for (const Arg& arg : call.arguments()) {
    if (arg.type == syscalls::Type::bytes && arg.by != syscalls::no_argument) return event.args[arg.by];
  }
  return 0;
}

}  // namespace

Moves moves(std::int32_t nr) {
  const Syscall* call = syscalls::find(nr);
  if (call == nullptr) return Moves::nothing;
  const bool has_messages = has_shape(*call, Shape::mmsghdr);
  if (call->kernel_copy_out_fd >= 0) return Moves::copies;
  if (call->written_fd >= 0) return has_messages ? Moves::writes_messages : Moves::writes;
  if (call->returns != syscalls::Returns::count || call->args[0].type != syscalls::Type::fd || !call->blocks)
    return Moves::nothing;
  if (has_messages) return Moves::reads_messages;
  return std::ranges::any_of(call->arguments(), fills) ? Moves::reads : Moves::nothing;
}

Transfer transfer_of(const Event& event, Moves by) {
  Transfer transfer;
  if (dump::is_error(event.result) || event.result < 0 || (event.flags & event_no_result) != 0)
    return transfer;
  const auto result = static_cast<std::uint64_t>(event.result);
  const Syscall* call = syscalls::find(event.nr);
  switch (by) {
    case Moves::nothing:
      break;
    case Moves::reads:
      transfer.read = result;
      transfer.from = fd_at(event, 0);
      break;
    case Moves::writes:
      transfer.written = call->returns == syscalls::Returns::count ? result : size_given(event, *call);
      transfer.to = fd_at(event, call->written_fd);
      break;
    case Moves::copies:
      transfer.read = transfer.written = result;
      transfer.to = fd_at(event, call->kernel_copy_out_fd);
      for (int i = 0; i < call->arg_count; ++i) {
        const Arg& arg = call->args[static_cast<std::size_t>(i)];
        if (arg.type == syscalls::Type::fd && i != call->kernel_copy_out_fd) transfer.from = fd_at(event, i);
      }
      break;
    case Moves::reads_messages:
      transfer.read = message_bytes(event);
      transfer.from = fd_at(event, 0);
      break;
    case Moves::writes_messages:
      transfer.written = message_bytes(event);
      transfer.to = fd_at(event, call->written_fd);
      break;
  }
  return transfer;
}

}  // namespace rec::stat

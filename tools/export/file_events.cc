#include "tools/export/file_events.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tools/dump/event_memory.h"

namespace rec {

using syscalls::Effect;
using syscalls::Shape;
using syscalls::Syscall;
using syscalls::Type;

TraceeFd fd_in(std::uint64_t word) { return TraceeFd(static_cast<std::int32_t>(word)); }

std::vector<std::string> changed_names(const Event& event, const Syscall& call,
                                       const Descriptors& descriptors) {
  const bool keeps_first = call.effect == Effect::changes_last_name;
  if (call.effect != Effect::changes_names && !keeps_first) return {};
  std::vector<std::string> paths;
  TraceeFd directory(AT_FDCWD);
  bool is_first = true;
  const dump::EventMemory memory(event.data, dump::Moment::before);
  for (std::size_t i = 0; i < call.arg_count; ++i) {
    if (call.args[i].type == Type::dirfd) directory = fd_in(event.args[i]);
    if (call.args[i].type != Type::path) continue;
    const auto path = memory.read_string(RemotePtr<>(event.args[i]), 4096);
    if (path && !(is_first && keeps_first))
      paths.push_back(descriptors.absolute(event.tid, directory, *path));
    is_first = false;
  }
  return paths;
}

std::optional<FileStatus> status_in(const Event& event, const Syscall& call) {
  const dump::EventMemory memory(event.data, dump::Moment::after);
  for (std::size_t i = 0; i < call.arg_count; ++i) {
    if (call.args[i].shape == Shape::stat) {
      if (const auto status = memory.read(RemotePtr<struct stat>(event.args[i])))
        return FileStatus{status->st_mode, static_cast<std::uint64_t>(status->st_size), status->st_mtim};
    } else if (call.args[i].shape == Shape::statx) {
      if (const auto status = memory.read(RemotePtr<struct statx>(event.args[i])))
        return FileStatus{
            status->stx_mode, status->stx_size, {status->stx_mtime.tv_sec, status->stx_mtime.tv_nsec}};
    }
  }
  return std::nullopt;
}

std::uint64_t open_flags(const Event& event) {
  if (event.nr == SYS_creat) return O_CREAT | O_TRUNC | O_WRONLY;
  if (event.nr == SYS_open) return event.args[1];
  if (event.nr == SYS_openat) return event.args[2];
  const dump::EventMemory memory(event.data, dump::Moment::before);
  return memory.read(RemotePtr<std::uint64_t>(event.args[2])).value_or(0);
}

bool is_open(std::int32_t nr) {
  return nr == SYS_open || nr == SYS_openat || nr == SYS_openat2 || nr == SYS_creat;
}

std::optional<std::uint64_t> own_offset(const Event& event) {
  if (event.nr == SYS_pread64 || event.nr == SYS_preadv) return event.args[3];
  if (event.nr == SYS_preadv2 && event.args[3] != ~std::uint64_t{0}) return event.args[3];
  return std::nullopt;
}

bool is_read(std::int32_t nr) {
  return nr == SYS_read || nr == SYS_pread64 || nr == SYS_readv || nr == SYS_preadv || nr == SYS_preadv2;
}
bool moves_position(std::int32_t nr) {
  return nr == SYS_read || nr == SYS_readv || nr == SYS_preadv2 || nr == SYS_write || nr == SYS_writev;
}

}  // namespace rec

// Structures of files, descriptors and scatter lists.
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

#include <array>
#include <bit>

#include "tools/dump/shape_list.h"
#include "tools/dump/values.h"

namespace rec::dump {
namespace {

using syscalls::FlagSet;

// How many records there are; each holds its own length at `length_offset`.
std::uint64_t count_entries(const Scope& scope, RemotePtr<> at, std::uint64_t size,
                            std::uint64_t length_offset) {
  std::uint64_t count = 0;
  for (std::uint64_t position = 0; position < size; ++count) {
    const auto length = load<std::uint16_t>(scope, at.plus_bytes(position + length_offset));
    if (!length || *length == 0) break;
    position += *length;
  }
  return count;
}

bool print_entries(const Scope& scope, RemotePtr<> at, std::uint64_t size, std::uint64_t length_offset) {
  put_hex(scope.out, at.address());
  put_format(scope.out, " /* {} entries */", count_entries(scope, at, size, length_offset));
  return true;
}

void put_iovec(const Scope& scope, const ::iovec& piece, std::uint64_t filled, bool follow) {
  Braces fields(scope.out);
  const auto base = reinterpret_cast<std::uintptr_t>(piece.iov_base);
  fields.field("iov_base");
  if (follow) {
    put_bytes_or_pointer(scope, base, filled);
  } else {
    put_pointer(scope.out, base);
  }
  put_decimal(fields.field("iov_len"), piece.iov_len);
}

}  // namespace

bool print_stat(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto stat = load<struct ::stat>(scope, at);
  if (!stat) return false;
  Braces fields(scope.out);
  put_file_mode(fields.field("st_mode"), stat->st_mode);
  if (S_ISCHR(stat->st_mode) || S_ISBLK(stat->st_mode)) {
    put_device(fields.field("st_rdev"), stat->st_rdev);
  } else {
    put_decimal(fields.field("st_size"), stat->st_size);
  }
  fields.more();
  return true;
}

bool print_statx(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto stat = load<struct ::statx>(scope, at);
  if (!stat) return false;
  Braces fields(scope.out);
  put_flags(fields.field("stx_mask"), FlagSet::statx_mask, stat->stx_mask);
  put_flags(fields.field("stx_attributes"), FlagSet::statx_attributes, stat->stx_attributes);
  put_file_mode(fields.field("stx_mode"), stat->stx_mode);
  put_decimal(fields.field("stx_size"), stat->stx_size);
  fields.more();
  return true;
}

bool print_statfs(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto fs = load<struct ::statfs>(scope, at);
  if (!fs) return false;
  Braces fields(scope.out);
  put_flags(fields.field("f_type"), FlagSet::statfs_types, static_cast<std::uint64_t>(fs->f_type));
  put_decimal(fields.field("f_bsize"), fs->f_bsize);
  put_decimal(fields.field("f_blocks"), fs->f_blocks);
  put_decimal(fields.field("f_bfree"), fs->f_bfree);
  put_decimal(fields.field("f_bavail"), fs->f_bavail);
  put_decimal(fields.field("f_files"), fs->f_files);
  put_decimal(fields.field("f_ffree"), fs->f_ffree);
  put(fields.field("f_fsid"), "{val=[");
  put_hex(scope.out, static_cast<std::uint32_t>(fs->f_fsid.__val[0]));
  put(scope.out, ", ");
  put_hex(scope.out, static_cast<std::uint32_t>(fs->f_fsid.__val[1]));
  put(scope.out, "]}");
  put_decimal(fields.field("f_namelen"), fs->f_namelen);
  put_decimal(fields.field("f_frsize"), fs->f_frsize);
  put_flags(fields.field("f_flags"), FlagSet::statfs_flags, static_cast<std::uint64_t>(fs->f_flags));
  return true;
}

bool print_pollfd(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto poll = load<::pollfd>(scope, at);
  if (!poll) return false;
  Braces fields(scope.out);
  put_descriptor(fields.field("fd"), poll->fd);
  if (poll->fd < 0) return true;  // the kernel looks at no more of it
  put_flags(fields.field("events"), FlagSet::poll_events, static_cast<std::uint16_t>(poll->events));
  return true;
}

bool print_fd_set(const Scope& scope, RemotePtr<> at, std::uint64_t size) {
  const std::span<const std::byte> bytes = scope.memory.view(at, size);
  if (bytes.size() < size) return false;
  put_bit_numbers(scope.out, bytes, '[', ']');
  return true;
}

bool print_epoll_event(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto event = load<::epoll_event>(scope, at);
  if (!event) return false;
  Braces fields(scope.out);
  put_flags(fields.field("events"), FlagSet::epoll_events, event->events);
  const std::uint64_t data = event->data.u64;
  put_format(fields.field("data"), "{{u32={}, u64={}}}", static_cast<std::uint32_t>(data), data);
  return true;
}

// The length of a record is after two (linux_dirent) or two (linux_dirent64) 64-bit words (fs/readdir.c).
bool print_dirent(const Scope& scope, RemotePtr<> at, std::uint64_t size) {
  return print_entries(scope, at, size, 16);
}
bool print_dirent64(const Scope& scope, RemotePtr<> at, std::uint64_t size) {
  return print_entries(scope, at, size, 16);
}

bool print_flock(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto lock = load<struct ::flock>(scope, at);
  if (!lock) return false;
  Braces fields(scope.out);
  put_flags(fields.field("l_type"), FlagSet::lock_types, static_cast<std::uint16_t>(lock->l_type));
  put_flags(fields.field("l_whence"), FlagSet::seek_whence, static_cast<std::uint16_t>(lock->l_whence));
  put_decimal(fields.field("l_start"), lock->l_start);
  put_decimal(fields.field("l_len"), lock->l_len);
  // Of use only where the kernel gave it.
  if (scope.memory.is_output(at)) put_decimal(fields.field("l_pid"), lock->l_pid);
  return true;
}

bool print_f_owner_ex(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto owner = load<std::array<std::int32_t, 2>>(scope, at);
  if (!owner) return false;
  Braces fields(scope.out);
  put_flags(fields.field("type"), FlagSet::owner_types, static_cast<std::uint32_t>((*owner)[0]));
  put_decimal(fields.field("pid"), (*owner)[1]);
  return true;
}

bool print_open_how(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto how = load<::open_how>(scope, at);
  if (!how) return false;
  Braces fields(scope.out);
  put_flags(fields.field("flags"), FlagSet::open_flags, how->flags);
  if ((how->flags & (O_CREAT | O_TMPFILE)) != 0 && how->mode != 0) put_octal(fields.field("mode"), how->mode);
  put_flags(fields.field("resolve"), FlagSet::resolve_flags, how->resolve);
  return true;
}

// One element. What a read filled of it is what was recorded as output; of a write, all of it.
bool print_iovec(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto piece = load<::iovec>(scope, at);
  if (!piece) return false;
  const RemotePtr<> base(reinterpret_cast<std::uintptr_t>(piece->iov_base));
  std::uint64_t filled = piece->iov_len;
  if (scope.is_filled()) filled = scope.memory.is_output(base) ? scope.memory.view(base, filled).size() : 0;
  put_iovec(scope, *piece, filled, true);
  return true;
}

bool print_remote_iovec(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto piece = load<::iovec>(scope, at);
  if (!piece) return false;
  put_iovec(scope, *piece, 0, false);
  return true;
}

}  // namespace rec::dump

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
#include <string_view>

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

// st_atime=1795244604 /* 2026-11-21T07:03:24.772163842+0000 */, st_atime_nsec=772163842
void put_file_time(Braces& fields, std::string_view name, const ::timespec& time) {
  Text& out = fields.field(name);
  put_decimal(out, time.tv_sec);
  put(out, " /* ");
  put_date(out, time.tv_sec, time.tv_nsec);
  put(out, " */");
  put(fields.next(), name);
  put(out, "_nsec=");
  put_decimal(out, time.tv_nsec);
}

void put_statx_time(Braces& fields, std::string_view name, const ::statx_timestamp& time) {
  Text& out = fields.field(name);
  put_format(out, "{{tv_sec={}, tv_nsec={}}} /* ", time.tv_sec, time.tv_nsec);
  put_date(out, time.tv_sec, time.tv_nsec);
  put(out, " */");
}

void put_statx_rest(Braces& fields, const struct ::statx& stat) {
  put_decimal(fields.field("stx_blocks"), stat.stx_blocks);
  put_flags(fields.field("stx_attributes_mask"), FlagSet::statx_attributes, stat.stx_attributes_mask);
  put_statx_time(fields, "stx_atime", stat.stx_atime);
  if ((stat.stx_mask & STATX_BTIME) != 0) put_statx_time(fields, "stx_btime", stat.stx_btime);
  put_statx_time(fields, "stx_ctime", stat.stx_ctime);
  put_statx_time(fields, "stx_mtime", stat.stx_mtime);
  put_decimal(fields.field("stx_rdev_major"), stat.stx_rdev_major);
  put_decimal(fields.field("stx_rdev_minor"), stat.stx_rdev_minor);
  put_decimal(fields.field("stx_dev_major"), stat.stx_dev_major);
  put_decimal(fields.field("stx_dev_minor"), stat.stx_dev_minor);
  if ((stat.stx_mask & STATX_MNT_ID) != 0) put_hex(fields.field("stx_mnt_id"), stat.stx_mnt_id);
}

// [{d_ino=3, d_off=1, d_reclen=24, d_type=DT_DIR, d_name="."}, …]: fs/readdir.c. The older structure has its
// type in the last byte, and the name where the other has its type.
bool print_entries_whole(const Scope& scope, RemotePtr<> at, std::uint64_t size, bool has_type_first) {
  constexpr std::uint64_t head = 18;
  std::uint64_t position = 0;
  Braces list(scope.out, '[', ']');
  while (position + head < size) {
    const RemotePtr<> entry = at.plus_bytes(position);
    const auto words = load<std::array<std::uint64_t, 2>>(scope, entry);
    const auto length = load<std::uint16_t>(scope, entry.plus_bytes(16));
    if (!words || !length || *length <= head || *length > size - position) break;
    const auto type = load<std::uint8_t>(scope, entry.plus_bytes(has_type_first ? head : *length - 1U));
    Braces fields(list.next());
    put_decimal(fields.field("d_ino"), (*words)[0]);
    put_decimal(fields.field("d_off"), (*words)[1]);
    put_decimal(fields.field("d_reclen"), *length);
    const auto put_type = [&] { put_flags(fields.field("d_type"), FlagSet::dirent_types, type.value_or(0)); };
    if (has_type_first) put_type();
    const std::uint64_t name = head + (has_type_first ? 1 : 0);
    fields.field("d_name");
    put_string_or_pointer(scope, entry.plus_bytes(name).address(), *length - name);
    if (!has_type_first) put_type();
    position += *length;
  }
  return true;
}

}  // namespace

bool print_stat(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto stat = load<struct ::stat>(scope, at);
  if (!stat) return false;
  Braces fields(scope.out);
  const bool is_whole = !scope.out.abbreviates;
  if (is_whole) {
    put_device(fields.field("st_dev"), stat->st_dev);
    put_decimal(fields.field("st_ino"), stat->st_ino);
  }
  put_file_mode(fields.field("st_mode"), stat->st_mode);
  if (is_whole) {
    put_decimal(fields.field("st_nlink"), stat->st_nlink);
    put_decimal(fields.field("st_uid"), stat->st_uid);
    put_decimal(fields.field("st_gid"), stat->st_gid);
    put_decimal(fields.field("st_blksize"), stat->st_blksize);
    put_decimal(fields.field("st_blocks"), stat->st_blocks);
  }
  if (S_ISCHR(stat->st_mode) || S_ISBLK(stat->st_mode)) {
    put_device(fields.field("st_rdev"), stat->st_rdev);
  } else {
    put_decimal(fields.field("st_size"), stat->st_size);
  }
  if (!is_whole) {
    fields.more();
    return true;
  }
  put_file_time(fields, "st_atime", stat->st_atim);
  put_file_time(fields, "st_mtime", stat->st_mtim);
  put_file_time(fields, "st_ctime", stat->st_ctim);
  return true;
}

bool print_statx(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto stat = load<struct ::statx>(scope, at);
  if (!stat) return false;
  Braces fields(scope.out);
  put_flags(fields.field("stx_mask"), FlagSet::statx_mask, stat->stx_mask);
  const bool is_whole = !scope.out.abbreviates;
  if (is_whole) put_decimal(fields.field("stx_blksize"), stat->stx_blksize);
  put_flags(fields.field("stx_attributes"), FlagSet::statx_attributes, stat->stx_attributes);
  if (is_whole) {
    put_decimal(fields.field("stx_nlink"), stat->stx_nlink);
    put_decimal(fields.field("stx_uid"), stat->stx_uid);
    put_decimal(fields.field("stx_gid"), stat->stx_gid);
  }
  put_file_mode(fields.field("stx_mode"), stat->stx_mode);
  if (is_whole) put_decimal(fields.field("stx_ino"), stat->stx_ino);
  put_decimal(fields.field("stx_size"), stat->stx_size);
  if (is_whole) {
    put_statx_rest(fields, *stat);
  } else {
    fields.more();
  }
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
  if (!scope.out.abbreviates) return print_entries_whole(scope, at, size, false);
  return print_entries(scope, at, size, 16);
}
bool print_dirent64(const Scope& scope, RemotePtr<> at, std::uint64_t size) {
  if (!scope.out.abbreviates) return print_entries_whole(scope, at, size, true);
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

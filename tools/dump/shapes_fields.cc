// Structures that are no more than a row of fields: one table each, in the order in which strace shows them.
// Offsets and names are of the kernel's uapi headers, which are named above each table.
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/landlock.h>
#include <linux/loop.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string_view>

#include "tools/dump/event_names.h"
#include "tools/dump/quote.h"
#include "tools/dump/shape_list.h"

namespace rec::dump {
namespace {

using syscalls::FlagSet;

enum class Kind : std::uint8_t {
  number,
  signed_number,
  hex,
  pointer,
  flags,
  descriptor,
  text,
  inet,
  named,
  kernel_version
};

struct Field {
  std::string_view name;
  std::uint16_t offset;
  std::uint16_t size;
  Kind kind = Kind::number;
  FlagSet set = FlagSet::none;
  const NameSet* names = nullptr;  // Kind::named
};

// As many bytes as any of these structures has.
constexpr std::size_t most_bytes = 256;

std::uint64_t number_of(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

std::int64_t sign_extended(std::uint64_t value, std::size_t size) {
  const auto unused = static_cast<unsigned>(64 - 8 * size);
  return static_cast<std::int64_t>(value << unused) >> unused;
}

void put_field(Text& out, const Field& field, std::span<const std::byte> bytes) {
  const std::uint64_t value = number_of(bytes);
  switch (field.kind) {
    case Kind::number:
      return put_decimal(out, value);
    case Kind::signed_number:
      return put_decimal(out, sign_extended(value, field.size));
    case Kind::hex:
      return put_hex(out, value);
    case Kind::pointer:
      return put_pointer(out, value);
    case Kind::flags:
      return put_flags(out, field.set, value);
    case Kind::descriptor:
      return put_descriptor(out, static_cast<std::int32_t>(value));
    case Kind::text: {
      const auto end = std::find(bytes.begin(), bytes.end(), std::byte{0});
      return put_quoted(out, bytes.first(static_cast<std::size_t>(end - bytes.begin())), bytes.size());
    }
    case Kind::named:
      return put_from(out, *field.names, value);
    case Kind::kernel_version:  // linux/version.h
      return put_format(out, "KERNEL_VERSION({}, {}, {})", value >> 16, value >> 8 & 0xff, value & 0xff);
    case Kind::inet: {
      char text[INET_ADDRSTRLEN] = "";
      (void)::inet_ntop(AF_INET, bytes.data(), text, sizeof text);
      return put_format(out, "inet_addr(\"{}\")", text);
    }
  }
}

// The fields that lie within the `size` bytes which the program gave. `rest` are those that only -v shows.
bool print_fields(const Scope& scope, RemotePtr<> at, std::uint64_t size, std::span<const Field> fields,
                  std::span<const Field> rest = {}) {
  std::array<std::byte, most_bytes> buffer{};
  const auto given = std::span(buffer).first(std::min<std::uint64_t>(size, most_bytes));
  const std::span<const std::byte> bytes = given.first(scope.memory.read_some(at, given));
  if (bytes.size() < std::size_t{fields[0].offset} + fields[0].size) return false;
  Braces list(scope.out);
  const auto put_all = [&](std::span<const Field> of) {
    for (const Field& field : of) {
      if (std::size_t{field.offset} + field.size <= bytes.size())
        put_field(list.field(field.name), field, bytes.subspan(field.offset, field.size));
    }
  };
  put_all(fields);
  if (scope.out.abbreviates) {
    if (!rest.empty()) list.more();
  } else {
    put_all(rest);
  }
  return true;
}

// linux/fiemap.h
constexpr Field fiemap[] = {{"fm_start", 0, 8},
                            {"fm_length", 8, 8},
                            {"fm_flags", 16, 4, Kind::hex},
                            {"fm_extent_count", 24, 4},
                            {"fm_mapped_extents", 20, 4}};
// linux/fs.h
constexpr Field file_clone_range[] = {
    {"src_fd", 0, 8, Kind::descriptor}, {"src_offset", 8, 8}, {"src_length", 16, 8}, {"dest_offset", 24, 8}};
constexpr Field fsxattr[] = {{"fsx_xflags", 0, 4, Kind::hex},
                             {"fsx_extsize", 4, 4},
                             {"fsx_nextents", 8, 4},
                             {"fsx_projid", 12, 4},
                             {"fsx_cowextsize", 16, 4}};
constexpr Field fstrim_range[] = {{"start", 0, 8}, {"len", 8, 8}, {"minlen", 16, 8}};
// linux/quota.h
constexpr Field if_dqblk[] = {{"dqb_bhardlimit", 0, 8},  {"dqb_bsoftlimit", 8, 8},  {"dqb_curspace", 16, 8},
                              {"dqb_ihardlimit", 24, 8}, {"dqb_isoftlimit", 32, 8}, {"dqb_curinodes", 40, 8}};
constexpr Field if_dqblk_rest[] = {
    {"dqb_btime", 48, 8}, {"dqb_itime", 56, 8}, {"dqb_valid", 64, 4, Kind::hex}};
constexpr Field if_dqinfo[] = {{"dqi_bgrace", 0, 8},
                               {"dqi_igrace", 8, 8},
                               {"dqi_flags", 16, 4, Kind::hex},
                               {"dqi_valid", 20, 4, Kind::hex}};
// linux/in.h
constexpr Field ip_mreq[] = {{"imr_multiaddr", 0, 4, Kind::inet}, {"imr_interface", 4, 4, Kind::inet}};
// linux/sem.h, linux/shm.h, linux/msg.h
constexpr Field seminfo[] = {{"semmap", 0, 4},  {"semmni", 4, 4},  {"semmns", 8, 4},  {"semmnu", 12, 4},
                             {"semmsl", 16, 4}, {"semopm", 20, 4}, {"semume", 24, 4}, {"semusz", 28, 4},
                             {"semvmx", 32, 4}, {"semaem", 36, 4}};
constexpr Field shminfo[] = {
    {"shmmax", 0, 8}, {"shmmin", 8, 8}, {"shmmni", 16, 8}, {"shmseg", 24, 8}, {"shmall", 32, 8}};
constexpr Field shm_info[] = {{"used_ids", 0, 4}, {"shm_tot", 8, 8},        {"shm_rss", 16, 8},
                              {"shm_swp", 24, 8}, {"swap_attempts", 32, 8}, {"swap_successes", 40, 8}};
constexpr Field msginfo[] = {{"msgpool", 0, 4}, {"msgmap", 4, 4},  {"msgmax", 8, 4},  {"msgmnb", 12, 4},
                             {"msgmni", 16, 4}, {"msgssz", 20, 4}, {"msgtql", 24, 4}, {"msgseg", 28, 2}};
// linux/io_uring.h; what the kernel fills is not shown of a call that failed, as it does under rec
constexpr Field io_uring_params[] = {
    {"flags", 8, 4, Kind::hex}, {"sq_thread_cpu", 12, 4}, {"sq_thread_idle", 16, 4}};
// linux/landlock.h
constexpr Field landlock_ruleset[] = {{"handled_access_fs", 0, 8, Kind::flags, FlagSet::landlock_fs_access},
                                      {"handled_access_net", 8, 8, Kind::hex},
                                      {"scoped", 16, 8, Kind::hex}};
constexpr Field landlock_path[] = {{"allowed_access", 0, 8, Kind::flags, FlagSet::landlock_fs_access},
                                   {"parent_fd", 8, 4, Kind::descriptor}};
constexpr Field landlock_port[] = {{"allowed_access", 0, 8, Kind::hex}, {"port", 8, 8}};
// linux/loop.h
constexpr Field loop_info[] = {{"lo_offset", 24, 8},
                               {"lo_number", 40, 4},
                               {"lo_flags", 52, 4, Kind::hex},
                               {"lo_file_name", 56, 64, Kind::text}};
constexpr Field loop_info_rest[] = {{"lo_device", 0, 8, Kind::hex},
                                    {"lo_inode", 8, 8},
                                    {"lo_rdevice", 16, 8, Kind::hex},
                                    {"lo_sizelimit", 32, 8},
                                    {"lo_encrypt_type", 44, 4},
                                    {"lo_encrypt_key_size", 48, 4},
                                    {"lo_crypt_name", 120, 64, Kind::text}};
// linux/rtc.h
constexpr Field rtc_time[] = {
    {"tm_sec", 0, 4, Kind::signed_number},  {"tm_min", 4, 4, Kind::signed_number},
    {"tm_hour", 8, 4, Kind::signed_number}, {"tm_mday", 12, 4, Kind::signed_number},
    {"tm_mon", 16, 4, Kind::signed_number}, {"tm_year", 20, 4, Kind::signed_number}};
constexpr Field rtc_time_rest[] = {{"tm_wday", 24, 4, Kind::signed_number},
                                   {"tm_yday", 28, 4, Kind::signed_number},
                                   {"tm_isdst", 32, 4, Kind::signed_number}};
// linux/seccomp.h
constexpr Field notif_sizes[] = {
    {"seccomp_notif", 0, 2}, {"seccomp_notif_resp", 2, 2}, {"seccomp_data", 4, 2}};
// linux/mman.h (cachestat); linux/xattr.h
constexpr Field cachestat_range[] = {{"off", 0, 8}, {"len", 8, 8}};
constexpr Field cachestat[] = {{"nr_cache", 0, 8},
                               {"nr_dirty", 8, 8},
                               {"nr_writeback", 16, 8},
                               {"nr_evicted", 24, 8},
                               {"nr_recently_evicted", 32, 8}};
// linux/keyctl.h
constexpr Field dh_params[] = {{"private", 0, 4, Kind::signed_number},
                               {"prime", 4, 4, Kind::signed_number},
                               {"base", 8, 4, Kind::signed_number}};
// linux/bpf.h: one structure for each command
constexpr Field bpf_map_create[] = {{"map_type", 0, 4, Kind::named, FlagSet::none, &bpf_map_types},
                                    {"key_size", 4, 4},
                                    {"value_size", 8, 4},
                                    {"max_entries", 12, 4},
                                    {"map_flags", 16, 4, Kind::named, FlagSet::none, &bpf_map_flags},
                                    {"inner_map_fd", 20, 4, Kind::descriptor},
                                    {"map_name", 28, 16, Kind::text},
                                    {"map_ifindex", 44, 4},
                                    {"btf_fd", 48, 4, Kind::descriptor},
                                    {"btf_key_type_id", 52, 4},
                                    {"btf_value_type_id", 56, 4},
                                    {"btf_vmlinux_value_type_id", 60, 4},
                                    {"map_extra", 64, 8}};
constexpr Field bpf_map_element[] = {{"map_fd", 0, 4, Kind::descriptor},
                                     {"key", 8, 8, Kind::pointer},
                                     {"value", 16, 8, Kind::pointer},
                                     {"flags", 24, 8, Kind::named, FlagSet::none, &bpf_element_flags}};
constexpr Field bpf_prog_load[] = {
    {"prog_type", 0, 4, Kind::named, FlagSet::none, &bpf_prog_types},
    {"insn_cnt", 4, 4},
    {"insns", 8, 8, Kind::pointer},
    {"license", 16, 8, Kind::pointer},
    {"log_level", 24, 4},
    {"log_size", 28, 4},
    {"log_buf", 32, 8, Kind::pointer},
    {"kern_version", 40, 4, Kind::kernel_version},
    {"prog_flags", 44, 4, Kind::named, FlagSet::none, &bpf_prog_flags},
    {"prog_name", 48, 16, Kind::text},
    {"prog_ifindex", 64, 4},
    {"expected_attach_type", 68, 4, Kind::named, FlagSet::none, &bpf_attach_types},
    {"prog_btf_fd", 72, 4, Kind::descriptor},
    {"func_info_rec_size", 76, 4},
    {"func_info", 80, 8, Kind::pointer},
    {"func_info_cnt", 88, 4},
    {"line_info_rec_size", 92, 4},
    {"line_info", 96, 8, Kind::pointer},
    {"line_info_cnt", 104, 4},
    {"attach_btf_id", 108, 4},
    {"attach_prog_fd", 112, 4, Kind::descriptor}};
constexpr Field bpf_object[] = {
    {"pathname", 0, 8, Kind::pointer}, {"bpf_fd", 8, 4, Kind::descriptor}, {"file_flags", 12, 4, Kind::hex}};
constexpr Field bpf_attach[] = {{"target_fd", 0, 4, Kind::descriptor},
                                {"attach_bpf_fd", 4, 4, Kind::descriptor},
                                {"attach_type", 8, 4, Kind::named, FlagSet::none, &bpf_attach_types},
                                {"attach_flags", 12, 4, Kind::hex},
                                {"replace_bpf_fd", 16, 4, Kind::descriptor}};

constexpr Field bpf_next_id[] = {{"start_id", 0, 4}, {"next_id", 4, 4}};
constexpr Field bpf_link_create[] = {{"prog_fd", 0, 4, Kind::descriptor},
                                     {"target_fd", 4, 4, Kind::descriptor},
                                     {"attach_type", 8, 4, Kind::named, FlagSet::none, &bpf_attach_types},
                                     {"flags", 12, 4, Kind::hex}};
constexpr Field bpf_info[] = {
    {"bpf_fd", 0, 4, Kind::descriptor}, {"info_len", 4, 4}, {"info", 8, 8, Kind::pointer}};

// {info={bpf_fd=3, …}}: a structure within the union, named.
bool print_inner_fields(const Scope& scope, std::string_view name, RemotePtr<> at, std::uint64_t size,
                        std::span<const Field> fields) {
  Text& out = scope.out;
  const std::size_t start = out.size();
  put_format(out, "{{{}=", name);
  if (!print_fields(scope, at, size, fields)) {
    out.cut(start);
    return false;
  }
  put(out, '}');
  return true;
}

// {prog_id=5, next_id=0}
bool print_fd_by_id(const Scope& scope, std::string_view name, RemotePtr<> at, std::uint64_t size) {
  const Field fields[] = {{name, 0, 4}, {"next_id", 4, 4}, {"open_flags", 8, 4, Kind::hex}};
  return print_fields(scope, at, size, fields);
}

// {start_id=0, next_id=0 => 97}: what was passed, and what the kernel made of it.
bool print_next_id(const Scope& scope, RemotePtr<> at, std::uint64_t size) {
  using Ids = std::array<std::uint32_t, 2>;
  const auto passed = scope.before.read(at.cast<Ids>());
  const auto left = load<Ids>(scope, at);
  if (!passed || !left || !scope.is_filled()) return print_fields(scope, at, size, bpf_next_id);
  Braces fields(scope.out);
  put_decimal(fields.field("start_id"), (*passed)[0]);
  put_format(fields.field("next_id"), "{} => {}", (*passed)[1], (*left)[1]);
  return true;
}

}  // namespace

#define REC_FIELDS_PRINTER(shape, fields)                                      \
  bool print_##shape(const Scope& scope, RemotePtr<> at, std::uint64_t size) { \
    return print_fields(scope, at, size, fields);                              \
  }
REC_FIELDS_PRINTER(fiemap, fiemap)
REC_FIELDS_PRINTER(file_clone_range, file_clone_range)
REC_FIELDS_PRINTER(fsxattr, fsxattr)
REC_FIELDS_PRINTER(fstrim_range, fstrim_range)
REC_FIELDS_PRINTER(if_dqinfo, if_dqinfo)
REC_FIELDS_PRINTER(ip_mreq, ip_mreq)
REC_FIELDS_PRINTER(seminfo, seminfo)
REC_FIELDS_PRINTER(shminfo, shminfo)
REC_FIELDS_PRINTER(shm_info, shm_info)
REC_FIELDS_PRINTER(msginfo, msginfo)
REC_FIELDS_PRINTER(io_uring_params, io_uring_params)
REC_FIELDS_PRINTER(landlock_ruleset_attr, landlock_ruleset)
REC_FIELDS_PRINTER(landlock_path_beneath, landlock_path)
REC_FIELDS_PRINTER(landlock_net_port, landlock_port)
REC_FIELDS_PRINTER(seccomp_notif_sizes, notif_sizes)
REC_FIELDS_PRINTER(cachestat_range, cachestat_range)
REC_FIELDS_PRINTER(cachestat, cachestat)
REC_FIELDS_PRINTER(keyctl_dh_params, dh_params)
#undef REC_FIELDS_PRINTER

bool print_if_dqblk(const Scope& scope, RemotePtr<> at, std::uint64_t size) {
  return print_fields(scope, at, size, if_dqblk, if_dqblk_rest);
}
bool print_loop_info64(const Scope& scope, RemotePtr<> at, std::uint64_t size) {
  return print_fields(scope, at, size, loop_info, loop_info_rest);
}
bool print_rtc_time(const Scope& scope, RemotePtr<> at, std::uint64_t size) {
  return print_fields(scope, at, size, rtc_time, rtc_time_rest);
}

bool print_bpf_attr(const Scope& scope, RemotePtr<> at, std::uint64_t size) {
  switch (scope.event.args[0]) {
    case BPF_MAP_CREATE:
      return print_fields(scope, at, size, bpf_map_create);
    case BPF_MAP_LOOKUP_ELEM:
    case BPF_MAP_UPDATE_ELEM:
    case BPF_MAP_LOOKUP_AND_DELETE_ELEM:
      return print_fields(scope, at, size, bpf_map_element);
    case BPF_MAP_DELETE_ELEM:
      return print_fields(scope, at, size, std::span(bpf_map_element).first(2));
    case BPF_MAP_GET_NEXT_KEY: {
      constexpr Field next_key[] = {
          bpf_map_element[0], bpf_map_element[1], {"next_key", 16, 8, Kind::pointer}};
      return print_fields(scope, at, size, next_key);
    }
    case BPF_PROG_LOAD:
      return print_fields(scope, at, size, bpf_prog_load);
    case BPF_OBJ_PIN:
    case BPF_OBJ_GET:
      return print_fields(scope, at, size, bpf_object);
    case BPF_PROG_ATTACH:
    case BPF_PROG_DETACH:
      return print_fields(scope, at, size, bpf_attach);
    case BPF_PROG_GET_NEXT_ID:
    case BPF_MAP_GET_NEXT_ID:
    case BPF_BTF_GET_NEXT_ID:
    case BPF_LINK_GET_NEXT_ID:
      return print_next_id(scope, at, size);
    case BPF_PROG_GET_FD_BY_ID:
      return print_fd_by_id(scope, "prog_id", at, size);
    case BPF_MAP_GET_FD_BY_ID:
      return print_fd_by_id(scope, "map_id", at, size);
    case BPF_BTF_GET_FD_BY_ID:
      return print_fd_by_id(scope, "btf_id", at, size);
    case BPF_LINK_GET_FD_BY_ID:
      return print_fd_by_id(scope, "link_id", at, size);
    case BPF_OBJ_GET_INFO_BY_FD:
      return print_inner_fields(scope, "info", at, size, bpf_info);
    case BPF_LINK_CREATE:
      return print_inner_fields(scope, "link_create", at, size, bpf_link_create);
    default:
      return false;
  }
}

bool print_mount_attr(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto words = load<std::array<std::uint64_t, 4>>(scope, at);  // linux/mount.h
  if (!words) return false;
  Braces fields(scope.out);
  put_flags(fields.field("attr_set"), FlagSet::mount_attr_flags, (*words)[0]);
  put_flags(fields.field("attr_clr"), FlagSet::mount_attr_flags, (*words)[1]);
  Text& out = fields.field("propagation");
  if ((*words)[2] == 0) {
    put(out, "0 /* MS_??? */");
  } else {
    put_flags(out, FlagSet::mount_flags, (*words)[2]);
  }
  put_descriptor(fields.field("userns_fd"), static_cast<std::int32_t>((*words)[3]));
  return true;
}

// asm/ldt.h: two words, the limit, then bit fields.
bool print_user_desc(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto words = load<std::array<std::uint32_t, 4>>(scope, at);
  if (!words) return false;
  const auto [entry, base, limit, bits] = *words;
  Braces fields(scope.out);
  put_decimal(fields.field("entry_number"), static_cast<std::int32_t>(entry));
  put_format(fields.field("base_addr"), "{:#010x}", base);
  put_format(fields.field("limit"), "{:#010x}", limit);
  put_decimal(fields.field("seg_32bit"), bits & 1);
  put_decimal(fields.field("contents"), bits >> 1 & 3);
  put_decimal(fields.field("read_exec_only"), bits >> 3 & 1);
  put_decimal(fields.field("limit_in_pages"), bits >> 4 & 1);
  put_decimal(fields.field("seg_not_present"), bits >> 5 & 1);
  put_decimal(fields.field("useable"), bits >> 6 & 1);
  put_decimal(fields.field("lm"), bits >> 7 & 1);
  return true;
}

// {handle_bytes=128 => 8, handle_type=1, f_handle="\x02…"}: fcntl.h.
bool print_file_handle(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto head = load<std::array<std::uint32_t, 2>>(scope, at);
  if (!head) return false;
  Braces fields(scope.out);
  Text& out = fields.field("handle_bytes");
  const auto offered = scope.before.read(at.cast<std::uint32_t>());
  if (offered && *offered != (*head)[0]) put_format(out, "{} => ", *offered);
  put_decimal(out, (*head)[0]);
  if (scope.dir != syscalls::Dir::in && scope.event.result < 0) return true;
  put_decimal(fields.field("handle_type"), static_cast<std::int32_t>((*head)[1]));
  constexpr std::uint64_t longest = 128;  // MAX_HANDLE_SZ
  const auto handle = scope.memory.view(at.plus_bytes(8), std::min<std::uint64_t>((*head)[0], longest));
  put_quoted(fields.field("f_handle"), handle, longest, false, Escape::always_hex);
  return true;
}

}  // namespace rec::dump

// What the syscall table says about a call: the types of its entries, read by recorder, replayer, printer and
// coverage. Plain data, resolved at compile time; the words that the .def files are written in are in
// words.h.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace rec::syscalls {

inline constexpr std::uint8_t no_argument = 0xff;

// strace's classes (`-e trace=%file`), as bits.
enum class Class : std::uint32_t {
  desc = 1U << 0,
  file = 1U << 1,
  memory = 1U << 2,
  process = 1U << 3,
  signal = 1U << 4,
  ipc = 1U << 5,
  network = 1U << 6,
  creds = 1U << 7,
  clock = 1U << 8,
  pure = 1U << 9,
  stat = 1U << 10,    // %stat
  lstat = 1U << 11,   // %lstat
  fstat = 1U << 12,   // %fstat
  statfs = 1U << 13,  // %statfs
  fstatfs = 1U << 14,
  stat_like = 1U << 15,    // %%stat: every call that gives a stat or statx
  statfs_like = 1U << 16,  // %%statfs
};
[[nodiscard]] constexpr Class operator|(Class a, Class b) {
  return static_cast<Class>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
// Whether `classes` has any bit of `wanted`.
[[nodiscard]] constexpr bool has_class(Class classes, Class wanted) {
  return (static_cast<std::uint32_t>(classes) & static_cast<std::uint32_t>(wanted)) != 0;
}

enum class Subsystem : std::uint8_t {
  block,
  bpf,
  capability,
  filesystem,
  futex,
  io_uring,
  ipc,
  kexec,
  keys,
  memory,
  module,
  network,
  perf_events,
  power,
  printk,
  process,
  random,
  scheduler,
  security,
  signal,
  time,
  unimplemented,  // a number that Linux once gave away and no longer serves: always ENOSYS
};

// What a replayer does with the call.
enum class Replay : std::uint8_t {
  emulate,  // not made; result and outputs come from the trace
  execute,  // when the recorded one succeeded, made again with the same arguments (address-space changes
            // only)
  special,  // by hand, see Special
  deny,     // never made when recording either: the recorder answers -deny_errno; `note` has the reason
};

// The calls that a table cannot express: which piece of hand-written code looks after one. Independent of
// Replay: an rt_sigaction is emulated at replay, but the recorder has to know the program's handlers.
enum class Special : std::uint8_t {
  none,
  mmap,
  mremap,
  brk,
  madvise,
  munmap,
  mprotect,
  shmat,
  shmdt,
  arch_prctl,
  fork,
  vfork,
  clone,
  clone3,
  execve,
  execveat,
  exit,
  exit_group,
  set_tid_address,
  set_robust_list,
  rt_sigreturn,
  rt_sigaction,
  rt_sigprocmask,
  restart_syscall,
  prctl,
  sched_getaffinity,
  sched_setaffinity,
  setrlimit,
  prlimit64,
  ptrace,
  wait4,
  waitid,
  process_vm_writev,
  seccomp,
  io_setup,
  io_destroy,
  io_submit,
  io_events,  // io_getevents, io_pgetevents, io_cancel
};

// What a call changes or tells that readers of a trace follow from call to call: files' names, descriptors,
// the working directory, namespaces.
enum class Effect : std::uint8_t {
  none,
  changes_names,        // the files that its paths name come to be, go, or are cut off
  changes_last_name,    // … only that of the last path (link)
  closes,               // the descriptor that is its first argument
  closes_range,         // those from the first argument to the second
  controls_descriptor,  // some requests say whether an exec closes the descriptor
  enters_path,          // the path becomes the working directory
  enters_descriptor,    // … what the descriptor leads to
  unshares,             // what the flags in its first argument say is no longer shared
  tells_process,        // the result is the caller's process
  tells_thread,         // the result is the caller
  makes_task,           // the result is a new task
};

// What a successful result is.
enum class Returns : std::uint8_t {
  status,       // 0
  integer,      // a number without more meaning
  count,        // bytes or elements transferred
  new_fd,       // a descriptor, new or found
  address,      // printed in hex
  process_id,   // of a process, thread, group or session
  position,     // a file offset
  octal,        // a mode
  hexadecimal,  // a word of unnamed bits
  flag_word,    // bits or alternatives of the entry's `returned` set
  nothing,      // does not return
};

// For a structure that leads to buffers (iovec, msghdr, mmsghdr, xattr_args) this is what becomes of the
// buffers; which fields of the structure itself are written follows from its shape.
enum class Dir : std::uint8_t {
  value,  // the argument itself; no memory behind it that matters
  in,     // the kernel reads the memory
  out,    // the kernel writes it
  inout,
};

// How an argument is printed.
enum class Type : std::uint8_t {
  // values
  int32,
  uint32,
  int64,
  uint64,
  hex,
  size,
  offset,
  mode,     // octal
  pointer,  // an address whose memory does not matter here
  fd,
  dirfd,  // a descriptor or AT_FDCWD
  pid,
  tid,
  uid,
  gid,
  signal,
  device,
  flags,        // bits of `set`
  enumeration,  // one of `set`
  // memory
  path,       // NUL-terminated, names a file
  cstring,    // NUL-terminated
  bytes,      // data of arbitrary length
  strings,    // an array of char *, ended by NULL
  structure,  // one `shape`
  array,      // several
};

// Which structure (shapes.def; `bytes` where there is none).
enum class Shape : std::uint8_t {
#define SHAPE(name, size) name,
#include "format/syscalls/shapes.def"
#undef SHAPE
};

inline constexpr std::uint16_t shape_sizes[] = {
#define SHAPE(name, size) size,
#include "format/syscalls/shapes.def"
#undef SHAPE
};
[[nodiscard]] constexpr std::uint16_t shape_size(Shape shape) {
  return shape_sizes[static_cast<std::uint8_t>(shape)];
}

// Which named constants (flag_sets.def).
enum class FlagSet : std::uint8_t {
  none,
#define FLAG_SET(name) name,
#include "format/syscalls/flag_sets.def"
#undef FLAG_SET
};

// How many elements (of `unit` bytes) the memory behind an argument has. `by` names the other argument it
// depends on.
enum class SizeRule : std::uint8_t {
  none,      // no memory
  fixed,     // `count`
  argument,  // as many as args[by] says
  pointee,   // as many as the 32-bit number that args[by] points to says: at entry the capacity, at exit what
             // there was to write, which may be more (accept's addrlen)
  fd_bits,   // a set of args[by] bits, in whole 64-bit words (select)
  node_bits,    // the same for args[by] - 1 bits, as mm/mempolicy.c counts
  pages,        // one for each page of args[by] bytes (mincore)
  string,       // up to and with a NUL, at most PATH_MAX bytes
  strings,      // pointers up to and with a NULL, each to such a string
  own_size,     // the structure's first 32-bit word (sched_attr)
  cap_version,  // one or two, by the version in the header at args[by] (capget)
  handle,       // 8 plus the 32-bit handle_bytes at the start (file_handle)
  extents,      // a header with the number of records that have room behind it, and of those there (fiemap)
};

// What the result says about how much was written.
enum class Bound : std::uint8_t {
  none,      // all of it
  bytes,     // result bytes (after `prefix`)
  elements,  // result elements
};

// Which results mean that an output was written.
enum class When : std::uint8_t {
  success,      // no error
  positive,     // result > 0 (wait4's status)
  always,       // on failure too (select's timeout, waitid's siginfo)
  interrupted,  // only when a signal ended the call: -EINTR or a restart code (nanosleep's remainder)
  waited,       // success or interrupted, but not when the arguments were refused (poll's revents)
};

struct Arg {
  std::string_view name;
  Type type = Type::hex;
  Dir dir = Dir::value;
  Shape shape = Shape::bytes;
  FlagSet set = FlagSet::none;
  SizeRule rule = SizeRule::none;
  Bound bound = Bound::none;
  When when = When::success;
  std::uint8_t by = no_argument;  // see SizeRule
  std::uint16_t unit = 1;         // bytes of one element
  std::uint16_t count = 1;        // SizeRule::fixed
  std::uint16_t prefix = 0;       // bytes before the elements (msgrcv's mtype)
  // The argument means something only when args[condition_by] & condition_mask (any bit): open's mode with
  // O_CREAT.
  std::uint8_t condition_by = no_argument;
  std::uint64_t condition_mask = 0;
};

// What an argument has to be for AgentWay.
struct Condition {
  std::uint8_t argument = no_argument;  // no_argument: nothing
  bool among = false;                   // bit args[argument] of `mask` is set; else (… & mask) == value
  std::uint32_t mask = 0;
  std::uint32_t value = 0;  // the upper half of the argument is 0
};

// A call which rec has to know of, or which replay has to make again, needs a stop, unless it is only this:
// the agent may make it then, and rec learns of it later (recorder/agent_calls.h).
struct AgentWay {
  bool possible = false;
  std::array<Condition, 2> conditions{};
};

struct Syscall {
  std::int32_t nr = 0;
  std::string_view name;
  std::array<Arg, 6> args{};
  std::uint8_t arg_count = 0;
  Returns returns = Returns::status;
  FlagSet returned = FlagSet::none;  // Returns::flag_word
  Class classes{};
  Subsystem subsystem = Subsystem::process;
  std::string_view entry;    // the kernel file whose SYSCALL_DEFINE is the entry point; empty: there is none
  std::string_view kconfig;  // without CONFIG_; empty: always built
  bool blocks = false;       // may sleep for as long as another task pleases (not: as long as a disk takes)
  bool yields = false;       // made to let others run: hands over its turn (sched_yield)
  bool changes_fds = false;  // may open, close or replace a descriptor
  Effect effect = Effect::none;
  // Index of the argument that is the descriptor which the bulk input is written to; -1: none.
  int written_fd = -1;
  // Index of the argument that is the descriptor whose input it waits for, as poll(2) tells of it (POLLIN);
  // -1: none.
  int read_fd = -1;
  int kernel_copy_out_fd = -1;  // as written_fd, for a copy inside the kernel: sendfile, splice, …
  int resizes_fd = -1;  // index of the argument that is a descriptor whose file gets another size: ftruncate
  // Index of the argument that names a file which is cut off (truncate), if the open flags, where it has
  // such, hold O_TRUNC.
  int cuts_off_path = -1;
  // Index of the argument that says for how many milliseconds it blocks at most (negative: for ever); -1:
  // none. Only of calls that the kernel does not restart when a stop has interrupted them (signal(7)).
  int timeout_ms = -1;
  Replay replay = Replay::emulate;
  Special special = Special::none;
  AgentWay agent_way;
  int deny_errno = 0;    // Replay::deny
  bool modelled = true;  // false: outputs have to be found by comparing memory
  std::string_view note;

  [[nodiscard]] std::span<const Arg> arguments() const { return {args.data(), arg_count}; }
  // Whether it may write to a file, or change its size.
  [[nodiscard]] bool changes_file() const {
    return written_fd >= 0 || kernel_copy_out_fd >= 0 || resizes_fd >= 0 || cuts_off_path >= 0 ||
           special == Special::io_submit;
  }
};

// One request of a multiplexer. It holds all arguments, those of the call with its own put in their place, so
// that a consumer uses the variant's list instead of the call's.
struct Variant {
  std::int32_t nr = 0;         // the call
  std::uint64_t selector = 0;  // see Multiplexer
  std::string_view name;       // TCGETS, F_SETLKW, …
  std::array<Arg, 6> args{};
  std::uint8_t arg_count = 0;
  Returns returns = Returns::status;
  FlagSet returned = FlagSet::none;
  bool blocks = false;
  bool changes_fds = false;
  Replay replay = Replay::emulate;
  Special special = Special::none;
  bool agent_way = false;  // see AgentWay
  int deny_errno = 0;
  bool modelled = true;
  std::string_view note;

  [[nodiscard]] std::span<const Arg> arguments() const { return {args.data(), arg_count}; }
};

// How a call picks its variant: by args[selector] & mask, and where there is a second selector, with that in
// the upper half (getsockopt: optname | level << 32).
struct Multiplexer {
  std::int32_t nr = 0;
  std::uint8_t selector = 0;
  std::uint8_t second_selector = no_argument;
  std::uint64_t mask = 0xffffffff;
  std::uint8_t first = 0;  // where the variants' own arguments begin
  // The selector tells direction and size of what the argument at `first` points to, as _IOC() in
  // asm-generic/ioctl.h has it: that serves where there is no variant.
  bool encodes_size = false;
};

}  // namespace rec::syscalls

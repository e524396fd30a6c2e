// Forms of calls about the system, processes and memory policies.
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <array>
#include <string_view>
#include <utility>

#include "format/syscalls/flags.h"
#include "tools/dump/form_list.h"
#include "tools/dump/shapes.h"
#include "tools/dump/signals.h"

namespace rec::dump {
namespace {

using syscalls::Arg;
using syscalls::Dir;
using syscalls::FlagSet;

std::uint64_t argument(const Call& call, std::size_t index) { return call.event.args[index]; }

// IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 4): linux/ioprio.h.
void put_io_priority(Text& out, std::uint64_t value) {
  constexpr std::array<std::string_view, 4> classes = {"IOPRIO_CLASS_NONE", "IOPRIO_CLASS_RT",
                                                       "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"};
  constexpr unsigned class_shift = 13;
  const std::uint64_t number = value >> class_shift;
  put(out, "IOPRIO_PRIO_VALUE(");
  put_named(out, number < classes.size() ? classes[number] : "", [&] { put_hex(out, number); });
  put_format(out, ", {})", value & ((1U << class_shift) - 1));
}

// [NAME]: the number that an argument points to, by its name.
template <class PutName>
bool put_named_word(const Writer& writer, const Call& call, std::size_t index, PutName put_name) {
  const Arg& arg = call.args[index];
  const bool is_given = arg.dir == Dir::in || call.after.is_output(RemotePtr<>(argument(call, index)));
  const auto word =
      (arg.dir == Dir::in ? call.before : call.after).read(RemotePtr<std::uint32_t>(argument(call, index)));
  if (!is_given || !word) return false;
  Braces list(writer.out, '[', ']');
  put_name(list.next(), *word);
  return true;
}

}  // namespace

bool put_io_priority_argument(const Writer& writer, const Call& call, std::size_t index) {
  if (index != 2) return false;
  put_io_priority(writer.out, static_cast<std::uint32_t>(argument(call, index)));
  return true;
}
void put_io_priority_remark(const Writer& writer, const Call& call) {
  put(writer.out, " (");
  put_io_priority(writer.out, static_cast<std::uint64_t>(call.event.result));
  put(writer.out, ')');
}

bool put_seccomp_argument(const Writer& writer, const Call& call, std::size_t index) {
  if (index != 2 || argument(call, 0) != SECCOMP_GET_ACTION_AVAIL) return false;
  return put_named_word(writer, call, index, [](Text& out, std::uint32_t word) {
    put_flags(out, FlagSet::seccomp_actions, word);
  });
}
bool put_prctl_argument(const Writer& writer, const Call& call, std::size_t index) {
  constexpr std::uint64_t set_vma = 0x53564d41;  // PR_SET_VMA, linux/prctl.h
  if (index == 1 && argument(call, 0) == set_vma && argument(call, 1) == 0) {
    put_named(writer.out, "PR_SET_VMA_ANON_NAME", [&] { put(writer.out, '0'); });
    return true;
  }
  if (index != 1 || argument(call, 0) != PR_GET_PDEATHSIG) return false;
  return put_named_word(writer, call, index, [](Text& out, std::uint32_t word) { put_signal(out, word); });
}
bool put_policy_argument(const Writer& writer, const Call& call, std::size_t index) {
  constexpr std::uint64_t no_mode = 1 | 4;  // MPOL_F_NODE, MPOL_F_MEMS_ALLOWED: another number is meant
  if (index != 0 || (argument(call, 4) & no_mode) != 0) return false;
  return put_named_word(writer, call, index, [](Text& out, std::uint32_t word) {
    put_flags(out, FlagSet::mempolicy_modes, word);
  });
}

// The processor counts only with the flag for one (membarrier(2)).
// The commands that the kernel has, as MEMBARRIER_CMD_QUERY answers: 0x3 (…GLOBAL|…GLOBAL_EXPEDITED).
void put_membarrier_remark(const Writer& writer, const Call& call) {
  auto rest = static_cast<std::uint64_t>(call.event.result);
  if (argument(call, 0) != 0 || rest == 0) return;
  std::string_view separator = " (";
  const auto put_next = [&] { put(writer.out, std::exchange(separator, "|")); };
  for (const syscalls::FlagValue& command : syscalls::values_of(FlagSet::membarrier_commands).values) {
    if (command.value == 0 || (rest & command.value) != command.value) continue;
    put_next();
    put(writer.out, command.name);
    rest &= ~command.value;
  }
  if (rest != 0) {
    put_next();
    put_hex(writer.out, rest);
  }
  put(writer.out, ')');
}

bool leaves_out_processor(const Call& call, std::size_t index) {
  return index == 2 && argument(call, 1) == 0;
}

// Only reading takes a buffer (syslog(2)); the console's level is the last argument.
bool leaves_out_log_buffer(const Call& call, std::size_t index) {
  constexpr std::uint64_t read_first = 2, read_last = 4, console_level = 8;
  const std::uint64_t action = argument(call, 0);
  return index > 0 && (action < read_first || action > read_last) && action != console_level;
}
bool put_log_action(const Writer& writer, const Call& call, std::size_t index) {
  if (index != 0) return false;
  const std::string_view name = syscalls::name_of(FlagSet::syslog_actions, argument(call, 0));
  put_decimal(writer.out, static_cast<std::int32_t>(argument(call, 0)));
  if (!name.empty()) put_format(writer.out, " /* {} */", name);
  return true;
}

// The bytes of a kernel module say nothing to people.
bool put_module_image(const Writer& writer, const Call& call, std::size_t index) {
  if (index != 0) return false;
  put_pointer(writer.out, argument(call, index));
  return true;
}

}  // namespace rec::dump

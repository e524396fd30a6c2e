#include "tools/dump/call.h"

#include <string_view>

#include "format/syscalls/flags.h"
#include "tools/dump/errors.h"
#include "tools/dump/forms.h"

namespace rec::dump {
namespace {

using syscalls::Arg;
using syscalls::Dir;
using syscalls::FlagSet;
using syscalls::Returns;

// Arguments that the table gives no name for are printed like this.
constexpr Arg raw_argument = {.name = "raw", .type = syscalls::Type::hex};
constexpr std::array<Arg, 6> raw_arguments = {raw_argument, raw_argument, raw_argument,
                                              raw_argument, raw_argument, raw_argument};

std::span<const Arg> arguments_of(const syscalls::Syscall* entry, const syscalls::Variant* variant) {
  if (variant != nullptr) return variant->arguments();
  return entry != nullptr ? entry->arguments() : raw_arguments;
}

bool is_meaningful(const Call& call, const Arg& arg) {
  return arg.condition_by == syscalls::no_argument ||
         (call.event.args[arg.condition_by] & arg.condition_mask) != 0;
}

bool is_left_out(const Call& call, const CallForm& form, std::size_t index) {
  return !is_meaningful(call, call.args[index]) ||
         (form.leaves_out != nullptr && form.leaves_out(call, index));
}

Returns returns_of(const Call& call) {
  if (call.variant != nullptr) return call.variant->returns;
  return call.entry != nullptr ? call.entry->returns : Returns::integer;
}

// "0x8001 (flags O_WRONLY|O_LARGEFILE)", "10 (SIGUSR1)".
void put_flag_word(Text& out, FlagSet set, std::uint64_t value) {
  const syscalls::FlagSetValues& known = syscalls::values_of(set);
  const bool bits = known.kind == syscalls::FlagKind::bits;
  if (bits || set == FlagSet::lock_types) {
    put_hex(out, value);
  } else {
    put_decimal(out, value);
  }
  if ((!bits || value == 0) && syscalls::name_of(set, value).empty()) return;
  put(out, " (");
  if (set == FlagSet::open_flags || set == FlagSet::fd_flags) put(out, "flags ");
  if (set == FlagSet::seals) put(out, "seals ");
  syscalls::decode(set, value, out.buffer);
  put(out, ')');
}

void put_value(Text& out, const Call& call) {
  const std::int64_t result = call.event.result;
  const auto bits = static_cast<std::uint64_t>(result);
  switch (returns_of(call)) {
    case Returns::status:
    case Returns::integer:
    case Returns::count:
    case Returns::position:
      return put_decimal(out, result);
    case Returns::new_fd:
      return put_descriptor(out, static_cast<std::int32_t>(result));
    case Returns::process_id:
      return put_task(out, static_cast<std::int32_t>(result));
    case Returns::address:
    case Returns::hexadecimal:
      return put_hex(out, bits);
    case Returns::octal:
      return put_octal(out, bits);
    case Returns::nothing:
      return put(out, '?');
    case Returns::flag_word:
      return put_flag_word(out, call.variant != nullptr ? call.variant->returned : call.entry->returned,
                           bits);
  }
}

// Prints arguments from `index` on until `stop` says so, and the comma before the one where it stopped.
// Returns where that is.
template <class Stop>
std::size_t put_arguments(const Writer& writer, const Call& call, std::size_t index, Stop stop) {
  const CallForm& form = form_of_call(call.event.nr);
  const bool is_raw = writer.options.raw.shows(call.event.nr);
  bool any = false;
  const auto separate = [&] {
    if (any) put(writer.out, ", ");
    any = true;
  };
  for (; index < call.args.size(); ++index) {
    if (!is_raw && is_left_out(call, form, index)) continue;
    separate();
    if (stop(call.args[index])) break;
    if (is_raw) {
      put_hex(writer.out, call.event.args[index]);
    } else {
      put_one_argument(writer, call, index);
    }
  }
  return index;
}

bool has_own_arguments(const Writer& writer, const Call& call) {
  return form_of_call(call.event.nr).arguments != nullptr && !writer.options.raw.shows(call.event.nr);
}

}  // namespace

Call::Call(const Event& call_event)
    : event(call_event),
      entry(syscalls::find(call_event.nr)),
      variant(entry == nullptr ? nullptr : syscalls::select_variant(*entry, call_event.args)),
      args(arguments_of(entry, variant)),
      before(call_event.data, Moment::before),
      after(call_event.data, Moment::after) {}

void put_call_name(Text& out, const Call& call) {
  if (call.entry != nullptr) {
    put(out, call.entry->name);
  } else {
    put_format(out, "syscall_{:#x}", static_cast<std::uint32_t>(call.event.nr));
  }
}

void put_one_argument(const Writer& writer, const Call& call, std::size_t index) {
  const CallForm& form = form_of_call(call.event.nr);
  if (form.argument == nullptr || !form.argument(writer, call, index)) put_argument(writer, call, index);
}

std::size_t put_call_begin(const Writer& writer, const Call& call) {
  put_call_name(writer.out, call);
  put(writer.out, '(');
  if (has_own_arguments(writer, call)) return 0;
  return put_arguments(writer, call, 0,
                       [](const Arg& arg) { return arg.dir == Dir::out || arg.dir == Dir::inout; });
}

void put_call_end(const Writer& writer, const Call& call, std::size_t index) {
  if (has_own_arguments(writer, call)) {
    form_of_call(call.event.nr).arguments(writer, call);
  } else {
    put_arguments(writer, call, index, [](const Arg&) { return false; });
  }
  put(writer.out, ')');
}

void put_result(const Writer& writer, const Call& call) {
  if (!call.returned()) return put(writer.out, '?');
  if (writer.options.raw.shows(call.event.nr) && !is_error(call.event.result))
    return put_hex(writer.out, static_cast<std::uint64_t>(call.event.result));
  if (is_error(call.event.result)) return put_error(writer.out, call.event.result);
  put_value(writer.out, call);
  if (const auto remark = form_of_call(call.event.nr).remark; remark != nullptr) remark(writer, call);
}

}  // namespace rec::dump

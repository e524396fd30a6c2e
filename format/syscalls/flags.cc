#include "format/syscalls/flags.h"

#include <array>
#include <iterator>

namespace rec::syscalls {
namespace {

// The .def files give one run of rows: each SET row opens a set, the FLAG and FIELD rows after it belong to
// it.
struct Row {
  FlagSet set;
  bool opens;
  FlagKind kind;
  std::string_view text;  // of a SET row: what is written for unknown values
  std::uint64_t value;
  std::uint64_t mask;
};

#define SET(set, kind, unknown) {FlagSet::set, true, FlagKind::kind, unknown, 0, 0},
#define FLAG(set, name, value)        \
  {FlagSet::set,                      \
   false,                             \
   FlagKind::bits,                    \
   #name,                             \
   static_cast<std::uint64_t>(value), \
   static_cast<std::uint64_t>(value)},
#define FIELD(set, name, value, mask) {FlagSet::set, false, FlagKind::bits, #name, value, mask},
constexpr Row rows[] = {
#include "format/syscalls/flags/files.def"
#include "format/syscalls/flags/ioctls.def"
#include "format/syscalls/flags/ipc.def"
#include "format/syscalls/flags/memory.def"
#include "format/syscalls/flags/processes.def"
#include "format/syscalls/flags/signals.def"
#include "format/syscalls/flags/sockets.def"
#include "format/syscalls/flags/system.def"
#include "format/syscalls/flags/terminals.def"
#include "format/syscalls/flags/time.def"
};
#undef SET
#undef FLAG
#undef FIELD

enum class FlagSetCounter : std::uint8_t {
  none,
#define FLAG_SET(name) name,
#include "format/syscalls/flag_sets.def"
#undef FLAG_SET
  count
};
constexpr std::size_t set_count = static_cast<std::size_t>(FlagSetCounter::count);

consteval std::size_t count_values() {
  std::size_t count = 0;
  for (const Row& row : rows) count += row.opens ? 0 : 1;
  return count;
}

consteval bool rows_belong_to_the_set_above() {
  FlagSet current = FlagSet::none;
  std::array<bool, set_count> seen{};
  for (const Row& row : rows) {
    if (row.opens) {
      bool& known = seen[static_cast<std::size_t>(row.set)];
      if (known) return false;
      known = true;
      current = row.set;
    } else if (row.set != current) {
      return false;
    }
  }
  return true;
}
static_assert(rows_belong_to_the_set_above(),
              "a FLAG row stands in another set's list, or a set occurs twice");

constexpr auto values = [] {
  std::array<FlagValue, count_values()> result{};
  std::size_t next = 0;
  for (const Row& row : rows) {
    if (!row.opens) result[next++] = {row.text, row.value, row.mask};
  }
  return result;
}();

constexpr auto sets = [] {
  std::array<FlagSetValues, set_count> result{};
  std::size_t next = 0;
  for (std::size_t i = 0; i < std::size(rows);) {
    FlagSetValues& set = result[static_cast<std::size_t>(rows[i].set)];
    set.kind = rows[i].kind;
    set.unknown = rows[i].text;
    std::size_t end = i + 1;
    while (end < std::size(rows) && !rows[end].opens) ++end;
    set.values = std::span(values).subspan(next, end - i - 1);
    next += end - i - 1;
    i = end;
  }
  return result;
}();

void append(fmt::memory_buffer& out, std::string_view text) {
  out.append(text.data(), text.data() + text.size());
}

void append_unknown(fmt::memory_buffer& out, std::uint64_t value, std::string_view unknown) {
  if (value == 0) {
    out.push_back('0');
  } else {
    fmt::format_to(std::back_inserter(out), "{:#x}", value);
  }
  if (!unknown.empty()) fmt::format_to(std::back_inserter(out), " /* {} */", unknown);
}

void decode_bits(const FlagSetValues& set, std::uint64_t value, fmt::memory_buffer& out) {
  std::uint64_t rest = value;
  bool any = false;
  for (const FlagValue& flag : set.values) {
    const bool there =
        flag.mask == 0 ? value == 0 : (value & flag.mask) == flag.value && (rest & flag.mask) == flag.value;
    if (!there) continue;
    if (any) out.push_back('|');
    append(out, flag.name);
    any = true;
    rest &= ~flag.mask;
  }
  if (rest == 0 && any) return;
  if (any) {
    fmt::format_to(std::back_inserter(out), "|{:#x}", rest);
  } else if (value == 0) {
    out.push_back('0');
  } else {
    append_unknown(out, rest, set.unknown);
  }
}

}  // namespace

const FlagSetValues& values_of(FlagSet set) { return sets[static_cast<std::size_t>(set)]; }

std::string_view name_of(FlagSet set, std::uint64_t value) {
  for (const FlagValue& flag : values_of(set).values) {
    if (flag.value == value) return flag.name;
  }
  return {};
}

void decode(FlagSet set, std::uint64_t value, fmt::memory_buffer& out) {
  const FlagSetValues& known = values_of(set);
  if (known.kind == FlagKind::bits) return decode_bits(known, value, out);
  for (const FlagValue& flag : known.values) {
    if (flag.value == value || static_cast<std::uint32_t>(flag.value) == value) return append(out, flag.name);
  }
  append_unknown(out, value, known.unknown);
}

std::string decode(FlagSet set, std::uint64_t value) {
  fmt::memory_buffer out;
  decode(set, value, out);
  return fmt::to_string(out);
}

}  // namespace rec::syscalls

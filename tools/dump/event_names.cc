#include "tools/dump/event_names.h"

#include <algorithm>

namespace rec::dump {
namespace {

namespace lists {
#define NAMES(set, kind, unknown) constexpr NamedNumber set[] = {
#define NAME(name, value) {#name, value},
#define END \
  }         \
  ;
#include "tools/dump/event_names.def"
#undef NAMES
#undef NAME
#undef END
}  // namespace lists

void put_unknown(Text& out, const NameSet& set, std::uint64_t value) {
  put_hex(out, value);
  put_format(out, " /* {} */", set.unknown);
}

}  // namespace

#define NAMES(set, kind, unknown) const NameSet set = {NameSet::Kind::kind, unknown, lists::set};
#define NAME(name, value)
#define END
#include "tools/dump/event_names.def"
#undef NAMES
#undef NAME
#undef END

void put_from(Text& out, const NameSet& set, std::uint64_t value) {
  const auto exact = std::ranges::find(set.names, value, &NamedNumber::value);
  const auto put_number = [&] { put_hex(out, value); };
  if (exact != set.names.end()) return put_named(out, exact->name, put_number);
  if (set.kind == NameSet::Kind::choice || out.constants == Constants::numbers)
    return out.constants == Constants::numbers ? put_hex(out, value) : put_unknown(out, set, value);
  if (value == 0) return put(out, '0');
  std::uint64_t rest = value;
  const std::size_t start = out.size();
  for (const NamedNumber& bit : set.names) {
    if (bit.value == 0 || (rest & bit.value) != bit.value) continue;
    if (out.size() > start) put(out, '|');
    put(out, bit.name);
    rest &= ~bit.value;
  }
  if (rest == value) return put_unknown(out, set, value);
  if (rest != 0) {
    put(out, '|');
    put_hex(out, rest);
  }
}

}  // namespace rec::dump

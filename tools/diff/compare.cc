#include "tools/diff/compare.h"

#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <utility>

#include "tools/call_names.h"
#include "tools/dump/call.h"
#include "tools/dump/errors.h"
#include "tools/dump/forms.h"
#include "tools/event_line.h"

namespace rec::diff {
namespace {

using dump::Call;
using dump::is_error;
using syscalls::Arg;
using syscalls::Dir;
using syscalls::Returns;
using syscalls::Shape;
using syscalls::Type;

// Everything that was recorded, in names rather than numbers.
constexpr std::size_t whole_string = 1 << 20;

dump::DumpOptions whole_options() {
  dump::DumpOptions options;
  options.string_limit = whole_string;
  return options;
}

// What the kernel says of times, load and free space.
bool is_volatile(Shape shape) {
  constexpr std::array<Shape, 12> shapes = {
      Shape::timespec, Shape::timeval, Shape::timezone, Shape::itimerval, Shape::itimerspec, Shape::timex,
      Shape::tms,      Shape::time_t,  Shape::rusage,   Shape::sysinfo,   Shape::statfs,     Shape::ustat};
  return std::ranges::find(shapes, shape) != shapes.end();
}

bool is_memory(Type type) {
  return type == Type::path || type == Type::cstring || type == Type::bytes || type == Type::strings ||
         type == Type::structure || type == Type::array;
}

// Calls that make a name that must not be there before: nobody but a program that wants a new one is
// interested in which it is.
bool makes_new_name(const Event& event, std::string_view text) {
  constexpr std::array<std::int32_t, 6> calls = {SYS_mkdir,   SYS_mkdirat, SYS_mknod,
                                                 SYS_mknodat, SYS_symlink, SYS_symlinkat};
  return std::ranges::find(calls, event.nr) != calls.end() || text.find("O_EXCL") != std::string_view::npos;
}

Returns returns_of(const Call& call) {
  if (call.variant != nullptr) return call.variant->returns;
  return call.entry != nullptr ? call.entry->returns : Returns::integer;
}

template <class Print>
std::string printed(const dump::DumpOptions& options, Print print) {
  dump::Text text;
  text.abbreviates = true;
  print(dump::Writer{text, options});
  return std::string(text.view());
}

std::string argument_text(const Call& call, std::size_t index) {
  static const dump::DumpOptions options = whole_options();
  return printed(options, [&](const dump::Writer& writer) {
    // The environment is what flakes often hang on.
    writer.out.abbreviates = call.args[index].type != Type::strings;
    put_one_argument(writer, call, index);
  });
}

std::string arguments_text(const Call& call) {
  static const dump::DumpOptions options = whole_options();
  return printed(options, [&](const dump::Writer& writer) { put_call_end(writer, call, 0); });
}

std::string result_text(const Call& call) {
  static const dump::DumpOptions options = whole_options();
  return printed(options, [&](const dump::Writer& writer) { put_result(writer, call); });
}

// The bytes that hang off an argument, which are compared before anything is printed.
bool have_equal_data(const Event& a, const Event& b, std::size_t argument) {
  const auto next = [argument](std::span<const Data> data, std::size_t at) {
    while (at < data.size() && data[at].argument != argument) ++at;
    return at;
  };
  std::size_t at_a = next(a.data, 0);
  std::size_t at_b = next(b.data, 0);
  for (; at_a < a.data.size() && at_b < b.data.size();
       at_a = next(a.data, at_a + 1), at_b = next(b.data, at_b + 1)) {
    const Data& of_a = a.data[at_a];
    const Data& of_b = b.data[at_b];
    if (of_a.role != of_b.role || of_a.full_size != of_b.full_size ||
        !std::ranges::equal(of_a.bytes, of_b.bytes))
      return false;
  }
  return at_a >= a.data.size() && at_b >= b.data.size();
}

// Where two long texts part, with something before it.
std::pair<std::string, std::string> excerpts(std::string_view a, std::string_view b) {
  constexpr std::size_t before = 24;
  constexpr std::size_t shown = 100;
  const auto [part_a, part_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  const auto start = static_cast<std::size_t>(part_a - a.begin());
  const auto excerpt = [&](std::string_view text) {
    const std::size_t first = text.size() <= shown || start < before ? 0 : start - before;
    std::string out = first > 0 ? "…" : "";
    out += text.substr(first, shown);
    if (first + shown < text.size()) out += "…";
    return out;
  };
  return {excerpt(a), excerpt(b)};
}

Difference difference(Difference::Kind kind, std::string name, std::string_view a, std::string_view b) {
  auto [in_a, in_b] = excerpts(a, b);
  return {kind, std::move(name), std::move(in_a), std::move(in_b)};
}

bool is_call(const Event& event) { return event.kind == EventKind::call || event.kind == EventKind::exec; }

int sign(std::int32_t number) { return number > 0 ? 1 : number < 0 ? -1 : 0; }

}  // namespace

struct Comparer::Pair {
  const Item& item_a;
  const Item& item_b;
  Call a;
  Call b;
  Names::Learning learning;

  [[nodiscard]] bool is_volatile_source() const {
    return item_a.is_volatile_source && item_b.is_volatile_source;
  }
};

const char* kind_name(Difference::Kind kind) {
  switch (kind) {
    case Difference::Kind::call:
      return "call";
    case Difference::Kind::argument:
      return "argument";
    case Difference::Kind::result:
      return "result";
    case Difference::Kind::data:
      return "data";
    case Difference::Kind::signal:
      return "signal";
    case Difference::Kind::exit:
      return "exit";
    case Difference::Kind::extra:
      return "extra";
  }
  return "";
}

std::optional<Difference> Comparer::compare(const Item& a, const Item& b, Names::Learning learning) {
  const Event& event_a = a.event();
  const Event& event_b = b.event();
  const bool are_calls = is_call(event_a) && is_call(event_b);
  if (!are_calls && event_a.kind != event_b.kind)
    return Difference{Difference::Kind::call, {}, event_line(event_a, 32), event_line(event_b, 32)};
  if (event_a.kind == EventKind::exit) {
    if (event_a.result == event_b.result) return std::nullopt;
    return Difference{Difference::Kind::exit, {}, event_line(event_a, 32), event_line(event_b, 32)};
  }
  if (event_a.nr != event_b.nr) {
    const bool is_signal = event_a.kind == EventKind::signal;
    return Difference{is_signal ? Difference::Kind::signal : Difference::Kind::call,
                      {},
                      is_signal ? event_line(event_a, 32) : call_name(event_a.nr),
                      is_signal ? event_line(event_b, 32) : call_name(event_b.nr)};
  }
  if (!are_calls) return std::nullopt;
  return compare_calls({a, b, Call(event_a), Call(event_b), learning});
}

std::optional<Difference> Comparer::compare_calls(const Pair& pair) {
  if (auto found = compare_arguments(pair, true)) return found;
  if (auto found = compare_results(pair)) return found;
  if (pair.is_volatile_source() || !pair.a.succeeded()) return std::nullopt;
  return compare_arguments(pair, false);
}

bool Comparer::are_same_tasks(std::int64_t a, std::int64_t b) const {
  const auto known_a = numbering_a_.places.find(static_cast<std::int32_t>(a));
  const auto known_b = numbering_b_.places.find(static_cast<std::int32_t>(b));
  const bool is_known_a = a > 0 && known_a != numbering_a_.places.end();
  const bool is_known_b = b > 0 && known_b != numbering_b_.places.end();
  if (is_known_a && is_known_b) return known_a->second == known_b->second;
  // Processes outside of the recordings: whichever they are.
  return !is_known_a && !is_known_b &&
         sign(static_cast<std::int32_t>(a)) == sign(static_cast<std::int32_t>(b));
}

std::optional<Difference> Comparer::compare_results(const Pair& pair) const {
  const Event& a = pair.a.event;
  const Event& b = pair.b.event;
  const auto differ = [&] {
    return difference(Difference::Kind::result, {}, result_text(pair.a), result_text(pair.b));
  };
  if (pair.a.returned() != pair.b.returned()) return differ();
  if (a.result == b.result || !pair.a.returned()) return std::nullopt;
  if (pair.is_volatile_source() && returns_of(pair.a) != Returns::new_fd) return std::nullopt;
  if (is_error(a.result) || is_error(b.result)) return differ();
  const bool tells_time = std::ranges::any_of(pair.a.args, [](const Arg& arg) {
    return arg.dir == Dir::out && (arg.shape == Shape::tms || arg.shape == Shape::time_t);
  });
  if (tells_time) return std::nullopt;
  switch (returns_of(pair.a)) {
    case Returns::address:
    case Returns::nothing:
      return std::nullopt;
    case Returns::process_id:
      return are_same_tasks(a.result, b.result) ? std::nullopt : std::optional(differ());
    case Returns::count:
      return has_length_by_noise(pair) ? std::nullopt : std::optional(differ());
    case Returns::status:
    case Returns::integer:
    case Returns::new_fd:
    case Returns::position:
    case Returns::octal:
    case Returns::hexadecimal:
    case Returns::flag_word:
      return differ();
  }
  return std::nullopt;
}

// Whether data is the same but for noise, and so as long as the noise makes it: 0.5 s, 0.25 s.
bool Comparer::has_length_by_noise(const Pair& pair) const {
  bool has_other_data = false;
  for (std::size_t i = 0; i < std::min(pair.a.args.size(), pair.b.args.size()); ++i) {
    const Arg& arg = pair.a.args[i];
    if (arg.type != Type::bytes && arg.shape != Shape::iovec && arg.shape != Shape::msghdr) continue;
    if (have_equal_data(pair.a.event, pair.b.event, i)) continue;
    has_other_data = true;
    const std::string a = without_noise(argument_text(pair.a, i), numbering_a_);
    if (a != without_noise(argument_text(pair.b, i), numbering_b_)) return false;
  }
  return has_other_data;
}

// Of an argument without memory behind it.
bool Comparer::are_same_values(const Pair& pair, std::size_t index) const {
  const Arg& arg = pair.a.args[index];
  const std::uint64_t a = pair.a.event.args[index];
  const std::uint64_t b = pair.b.event.args[index];
  if (a == b) return true;
  switch (arg.type) {
    case Type::pid:
    case Type::tid:
      return are_same_tasks(static_cast<std::int32_t>(a), static_cast<std::int32_t>(b));
    case Type::pointer:
      return (a == 0) == (b == 0);
    case Type::int32:
    case Type::fd:
    case Type::dirfd:
    case Type::signal: {
      const auto number_a = static_cast<std::int32_t>(a);
      const auto number_b = static_cast<std::int32_t>(b);
      // The rest of a wait: for ever, not at all, or some time.
      if (arg.name.starts_with("timeout")) return sign(number_a) == sign(number_b);
      return number_a == number_b;
    }
    case Type::uint32:
    case Type::uid:
    case Type::gid:
      return static_cast<std::uint32_t>(a) == static_cast<std::uint32_t>(b);
    case Type::size:
      return has_length_by_noise(pair);
    case Type::int64:
    case Type::uint64:
    case Type::hex:
    case Type::offset:
    case Type::mode:
    case Type::device:
    case Type::flags:
    case Type::enumeration: {
      // A word that may be an address.
      constexpr std::uint64_t least_address = 0x400000;  // as in noise.cc
      return arg.type == Type::hex && a >= least_address && b >= least_address;
    }
    case Type::path:
    case Type::cstring:
    case Type::bytes:
    case Type::strings:
    case Type::structure:
    case Type::array:
      return false;
  }
  return false;
}

// What the program passed (`given`), or what it was given.
std::optional<Difference> Comparer::compare_arguments(const Pair& pair, bool given) {
  const bool has_own_form = dump::form_of_call(pair.a.event.nr).arguments != nullptr;
  if (has_own_form && given) return std::nullopt;  // one text for both: afterwards
  if (has_own_form) return compare_texts(arguments_text(pair.a), arguments_text(pair.b), {}, pair);
  if (pair.a.args.size() != pair.b.args.size() || pair.a.variant != pair.b.variant)
    return compare_texts(arguments_text(pair.a), arguments_text(pair.b), {}, pair);
  for (std::size_t i = 0; i < pair.a.args.size(); ++i) {
    const Arg& arg = pair.a.args[i];
    const bool is_given = arg.dir == Dir::value || arg.dir == Dir::in;
    if (is_given != given) continue;
    const bool is_meant = arg.condition_by == syscalls::no_argument ||
                          (pair.a.event.args[arg.condition_by] & arg.condition_mask) != 0;
    if (!is_meant) continue;
    if (!is_memory(arg.type)) {
      if (are_same_values(pair, i)) continue;
    } else if (is_volatile(arg.shape) || have_equal_data(pair.a.event, pair.b.event, i)) {
      const bool both_null = (pair.a.event.args[i] == 0) == (pair.b.event.args[i] == 0);
      if (both_null) continue;
    } else if (!given && pair.a.entry != nullptr && pair.a.entry->subsystem == syscalls::Subsystem::random) {
      continue;
    }
    auto found =
        compare_texts(argument_text(pair.a, i), argument_text(pair.b, i), std::string(arg.name), pair);
    if (!found) continue;
    found->kind = given ? Difference::Kind::argument : Difference::Kind::data;
    return found;
  }
  return std::nullopt;
}

std::optional<Difference> Comparer::compare_texts(const std::string& a, const std::string& b,
                                                  std::string name, const Pair& pair) {
  if (a == b) return std::nullopt;
  const std::string plain_a = without_noise(a, numbering_a_);
  const std::string plain_b = without_noise(b, numbering_b_);
  if (plain_a == plain_b) return std::nullopt;
  const bool is_new = makes_new_name(pair.a.event, arguments_text(pair.a));
  const Names::Origin origin = is_new ? Names::Origin::created : Names::Origin::any;
  if (names_.are_same(plain_a, plain_b, origin, pair.learning)) return std::nullopt;
  return difference(Difference::Kind::argument, std::move(name), a, b);
}

}  // namespace rec::diff

#include "tools/diff/noise.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <vector>

namespace rec::diff {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
bool all(std::string_view text, bool (*is)(char)) { return std::all_of(text.begin(), text.end(), is); }

std::string_view word_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_word(text[end])) ++end;
  return text.substr(at, end - at);
}

std::size_t digits_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_digit(text[end])) ++end;
  return end - at;
}

// From 0x400000 on, where linkers put programs that are not position-independent, with their heap behind
// them, a number in hexadecimal is an address; smaller ones are sizes and flags.
constexpr std::size_t address_digits = 6;
constexpr char least_first_digit = '4';

bool is_address_number(std::string_view digits) {
  if (digits.size() < address_digits || !all(digits, is_hex)) return false;
  return digits.size() > address_digits || digits.front() >= least_first_digit;
}

// 0x55d0c0de1234, or as in /proc/PID/maps without the prefix: user memory of a position-independent program,
// its heap and stack begin with these digits.
bool is_address(std::string_view word) {
  if (word.starts_with("0x")) return is_address_number(word.substr(2));
  const bool is_usual = word.starts_with("55") || word.starts_with("56") || word.starts_with("7f");
  return word.size() == 12 && is_usual && all(word, is_hex);
}

// 12:30:59, 2026-11-21, each with a fraction if there is one; and 3.25 ms. Their length, or 0.
std::size_t time_length(std::string_view text) {
  const auto shape_length = [&](std::string_view shape) -> std::size_t {
    if (text.size() < shape.size()) return 0;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == '0' ? !is_digit(text[i]) : text[i] != shape[i]) return 0;
    }
    return shape.size();
  };
  if (const std::size_t date = shape_length("0000-00-00"); date > 0 && digits_at(text, date) == 0)
    return date;
  std::size_t length = shape_length("00:00:00");
  if (length > 0) {
    const bool has_fraction = length + 1 < text.size() && (text[length] == '.' || text[length] == ',');
    return has_fraction ? length + 1 + digits_at(text, length + 1) : length;
  }
  length = digits_at(text, 0);
  if (length == 0 || length + 1 >= text.size() || text[length] != '.') return 0;
  const std::size_t fraction = digits_at(text, length + 1);
  if (fraction == 0) return 0;
  const std::size_t number_end = length + 1 + fraction;
  const bool has_space = number_end < text.size() && text[number_end] == ' ';
  const std::string_view unit = word_at(text, number_end + (has_space ? 1 : 0));
  constexpr std::array<std::string_view, 9> units = {"s",    "ms",  "us",      "ns",    "sec",
                                                     "secs", "min", "seconds", "second"};
  return std::ranges::find(units, unit) == units.end() ? 0 : number_end;
}

std::optional<std::uint64_t> number_in(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// Seconds, milliseconds, microseconds or nanoseconds since 1970 within two days of the recording's start.
bool is_epoch_time(std::uint64_t value, std::uint64_t start_realtime_ns) {
  constexpr std::uint64_t window_ns = 2 * 86'400 * 1'000'000'000ULL;
  for (const std::uint64_t unit : {1ULL, 1'000ULL, 1'000'000ULL, 1'000'000'000ULL}) {
    if (value > UINT64_MAX / unit) continue;
    const std::uint64_t ns = value * unit;
    const std::uint64_t apart = ns > start_realtime_ns ? ns - start_realtime_ns : start_realtime_ns - ns;
    if (apart < window_ns && value > 1'000'000'000) return true;
  }
  return false;
}

// The field that a number is the value of: `tv_sec` in {tv_sec=12}.
std::string_view field_before(std::string_view text, std::size_t at) {
  if (at == 0 || text[at - 1] != '=') return {};
  std::size_t begin = at - 1;
  while (begin > 0 && is_word(text[begin - 1])) --begin;
  return text.substr(begin, at - 1 - begin);
}

bool is_volatile_field(std::string_view field) {
  constexpr std::array<std::string_view, 12> fields = {"tv_sec",   "tv_nsec",  "tv_usec",   "si_utime",
                                                       "si_stime", "st_atime", "st_mtime",  "st_ctime",
                                                       "st_ino",   "stx_ino",  "msg_ctime", "shm_ctime"};
  const bool is_fraction = field.ends_with("time_nsec");
  return is_fraction || std::ranges::find(fields, field) != fields.end();
}

// Numbers from here on, in fields of arbitrary data, are addresses (epoll_data).
constexpr std::uint64_t least_pointer = 1 << 20;
constexpr std::uint64_t least_task_in_text = 100;

void put_number(std::string& out, std::string_view text, std::size_t at, std::string_view digits,
                const Numbering& numbering) {
  const std::string_view field = field_before(text, at);
  const auto value = number_in(digits);
  if (is_volatile_field(field) || !value) {
    out += is_volatile_field(field) ? "*" : digits;
    return;
  }
  if ((field == "u32" || field == "u64") && *value >= least_pointer) {
    out += '*';
    return;
  }
  const auto task =
      *value <= INT32_MAX ? numbering.places.find(static_cast<std::int32_t>(*value)) : numbering.places.end();
  const bool may_be_task = *value >= least_task_in_text || field.ends_with("pid");
  if (task != numbering.places.end() && may_be_task) {
    out += "task:" + std::to_string(task->second);
  } else if (is_epoch_time(*value, numbering.start_realtime_ns)) {
    out += '*';
  } else {
    out += digits;
  }
}

// \n, \1, \303: what stands behind a backslash is no number.
std::size_t escape_length(std::string_view text) {
  std::size_t length = std::min<std::size_t>(2, text.size());
  if (length == 2 && is_digit(text[1])) {
    while (length < 4 && length < text.size() && is_digit(text[length])) ++length;
  } else if (length == 2 && text[1] == 'x') {
    while (length < 4 && length < text.size() && is_hex(text[length])) ++length;
  }
  return length;
}

}  // namespace

std::string without_noise(std::string_view text, const Numbering& numbering) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '\\') {
      const std::size_t length = escape_length(text.substr(at));
      out += text.substr(at, length);
      at += length;
      continue;
    }
    const std::string_view word = word_at(text, at);
    if (word.empty()) {
      out += text[at++];
      continue;
    }
    if (const std::size_t length = time_length(text.substr(at)); length > 0) {
      out += '*';
      at += length;
      continue;
    }
    if (is_address(word)) {
      out += "0x*";
    } else if (all(word, is_digit)) {
      put_number(out, text, at, word, numbering);
      // 1795252412.0625: a time, and its fraction with it.
      const std::size_t next = at + word.size();
      if (out.ends_with('*') && next < text.size() && text[next] == '.')
        at += std::min(text.size() - next, 1 + digits_at(text, next + 1));
    } else {
      out += word;
    }
    at += word.size();
  }
  return out;
}

namespace {

struct WordPair {
  std::string_view a;
  std::string_view b;
  std::string_view before;  // the text in A up to it
};

// The words in which two texts differ; nullopt when they differ in anything else.
std::optional<std::vector<WordPair>> differing_words(std::string_view a, std::string_view b) {
  std::vector<WordPair> pairs;
  std::size_t at_a = 0;
  std::size_t at_b = 0;
  while (at_a < a.size() && at_b < b.size()) {
    const std::string_view word_a = word_at(a, at_a);
    const std::string_view word_b = word_at(b, at_b);
    if (word_a.empty() != word_b.empty()) return std::nullopt;
    if (word_a.empty()) {
      if (a[at_a++] != b[at_b++]) return std::nullopt;
      continue;
    }
    if (word_a != word_b) pairs.push_back({word_a, word_b, a.substr(0, at_a)});
    at_a += word_a.size();
    at_b += word_b.size();
  }
  if (at_a < a.size() || at_b < b.size()) return std::nullopt;
  return pairs;
}

// As mktemp(3) and its like make them: letters and digits mixed, or letters of both cases beyond a capital.
bool looks_random(std::string_view word) {
  bool has_digit = false;
  bool has_lower = false;
  bool has_inner_upper = false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    has_digit |= is_digit(word[i]);
    has_lower |= word[i] >= 'a' && word[i] <= 'z';
    has_inner_upper |= i > 0 && word[i] >= 'A' && word[i] <= 'Z';
  }
  return (has_digit || (has_lower && has_inner_upper)) && !all(word, is_digit);
}

bool is_in_temporary_directory(std::string_view before) {
  constexpr std::array<std::string_view, 5> places = {"/tmp/", "/tmp.", "/dev/shm/", "/run/", "/tmp-"};
  const std::size_t quote = before.rfind('"');
  const std::string_view path = quote == std::string_view::npos ? before : before.substr(quote);
  return std::ranges::any_of(
      places, [&](std::string_view place) { return path.find(place) != std::string_view::npos; });
}

// A port that the kernel chose: the default of net.ipv4.ip_local_port_range begins here.
constexpr std::uint64_t least_ephemeral_port = 32768;
constexpr std::size_t least_random_length = 6;  // mkstemp(3)

bool may_be_a_pair(const WordPair& pair, Names::Origin origin) {
  if (all(pair.a, is_digit) && all(pair.b, is_digit)) {
    const auto is_port = [](std::string_view word) {
      const std::uint64_t port = number_in(word).value_or(0);
      return port >= least_ephemeral_port && port <= UINT16_MAX;
    };
    if (pair.before.ends_with("htons(")) return is_port(pair.a) && is_port(pair.b);
    // Numbers of pipes and sockets, which the kernel gives out.
    return pair.before.ends_with("pipe:[") || pair.before.ends_with("socket:[") ||
           pair.before.ends_with("nl_pid=");
  }
  if (pair.a.size() != pair.b.size() || pair.a.size() < least_random_length) return false;
  if (origin == Names::Origin::created) return true;
  return is_in_temporary_directory(pair.before) && looks_random(pair.a) && looks_random(pair.b);
}

}  // namespace

bool Names::are_same(std::string_view a, std::string_view b, Origin origin, Learning learning) {
  if (a == b) return true;
  const auto pairs = differing_words(a, b);
  if (!pairs) return false;
  for (const WordPair& pair : *pairs) {
    const auto known_a = b_of_a_.find(std::string(pair.a));
    const auto known_b = a_of_b_.find(std::string(pair.b));
    const bool is_known = known_a != b_of_a_.end() || known_b != a_of_b_.end();
    if (is_known ? known_a == b_of_a_.end() || known_a->second != pair.b : !may_be_a_pair(pair, origin))
      return false;
  }
  if (learning == Learning::nothing) return true;
  for (const WordPair& pair : *pairs) {
    b_of_a_.emplace(pair.a, pair.b);
    a_of_b_.emplace(pair.b, pair.a);
  }
  return true;
}

}  // namespace rec::diff

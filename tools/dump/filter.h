// What is printed: strace's qualifying expressions (`-e trace=LIST`, `-e status=LIST`, …).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace rec::dump {

// A set of calls. LIST is names of calls, classes (%file, file), regular expressions (/^open), `all`, `none`,
// separated by commas; a leading ! means all but these. A name after a ? need not be one (scripts for
// several machines use that).
class CallFilter {
 public:
  CallFilter() = default;  // everything
  // Accepts "trace=LIST", "t=LIST" and a bare "LIST". Throws Error naming what it does not know.
  explicit CallFilter(std::string_view expression);

  [[nodiscard]] bool shows(std::int32_t nr) const {
    const auto index = static_cast<std::uint32_t>(nr);
    return (index < listed_.size() ? listed_[index] : unknown_listed_) != inverted_;
  }

 private:
  void add(std::string_view word);
  void add_class(std::string_view name, bool may_be_missing);
  void add_matching(std::string_view expression);

  std::vector<bool> listed_;     // by number
  bool unknown_listed_ = false;  // the numbers that the table does not have
  bool inverted_ = true;         // shown are the calls that are not listed
};

// A set of small numbers, written like strace's: `all`, `none`, a leading !, names or numbers.
class NumberFilter {
 public:
  [[nodiscard]] static NumberFilter all() { return NumberFilter(true); }
  [[nodiscard]] static NumberFilter none() { return NumberFilter(false); }
  // `number_of` gives a word's number, or throws Error.
  template <class NumberOf>
  NumberFilter(std::string_view list, NumberOf number_of) : inverted_(false) {
    if (!list.empty() && list.front() == '!') {
      inverted_ = true;
      list.remove_prefix(1);
    }
    while (!list.empty()) {
      const std::size_t comma = list.find(',');
      const std::string_view word = list.substr(0, comma);
      if (word == "all") {
        has_all_ = true;
      } else if (word != "none" && !word.empty()) {
        listed_.push_back(number_of(word));
      }
      list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    }
  }

  [[nodiscard]] bool has(std::int32_t number) const {
    bool is_listed = has_all_;
    for (const std::int32_t listed : listed_) is_listed |= listed == number;
    return is_listed != inverted_;
  }

 private:
  explicit NumberFilter(bool everything) : has_all_(everything), inverted_(false) {}

  std::vector<std::int32_t> listed_;
  bool has_all_ = false;
  bool inverted_;
};

// How a call ended (-e status, -z, -Z).
enum class Status : std::uint8_t { successful, failed, unfinished, unavailable, detached };

// What the words of such lists stand for; Error for others.
[[nodiscard]] std::int32_t status_named(std::string_view word);
[[nodiscard]] std::int32_t signal_named(std::string_view word);  // SIGINT, INT, 2
[[nodiscard]] std::int32_t number_from(std::string_view word);

}  // namespace rec::dump

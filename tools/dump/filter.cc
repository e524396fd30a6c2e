#include "tools/dump/filter.h"

#include <charconv>
#include <optional>
#include <regex>
#include <string>
#include <utility>

#include "format/base/error.h"
#include "format/syscalls/flags.h"
#include "format/syscalls/table.h"
#include "tools/dump/signals.h"

namespace rec::dump {
namespace {

using syscalls::Class;

std::string_view without_prefix(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix ? text.substr(prefix.size()) : text;
}

// Old spellings of the classes, which strace still knows: "file" for "%file".
bool is_bare_class(std::string_view word) {
  return word == "file" || word == "process" || word == "network" || word == "signal" || word == "ipc" ||
         word == "desc" || word == "memory";
}

}  // namespace

CallFilter::CallFilter(std::string_view expression) : inverted_(false) {
  std::string_view list = without_prefix(without_prefix(expression, "trace="), "t=");
  listed_.resize(static_cast<std::size_t>(syscalls::all().back().nr) + 1);
  if (!list.empty() && list.front() == '!') {
    inverted_ = true;
    list.remove_prefix(1);
  }
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    add(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
}

void CallFilter::add(std::string_view word) {
  const bool may_be_missing = !word.empty() && word.front() == '?';
  if (may_be_missing) word.remove_prefix(1);
  if (word.empty() || word == "none") return;
  if (word == "all") {
    listed_.assign(listed_.size(), true);
    unknown_listed_ = true;
    return;
  }
  if (word.front() == '/') return add_matching(word.substr(1));
  if (word.front() == '%') return add_class(word.substr(1), may_be_missing);
  if (is_bare_class(word)) return add_class(word, may_be_missing);
  // openat@64: of the personality that every call of a trace has.
  if (word.ends_with("@64")) word.remove_suffix(3);
  const syscalls::Syscall* call = syscalls::find(word);
  if (call == nullptr && !may_be_missing) fail("‘{}’ is not a system call", word);
  if (call != nullptr) listed_[static_cast<std::size_t>(call->nr)] = true;
}

void CallFilter::add_class(std::string_view name, bool may_be_missing) {
  const std::optional<Class> wanted = syscalls::find_class(name);
  if (!wanted && !may_be_missing)
    fail("‘%{}’ is not a class of system calls (‘man strace’ lists them)", name);
  if (!wanted) return;
  for (const syscalls::Syscall& call : syscalls::all()) {
    if (has_class(call.classes, *wanted)) listed_[static_cast<std::size_t>(call.nr)] = true;
  }
}

// POSIX extended, anywhere in the name, as strace has it.
void CallFilter::add_matching(std::string_view expression) {
  try {
    const std::regex wanted(std::string(expression), std::regex::extended | std::regex::nosubs);
    for (const syscalls::Syscall& call : syscalls::all()) {
      if (std::regex_search(call.name.begin(), call.name.end(), wanted))
        listed_[static_cast<std::size_t>(call.nr)] = true;
    }
  } catch (const std::regex_error& error) {
    fail("‘/{}’ is not a regular expression: {}", expression, error.what());
  }
}

std::int32_t number_from(std::string_view word) {
  std::int32_t number = 0;
  const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (problem != std::errc() || end != word.data() + word.size() || number < 0)
    fail("‘{}’ is not a number", word);
  return number;
}

std::int32_t status_named(std::string_view word) {
  constexpr std::pair<std::string_view, Status> names[] = {{"successful", Status::successful},
                                                           {"failed", Status::failed},
                                                           {"unfinished", Status::unfinished},
                                                           {"unavailable", Status::unavailable},
                                                           {"detached", Status::detached}};
  for (const auto& [name, status] : names) {
    if (name == word) return static_cast<std::int32_t>(status);
  }
  fail("‘{}’ is not how a call can end: successful, failed, unfinished, unavailable, detached", word);
}

std::int32_t signal_named(std::string_view word) {
  constexpr std::int32_t signal_count = 64;
  if (!word.empty() && word.front() >= '0' && word.front() <= '9') return number_from(word);
  std::string upper;
  for (const char c : word) upper += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  if (!upper.starts_with("SIG")) upper.insert(0, "SIG");
  for (std::int32_t number = 1; number <= signal_count; ++number) {
    Text name;
    put_signal_name(name, number);
    if (std::string_view(name.data(), name.size()) == upper) return number;
  }
  fail("‘{}’ is not a signal", word);
}

}  // namespace rec::dump

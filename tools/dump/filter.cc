#include "tools/dump/filter.h"

#include <array>
#include <optional>
#include <utility>

#include "format/base/error.h"
#include "format/syscalls/table.h"

namespace rec::dump {
namespace {

using syscalls::Class;

constexpr std::array<std::pair<std::string_view, Class>, 17> classes = {{
    {"desc", Class::desc},
    {"file", Class::file},
    {"memory", Class::memory},
    {"process", Class::process},
    {"signal", Class::signal},
    {"ipc", Class::ipc},
    {"network", Class::network},
    {"net", Class::network},
    {"creds", Class::creds},
    {"clock", Class::clock},
    {"pure", Class::pure},
    {"stat", Class::stat},
    {"lstat", Class::lstat},
    {"fstat", Class::fstat},
    {"statfs", Class::statfs},
    {"fstatfs", Class::fstatfs},
    {"%stat", Class::stat_like},  // written %%stat
}};
constexpr std::pair<std::string_view, Class> statfs_like = {"%statfs", Class::statfs_like};

// The name of a class, without its first %.
std::optional<Class> class_named(std::string_view name) {
  for (const auto& [known, bits] : classes) {
    if (known == name) return bits;
  }
  if (name == statfs_like.first) return statfs_like.second;
  return std::nullopt;
}

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
  if (list.find('=') != std::string_view::npos) {
    fail("rec dump knows ‘-e trace=LIST’ only, not ‘-e {}’", expression);
  }
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
  const bool is_class = word.front() == '%' || is_bare_class(word);
  if (word.front() == '%') word.remove_prefix(1);
  if (is_class) {
    const std::optional<Class> wanted = class_named(word);
    if (!wanted && !may_be_missing)
      fail("‘%{}’ is not a class of system calls (‘man strace’ lists them)", word);
    if (!wanted) return;
    for (const syscalls::Syscall& call : syscalls::all()) {
      if (has_class(call.classes, *wanted)) listed_[static_cast<std::size_t>(call.nr)] = true;
    }
    return;
  }
  const syscalls::Syscall* call = syscalls::find(word);
  if (call == nullptr && !may_be_missing) fail("‘{}’ is not a system call", word);
  if (call != nullptr) listed_[static_cast<std::size_t>(call->nr)] = true;
}

}  // namespace rec::dump

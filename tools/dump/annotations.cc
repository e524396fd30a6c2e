#include "tools/dump/annotations.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <string_view>

#include "format/syscalls/table.h"
#include "tools/dump/errors.h"
#include "tools/dump/event_memory.h"
#include "tools/dump/quote.h"
#include "tools/sockets.h"

namespace rec::dump {
namespace {

constexpr std::size_t longest_name = 15;  // TASK_COMM_LEN without the NUL, linux/sched.h

void append(fmt::memory_buffer& out, std::string_view text) {
  out.append(text.data(), text.data() + text.size());
}

// What stands between < and > has these two and what is not printable escaped.
void append_escaped(fmt::memory_buffer& out, std::string_view text) {
  Text quoted;
  put_quoted(quoted, std::as_bytes(std::span(text)), text.size());
  for (const char c : std::string_view(quoted.data() + 1, quoted.size() - 2)) {
    if (c == '<' || c == '>') {
      fmt::format_to(fmt::appender(out), "\\{:o}", static_cast<unsigned>(c));
    } else {
      out.push_back(c);
    }
  }
}

std::string command_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1).substr(0, longest_name));
}

}  // namespace

TraceAnnotations::TraceAnnotations(const DumpOptions& options, const TraceHeader& header)
    : decode_fds_(options.decode_fds),
      decode_pids_(options.decode_pids),
      decode_namespaces_(options.decode_pid_namespaces),
      follows_descriptors_(options.decode_fds != DecodeFds::none || !options.paths.empty()),
      descriptors_(header) {}

void TraceAnnotations::add(const Event& event) {
  if (follows_descriptors_) descriptors_.add(event);
  if (decode_pids_) follow_names(event);
  if (decode_namespaces_) namespaces_.add(event);
}

void TraceAnnotations::follow_names(const Event& event) {
  if (event.kind == EventKind::start && event.extra != nullptr) {
    const auto parent = names_.find(event.extra->parent);
    if (parent != names_.end()) names_[event.tid] = std::string(parent->second);
  } else if (event.kind == EventKind::exec && event.extra != nullptr) {
    names_.erase(event.extra->former_tid);
    // The kernel takes the name from the path that was asked for, not from what links lead to (fs/exec.c).
    const EventMemory memory(event.data, Moment::before);
    const auto path = memory.read_string(RemotePtr<>(event.args[event.nr == SYS_execve ? 0 : 1]), 4096);
    names_[event.tid] = command_name(path ? *path : event.extra->text);
  } else if (event.kind == EventKind::exit) {
    names_.erase(event.tid);
  } else if (event.kind == EventKind::call && event.nr == SYS_prctl && event.args[0] == PR_SET_NAME) {
    const EventMemory memory(event.data, Moment::before);
    const auto name = memory.read_string(RemotePtr<>(event.args[1]), longest_name + 1);
    if (name) names_[event.tid] = name->substr(0, longest_name);
  }
}

void TraceAnnotations::put_descriptor(fmt::memory_buffer& out, std::int32_t fd) const {
  if (decode_fds_ == DecodeFds::none) return;
  std::string details;
  if (decode_fds_ == DecodeFds::details) details = descriptors_.socket_text(task_, TraceeFd(fd));
  const std::string* name =
      fd == AT_FDCWD ? descriptors_.directory_of(task_) : descriptors_.name_of(task_, TraceeFd(fd));
  if ((name == nullptr || name->empty()) && details.empty()) return;
  out.push_back('<');
  if (details.empty()) {
    append_escaped(out, *name);
    if (decode_fds_ == DecodeFds::details) append(out, device_text(*name));
  } else {
    append(out, details);
  }
  out.push_back('>');
}

void TraceAnnotations::put_task(fmt::memory_buffer& out, std::int32_t id) const {
  const std::optional<Tid> outer = decode_namespaces_ ? namespaces_.outer(task_, id) : std::nullopt;
  const auto name = decode_pids_ ? names_.find(outer.value_or(Tid(id))) : names_.end();
  if (name != names_.end()) {
    out.push_back('<');
    append_escaped(out, name->second);
    out.push_back('>');
  }
  if (outer && outer->value() != id)
    fmt::format_to(fmt::appender(out), " /* {} in strace's PID NS */", *outer);
}

bool TraceAnnotations::names_any(const Event& event, const std::vector<std::string>& paths) const {
  const syscalls::Syscall* call = syscalls::find(event.nr);
  if (call == nullptr) return false;
  const auto is_wanted = [&](std::string_view name) {
    return std::find(paths.begin(), paths.end(), name) != paths.end();
  };
  TraceeFd directory(AT_FDCWD);
  const EventMemory memory(event.data, Moment::before);
  for (std::size_t i = 0; i < call->arg_count; ++i) {
    const syscalls::Arg& arg = call->args[i];
    const auto fd = static_cast<std::int32_t>(event.args[i]);
    if (arg.type == syscalls::Type::fd || arg.type == syscalls::Type::dirfd) {
      const std::string* name = descriptors_.name_of(event.tid, TraceeFd(fd));
      if (name != nullptr && is_wanted(*name)) return true;
    }
    if (arg.type == syscalls::Type::dirfd) directory = TraceeFd(fd);
    if (arg.type != syscalls::Type::path || arg.dir != syscalls::Dir::in) continue;
    const auto path = memory.read_string(RemotePtr<>(event.args[i]), 4096);
    if (path && (is_wanted(*path) || is_wanted(descriptors_.absolute(event.tid, directory, *path))))
      return true;
  }
  return false;
}

}  // namespace rec::dump

#include "format/reader.h"

#include <algorithm>

#include "format/base/error.h"
#include "format/syscalls/table.h"

namespace rec {
namespace {

constexpr std::int64_t most_errno = 4095;  // MAX_ERRNO, include/linux/err.h

bool is_call(const Event& event) { return event.kind == EventKind::call || event.kind == EventKind::exec; }

}  // namespace

EventRange::EventRange(TraceReader& reader, const EventFilter& filter)
    : reader_(&reader), task_(filter.task), kind_(filter.kind) {
  for (const std::string& name : filter.calls) {
    const syscalls::Syscall* call = syscalls::find(name);
    if (call == nullptr) fail("there is no system call ‘{}’", name);
    calls_.insert(call->nr);
  }
}

const Event* EventRange::next() {
  while (const Event* event = reader_->next()) {
    if (is_wanted(*event)) return event;
  }
  return nullptr;
}

bool EventRange::is_wanted(const Event& event) const {
  if (task_ && event.tid != *task_) return false;
  if (kind_ && event.kind != *kind_) return false;
  return calls_.empty() || (is_call(event) && calls_.contains(event.nr));
}

EventRange Trace::events(const EventFilter& filter) {
  reader_.seek(EventNumber(0));
  return {reader_, filter};
}

std::string call_name(const Event& event) {
  if (!is_call(event)) return {};
  const syscalls::Syscall* call = syscalls::find(event.nr);
  return call == nullptr ? fmt::format("syscall_{}", event.nr) : std::string(call->name);
}

std::optional<std::uint64_t> argument(const Event& event, std::string_view name) {
  const syscalls::Syscall* call = is_call(event) ? syscalls::find(event.nr) : nullptr;
  if (call == nullptr) return std::nullopt;
  const auto args = call->arguments();
  const auto found =
      std::find_if(args.begin(), args.end(), [&](const syscalls::Arg& arg) { return arg.name == name; });
  if (found == args.end()) return std::nullopt;
  return event.args.at(static_cast<std::size_t>(found - args.begin()));
}

std::optional<std::string> text_argument(const Event& event, std::string_view name) {
  const auto address = argument(event, name);
  if (!address) return std::nullopt;
  for (const Data& piece : event.data) {
    if (piece.address.address() != *address) continue;
    const std::string text(reinterpret_cast<const char*>(piece.bytes.data()), piece.bytes.size());
    return text.substr(0, text.find('\0'));
  }
  return std::nullopt;
}

int error_of(const Event& event) {
  const bool failed = is_call(event) && event.result < 0 && event.result >= -most_errno;
  return failed ? static_cast<int>(-event.result) : 0;
}

}  // namespace rec

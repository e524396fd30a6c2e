#include "print_support.h"

#include <algorithm>
#include <span>

#include "tools/dump/dumper.h"

namespace rec::testing {

std::string lines_of(const std::vector<const Event*>& events, const dump::DumpOptions& options) {
  dump::Dumper dumper(options, TraceHeader{});
  dump::Text out;
  for (const Event* event : events) dumper.add(*event, out);
  return fmt::to_string(out.buffer);
}

RecordedCall::RecordedCall(std::int32_t nr, std::initializer_list<std::uint64_t> args) {
  event_.tid = Tid(100);
  event_.nr = nr;
  std::copy(args.begin(), args.end(), event_.args.begin());
}

RecordedCall& RecordedCall::add(Data::Role role, std::uint64_t address, std::string bytes,
                                std::uint64_t full_size) {
  const std::string& kept = bytes_.emplace_back(std::move(bytes));
  data_.push_back({.address = RemotePtr<>(address),
                   .bytes = std::as_bytes(std::span(kept)),
                   .full_size = std::max<std::uint64_t>(full_size, kept.size()),
                   .role = role});
  return *this;
}

RecordedCall& RecordedCall::argument(std::uint8_t index) {
  data_.back().argument = index;
  return *this;
}

RecordedCall& RecordedCall::result(std::int64_t value) {
  event_.result = value;
  return *this;
}

RecordedCall& RecordedCall::flags(std::uint16_t value) {
  event_.flags = value;
  return *this;
}

const Event& RecordedCall::event() {
  event_.data = data_;
  return event_;
}

std::string RecordedCall::text(const dump::DumpOptions& options) {
  std::string line = lines_of({&event()}, options);
  if (!line.empty() && line.back() == '\n') line.pop_back();
  const std::size_t equals = line.rfind(" = ");
  if (equals == std::string::npos) return line;
  const std::size_t end = line.find_last_not_of(' ', equals);
  return line.substr(0, end + 1) + line.substr(equals);
}

}  // namespace rec::testing

#include "tools/export/timeline_format.h"

#include <signal.h>

#include <cstring>

#include "tools/dump/call.h"
#include "tools/dump/signals.h"

namespace rec::exports {

CallText::CallText() = default;

std::string_view CallText::arguments(const Event& event) {
  text_.clear();
  const dump::Call call(event);
  const dump::Writer writer{text_, options_};
  // As dump prints the whole call: the arguments that are known at its beginning, then the others.
  const std::size_t known = dump::put_call_begin(writer, call);
  dump::put_call_end(writer, call, known);
  const std::string_view whole = text_.view();
  const std::size_t open = whole.find('(') + 1;
  return whole.substr(open, whole.size() - open - 1);
}

std::string_view CallText::result(const Event& event) {
  text_.clear();
  dump::put_result({text_, options_}, dump::Call(event));
  return text_.view();
}

std::string signal_name(std::int32_t number) {
  dump::Text text;
  dump::put_signal_name(text, number);
  return std::string(text.view());
}

std::string signal_details(const Event& event) {
  siginfo_t info{};
  if (event.extra == nullptr || event.extra->siginfo.size() != sizeof info) return {};
  std::memcpy(&info, event.extra->siginfo.data(), sizeof info);
  dump::Text text;
  dump::put_siginfo(text, info);
  return std::string(text.view());
}

}  // namespace rec::exports

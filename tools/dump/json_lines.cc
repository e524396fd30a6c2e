#include "tools/dump/json_lines.h"

#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "tools/call_names.h"
#include "tools/dump/errors.h"
#include "tools/dump/signals.h"
#include "tools/json.h"

namespace rec::dump {
namespace {

std::string_view kind_name(EventKind kind) {
  switch (kind) {
    case EventKind::call:
      return "call";
    case EventKind::start:
      return "start";
    case EventKind::begin:
      return "begin";
    case EventKind::exec:
      return "exec";
    case EventKind::signal:
      return "signal";
    case EventKind::trap:
      return "trap";
    case EventKind::stop:
      return "stop";
    case EventKind::exit:
      return "exit";
    case EventKind::merge:
      return "merge";
    case EventKind::note:
      return "note";
    case EventKind::memory:
      return "memory";
    case EventKind::agent:
      return "agent";
    case EventKind::point:
      return "point";
    case EventKind::traced:
      return "traced";
  }
  return {};
}

std::string_view trap_name(std::int32_t kind) {
  constexpr std::string_view names[] = {"rdtsc", "rdtscp", "cpuid", "rdrand", "rdseed", "rdpid", "xgetbv"};
  const auto index = static_cast<std::size_t>(kind);
  return index < std::size(names) ? names[index] : std::string_view();
}

void put_key(Text& out, std::string_view key) {
  put(out, ", \"");
  put(out, key);
  put(out, "\": ");
}

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
  });
}

void put_string(Text& out, std::string_view text) {
  if (!is_plain(text)) return put(out, json_quoted(text));
  put(out, '"');
  put(out, text);
  put(out, '"');
}

// Text that `print` makes, as a JSON string. It is printed in place; most needs nothing more than the quotes.
template <class Print>
void put_printed(const Writer& writer, Print print) {
  Text& out = writer.out;
  const std::size_t start = out.size();
  put(out, '"');
  print(writer);
  const std::string_view printed = out.view().substr(start + 1);
  if (is_plain(printed)) return put(out, '"');
  const std::string quoted = json_quoted(printed);
  out.cut(start);
  put(out, quoted);
}

void put_raw(Text& out, std::uint64_t value) {
  put(out, value == 0 ? "\"0x" : "\"");
  put_hex(out, value);
  put(out, '"');
}

void put_arguments(const Writer& writer, const Call& call) {
  Text& out = writer.out;
  put_key(out, "args");
  put(out, '[');
  for (std::size_t i = 0; i < call.args.size(); ++i) {
    if (i > 0) put(out, ", ");
    put(out, "{\"name\": ");
    put_string(out, call.args[i].name);
    put(out, ", \"raw\": ");
    put_raw(out, call.event.args[i]);
    put(out, ", \"text\": ");
    put_printed(writer, [&](const Writer& to) { put_one_argument(to, call, i); });
    put(out, '}');
  }
  put(out, ']');
}

void put_call_fields(const Writer& writer, const Event& event) {
  Text& out = writer.out;
  const Call call(event);
  out.abbreviates = writer.options.abbreviated.shows(event.nr);
  put_key(out, "call");
  if (call.entry != nullptr) {
    put_string(out, call.entry->name);
  } else {
    put_string(out, call_name(event.nr));
  }
  put_key(out, "nr");
  put_decimal(out, event.nr);
  put_arguments(writer, call);
  put_key(out, "result");
  if (call.returned()) {
    put_decimal(out, event.result);
    put_key(out, "result_text");
    put_printed(writer, [&](const Writer& to) { put_result(to, call); });
    if (is_error(event.result)) {
      put_key(out, "error");
      put_string(out, error_name(static_cast<std::int32_t>(-event.result)));
    }
  } else {
    put(out, "null");
  }
  if ((event.flags & event_denied) != 0) {
    put_key(out, "answered_by_rec");
    put(out, "true");
  }
  if (event.kind == EventKind::exec && event.extra != nullptr) {
    put_key(out, "executable");
    put_string(out, event.extra->text);
  }
  put_key(out, "text");
  put_printed(writer, [&](const Writer& to) {
    put_call_end(to, call, put_call_begin(to, call));
    put(to.out, " = ");
    put_result(to, call);
  });
}

void put_signal_field(Text& out, std::int32_t number) {
  put_key(out, "signal");
  if (number == 0) return put(out, "null");
  Text name;
  put_signal_name(name, number);
  put_string(out, {name.data(), name.size()});
}

void put_signal_fields(const Writer& writer, const Event& event) {
  put_signal_field(writer.out, event.nr);
  siginfo_t info{};
  if (event.extra == nullptr || event.extra->siginfo.size() != sizeof info) return;
  std::memcpy(&info, event.extra->siginfo.data(), sizeof info);
  put_key(writer.out, "siginfo");
  put_printed(writer, [&](const Writer& to) { put_siginfo(to.out, info); });
}

void put_exit_fields(Text& out, const Event& event) {
  const auto status = static_cast<int>(event.result);
  if (!WIFSIGNALED(status)) {
    put_key(out, "exit_status");
    return put_decimal(out, WEXITSTATUS(status));
  }
  Text name;
  put_signal_name(name, WTERMSIG(status));
  put_key(out, "killed_by");
  put_string(out, {name.data(), name.size()});
  put_key(out, "core_dumped");
  put(out, WCOREDUMP(status) ? "true" : "false");
}

void put_trap_fields(Text& out, const Event& event) {
  put_key(out, "trap");
  put_string(out, trap_name(event.nr));
  put_key(out, "values");
  put_format(out, "[\"{:#x}\", \"{:#x}\", \"{:#x}\", \"{:#x}\"]", event.args[0], event.args[1], event.args[2],
             event.args[3]);
}

void put_own_fields(const Writer& writer, const Event& event) {
  Text& out = writer.out;
  switch (event.kind) {
    case EventKind::call:
    case EventKind::exec:
      return put_call_fields(writer, event);
    case EventKind::signal:
      return put_signal_fields(writer, event);
    case EventKind::stop:
      return put_signal_field(out, event.nr);
    case EventKind::exit:
      return put_exit_fields(out, event);
    case EventKind::trap:
      return put_trap_fields(out, event);
    case EventKind::start:
      if (event.extra == nullptr) return;
      put_key(out, "parent");
      return put_decimal(out, event.extra->parent.value());
    case EventKind::note:
      if (event.extra == nullptr) return;
      put_key(out, "note");
      return put_string(out, event.extra->text);
    case EventKind::begin:
    case EventKind::merge:
    case EventKind::memory:
    case EventKind::agent:
    case EventKind::point:
    case EventKind::traced:
      return;
  }
}

bool has_object(const Event& event, const DumpOptions& options) {
  const bool is_inner = event.kind == EventKind::begin || event.kind == EventKind::merge ||
                        event.kind == EventKind::memory || event.kind == EventKind::agent ||
                        event.kind == EventKind::point || event.kind == EventKind::traced;
  if (event.kind == EventKind::signal) return options.signals.has(event.nr);
  return !is_inner && (event.kind != EventKind::trap || options.traps);
}

}  // namespace

void put_json(const Event& event, const Writer& writer, const std::unordered_map<Tid, Pid>& tasks) {
  if (!has_object(event, writer.options)) return;
  Text& out = writer.out;
  put(out, "{\"event\": ");
  put_decimal(out, event.number.value());
  put_key(out, "kind");
  put_string(out, kind_name(event.kind));
  put_key(out, "tid");
  put_decimal(out, event.tid.value());
  put_key(out, "pid");
  const auto task = tasks.find(event.tid);
  if (task == tasks.end()) {
    put(out, "null");
  } else {
    put_decimal(out, task->second.value());
  }
  put_key(out, "enter_ns");
  put_decimal(out, event.enter_ns);
  put_key(out, "leave_ns");
  put_decimal(out, event.leave_ns);
  put_own_fields(writer, event);
  put(out, "}\n");
}

}  // namespace rec::dump

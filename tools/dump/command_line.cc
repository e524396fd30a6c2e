#include "tools/dump/command_line.h"

#include <unistd.h>

#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

#include "format/base/error.h"

namespace rec::dump {
namespace {

constexpr std::size_t most_string_bytes = std::size_t{1} << 30;

TimeStamp time_stamp_of(int times, bool relative) {
  if (relative) return TimeStamp::relative;
  if (times == 0) return TimeStamp::none;
  if (times == 1) return TimeStamp::clock;
  return times == 2 ? TimeStamp::clock_micros : TimeStamp::epoch_micros;
}

// "1.5", "1.5s", "20ms", "3us", "7ns", "2m": nanoseconds.
std::uint64_t duration_from(const std::string& text, std::string_view option) {
  constexpr std::pair<std::string_view, double> units[] = {{"", 1e9},   {"s", 1e9}, {"ms", 1e6},
                                                           {"us", 1e3}, {"ns", 1},  {"m", 60e9}};
  std::size_t length = 0;
  double number = -1;
  try {
    number = std::stod(text, &length);
  } catch (const std::exception&) {
    length = 0;  // no number, or one too large: said below
  }
  constexpr double most_ns = 1e18;
  for (const auto& [unit, scale] : units) {
    const double ns = number * scale;
    if (length > 0 && text.substr(length) == unit && ns >= 0 && ns <= most_ns)
      return static_cast<std::uint64_t>(std::llround(ns));
  }
  fail("{} takes a time such as 1.5 (seconds), 20ms, 3us or 2m, not ‘{}’", option, text);
}

std::uint64_t event_number_from(std::string_view text, std::string_view whole) {
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size())
    fail("--events takes a range of numbers such as 100-200, 100- or -200, not ‘{}’", whole);
  return number;
}

void put_events(Selection& selection, std::string_view range) {
  const std::size_t dash = range.find('-');
  const std::string_view first = range.substr(0, dash);
  if (!first.empty()) selection.first_event = event_number_from(first, range);
  if (dash == std::string_view::npos) {
    selection.last_event = event_number_from(first, range);
  } else if (const std::string_view last = range.substr(dash + 1); !last.empty()) {
    selection.last_event = event_number_from(last, range);
  }
  if (selection.last_event < selection.first_event)
    fail("--events {}: the range ends before it begins", range);
}

std::pair<std::string_view, std::string_view> split_at_equals(std::string_view expression) {
  const std::size_t equals = expression.find('=');
  if (equals == std::string_view::npos) return {"trace", expression};
  return {expression.substr(0, equals), expression.substr(equals + 1)};
}

}  // namespace

void CommandLine::add_strace_options(CLI::App& app) {
  add_output_options(app);
  add_filter_options(app);
}

void CommandLine::add_output_options(CLI::App& app) {
  app.add_option("-s,--string-limit", string_limit_,
                 "Bytes of a string, and elements of an array, that are shown")
      ->check(CLI::Range(std::size_t{0}, most_string_bytes))
      ->capture_default_str();
  app.add_option("-a,--columns", column_, "Column of the results")->capture_default_str();
  app.add_flag("-v,--no-abbrev", verbose_, "Print structures whole");
  app.add_flag("-x", hex_, "Print strings that are not ASCII in hexadecimal; -xx: all strings");
  app.add_option("-X,--const-print-style", constants_,
                 "Form of constants: raw, abbrev (the default) or verbose")
      ->check(CLI::IsMember({"raw", "abbrev", "verbose"}))
      ->type_name("FORM");
  app.add_flag("-y,--decode-fds{1}", fds_,
               "Print the paths of descriptors; -yy: also what sockets and devices are");
  app.add_option("--decode-pids", decode_pids_,
                 "comm: print the names of processes beside their ids; pidns: what ids of PID namespaces are "
                 "outside")
      ->check(CLI::IsMember({"comm", "pidns", "comm,pidns", "pidns,comm"}))
      ->type_name("WHAT");
  app.add_flag("-r,--relative-timestamps", relative_, "Print the time since the line before");
  app.add_flag("-t", times_, "Print the time of day; -tt with microseconds; -ttt as seconds since 1970");
  app.add_flag("-T,--syscall-times", durations_, "Print how long each call took");
  app.add_flag("-f,--follow-forks", forks_,
               "Follow child processes; -ff with -o: write each task to a file of its own");
  app.add_flag("-q,--quiet", quiet_, "No remarks about new tasks; -qq: nor about exits; -qqq: nor others");
  app.add_option("-o,--output", output_, "Write to this file; with -ff to FILE.TID, one for each task")
      ->type_name("FILE");
}

void CommandLine::add_filter_options(CLI::App& app) {
  app.add_option(
         "-e", qualifiers_,
         "trace=LIST: only these calls (names, %classes, /regex; a leading ! excludes); also abbrev=, "
         "verbose=, raw=, status=, signal=, read=, write=, quiet=, decode-fds= (man strace)")
      ->type_name("EXPR")
      ->allow_extra_args(false);
  app.add_option("-P,--trace-path", paths_, "Only calls that name this path, or a descriptor of it")
      ->type_name("PATH")
      ->allow_extra_args(false);
  app.add_flag("-z,--successful-only", successful_, "Only calls that succeeded");
  app.add_flag("-Z,--failed-only", failed_, "Only calls that failed");
}

void CommandLine::add_selection_options(CLI::App& app) {
  app.add_option("--format", format_, "text, or json: one object in a line for each event")
      ->check(CLI::IsMember({"text", "json"}))
      ->type_name("FORMAT");
  app.add_option("--color", colour_, "Colours: auto (on a terminal), always, never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN");
  app.add_option("--since", since_, "From this time on, counted from the beginning: 1.5 (seconds), 20ms, 2m")
      ->type_name("TIME");
  app.add_option("--until", until_, "Up to this time")->type_name("TIME");
  app.add_option("--events", events_, "Only events with these numbers")->type_name("A-B");
  app.add_option("--duration-min", least_duration_, "Only calls that took at least this long")
      ->type_name("TIME");
  app.add_option("--pid", pid_, "Only this process, or this thread")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  app.add_option("--tid", tid_, "Only this thread")->type_name("N")->check(CLI::PositiveNumber);
  app.add_flag("--traps", traps_, "Also print trapped instructions (rdtsc), which strace does not see");
}

void CommandLine::put_qualifier(DumpOptions& options, const std::string& expression) const {
  const auto [kind, list] = split_at_equals(expression);
  if (kind == "trace" || kind == "t") {
    options.calls = CallFilter(list);
  } else if (kind == "abbrev" || kind == "a") {
    options.abbreviated = CallFilter(list);
  } else if (kind == "verbose" || kind == "v") {
    options.dereferenced = CallFilter(list);
  } else if (kind == "raw" || kind == "x") {
    options.raw = CallFilter(list);
  } else if (kind == "signal" || kind == "signals" || kind == "s") {
    options.signals = NumberFilter(list, signal_named);
  } else if (kind == "status") {
    options.statuses = NumberFilter(list, status_named);
    options.filters_statuses = true;
  } else if (kind == "read" || kind == "reads" || kind == "r") {
    options.data_read_from = NumberFilter(list, number_from);
    options.dumps_data = true;
  } else if (kind == "write" || kind == "writes" || kind == "w") {
    options.data_written_to = NumberFilter(list, number_from);
    options.dumps_data = true;
  } else if (kind == "quiet" || kind == "silent" || kind == "silence" || kind == "q") {
    const auto message = [](std::string_view word) {
      constexpr std::string_view known[] = {"attach",      "exit",          "path-resolution",
                                            "personality", "thread-execve", "superseded"};
      for (std::size_t i = 0; i < std::size(known); ++i) {
        if (known[i] == word) return static_cast<std::int32_t>(i == 5 ? 4 : i);
      }
      fail("‘{}’ is no message: attach, exit, path-resolution, personality, thread-execve", word);
    };
    const NumberFilter silent(list, message);
    options.shows_attaching &= !silent.has(0);
    options.shows_exits &= !silent.has(1);
    options.shows_superseding &= !silent.has(4);
  } else if (kind == "decode-fds" || kind == "decode-fd") {
    const bool has_details = list != "path" && list != "none";
    if (list != "none") options.decode_fds = has_details ? DecodeFds::details : DecodeFds::paths;
  } else {
    fail("‘-e {}’: rec knows trace, abbrev, verbose, raw, status, signal, read, write, quiet and decode-fds",
         expression);
  }
}

void CommandLine::put_quiet(DumpOptions& options) const {
  // Without -f strace follows no other tasks; written to a file it says nothing of attaching (strace(1), -q).
  options.shows_attaching = quiet_ < 1 && output_.empty();
  options.shows_exits = quiet_ < 2;
  options.shows_superseding = quiet_ < 3;
}

void CommandLine::put_forms(DumpOptions& options) const {
  options.string_limit = string_limit_;
  options.result_column = column_;
  options.time_stamp = time_stamp_of(times_, relative_);
  options.durations = durations_;
  options.traps = traps_;
  if (verbose_) options.abbreviated = CallFilter("none");
  if (hex_ > 0) options.escapes = hex_ == 1 ? Escapes::hex_if_any : Escapes::hex;
  if (constants_ == "raw") options.constants = Constants::numbers;
  if (constants_ == "verbose") options.constants = Constants::both;
  if (fds_ > 0) options.decode_fds = fds_ == 1 ? DecodeFds::paths : DecodeFds::details;
  options.decode_pids = decode_pids_.find("comm") != std::string::npos;
  options.decode_pid_namespaces = decode_pids_.find("pidns") != std::string::npos;
  options.colours =
      colour_ == "always" || (colour_ == "auto" && output_.empty() && ::isatty(STDOUT_FILENO) == 1);
  options.format = format_ == "json" ? Format::json : Format::text;
  options.output = output_;
  options.separate_outputs = forks_ > 1 && !output_.empty();
}

void CommandLine::put_selection(DumpOptions& options) const {
  Selection& selection = options.selection;
  if (pid_ != 0) selection.pid = pid_;
  if (tid_ != 0) selection.tid = tid_;
  if (!since_.empty()) selection.since_ns = duration_from(since_, "--since");
  if (!until_.empty()) selection.until_ns = duration_from(until_, "--until");
  if (!events_.empty()) put_events(selection, events_);
  if (!least_duration_.empty())
    selection.least_duration_ns = duration_from(least_duration_, "--duration-min");
}

DumpOptions CommandLine::options() const {
  DumpOptions options;
  put_forms(options);
  put_quiet(options);
  put_selection(options);
  for (const std::string& expression : qualifiers_) put_qualifier(options, expression);
  if (successful_ || failed_) {
    if (successful_ && failed_) fail("-z and -Z exclude each other: no call both succeeds and fails");
    options.statuses = NumberFilter(successful_ ? "successful" : "failed", status_named);
    options.filters_statuses = true;
  }
  options.paths = paths_;
  return options;
}

}  // namespace rec::dump

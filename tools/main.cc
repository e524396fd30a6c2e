// rec: records what the kernel handed a program, and replays it. Builds and wires everything.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "format/base/error.h"
#include "tools/commands.h"
#include "tools/doctor.h"
#include "tools/record.h"
#include "tools/replay.h"
#include "tools/strace.h"

namespace {

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

int run(int argc, char** argv) {
  const rec::InheritedSignals signals = rec::InheritedSignals::capture();
  // A file that may not grow (‘ulimit -f’) is an error of the call that writes to it, and can be told.
  (void)std::signal(SIGXFSZ, SIG_IGN);
  int exit_status = 0;
  CLI::App app("rec records a program's whole interaction with the kernel and replays it exactly");
  app.name("rec");
  app.set_version_flag("--version", "rec " REC_VERSION);
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  const std::pair<std::string_view, std::function<void()>> commands[] = {
      {"record", [&] { rec::add_record(app, signals, &exit_status); }},
      {"replay", [&] { rec::add_replay(app, &exit_status); }},
      {"dump", [&] { rec::add_dump(app); }},
      {"strace", [&] { rec::add_strace(app, signals, &exit_status); }},
      {"ls", [&] { rec::add_ls(app); }},
      {"info", [&] { rec::add_info(app); }},
      {"ps", [&] { rec::add_ps(app); }},
      {"stat", [&] { rec::add_stat(app); }},
      {"coverage", [&] { rec::add_coverage(app); }},
      {"lint", [&] { rec::add_lint(app); }},
      {"diff", [&] { rec::add_diff(app, &exit_status); }},
      {"verify", [&] { rec::add_verify(app, &exit_status); }},
      {"pack", [&] { rec::add_pack(app); }},
      {"export", [&] { rec::add_export(app); }},
      {"support", [&] { rec::add_support(app); }},
      {"doctor", [&] { rec::add_doctor(app, &exit_status); }},
  };
  // Half a millisecond for the options of all: the command that is called is enough, if it is one.
  const std::string_view called = argc > 1 ? argv[1] : "";
  const bool is_one = std::any_of(std::begin(commands), std::end(commands),
                                  [&](const auto& one) { return one.first == called; });
  for (const auto& [name, add] : commands) {
    if (!is_one || name == called) add();
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    std::string what = error.what();
    if (app.get_subcommands().empty() && app.remaining_size() != 0) {
      const std::string unknown = app.remaining().front();
      what = fmt::format("there is no {} ‘{}’", unknown.rfind('-', 0) == 0 ? "option" : "command", unknown);
    }
    (void)std::fprintf(stderr, "rec: %s (‘rec --help’ tells how rec is used)\n", what.c_str());
    return exit_usage;
  }
  return exit_status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const rec::Error& error) {
    (void)std::fprintf(stderr, "rec: %s\n", error.what());
  } catch (const rec::Broken& broken) {
    (void)std::fprintf(
        stderr,
        "rec: internal error: %s\nrec: this is a bug in rec; please report it with this line and, if you "
        "can, the trace\n",
        broken.what());
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "rec: %s\n", error.what());
  }
  return exit_failed;
}

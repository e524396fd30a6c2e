#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

#include "format/base/error.h"
#include "format/base/unique_fd.h"
#include "format/syscalls/table.h"
#include "format/trace_writer.h"
#include "tests/unit/trace_support.h"
#include "tools/commands.h"
#include "tools/trace_store.h"

namespace rec::testing {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// What a subcommand writes to standard output; the error that it ends with goes to `*error`.
std::string output_of(void (*add)(CLI::App&), const std::string& arguments, std::string* error = nullptr) {
  const TemporaryDirectory directory;
  const std::string file = directory / "output";
  (void)std::fflush(stdout);
  const UniqueFd before(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  const UniqueFd output(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE(::dup2(output.get(), STDOUT_FILENO) == STDOUT_FILENO);
  const std::string text = error_of([&] {
    CLI::App app;
    add(app);
    app.parse(arguments);
  });
  REQUIRE(::dup2(before.get(), STDOUT_FILENO) == STDOUT_FILENO);
  if (error != nullptr) *error = text;
  const auto bytes = file_bytes(file);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A directory of traces, as REC_TRACE_DIR.
class Store {
 public:
  Store() { ::setenv("REC_TRACE_DIR", directory_.path().c_str(), 1); }
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store() { ::unsetenv("REC_TRACE_DIR"); }

 private:
  TemporaryDirectory directory_;
};

// Two processes, the first with two threads; ended by `wait_status`, or (nullopt) cut off.
std::string record(const std::string& program, std::uint64_t start_s,
                   std::optional<std::int32_t> wait_status) {
  const std::string path = new_recording(program);
  TraceHeader header = sample_header();
  header.command = {program, "an argument", "\x1b[31m"};
  header.start_realtime_ns = start_s * 1'000'000'000;
  TraceWriter writer(path, header);
  const auto start = [&](std::int32_t tid, std::int32_t pid, std::int32_t parent) {
    Extra extra;
    extra.pid = Pid(pid);
    extra.parent = Tid(parent);
    Event event;
    event.kind = EventKind::start;
    event.tid = Tid(tid);
    event.extra = &extra;
    (void)writer.append(event);
  };
  start(100, 100, 0);
  start(101, 100, 100);
  start(102, 102, 100);
  Extra remark;
  remark.text = "something that cannot be done";
  Event note;
  note.kind = EventKind::note;
  note.tid = Tid(101);
  note.extra = &remark;
  (void)writer.append(note);
  Event exit;
  exit.kind = EventKind::exit;
  exit.tid = Tid(102);
  exit.result = SIGTERM;
  (void)writer.append(exit);
  if (wait_status) writer.finish({.duration_ns = 1'500'000'000, .wait_status = *wait_status, .tasks = 3});
  return path;
}

TEST_CASE("ls lists recordings, newest first, and marks those that are not whole") {
  const Store store;
  (void)record("older", 1000, 3 << 8);
  (void)record("newer", 2000, SIGSEGV);
  (void)record("cut", 1500, std::nullopt);
  write_file(new_recording("junk"), noise(1000, 1));
  const std::string text = output_of(add_ls, "ls");
  CHECK(text.starts_with("NAME"));
  const auto line_of = [&](const std::string& name) {
    const std::size_t begin = text.find("\n" + name) + 1;
    return text.substr(begin, text.find('\n', begin) - begin);
  };
  CHECK(contains(line_of("older-0"), "  5  3        older 'an argument' $'\\x1b[31m'"));
  CHECK(contains(line_of("newer-0"), "  SIGSEGV  newer "));
  CHECK(contains(line_of("cut-0"), "  cut off  cut "));
  CHECK(contains(line_of("junk-0"), "  damaged  ("));
  CHECK(text.find("newer-0") < text.find("cut-0"));
  CHECK(text.find("cut-0") < text.find("older-0"));
}

TEST_CASE("ls of an empty directory prints no table") {
  const Store store;
  CHECK(output_of(add_ls, "ls").empty());
}

TEST_CASE("info tells how a recording ended and what it holds") {
  const Store store;
  (void)record("a", 1000, 3 << 8);
  std::string text = output_of(add_info, "info");
  CHECK(contains(text, "ended       exit status 3\n"));
  CHECK(contains(text, ", for 1.500 s\n"));
  CHECK(contains(text, "tasks       3 in 2 processes\n"));
  CHECK(contains(text, " 3  tasks started\n"));
  CHECK(contains(text, "notes\n  event 3, task 101: something that cannot be done\n"));
  (void)record("b", 1000, SIGKILL);
  CHECK(contains(output_of(add_info, "info b-0"), "killed by SIGKILL\n"));
  (void)record("c", 1000, std::nullopt);
  CHECK(contains(output_of(add_info, "info"), "the recording was cut off"));
}

TEST_CASE("info and ps show what a damaged trace still has, then fail") {
  const Store store;
  const std::string path = record("a", 1000, std::nullopt);
  auto bytes = file_bytes(path);
  const auto more = noise(500, 1);
  bytes.insert(bytes.end(), more.begin(), more.end());
  write_file(path, bytes);
  std::string error;
  CHECK(contains(output_of(add_info, "info", &error), "tasks       3 in 2 processes"));
  CHECK(contains(error, "is damaged"));
  CHECK(contains(output_of(add_ps, "ps", &error), "102"));
  CHECK(contains(error, "is damaged"));
}

TEST_CASE("ps prints the process tree") {
  const Store store;
  (void)record("a", 1000, 0);
  CHECK(output_of(add_ps, "ps") ==
        "PID  PPID  THREADS  EXIT     COMMAND\n"
        "100     -        2  -        ?\n"
        "102   100        1  SIGTERM    ?\n");
}

TEST_CASE("a trace that is not there is an error with advice") {
  const Store store;
  std::string error;
  CHECK(output_of(add_info, "info", &error).empty());
  CHECK(contains(error, "make one with ‘rec record -- PROGRAM’"));
  CHECK(output_of(add_ps, "ps other", &error).empty());
  CHECK(contains(error, "there is no trace ‘other’"));
}

TEST_CASE("support lists every call with policy and reason") {
  const std::string text = output_of(add_support, "support");
  CHECK(contains(text, "\n385 calls, "));
  for (const syscalls::Syscall& call : syscalls::all())
    CHECK_MESSAGE(contains(text, fmt::format("  {} ", call.name)), call.name);
  CHECK(contains(text, "answered ENOSYS by rec: shared rings bypass system calls"));
  CHECK_FALSE(contains(text, "TCGETS"));
  CHECK(contains(output_of(add_support, "support --variants"), "TCGETS"));
}

TEST_CASE("support shows the variants of a call asked for by name, and of a policy") {
  const std::string fcntl = output_of(add_support, "support fcntl");
  CHECK(contains(fcntl, "F_SETLKW"));
  CHECK(contains(fcntl, "\n1 calls, "));
  const std::string denied = output_of(add_support, "support --policy deny");
  CHECK(contains(denied, "io_uring_setup"));
  CHECK_FALSE(contains(denied, "openat"));
}

TEST_CASE("support as JSON has every call with its arguments and variants") {
  const std::string json = output_of(add_support, "support --format json");
  std::size_t calls = 0;
  for (std::size_t at = 0; (at = json.find("\"nr\": ", at)) != std::string::npos; ++at) ++calls;
  CHECK(calls == syscalls::all().size());
  CHECK(contains(json, R"("arguments": ["fd", "buf", "count"])"));
  CHECK(contains(json, R"("name": "TCGETS", "selector": 21505)"));
}

TEST_CASE("support refuses a call that there is not") {
  CLI::App app;
  add_support(app);
  CHECK_THROWS_AS(app.parse("support no_such_call"), CLI::ValidationError);
}

}  // namespace
}  // namespace rec::testing

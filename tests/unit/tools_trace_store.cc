#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "format/base/error.h"
#include "tests/unit/trace_support.h"
#include "tools/trace_store.h"

namespace rec::testing {
namespace {

// Sets an environment variable (or, with nullptr, removes it) for a test's duration.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    set(value);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { set(before_ ? before_->c_str() : nullptr); }

 private:
  void set(const char* value) const {
    if (value != nullptr) {
      ::setenv(name_, value, 1);
    } else {
      ::unsetenv(name_);
    }
  }
  const char* name_;
  std::optional<std::string> before_;
};

TEST_CASE("traces are kept where the environment says, the most specific variable first") {
  const Variable home("HOME", "/home/me");
  const Variable data("XDG_DATA_HOME", "/data");
  {
    const Variable own("REC_TRACE_DIR", "/traces");
    CHECK(trace_directory() == "/traces");
  }
  const Variable own("REC_TRACE_DIR", "");  // empty counts as not set
  CHECK(trace_directory() == "/data/rec");
  const Variable relative("XDG_DATA_HOME", "data");  // to be ignored by the specification
  CHECK(trace_directory() == "/home/me/.local/share/rec");
  const Variable no_data("XDG_DATA_HOME", nullptr);
  CHECK(trace_directory() == "/home/me/.local/share/rec");
  const Variable no_home("HOME", nullptr);
  CHECK(error_of([] { (void)trace_directory(); }).find("set HOME or REC_TRACE_DIR") != std::string::npos);
}

TEST_CASE("recordings are numbered by program, and the latest one has a name of its own") {
  const TemporaryDirectory base;
  const std::string directory = base / "deep/er";
  const Variable own("REC_TRACE_DIR", directory.c_str());
  CHECK(all_recordings().empty());
  CHECK(new_recording("/usr/bin/python3") == directory + "/python3-0.rec");
  CHECK(new_recording("python3") == directory + "/python3-1.rec");
  CHECK(new_recording("./make") == directory + "/make-0.rec");
  CHECK(std::filesystem::read_symlink(directory + "/latest") == "make-0.rec");
  CHECK(new_recording("python3") == directory + "/python3-2.rec");
  CHECK(std::filesystem::read_symlink(directory + "/latest") == "python3-2.rec");
  CHECK(resolve_trace("") == directory + "/python3-2.rec");
  auto paths = all_recordings();
  std::sort(paths.begin(), paths.end());
  CHECK(paths == std::vector<std::string>{directory + "/make-0.rec", directory + "/python3-0.rec",
                                          directory + "/python3-1.rec", directory + "/python3-2.rec"});
  // A number that has become free is given out again.
  REQUIRE(::unlink((directory + "/python3-1.rec").c_str()) == 0);
  CHECK(new_recording("python3") == directory + "/python3-1.rec");

  struct stat status {};
  REQUIRE(::stat(directory.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
  REQUIRE(::stat((directory + "/make-0.rec").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("odd program names make ordinary file names") {
  const TemporaryDirectory base;
  const Variable own("REC_TRACE_DIR", base.path().c_str());
  CHECK(new_recording("/opt/.hidden") == base / "_.hidden-0.rec");
  CHECK(new_recording("a b") == base / "a b-0.rec");
  CHECK(new_recording(std::string(1000, 'x')) == base / (std::string(200, 'x') + "-0.rec"));
}

TEST_CASE("recorders that start at once all get names of their own") {
  const TemporaryDirectory base;
  const Variable own("REC_TRACE_DIR", base.path().c_str());
  constexpr int recorders = 6;
  constexpr int each = 20;
  std::vector<pid_t> children;
  for (int i = 0; i < recorders; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      const std::string error = error_of([] {
        for (int k = 0; k < each; ++k) (void)new_recording("x");
      });
      ::_exit(error.empty() ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  CHECK(all_recordings().size() == recorders * each);
  CHECK(std::filesystem::exists(base / "latest"));
}

TEST_CASE("a trace is found by path, by name and as the latest") {
  const TemporaryDirectory base;
  const TemporaryDirectory elsewhere;
  const Variable own("REC_TRACE_DIR", base.path().c_str());
  CHECK(error_of([] { (void)resolve_trace(""); }) ==
        "no recording yet in " + base.path() + ": make one with ‘rec record -- PROGRAM’");
  const std::string first = new_recording("a");
  CHECK(resolve_trace("a-0") == first);
  CHECK(resolve_trace("a-0.rec") == first);
  CHECK(resolve_trace("latest") == base / "latest");
  CHECK(resolve_trace("./some/path") == "./some/path");  // whoever opens it says what is wrong with it
  CHECK(error_of([] { (void)resolve_trace("b-0"); }).find("there is no trace ‘b-0’") == 0);

  const std::string before = std::filesystem::current_path();
  std::filesystem::current_path(elsewhere.path());
  write_file("a-0", {});
  std::filesystem::create_directory("latest");
  CHECK(resolve_trace("a-0") == "a-0");               // a file here goes before a name there
  CHECK(resolve_trace("latest") == base / "latest");  // but a directory is no trace
  std::filesystem::current_path(before);
}

TEST_CASE("when the latest recording was deleted, the newest that is left takes its place") {
  const TemporaryDirectory base;
  const Variable own("REC_TRACE_DIR", base.path().c_str());
  const std::string old = new_recording("old");
  const std::string older = new_recording("older");
  std::filesystem::last_write_time(older, std::filesystem::last_write_time(old) - std::chrono::hours(1));
  REQUIRE(::unlink(new_recording("new").c_str()) == 0);
  CHECK(resolve_trace("") == old);
}

}  // namespace
}  // namespace rec::testing

#include <doctest/doctest.h>
#include <sys/syscall.h>

#include <cerrno>
#include <ctime>
#include <filesystem>

#include "format/trace_reader.h"
#include "format/trace_writer.h"
#include "tests/unit/tools_events.h"
#include "tools/diff/report.h"

namespace rec::testing {
namespace {

using diff::Names;
using diff::without_noise;

diff::Numbering numbering() {
  diff::Numbering of;
  of.places = {{4711, 0}, {4712, 1}};
  of.start_realtime_ns = 1'795'252'412'000'000'000;
  return of;
}

TEST_CASE("addresses, times and task numbers are noise, other numbers are not") {
  CHECK(without_noise("0x7ffd1234abcd 0x1a0c7e50 0x802", numbering()) == "0x* 0x* 0x802");
  // The heap of a program that is not position-independent may begin as low.
  CHECK(without_noise("0xfd33f0 0x400000 0x3fffff 0x10000", numbering()) == "0x* 0x* 0x3fffff 0x10000");
  CHECK(without_noise("\"object at 0x7ffd1234abcd 7f12deadbeef\"", numbering()) == "\"object at 0x* 0x*\"");
  CHECK(without_noise("{tv_sec=17, tv_nsec=250}", numbering()) == "{tv_sec=*, tv_nsec=*}");
  CHECK(without_noise("2026-11-21 09:12:37.25 took 1.25 ms", numbering()) == "* * took * ms");
  CHECK(without_noise("1795252500.125 1795252500125 99", numbering()) == "* * 99");
  CHECK(without_noise("/proc/4712/fd si_pid=4711 4713", numbering()) == "/proc/task:1/fd si_pid=task:0 4713");
  CHECK(without_noise("1.5 and 12:30", numbering()) == "1.5 and 12:30");
  CHECK(without_noise("\\4711 \\x7ffd1234abcd", numbering()).starts_with("\\4711"));
}

TEST_CASE("a name made up in a temporary directory has one counterpart") {
  Names names;
  const auto same = [&](std::string_view a, std::string_view b) {
    return names.are_same(a, b, Names::Origin::any, Names::Learning::pairs);
  };
  CHECK(same("\"/tmp/tmp.Ab3xY9/x\"", "\"/tmp/tmp.Zq9kL0/x\""));
  CHECK(same("written to Ab3xY9", "written to Zq9kL0"));  // known by now
  CHECK(!same("\"/tmp/tmp.Ab3xY9/x\"", "\"/tmp/tmp.Wq9kL0/x\""));
  CHECK(!same("\"/tmp/failed\"", "\"/tmp/passed\""));
  CHECK(!same("\"/home/u/a1b2c3\"", "\"/home/u/d4e5f6\""));
  CHECK(!same("\"/tmp/a1b2c3\"", "\"/tmp/a1b2c3d4\""));
  CHECK(same("htons(41234)", "htons(52345)"));
  CHECK(!same("htons(80)", "htons(443)"));
}

TEST_CASE("a name that a call makes anew may be any word") {
  Names names;
  CHECK(names.are_same("\"out/abcdef\"", "\"out/ghijkl\"", Names::Origin::created, Names::Learning::pairs));
  CHECK(!names.are_same("\"out/abcdef\"", "\"out/mnopqr\"", Names::Origin::any, Names::Learning::nothing));
}

// Two traces in files, and their difference.
class Difference {
 public:
  Difference(const std::vector<OwnedEvent>& a, const std::vector<OwnedEvent>& b, diff::Options options = {})
      : path_a_(write("a", a)),
        path_b_(write("b", b)),
        a_(path_a_),
        b_(path_b_),
        alignment({a_, path_a_}, {b_, path_b_}, options),
        hunks(alignment.run()) {}
  Difference(const Difference&) = delete;
  Difference& operator=(const Difference&) = delete;
  ~Difference() {
    std::filesystem::remove(path_a_);
    std::filesystem::remove(path_b_);
  }

 private:
  static std::string write(const std::string& name, const std::vector<OwnedEvent>& events) {
    const std::string path = std::filesystem::temp_directory_path() /
                             ("rec-diff-" + std::to_string(::getpid()) + "-" + name + ".rec");
    TraceWriter writer(path, TraceHeader{});
    for (OwnedEvent owned : events) with_event(owned, [&](const Event& event) { writer.append(event); });
    writer.finish({});
    return path;
  }
  std::string path_a_;
  std::string path_b_;
  TraceReader a_;
  TraceReader b_;

 public:
  diff::Alignment alignment;
  std::vector<diff::Hunk> hunks;
};

std::vector<OwnedEvent> opening(std::int32_t tid, const std::string& path, std::int64_t result) {
  return {start_event(tid, tid, 0),
          call_event(tid, SYS_lseek, {3, 0, 1}, 17),
          with_string(call_event(tid, SYS_openat, {static_cast<std::uint64_t>(-100), 0, 0}, result), 1, path),
          call_event(tid, SYS_dup, {1}, 5),
          call_event(tid, SYS_dup, {1}, 6),
          exit_event(tid)};
}

TEST_CASE("recordings that differ in task numbers only are the same") {
  const Difference found(opening(500, "/etc/passwd", 3), opening(777, "/etc/passwd", 3));
  CHECK(found.hunks.empty());
  CHECK(found.alignment.same_events() == 5);
}

TEST_CASE("another result is told with both results and the lines around") {
  const Difference found(opening(500, "/etc/passwd", 3), opening(777, "/etc/passwd", -ENOENT));
  REQUIRE(found.hunks.size() == 1);
  const diff::Hunk& hunk = found.hunks[0];
  CHECK(hunk.difference.kind == diff::Difference::Kind::result);
  CHECK(hunk.difference.a == "3");
  CHECK(hunk.difference.b == "-1 ENOENT (No such file or directory)");
  REQUIRE(hunk.before.size() == 1);
  CHECK(hunk.before[0].text.starts_with("lseek(3, 0, SEEK_CUR)"));
  REQUIRE(hunk.only_a.size() == 1);
  REQUIRE(hunk.only_b.size() == 1);
  CHECK(hunk.only_a[0].text.starts_with("openat(AT_FDCWD, \"/etc/passwd\""));
  CHECK(hunk.after.size() == 3);
  CHECK(hunk.rejoins);
}

TEST_CASE("another path is told by its argument") {
  const Difference found(opening(500, "/etc/passwd", 3), opening(500, "/etc/shadow", 3));
  REQUIRE(found.hunks.size() == 1);
  CHECK(found.hunks[0].difference.kind == diff::Difference::Kind::argument);
  CHECK(found.hunks[0].difference.name == "pathname");
  CHECK(found.hunks[0].difference.b == "\"/etc/shadow\"");
}

TEST_CASE("calls in one recording only are found, and the recordings come together again") {
  std::vector<OwnedEvent> longer = opening(500, "/etc/passwd", 3);
  longer.insert(longer.begin() + 2, 2, call_event(500, SYS_getuid, {}, 0));
  const Difference found(opening(500, "/etc/passwd", 3), longer, {.all = true});
  REQUIRE(found.hunks.size() == 1);
  CHECK(found.hunks[0].difference.kind == diff::Difference::Kind::extra);
  CHECK(found.hunks[0].only_a.empty());
  CHECK(found.hunks[0].only_b.size() == 2);
}

TEST_CASE("all differences are found when asked for, the first alone otherwise") {
  std::vector<OwnedEvent> other = opening(500, "/etc/passwd", -ENOENT);
  other[4].fixed.result = 7;
  CHECK(Difference(opening(500, "/etc/passwd", 3), other).hunks.size() == 1);
  CHECK(Difference(opening(500, "/etc/passwd", 3), other, {.all = true}).hunks.size() == 2);
}

TEST_CASE("tasks are told apart by who made them, not by the order of their events") {
  const auto child_call = [](std::int32_t tid, std::int64_t result) {
    return call_event(tid, SYS_dup, {1}, result);
  };
  const std::vector<OwnedEvent> a = {start_event(1, 1, 0), start_event(10, 10, 1), start_event(11, 11, 1),
                                     child_call(10, 3), child_call(11, 4)};
  const std::vector<OwnedEvent> b = {start_event(1, 1, 0), start_event(21, 21, 1), start_event(20, 20, 1),
                                     child_call(20, 5), child_call(21, 3)};
  const Difference found(a, b);
  REQUIRE(found.hunks.size() == 1);
  CHECK(found.alignment.path_of(found.hunks[0].place) == "2");
  CHECK(found.alignment.task(found.hunks[0].place).a == Tid(11));
  CHECK(found.alignment.task(found.hunks[0].place).b == Tid(20));
}

TEST_CASE("what a clock says and how a heap grows is no difference unless asked for") {
  const auto events = [](std::int64_t seconds, std::uint64_t end) {
    return std::vector<OwnedEvent>{
        start_event(1, 1, 0),
        with_output(call_event(1, SYS_clock_gettime, {1}, 0), 1, std::timespec{seconds, 0}),
        call_event(1, SYS_munmap, {0x7f0000000000, end}, 0), call_event(1, SYS_dup, {1}, 3)};
  };
  CHECK(Difference(events(1, 4096), events(2, 8192)).hunks.empty());
  CHECK(Difference(events(1, 4096), events(2, 8192), {.calls = dump::CallFilter("all")}).hunks.size() == 1);
}

TEST_CASE("the text of a difference has dump's lines") {
  const Difference found(opening(500, "/etc/passwd", 3), opening(777, "/etc/passwd", -ENOENT));
  const diff::Compared compared{.path_a = "a.rec", .path_b = "b.rec", .hunks = found.hunks};
  const std::string text = diff::text_report(compared, found.alignment, false);
  CHECK(text.find("A: a.rec\nB: b.rec\n\ntask 0 (500 in A, 777 in B), after 1 events that are the same; "
                  "event 2 of A, 2 of B: "
                  "the result:\n    A: 3\n    B: -1 ENOENT") == 0);
  CHECK(text.find("\n- openat(") != std::string::npos);
  CHECK(text.find("\n+ openat(") != std::string::npos);
}

}  // namespace
}  // namespace rec::testing

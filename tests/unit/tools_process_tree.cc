#include <doctest/doctest.h>
#include <sys/syscall.h>

#include <cstring>
#include <deque>

#include "tools/process_tree.h"

namespace rec::testing {
namespace {

void start(ProcessTree& tree, std::int32_t tid, std::int32_t pid, std::int32_t parent) {
  Extra extra;
  extra.pid = Pid(pid);
  extra.parent = Tid(parent);
  Event event;
  event.kind = EventKind::start;
  event.tid = Tid(tid);
  event.extra = &extra;
  tree.add(event);
}

void end(ProcessTree& tree, std::int32_t tid, std::int64_t wait_status) {
  Event event;
  event.kind = EventKind::exit;
  event.tid = Tid(tid);
  event.result = wait_status;
  tree.add(event);
}

// An exec as it is recorded: the pointers of argv at 0x1000, the strings behind each other at 0x2000.
class Exec {
 public:
  explicit Exec(const std::vector<std::string>& argv, std::int32_t nr = SYS_execve) {
    const std::uint8_t argument = nr == SYS_execveat ? 2 : 1;
    std::uint64_t at = 0x2000;
    for (const std::string& text : argv) {
      pointers_.push_back(at);
      strings_.push_back(text);
      at += text.size() + 1;
    }
    pointers_.push_back(0);
    add(0x1000, std::as_bytes(std::span(pointers_)), argument);
    for (std::size_t i = 0; i < argv.size(); ++i)
      add(pointers_[i], std::as_bytes(std::span(strings_[i].c_str(), strings_[i].size() + 1)), argument);
    event_.kind = EventKind::exec;
    event_.nr = nr;
    event_.args[argument] = 0x1000;
    extra_.text = "/bin/executable";
  }
  Event& event(std::int32_t tid, std::int32_t former_tid = 0) {
    event_.tid = Tid(tid);
    extra_.former_tid = Tid(former_tid);
    event_.data = pieces_;
    event_.extra = &extra_;
    return event_;
  }
  std::vector<Data>& pieces() { return pieces_; }

 private:
  void add(std::uint64_t address, std::span<const std::byte> bytes, std::uint8_t argument) {
    pieces_.push_back({RemotePtr<>(address), bytes, bytes.size(), Data::Role::input, argument});
  }
  std::vector<std::uint64_t> pointers_;
  std::deque<std::string> strings_;
  std::vector<Data> pieces_;
  Event event_;
  Extra extra_;
};

using Words = std::vector<std::string>;

TEST_CASE("the arguments of an exec are read from its recorded inputs") {
  CHECK(argument_strings(Exec({"ls", "-l", ""}).event(1)) == Words{"ls", "-l", ""});
  CHECK(argument_strings(Exec({"ls"}, SYS_execveat).event(1)) == Words{"ls"});
  CHECK(argument_strings(Exec({}).event(1)).empty());
  Exec cut({"a", "b"});
  cut.pieces().pop_back();  // the string was not recorded
  CHECK(argument_strings(cut.event(1)) == Words{"a", "…"});
  Exec array_cut({"a", "b"});
  array_cut.pieces()[0].bytes = array_cut.pieces()[0].bytes.first(8);
  CHECK(argument_strings(array_cut.event(1)) == Words{"a", "…"});
}

TEST_CASE("processes are a tree, threads belong to one") {
  ProcessTree tree;
  start(tree, 10, 10, 0);
  Exec shell({"sh", "-c", "x"});
  tree.add(shell.event(10));
  start(tree, 11, 10, 10);  // a thread
  start(tree, 12, 12, 11);  // a process made by that thread
  start(tree, 13, 13, 10);
  Exec made({"make"});
  tree.add(made.event(13));
  end(tree, 12, 256);
  end(tree, 11, 0);
  end(tree, 10, 9);
  const auto& processes = tree.processes();
  REQUIRE(processes.size() == 3);
  CHECK(processes[0].pid == Pid(10));
  CHECK(processes[0].parent == RecordedProcess::no_parent);
  CHECK(processes[0].threads == 2);
  CHECK(processes[0].children == std::vector<std::size_t>{1, 2});
  CHECK(processes[0].command == Words{"sh", "-c", "x"});
  CHECK(processes[0].wait_status == 9);
  CHECK(processes[1].pid == Pid(12));
  CHECK(processes[1].parent == 0);
  CHECK(!processes[1].executed);
  CHECK(processes[1].command == Words{"sh", "-c", "x"});  // as it was when it was forked
  CHECK(processes[1].wait_status == 256);
  CHECK(processes[2].executed);
  CHECK(processes[2].command == Words{"make"});
  CHECK(!processes[2].wait_status);
}

TEST_CASE("a thread that executes a program becomes its process's first task") {
  ProcessTree tree;
  start(tree, 10, 10, 0);
  start(tree, 11, 10, 10);
  end(tree, 10, 0);  // the kernel ends the leader, whose number the thread takes over
  Exec program({"new"});
  tree.add(program.event(10, 11));
  end(tree, 10, 512);
  REQUIRE(tree.processes().size() == 1);
  CHECK(tree.processes()[0].command == Words{"new"});
  CHECK(tree.processes()[0].wait_status == 512);
}

TEST_CASE("a number that the kernel gives out again is another process") {
  ProcessTree tree;
  start(tree, 10, 10, 0);
  start(tree, 11, 11, 10);
  end(tree, 11, 0);
  start(tree, 11, 11, 10);
  end(tree, 11, 256);
  REQUIRE(tree.processes().size() == 3);
  CHECK(tree.processes()[1].wait_status == 0);
  CHECK(tree.processes()[2].wait_status == 256);
}

TEST_CASE("a program that was given no arguments is shown by its file") {
  ProcessTree tree;
  start(tree, 10, 10, 0);
  Exec program({});
  tree.add(program.event(10));
  CHECK(tree.processes()[0].command == Words{"/bin/executable"});
}

}  // namespace
}  // namespace rec::testing

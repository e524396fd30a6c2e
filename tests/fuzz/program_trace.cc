#include "tests/fuzz/program_trace.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <csignal>
#include <cstdint>
#include <utility>
#include <vector>

#include "format/trace_writer.h"
#include "tests/unit/trace_support.h"
#include "tracee/agent/layout.h"

namespace rec::fuzz {
namespace {

using testing::OwnedEvent;

constexpr std::uint64_t text = 0x400000;
constexpr std::uint64_t heap = 0x600000;
constexpr std::uint64_t stack_end = 0x7ffffffde000;
const Tid first(100);
const Tid second(101);

class Maker {
 public:
  explicit Maker(const std::string& path) : writer_(path, testing::sample_header()) {
    Content content;
    content.path = "/bin/program";
    content.size = 4200;
    content.blocks.push_back({0, writer_.add_block(testing::noise(4200, 1))});
    content_ = writer_.add_content(content);
  }

  void put(OwnedEvent event) {
    event.fixed.enter_ns = event.fixed.leave_ns = ++now_;
    testing::with_event(event, [&](const Event& e) { (void)writer_.append(e); });
  }
  void finish() { writer_.finish({.duration_ns = now_, .wait_status = 0, .tasks = 2}); }

  static OwnedEvent make(EventKind kind, Tid tid, std::int32_t nr = 0, std::array<std::uint64_t, 6> args = {},
                         std::int64_t result = 0) {
    OwnedEvent event;
    event.fixed.kind = kind;
    event.fixed.tid = tid;
    event.fixed.nr = nr;
    event.fixed.args = args;
    event.fixed.result = result;
    return event;
  }
  static OwnedEvent call(std::int32_t nr, std::array<std::uint64_t, 6> args, std::uint64_t result = 0) {
    return make(EventKind::call, first, nr, args, static_cast<std::int64_t>(result));
  }
  static Registers registers() {
    Registers registers{};
    registers.rip = text + 0x10;
    registers.rsp = stack_end - 256;
    registers.orig_rax = ~std::uint64_t{0};
    registers.eflags = 0x202;
    registers.cs = 0x33;
    registers.ss = 0x2b;
    return registers;
  }
  static void add_data(OwnedEvent& event, std::uint64_t address, std::vector<std::byte> bytes,
                       Data::Role role, std::uint8_t argument = 0) {
    const std::uint64_t size = bytes.size();
    event.data.push_back({address, std::move(bytes), size, role, argument});
  }
  [[nodiscard]] Mapping mapping(std::uint64_t start, std::uint64_t size, Mapping::Kind kind, bool has_content,
                                std::uint64_t shared = 0) const {
    Mapping made;
    made.start = RemotePtr<>(start);
    made.end = RemotePtr<>(start + size);
    made.protection = PROT_READ | PROT_WRITE;
    made.flags = shared != 0 ? MAP_SHARED : MAP_PRIVATE;
    made.kind = kind;
    if (has_content) made.content = content_;
    made.shared_object = shared;
    return made;
  }

 private:
  TraceWriter writer_;
  ContentId content_{};
  std::uint64_t now_ = 0;
};

void start_and_exec(Maker& maker) {
  OwnedEvent start = Maker::make(EventKind::start, first);
  start.extra = Extra{.pid = Pid(100), .domain = DomainId(1), .after = Maker::registers()};
  maker.put(start);
  OwnedEvent exec = Maker::make(EventKind::exec, first, SYS_execve, {0, 0, 0, 0, 0, heap});
  exec.extra = Extra{.pid = Pid(100),
                     .domain = DomainId(1),
                     .after = Maker::registers(),
                     .xstate = std::vector<std::byte>(832),
                     .mappings = {maker.mapping(text, 0x3000, Mapping::Kind::file, true),
                                  maker.mapping(0x500000, 0x2000, Mapping::Kind::file, true, 7),
                                  maker.mapping(stack_end - 0x21000, 0x21000, Mapping::Kind::stack, false)},
                     .text = "/bin/program",
                     .stack_limit = 8 << 20};
  Maker::add_data(exec, stack_end - 256, testing::noise(256, 4), Data::Role::output);
  maker.put(exec);
}

void change_memory(Maker& maker) {
  maker.put(Maker::call(SYS_brk, {heap + 0x3000}, heap + 0x3000));
  OwnedEvent map = Maker::call(SYS_mmap, {0, 0x4000, 3, 2, 3, 0}, 0x7f0000000000);
  map.extra = Extra{.mappings = {maker.mapping(0x7f0000000000, 0x4000, Mapping::Kind::file, true)}};
  maker.put(map);
  map.extra->mappings = {maker.mapping(0x7f0000010000, 0x4000, Mapping::Kind::anonymous, false, 9)};
  maker.put(map);
  maker.put(Maker::call(SYS_mremap, {0x7f0000000000, 0x4000, 0x8000, 1, 0}, 0x7f0000100000));
  maker.put(Maker::call(SYS_madvise, {0x7f0000100000, 0x1000, MADV_DONTNEED}));
  maker.put(Maker::call(SYS_mprotect, {0x7f0000100000, 0x1000, PROT_READ}));
  maker.put(Maker::call(SYS_munmap, {0x7f0000100000, 0x1000}));
  OwnedEvent limit = Maker::call(SYS_setrlimit, {3, 0x600100});
  Maker::add_data(limit, 0x600100, testing::noise(16, 2), Data::Role::input, 1);
  maker.put(limit);
  maker.put(Maker::call(SYS_arch_prctl, {0x1002, 0x7f0000010000}));
  maker.put(Maker::call(SYS_brk, {heap}, heap));
}

void use_agent(Maker& maker) {
  OwnedEvent agent =
      Maker::make(EventKind::agent, first, 0, {agent::slots_address + agent::slot_size, text + 0x20, 1});
  Maker::add_data(agent, text, testing::noise(5, 5), Data::Role::output);
  maker.put(agent);
  OwnedEvent read = Maker::call(SYS_read, {3, 0x600000, 64}, 64);
  read.fixed.flags = event_by_agent;
  Maker::add_data(read, 0x600000, testing::noise(64, 6), Data::Role::output, 1);
  for (int i = 0; i < 3; ++i) maker.put(read);
}

void interrupt(Maker& maker) {
  OwnedEvent signal = Maker::make(EventKind::signal, first, SIGUSR1);
  signal.extra = Extra{.before = Maker::registers(),
                       .after = Maker::registers(),
                       .siginfo = testing::noise(128, 8),
                       .point = SignalPoint::before_call,
                       .action = SignalAction::handler};
  Maker::add_data(signal, stack_end - 1024, testing::noise(512, 9), Data::Role::output);
  maker.put(signal);
  signal.fixed.nr = SIGSEGV;
  signal.extra->point = SignalPoint::fault;
  maker.put(signal);
  OwnedEvent trap = Maker::make(EventKind::trap, first, 0, {1, 2, 3, 4, text + 0x40}, 2);
  maker.put(trap);
  OwnedEvent point = Maker::make(EventKind::point, first, 0, {77, text + 0x10});
  point.extra = Extra{.before = Maker::registers(), .xstate = std::vector<std::byte>(832)};
  Maker::add_data(point, text + 0x10, std::vector<std::byte>(20, std::byte{0x90}), Data::Role::input, 0);
  Maker::add_data(point, heap + 0x10000, std::vector<std::byte>(page_size), Data::Role::input, 1);
  maker.put(point);
  maker.put(Maker::make(EventKind::begin, first));
}

void use_two_tasks(Maker& maker) {
  OwnedEvent start = Maker::make(EventKind::start, second);
  start.extra = Extra{.parent = first,
                      .pid = Pid(100),
                      .domain = DomainId(2),
                      .clone_flags = CLONE_VM,
                      .after = Maker::registers()};
  Maker::add_data(start, heap, testing::noise(4, 10), Data::Role::output, 1);
  maker.put(start);
  maker.put(Maker::call(SYS_clone, {CLONE_VM | SIGCHLD}, 101));
  maker.put(Maker::make(EventKind::merge, first, 0, {2, 1}));
  maker.put(Maker::make(EventKind::begin, second));
  maker.put(Maker::make(EventKind::call, second, SYS_getpid, {}, 100));
  OwnedEvent memory = Maker::make(EventKind::memory, first, SYS_wait4);
  Maker::add_data(memory, heap, testing::noise(4, 11), Data::Role::output);
  maker.put(memory);
  maker.put(Maker::make(EventKind::stop, second, SIGSTOP));
  OwnedEvent ended = Maker::make(EventKind::exit, second, 0, {}, 256);
  Maker::add_data(ended, heap, std::vector<std::byte>(4), Data::Role::output);
  maker.put(ended);
  maker.put(Maker::call(SYS_wait4, {}, 101));
}

}  // namespace

void write_program_trace(const std::string& path) {
  Maker maker(path);
  start_and_exec(maker);
  change_memory(maker);
  interrupt(maker);
  use_two_tasks(maker);
  use_agent(maker);
  OwnedEvent last = Maker::call(SYS_exit_group, {0});
  last.fixed.flags = event_no_result;
  maker.put(last);
  maker.put(Maker::make(EventKind::exit, first));
  maker.finish();
}

}  // namespace rec::fuzz

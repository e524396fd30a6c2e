// Finding a point: the task runs with a stub (tracee/point_stub.h) in place of the instruction at which it
// was interrupted. The stub starts without checks; each time it traps and the state is not the recorded one,
// what differs becomes a check. Where no stub can be placed, a processor breakpoint stops the task at every
// pass.
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "format/base/clock.h"
#include "format/base/error.h"
#include "replayer/agent.h"
#include "replayer/divergence.h"
#include "replayer/replayer.h"
#include "tracee/agent_area.h"
#include "tracee/debug_registers.h"
#include "tracee/execution_point.h"
#include "tracee/jump_place.h"
#include "tracee/maps.h"
#include "tracee/point_stub.h"
#include "tracee/remote_call.h"

namespace rec {
namespace {

constexpr std::size_t most_checks = 24;
constexpr std::size_t most_memory_checks_a_trap = 3;
// Below the stack pointer there is nothing but the red zone (System V ABI, AMD64, 3.2.2) and what returned
// functions left.
constexpr std::uint64_t red_zone = 128;
// A program that rewrites the code at the point more often than this is stopped at every pass instead.
constexpr int most_rewrites = 4096;
constexpr std::size_t general_registers = 16;
// Passes that are looked at by a processor breakpoint before a stub stands in code of the program's own
// making. Its bytes may be part of another instruction, too, which is run first.
constexpr std::uint64_t careful_passes = 4;

// Of the XSAVE area (Intel SDM, volume 1, 13.4): the registers of x87 and SSE, then the header, then the
// rest.
constexpr std::uint64_t xmm_at = 160;
constexpr std::uint64_t xmm_end = 416;
bool is_comparable(std::uint64_t at) { return (at >= 32 && at < 464) || at >= 576; }

ExecutionPoint point_of(const Event& event) {
  ExecutionPoint point;
  if (event.extra == nullptr || !event.extra->before)
    fail("the trace is damaged: event {} is a point without registers", event.number);
  point.registers = *event.extra->before;
  point.xstate = event.extra->xstate;
  point.memory_total = event.args[0];
  for (const Data& data : event.data) {
    const std::vector<std::byte> bytes(data.bytes.begin(), data.bytes.end());
    if (data.argument == 0) {
      point.code = bytes;
    } else if (bytes.size() == page_size && data.address.address() % page_size == 0) {
      point.pages.push_back({data.address.address(), bytes});
    }
  }
  return point;
}

// How one pass differs from the point.
struct Difference {
  std::vector<StubCheck> checks;  // what can be checked for, newest insight
  std::string text;               // for people; empty: none
  int degree = 0;                 // the nearer to the point, the greater
};

class PointSearch {
 public:
  PointSearch(Replayer& replayer, ReplayTask& task, const Event& event)
      : replayer_(replayer), task_(task), event_(event), point_(point_of(event)), at_(point_.registers.rip) {}

  void find() {
    replay_agent::set_end(task_, true);
    choose_trap();
    const std::uint64_t started = monotonic_ns();
    for (;;) {
      const WaitStatus status = replayer_.run(task_, event_, started);
      if (std::holds_alternative<SyscallStop>(status)) {
        task_.position = ReplayTask::Position::at_entry;
        not_found();
      }
      const auto* stop = std::get_if<SignalStop>(&status);
      if (stop != nullptr && on_signal(stop->signal)) break;
    }
    disarm();
    replayer_.set_registers(task_, point_.registers);
    task_.position = ReplayTask::Position::at_point;
  }

 private:
  // --- traps ---

  // True: the task stands at the point.
  bool on_signal(int signal) {
    const Stopped stopped = task_.stopped();
    const siginfo_t info = stopped.siginfo();
    if (info.si_code <= 0 || signal == SIGCHLD) return false;  // sent from outside
    Registers registers = stopped.registers();
    if (signal == SIGTRAP && region_ && registers.rip == stub_.trapped_at) {
      registers.rip = at_;
      if (is_the_point(registers)) return true;
      go_on_from_stub();
      return false;
    }
    if (signal == SIGTRAP && watches_hardware_) {
      const DebugEvent event = take_debug_event(stopped);
      if (event.write) on_write();
      if (event.breakpoint && registers.rip == at_) {
        if (is_the_point(registers)) return true;
        choose_trap();
      }
      if (event.write || event.breakpoint) return false;
    }
    task_.fault = info;
    task_.position = ReplayTask::Position::at_fault;
    not_found();
  }

  bool is_the_point(const Registers& registers) {
    ++passes_;
    const Difference difference = compare(normalised(registers));
    if (difference.text.empty()) return true;
    if (difference.degree >= nearest_degree_) {
      nearest_degree_ = difference.degree;
      nearest_ = difference.text;
    }
    add_checks(difference.checks);
    last_ = registers;
    return false;
  }

  void add_checks(const std::vector<StubCheck>& found) {
    std::vector<StubCheck> all;
    for (const StubCheck& check : found) {
      if (std::find(checks_.begin(), checks_.end(), check) == checks_.end()) all.push_back(check);
    }
    // What was found last tells passes apart that all the others do not.
    all.insert(all.end(), checks_.begin(), checks_.end());
    if (all.size() > most_checks) all.resize(most_checks);
    checks_ = std::move(all);
  }

  // --- comparing ---

  Difference compare(const Registers& now) {
    Difference difference = compare_registers(now);
    if (difference.text.empty()) difference = compare_xstate();
    if (difference.text.empty()) difference = compare_pages();
    if (difference.text.empty()) difference = compare_memory();
    return difference;
  }

  Difference compare_registers(const Registers& now) {
    static constexpr std::array names{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                      "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
    Difference difference;
    std::vector<StubCheck> slow;
    for (unsigned i = 0; i < general_registers; ++i) {
      const std::uint64_t is = general_register(now, i), was = general_register(point_.registers, i);
      if (is == was) {
        ++difference.degree;
        continue;
      }
      difference.text += fmt::format(" {} is {:#x}, recorded {:#x};", names[i], is, was);
      const StubCheck check{StubCheck::What::general, static_cast<std::uint8_t>(i), 0, was};
      const bool moves = last_ && general_register(*last_, i) != is;
      (moves ? difference.checks : slow).push_back(check);
    }
    difference.checks.insert(difference.checks.end(), slow.begin(), slow.end());
    if (difference.text.empty() && now.eflags != point_.registers.eflags) {
      difference.text = fmt::format(" flags are {:#x}, recorded {:#x};", now.eflags, point_.registers.eflags);
    }
    if (difference.text.empty() && now != point_.registers) difference.text = " segment registers differ;";
    return difference;
  }

  Difference compare_xstate() {
    Difference difference{.checks = {}, .text = "", .degree = 17};
    if (point_.xstate.empty()) return difference;
    const std::vector<std::byte> now = normalised_xstate(task_.stopped().xstate());
    const std::size_t size = replayer_.comparable_xstate(point_.xstate, now);
    for (std::size_t at = 0; at + 8 <= size; at += 8) {
      std::uint64_t is = 0, was = 0;
      std::memcpy(&is, &now[at], 8);
      std::memcpy(&was, &point_.xstate[at], 8);
      if (is == was) continue;
      difference.text += fmt::format(" byte {} of the XSAVE area is {:#x}, recorded {:#x};", at, is, was);
      if (!is_comparable(at) || difference.checks.size() == most_memory_checks_a_trap) continue;
      const bool is_low_half = at >= xmm_at && at < xmm_end && (at - xmm_at) % 16 == 0;
      if (is_low_half) {
        const auto index = static_cast<std::uint8_t>((at - xmm_at) / 16);
        difference.checks.push_back({StubCheck::What::vector, index, 0, was});
      } else {
        difference.checks.push_back({StubCheck::What::xstate, 0, at, was});
      }
    }
    return difference;
  }

  Difference compare_pages() {
    Difference difference{.checks = {}, .text = "", .degree = 18};
    const RemoteMemory memory = task_.memory();
    std::vector<std::byte> now(page_size);
    std::vector<StubCheck> slow;
    for (std::size_t number = 0; number < point_.pages.size(); ++number) {
      const SamplePage& page = point_.pages[number];
      if (!memory.read_exact(RemotePtr<>(page.address), now))
        diverge(event_, task_, fmt::format("memory at {:#x}", page.address), "it is not mapped");
      lay_over(now, page.address);
      for (std::size_t at = 0; at < page_size; at += 8) {
        std::uint64_t is = 0, was = 0;
        std::memcpy(&is, &now[at], 8);
        std::memcpy(&was, &page.bytes[at], 8);
        if (is == was) continue;
        const std::uint64_t address = page.address + at;
        difference.text += fmt::format(" memory at {:#x} is {:#x}, recorded {:#x};", address, is, was);
        const StubCheck check{StubCheck::What::memory, 0, address, was};
        const bool is_dead =
            page_down(point_.registers.rsp) == page.address && address + red_zone < point_.registers.rsp;
        const bool moves = last_pages_.size() > number && word_of(last_pages_[number], at) != is && !is_dead;
        (moves ? difference.checks : slow).push_back(check);
      }
      if (last_pages_.size() <= number) last_pages_.resize(number + 1);
      last_pages_[number] = now;
    }
    difference.checks.insert(difference.checks.end(), slow.begin(), slow.end());
    if (difference.checks.size() > most_memory_checks_a_trap)
      difference.checks.resize(most_memory_checks_a_trap);
    return difference;
  }

  static std::uint64_t word_of(const std::vector<std::byte>& page, std::size_t at) {
    std::uint64_t word = 0;
    if (at + sizeof word <= page.size()) std::memcpy(&word, &page[at], sizeof word);
    return word;
  }

  Difference compare_memory() {
    Difference difference{.checks = {}, .text = "", .degree = 19};
    std::vector<MemoryRange> except;
    if (region_) except.push_back({*region_, *region_ + stub_region_size});
    std::vector<MemoryOverlay> overlays;
    if (region_) overlays.push_back({at_, std::span(point_.code).first(patch_.size())});
    const MemoryHash now = hash_memory(task_.real_tid, except, overlays);
    if (now.total != point_.memory_total)
      difference.text = fmt::format(
          " all registers are as recorded, but not all memory: the sum of its {} pages is "
          "{:#x}, recorded {:#x};",
          now.pages.size(), now.total, point_.memory_total);
    return difference;
  }

  void lay_over(std::vector<std::byte>& bytes, std::uint64_t address) const {
    if (!region_) return;
    for (std::size_t i = 0; i < patch_.size(); ++i) {
      const std::uint64_t at = at_ + i - address;
      if (at < bytes.size()) bytes[at] = point_.code[i];
    }
  }

  // --- where the task stops ---

  void choose_trap() {
    if (region_) return;
    const bool careful = passes_ < careful_passes && !is_code_of_file();
    if (!careful && place_stub()) {
      if (watches_hardware_) clear_breakpoint(task_.stopped());
      return;
    }
    if (wait_for_code()) return;
    if (!set_breakpoint(task_.stopped(), at_)) {
      if (careful && place_stub()) return;
      fail(
          "event {}: the recorded point at {:#x} of task {} needs a processor breakpoint, and this machine "
          "gives none",
          event_.number, at_, task_.tid);
    }
    watches_hardware_ = true;
  }

  // While the code is not as it was, passes need no look; only a write can bring it. (What is mapped a second
  // time could be written there: it is not writable here.)
  bool wait_for_code() {
    std::vector<std::byte> now(point_.code.size());
    if (!task_.memory().read_exact(RemotePtr<>(at_), now)) return false;
    const auto differs = std::mismatch(now.begin(), now.end(), point_.code.begin());
    if (differs.first == now.end() || !is_writable(read_maps(task_.real_tid))) return false;
    const std::uint64_t first = at_ + static_cast<std::uint64_t>(differs.first - now.begin());
    if (!watch_writes(task_.stopped(), first & ~std::uint64_t{7})) return false;
    if (watches_hardware_) clear_breakpoint(task_.stopped());
    watches_hardware_ = watches_code_ = true;
    return true;
  }

  [[nodiscard]] std::vector<MapsEntry>::const_iterator mapping_of_code(
      const std::vector<MapsEntry>& maps) const {
    return std::find_if(maps.begin(), maps.end(), [&](const MapsEntry& one) {
      return one.start.address() <= at_ && at_ < one.end.address();
    });
  }

  [[nodiscard]] bool is_writable(const std::vector<MapsEntry>& maps) const {
    const auto entry = mapping_of_code(maps);
    return entry != maps.end() && (entry->protection & PROT_WRITE) != 0;
  }

  [[nodiscard]] bool is_code_of_file() const {
    const std::vector<MapsEntry> maps = read_maps(task_.real_tid);
    const auto entry = mapping_of_code(maps);
    return entry != maps.end() && entry->inode != 0;
  }

  // Only where the code is as it was (a just-in-time compiler may not have written it yet).
  bool place_stub() {
    std::vector<std::byte> now(point_.code.size());
    const bool is_there = task_.memory().read_exact(RemotePtr<>(at_), now) && now == point_.code;
    const auto instruction = decode_instruction(point_.code, at_);
    if (!is_there || !instruction || !instruction->can_be_moved() || rewrites_ > most_rewrites) return false;
    const std::vector<MapsEntry> maps = read_maps(task_.real_tid);
    const auto place = find_jump_place(at_, instruction->length, point_.code, maps, stub_region_size);
    if (!place) return false;
    instruction_ = *instruction;
    stub_at_ = place->target;
    region_ = page_down(stub_at_);
    patch_ = place->bytes;
    if (!map_region() || !write_stub()) {
      region_.reset();
      return false;
    }
    task_.memory().write(RemotePtr<>(at_), patch_);
    watch_if_writable(maps);
    return true;
  }

  bool map_region() {
    const Stopped stopped = task_.stopped();
    RemoteCalls calls(stopped, agent_area::syscall_instruction);
    const std::int64_t result =
        calls.call(SYS_mmap, {*region_, stub_region_size, PROT_READ | PROT_WRITE | PROT_EXEC,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, ~std::uint64_t{0}, 0});
    return result == static_cast<std::int64_t>(*region_);
  }

  bool write_stub() {
    const auto stub =
        build_point_stub(instruction_, at_, point_.code, stub_at_, *region_ + stub_code_size, checks_);
    if (!stub) return false;
    ENSURE(stub_at_ + stub->code.size() <= *region_ + stub_code_size, "a stub of {} bytes",
           stub->code.size());
    stub_ = *stub;
    task_.memory().write(RemotePtr<>(stub_at_), stub_.code);
    return true;
  }

  void go_on_from_stub() {
    ENSURE(write_stub(), "a stub at {:#x} does not fit any more", stub_at_);
    Registers registers = task_.stopped().registers();
    registers.rip = stub_.resume_at;
    registers.orig_rax = ~std::uint64_t{0};
    task_.stopped().set_registers(registers);
  }

  // The patch lies in memory that the program may write to.
  void watch_if_writable(const std::vector<MapsEntry>& maps) {
    if (!is_writable(maps)) return;
    if (watch_writes(task_.stopped(), at_ & ~std::uint64_t{7})) watches_hardware_ = watches_code_ = true;
  }

  // The program has written to the code at the point: what it did not write is as it was.
  void on_write() {
    if (!region_) return choose_trap();
    ++rewrites_;
    Registers registers = task_.stopped().registers();
    if (MemoryRange{*region_, *region_ + stub_code_size}.contains(registers.rip)) {
      // The instruction at the point itself has written; what follows it in the stub leads back.
      registers.rip = at_ + instruction_.length;
      task_.stopped().set_registers(registers);
    }
    std::vector<std::byte> now(patch_.size());
    const RemoteMemory memory = task_.memory();
    if (!memory.read_exact(RemotePtr<>(at_), now)) return;
    for (std::size_t i = 0; i < now.size(); ++i) {
      if (now[i] == patch_[i]) now[i] = point_.code[i];
    }
    memory.write(RemotePtr<>(at_), now);
    drop_region();
    choose_trap();
  }

  void drop_region() {
    const std::uint64_t start = *region_;
    region_.reset();
    const Stopped stopped = task_.stopped();
    if (std::exchange(watches_code_, false)) stop_watching(stopped);
    RemoteCalls calls(stopped, agent_area::syscall_instruction);
    calls.must("munmap of a stub", SYS_munmap, {start, stub_region_size});
  }

  void disarm() {
    if (region_) {
      task_.memory().write(RemotePtr<>(at_), std::span(point_.code).first(patch_.size()));
      drop_region();
    }
    if (watches_hardware_) clear_breakpoint(task_.stopped());
    if (watches_code_) stop_watching(task_.stopped());
  }

  [[noreturn]] void not_found() {
    task_.registers = task_.stopped().registers();
    std::string actual = describe_position(task_);
    actual += fmt::format("; it was looked at there {} times", passes_);
    if (!nearest_.empty()) actual += fmt::format(", where it came nearest:{}", nearest_.substr(0, 600));
    diverge(event_, task_, fmt::format("the task comes to {:#x} in the recorded state", at_), actual);
  }

  Replayer& replayer_;
  ReplayTask& task_;
  const Event& event_;
  ExecutionPoint point_;
  std::uint64_t at_;
  Instruction instruction_;
  std::optional<std::uint64_t> region_;  // where the stub's pages begin, while there is one
  std::uint64_t stub_at_ = 0;
  PointStub stub_;
  std::vector<std::byte> patch_;
  std::vector<StubCheck> checks_;
  std::optional<Registers> last_;
  std::vector<std::vector<std::byte>> last_pages_;
  bool watches_hardware_ = false;
  bool watches_code_ = false;
  int rewrites_ = 0;
  std::uint64_t passes_ = 0;
  int nearest_degree_ = -1;
  std::string nearest_;
};

}  // namespace

void replay_point(Replayer& replayer, ReplayTask& task, const Event& event) {
  if (task.position != ReplayTask::Position::user) {
    diverge(event, task, "the task runs its own code", describe_position(task));
  }
  PointSearch(replayer, task, event).find();
}

}  // namespace rec

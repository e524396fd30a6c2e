// Any bytes as the payloads of a trace's chunks (payloads.h), replayed: address spaces set up, contents
// looked up, calls answered, the agent's ring filled, points compared. The kernel is a fake one, and so is
// the program: at each run it gets where the trace says, so that every event is reached. Only Error and
// Divergence may come of it.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "format/base/error.h"
#include "format/base/unique_fd.h"
#include "format/trace_reader.h"
#include "replayer/divergence.h"
#include "replayer/replayer.h"
#include "tests/fuzz/fake_kernel.h"
#include "tests/fuzz/payloads.h"
#include "tests/unit/trace_support.h"

namespace {

using rec::Event;
using rec::EventKind;
using rec::fuzz::FakeTask;
using rec::testing::OwnedEvent;

constexpr std::size_t most_events = 200;
constexpr int most_runs =
    8;  // for one event: a point that is never found is looked for as long as the task runs
constexpr std::size_t most_memory = 1 << 20;
// Of an agent's event: the program overwrites what it shares with rec. (No flag of rec's.)
constexpr std::uint16_t scribbles = 0x8000;

class Program {
 public:
  Program(const std::string& path, rec::fuzz::FakeKernel& kernel) : kernel_(kernel), reader_(path) {
    rec::TraceReader ahead(path);
    std::size_t memory = 0;
    while (const Event* event = ahead.next()) {
      for (const rec::Data& piece : event->data) memory += piece.bytes.size();
      if (events_.size() == most_events || memory > most_memory) break;
      events_.emplace_back(*event);
    }
    kernel_.run_program = [this](FakeTask& task) { run(task); };
    // All of the address space: no room for stubs, so points are looked for with breakpoints.
    rec::MapsEntry everything;
    everything.end = rec::RemotePtr<>(0x7ffffffff000);
    kernel_.maps = {everything};
  }

  void replay() {
    rec::Replayer replayer(reader_, {.standard_output = -1, .standard_error = -1});
    replayer_ = &replayer;
    for (at_ = 0; at_ < events_.size(); ++at_) {
      const Event& event = events_[at_].fixed;
      runs_ = 0;
      kernel_.other_result = event.result;
      kernel_.memory_total = event.args[0];
      kernel_.maps.front().start = rec::RemotePtr<>((event.flags & scribbles) != 0 ? 0x100000000000 : 0);
      if ((event.flags & scribbles) != 0) scribble(event);
      if (!replayer.step()) break;
    }
  }

 private:
  rec::ReplayTask* task_of(rec::Tid tid, const Event& event) {
    try {
      return &replayer_->task(tid, event);
    } catch (const rec::Error&) {
      return nullptr;
    }
  }

  // Whose program it is that ran before the event.
  bool is_of(const FakeTask& task, const OwnedEvent& event) {
    const bool is_new = event.fixed.kind == EventKind::start && event.extra;
    const rec::ReplayTask* own = task_of(is_new ? event.extra->parent : event.fixed.tid, event.fixed);
    return own != nullptr && own->real_tid.value() == task.pid;
  }

  void run(FakeTask& task) {
    if (++runs_ > most_runs) return task.stop_at_call(-1, {});
    for (std::size_t i = at_; i < events_.size(); ++i) {
      if (!is_of(task, events_[i])) continue;
      if (leaves_agent(events_[i].fixed, task)) return;
      if (is_where_it_stops(events_[i].fixed.kind)) return stop_at(task, i);
    }
    task.stop_at_call(-1, {});
  }

  static bool is_where_it_stops(EventKind kind) {
    return kind == EventKind::call || kind == EventKind::exec || kind == EventKind::memory ||
           kind == EventKind::start || kind == EventKind::signal || kind == EventKind::trap ||
           kind == EventKind::point;
  }

  void stop_at(FakeTask& task, std::size_t number) {
    const OwnedEvent& owned = events_[number];
    const Event& event = owned.fixed;
    if (owned.extra && owned.extra->before) task.registers = *owned.extra->before;
    task.debug_status = 1;  // asm/debugreg.h: the first breakpoint
    if (event.kind == EventKind::trap) {
      task.registers.rip = event.args[4] + ((event.flags & rec::event_found_when_run) != 0 ? 0 : 1);
      task.stop_by(SIGTRAP, SI_KERNEL);
    } else if (event.kind == EventKind::point) {
      task.stop_by(SIGTRAP, TRAP_HWBKPT);
    } else if (event.kind == EventKind::signal && owned.extra &&
               owned.extra->point == rec::SignalPoint::fault) {
      task.stop_by(event.nr, SI_KERNEL);
    } else if (event.kind == EventKind::signal) {
      task.registers.rip += 2;
      task.stop_at_call(39, {});
    } else if (event.kind == EventKind::start) {
      stop_where_it_makes_a_task(task, number);
    } else {
      for (const auto& piece : owned.data) (void)task.write(piece.address, piece.bytes);
      task.stop_at_call(event.kind == EventKind::exec ? 59 : event.nr, event.args);
    }
  }

  // In the parent's call, which follows on the child's start.
  void stop_where_it_makes_a_task(FakeTask& task, std::size_t start) {
    for (std::size_t i = start; i < events_.size(); ++i) {
      const Event& event = events_[i].fixed;
      if (event.kind == EventKind::call && is_of(task, events_[i]))
        return task.stop_at_call(event.nr, event.args);
    }
    task.stop_at_call(56, {});
  }

  // The agent answers all that is in its ring, and stops where rec asked it to.
  bool leaves_agent(const Event& event, FakeTask& task) {
    const rec::ReplayTask* own = task_of(event.tid, event);
    if (own == nullptr || own->slot == 0 || own->real_tid.value() != task.pid) return false;
    rec::agent::Slot* slot = own->space->agent->slot_at(own->slot);
    slot->read = slot->written;
    if (slot->leave_trap == 0) return false;
    task.registers.rip = rec::agent_symbols().leave_breakpoint;
    task.stop_by(SIGTRAP, SI_KERNEL);
    return true;
  }

  void scribble(const Event& event) {
    const rec::ReplayTask* own = task_of(event.tid, event);
    if (own == nullptr || own->slot == 0) return;
    rec::agent::Slot* slot = own->space->agent->slot_at(own->slot);
    slot->written = event.args[4];
    slot->read = event.args[5];
  }

  rec::fuzz::FakeKernel& kernel_;
  rec::TraceReader reader_;
  std::vector<OwnedEvent> events_;
  std::size_t at_ = 0;
  int runs_ = 0;
  rec::Replayer* replayer_ = nullptr;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto trace = rec::fuzz::trace_of({reinterpret_cast<const std::byte*>(data), size});
  if (trace.empty()) return 0;
  const rec::UniqueFd fd(::memfd_create("trace", MFD_CLOEXEC));
  if (!fd.is_open() || ::write(fd.get(), trace.data(), trace.size()) != static_cast<ssize_t>(trace.size()))
    std::abort();
  try {
    rec::fuzz::FakeKernel kernel;
    Program("/proc/self/fd/" + std::to_string(fd.get()), kernel).replay();
  } catch (const rec::Error&) {
  } catch (const rec::Divergence&) {
  }
  return 0;
}

// The loop of each tracer thread, and which tasks it has.
#include <linux/audit.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

#include "format/base/error.h"
#include "recorder/session.h"
#include "tracee/handover.h"

namespace rec {

bool StopRate::count(std::uint64_t now_ns) {
  const std::uint64_t stretch = now_ns / stretch_ns;
  const bool is_new = stretch != stretch_;
  if (is_new) {
    in_last_ = stretch == stretch_ + 1 ? in_stretch_ : 0;
    in_stretch_ = 0;
    stretch_ = stretch;
  }
  ++in_stretch_;
  return is_new;
}

std::uint32_t StopRate::of_last_stretch(std::uint64_t now_ns) const {
  const std::uint64_t stretch = now_ns / stretch_ns;
  if (stretch == stretch_) return in_last_;
  return stretch == stretch_ + 1 ? in_stretch_ : 0;
}

TracerThread& Session::here() { return threads_.at(Tracers::here().number()); }

Pinning& Session::pinning(const Task& task) {
  const Tracer* const tracer = tracers_.owner(task.tid);
  return threads_.at(tracer != nullptr ? tracer->number() : 0).pinning;
}

void Session::trace_with(Tid child, const Task& parent) {
  Tracer* const tracer = tracers_.owner(parent.tid);
  tracers_.set_owner(child, tracer != nullptr ? *tracer : Tracers::here());
}

std::vector<Tid> Session::tids_of(const Tracer& tracer) const {
  std::vector<Tid> tids;
  for (const auto& [tid, task] : tasks_) {
    if (tracers_.owner(tid) == &tracer) tids.push_back(tid);
  }
  return tids;
}

void Session::give_up_pinning() {
  for (const auto& tracer : tracers_.all()) {
    const std::vector<Tid> tids = tids_of(*tracer);
    // A thread's time-stamp trap is its own.
    const auto give_up = [&] { threads_.at(tracer->number()).pinning.give_up(tids); };
    if (tracer.get() == &Tracers::here()) {
      give_up();
    } else {
      tracer->run(give_up);
    }
  }
  place_writer();
}

void Session::update_pinning() {
  // Many calls between two stops: what they wrote down is made events of while they go on.
  constexpr std::uint64_t many = 64;
  TracerThread& thread = here();
  Pinning& pinning = thread.pinning;
  const Tracer& tracer = Tracers::here();
  const bool go_on_alone = agents_.records() - thread.records_at_last_stop > many;
  thread.records_at_last_stop = agents_.records();
  if (go_on_alone) pinning.count_anew();
  constexpr std::uint32_t stops_between_looks = 8;  // one takes time for each domain
  if (++thread.stops_since_look >= stops_between_looks) {
    thread.stops_since_look = 0;
    pinning.look(domains_run_in_parallel(tracer));
  }
  if (pinning.wants_to_pin()) {
    cpu_set_t taken;
    CPU_ZERO(&taken);
    for (const TracerThread& other : threads_) {
      if (&other != &thread) other.pinning.add_to(&taken);
    }
    pinning.choose_processor(taken);
    place_writer();  // first: this thread might find it there when it comes back
    pinning.pin(tids_of(tracer));
  }
  if (pinning.wants_to_unpin()) {
    pinning.unpin(tids_of(tracer));
    place_writer();
  }
}

// Tasks that may run on one processor only would wait there for the writer, some 4 ms at a time.
void Session::place_writer() {
  cpu_set_t pinned_to;
  CPU_ZERO(&pinned_to);
  for (const TracerThread& thread : threads_) thread.pinning.add_to(&pinned_to);
  const cpu_set_t& all = threads_.front().pinning.original();
  cpu_set_t others;
  CPU_AND(&others, &all, &pinned_to);
  CPU_XOR(&others, &all, &others);
  writer_.run_on(CPU_COUNT(&others) != 0 ? others : all);
}

// --- the loops ---

// The first thread's: it has the timer, and looks at the agents' rings.
bool Session::trace_next() {
  update_pinning();
  update_timer();
  bool none_left = false;
  Tracer& tracer = Tracers::here();
  const auto result = tracer.next(is_busy_ ? WaitMode::poll : WaitMode::block, &none_left);
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  if (none_left) {
    if (!tracers_.others_have_tasks(tracer)) return false;
    tracer.idle();
    on_timer();
    return true;
  }
  if (!result && is_busy_) {
    look_at_rings();
    return true;
  }
  if (result) gather_stops();
  if (!result || timer_is_overdue()) on_timer();
  if (result) deal_with(*result);
  return true;
}

// Every other one's.
void Session::trace_also(Tracer& tracer) {
  const Tracers::Inside inside(tracers_);
  Tracer& first = *tracers_.all().front();
  try {
    while (!tracers_.is_stopping()) {
      update_pinning();
      update_timer();
      bool none_left = false;
      const auto result = tracer.next(WaitMode::block, &none_left);
      if (none_left) {
        first.run([] {});  // there may be nothing left to trace
        tracer.idle();
      } else if (result) {
        gather_stops();
        deal_with(*result);
      }
    }
  } catch (...) {
    failure_ = std::current_exception();
    first.run([] {});
    while (!tracers_.is_stopping()) tracer.idle();
  }
}

void Session::deal_with(const WaitResult& result) {
  std::optional<WaitResult> next = result;
  while (next) {
    const WaitResult now = *next;
    next.reset();
    try {
      dispatch(now);
      look_at_held_calls();
    } catch (const TaskGone& gone) {
      // Whatever we wanted of it, it was killed meanwhile. If its end was seen already, go on from there.
      if (gone.seen) next = WaitResult{gone.tid, *gone.seen};
    }
  }
}

// The timer ends a wait; where a stop is always there already, nobody waits.
bool Session::timer_is_overdue() const {
  constexpr std::uint64_t periods = 4;
  return timer_period_ns_ != 0 && now_ns() - last_timer_ns_ > periods * timer_period_ns_;
}

// While agents write much, their rings are emptied before they are full: a full one costs a stop.
void Session::look_at_rings() {
  constexpr useconds_t pause_us = 100;  // a ring takes some 700 µs of the shortest calls
  constexpr int looks_in_vain = 5;
  const std::uint64_t before = agents_.records();
  bool timer = false;
  {
    const Tracers::Outside outside(tracers_);
    timer = ::usleep(pause_us) != 0;
  }
  agents_.drain();
  looks_in_vain_ = agents_.records() == before ? looks_in_vain_ + 1 : 0;
  is_busy_ = looks_in_vain_ < looks_in_vain;
  if (timer) on_timer();
}

// --- which tasks a thread has ---

// One that can be handed over where it stands, at the entry of a call, and with it all of its process. The
// first process is rec's own child: the first thread would hear of its stops whoever traces it
// (kernel/exit.c, wait_consider_task).
bool Session::can_move(const Task& task, const __ptrace_syscall_info& stop) const {
  const Process& process = *task.process;
  return process.tasks == 1 && task.tid.value() == process.pid.value() && task.tid != first_tid_ &&
         stop.op == PTRACE_SYSCALL_INFO_SECCOMP && stop.arch == AUDIT_ARCH_X86_64 &&
         makes_calls_at_once(task) && process.executed && !task.setting_up_exec && !task.traced &&
         task.held.empty();
}

std::uint32_t Session::load_of(const Tracer& tracer, std::uint64_t now) const {
  std::uint32_t load = 0;
  for (const auto& weak : domains_) {
    const auto domain = weak.lock();
    if (domain && domain->tracer == tracer.number()) load += domain->stops.of_last_stretch(now);
  }
  return load;
}

// Where the domain's stops would meet fewer of others than here; nullptr: nowhere.
Tracer* Session::less_loaded(const Domain& domain, std::uint64_t now) {
  const std::uint32_t own = domain.stops.of_last_stretch(now);
  const std::uint32_t others = load_of(Tracers::here(), now) - own;
  if (own < StopRate::few || others < StopRate::few) return nullptr;
  Tracer* found = nullptr;
  std::uint32_t least = others;
  for (const auto& tracer : tracers_.all()) {
    const std::uint32_t load = load_of(*tracer, now);
    if (tracer.get() == &Tracers::here() || load >= least) continue;
    found = tracer.get();
    least = load;
  }
  const bool is_full = tracers_.all().size() >= most_tracers_;
  if (least < StopRate::few || is_full) return found;
  return start_tracer();
}

// nullptr: there can be no more.
Tracer* Session::start_tracer() {
  Tracer* started = nullptr;
  try {
    started = &tracers_.start([this](Tracer& tracer) { trace_also(tracer); });
  } catch (const std::system_error&) {
    most_tracers_ = tracers_.all().size();  // a limit (setrlimit(2), RLIMIT_NPROC): those that are there do
    return nullptr;
  }
  const Pinning& pinning = threads_.front().pinning;
  threads_.emplace_back(pinning.original());
  if (!pinning.is_allowed()) threads_.back().pinning.give_up({});
  return started;
}

// Chaos: any, now and then. Whose domain has become part of another joins that one's thread.
Tracer* Session::choose_tracer(Domain& domain) {
  if (domain.processes > 1) {
    Tracer* const home = tracers_.all().at(domain.tracer).get();
    return home == &Tracers::here() ? nullptr : home;
  }
  if (chaos_) {
    const std::optional<std::size_t> chosen = chaos_->tracer(most_tracers_);
    if (!chosen || *chosen == Tracers::here().number()) return nullptr;
    return *chosen < tracers_.all().size() ? tracers_.all()[*chosen].get() : start_tracer();
  }
  const std::uint64_t now = now_ns();
  return domain.stops.count(now) ? less_loaded(domain, now) : nullptr;
}

bool Session::moves_to_other_tracer(Task& task, const __ptrace_syscall_info& stop) {
  if (most_tracers_ < 2 || domains_.size() < 2 || !can_move(task, stop)) return false;
  Domain& domain = task.domain();
  Tracer* const to = choose_tracer(domain);
  if (to == nullptr || !may_be_seized(task.tid)) return false;
  const LetGo let = let_go(Stopped(task.tid));
  tracers_.set_owner(task.tid, *to);
  domain.tracer = to->number();
  threads_.at(to->number()).pinning.take(task.tid);
  to->run([&] {
    if (const auto result = seize_again(let, trace_options)) to->put_off(*result);
  });
  return true;
}

}  // namespace rec

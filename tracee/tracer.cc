#include "tracee/tracer.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <utility>

#include "format/base/signals_blocked.h"
#include "tracee/time_stamp_trap.h"

namespace rec {
namespace {

thread_local Tracers* group_here = nullptr;
thread_local Tracer* tracer_here = nullptr;

Tid this_thread() { return Tid(static_cast<std::int32_t>(::syscall(SYS_gettid))); }

// What others hold for a few microseconds is not worth sleeping for: to be woken takes longer.
constexpr int spins = 2000;

void pause_processor() { __builtin_ia32_pause(); }

}  // namespace

int tracer_signal() { return SIGURG; }

// --- one thread ---

void Tracer::run(const std::function<void()>& work) {
  Request request{&work, nullptr};
  {
    const std::lock_guard guard(group_.mutex_);
    requests_.push_back(&request);
    is_asked_ = true;
  }
  group_.changed_.notify_all();
  for (int i = 0; i < spins && request.done.load(std::memory_order_acquire) == 0; ++i) pause_processor();
  // It is in waitpid(2), or is about to be: then the signal comes too early, and the next one does not.
  constexpr timespec until_next{0, 1'000'000};
  while (request.done.load(std::memory_order_acquire) == 0) {
    interrupt();
    (void)::syscall(SYS_futex, &request.done, FUTEX_WAIT_PRIVATE, 0, &until_next, nullptr, 0);
  }
  if (request.failure) std::rethrow_exception(request.failure);
  errno = request.error;
}

void Tracer::interrupt() const { (void)::syscall(SYS_tgkill, ::getpid(), thread_.load(), tracer_signal()); }

bool Tracer::serve() {
  if (!is_asked_.load(std::memory_order_acquire)) return false;
  std::deque<Request*> requests;
  {
    const std::lock_guard guard(group_.mutex_);
    requests.swap(requests_);
    is_asked_ = false;
  }
  times_asked_ += requests.size();
  for (Request* request : requests) {
    try {
      (*request->work)();
      request->error = errno;
    } catch (...) {
      request->failure = std::current_exception();
    }
    // It is gone as soon as its owner sees this; a wake-up of an address needs nothing to be there.
    std::atomic<std::uint32_t>* const done = &request->done;
    done->store(1, std::memory_order_release);
    (void)::syscall(SYS_futex, done, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }
  return !requests.empty();
}

std::optional<WaitResult> Tracer::next(WaitMode mode, bool* none_left) {
  *none_left = false;
  if (!seen_.empty()) return take(seen_.begin());
  std::optional<WaitResult> result;
  std::uint64_t asked_before = 0;
  {
    const Tracers::Outside outside(group_);
    result = wait(mode, none_left);
    // Whoever is inside meanwhile finds it there, if that is what he waits for.
    if (result) seen_.push_back(*result);
    asked_before = times_asked_;
  }
  if (!result) {
    // On its way in, perhaps: it may have been given a task.
    if (times_asked_ != asked_before) *none_left = false;
    return std::nullopt;
  }
  if (times_asked_ == asked_before) {
    seen_.pop_back();
    return result;
  }
  return seen_.empty() ? std::nullopt : std::optional(take(seen_.begin()));
}

std::optional<WaitResult> Tracer::wait(WaitMode mode, bool* none_left) {
  if (serve()) return std::nullopt;
  const auto result = wait_any(mode, none_left);
  if (!result && serve()) *none_left = false;
  return result;
}

std::optional<WaitResult> Tracer::wait_for(Tid tid, WaitMode mode) {
  const auto at =
      std::find_if(seen_.begin(), seen_.end(), [&](const WaitResult& result) { return result.tid == tid; });
  return at == seen_.end() ? wait_here(tid, mode) : take(at);
}

WaitResult Tracer::take(const std::deque<WaitResult>::const_iterator& at) {
  const WaitResult result = *at;
  seen_.erase(at);
  // A stop that was seen is still there, unless the task was killed since; perhaps by an exec of another
  // thread, which has its number now.
  return wait_here(result.tid, WaitMode::poll).value_or(result);
}

void Tracer::gather() {
  bool none_left = false;
  while (const auto stopped = wait_any(WaitMode::poll, &none_left)) seen_.push_back(*stopped);
}

void Tracer::idle() {
  const Tracers::Outside outside(group_);
  if (!serve()) (void)::ppoll(nullptr, 0, nullptr, nullptr);
  (void)serve();
}

// --- all of them ---

Tracers::Tracers() {
  all_.push_back(std::make_unique<Tracer>(*this, 0));
  all_.front()->thread_ = this_thread().value();
  group_here = this;
  tracer_here = all_.front().get();
}

Tracers::~Tracers() {
  group_here = nullptr;
  tracer_here = nullptr;
}

Tracers* Tracers::of_this_thread() { return group_here; }

Tracer& Tracers::here() { return *tracer_here; }

Tracer* Tracers::owner(Tid task) const {
  const auto at = owners_.find(task);
  return at == owners_.end() ? nullptr : at->second;
}

bool Tracers::others_have_tasks(const Tracer& tracer) const {
  return std::any_of(owners_.begin(), owners_.end(),
                     [&](const auto& owned) { return owned.second != &tracer; });
}

Tracer& Tracers::start(std::function<void(Tracer&)> run) {
  auto made = std::make_unique<Tracer>(*this, all_.size());
  Tracer& tracer = *made;
  // What is sent to rec is for the first thread. Each stop of a tracee is a SIGCHLD for its tracer, which is
  // nothing as long as that does not block it (kernel/signal.c, sig_ignored).
  const SignalsBlocked blocked{tracer_signal(), SIGCHLD};
  tracer.own_thread_ = std::thread([this, &tracer, run = std::move(run)] {
    const TimeStampsAllowed as_other_threads;  // whatever the one has that started it
    group_here = this;
    tracer_here = &tracer;
    tracer.thread_ = this_thread().value();
    run(tracer);
    tracer.thread_ = 0;
  });
  while (tracer.thread_.load() == 0) ::sched_yield();
  all_.push_back(std::move(made));
  return tracer;
}

void Tracers::stop() {
  is_stopping_ = true;
  for (const auto& tracer : all_) {
    if (!tracer->own_thread_.joinable()) continue;
    while (tracer->thread_.load() != 0) {
      (void)here().serve();
      tracer->interrupt();
      ::usleep(50);
    }
    tracer->own_thread_.join();
  }
}

void Tracers::enter() {
  Tracer& self = here();
  for (int i = 0; i < spins; ++i) {
    if (!is_held_.exchange(true, std::memory_order_acquire)) return;
    (void)self.serve();
    pause_processor();
  }
  std::unique_lock guard(mutex_);
  ++waiting_;
  while (is_held_.exchange(true)) {
    if (self.is_asked_.load()) {
      guard.unlock();
      (void)self.serve();
      guard.lock();
    } else {
      changed_.wait(guard);
    }
  }
  --waiting_;
}

void Tracers::leave() {
  is_held_.store(false);
  if (waiting_.load() == 0) return;
  // One that has just found it held sleeps by now.
  { const std::lock_guard guard(mutex_); }
  changed_.notify_all();
}

}  // namespace rec

// The threads that trace one program together.
//
// ptrace(2) takes requests for a task only from the thread that traces it, and waitpid(2) with __WNOTHREAD
// tells a thread of its own tasks only. What a tracer thread does with the program's picture it does inside
// (Tracers::Inside), so one at a time. There it may have to do with a task of another tracer
// (their domains became one, say): then that thread, which waits for a stop or for its turn to enter, makes
// the request for it. Stopped, Running and wait_for() see to that by themselves.
//
// A process with a single tracer (the replayer) has no Tracers, and nothing of this applies.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "format/base/ids.h"
#include "tracee/wait_status.h"

namespace rec {

class Tracers;

// One of the threads.
class Tracer {
 public:
  Tracer(Tracers& group, std::size_t number) : group_(group), number_(number) {}

  // 0: the one that began.
  [[nodiscard]] std::size_t number() const { return number_; }

  // Runs `work` in this tracer's thread, and returns when that is done; what it throws is thrown here, and
  // errno is as it left it. Precondition: the caller is inside, or nobody is.
  void run(const std::function<void()>& work);

  // --- in its own thread only ---

  // From inside, where it is again when this returns, but while it waits: the next stop of one of its tasks,
  // seen before or now. nullopt: none (poll), a signal handler ran or something was asked of this tracer
  // (block), or `*none_left`: it has no tasks.
  [[nodiscard]] std::optional<WaitResult> next(WaitMode mode, bool* none_left);
  // The stop of this task alone, seen before or now; as rec::wait_for().
  [[nodiscard]] std::optional<WaitResult> wait_for(Tid tid, WaitMode mode);
  // A stop that is to be dealt with later.
  void put_off(const WaitResult& result) { seen_.push_back(result); }
  // Sees all stops that there are now.
  void gather();
  // From inside, too: sleeps until something is asked of this tracer, or a signal handler ran.
  void idle();

 private:
  friend class Tracers;
  struct Request {
    const std::function<void()>* work;
    std::exception_ptr failure;
    int error = 0;  // errno behind it
    std::atomic<std::uint32_t> done = 0;
  };

  [[nodiscard]] std::optional<WaitResult> wait(WaitMode mode, bool* none_left);
  [[nodiscard]] WaitResult take(const std::deque<WaitResult>::const_iterator& at);
  // Whether anything was asked.
  bool serve();
  // Gets its thread out of waitpid(2), if it is in there.
  void interrupt() const;

  Tracers& group_;
  std::size_t number_;
  std::atomic<std::int32_t> thread_ = 0;
  std::deque<WaitResult> seen_;
  std::uint64_t times_asked_ = 0;
  std::deque<Request*> requests_;  // under Tracers::mutex_
  std::atomic<bool> is_asked_ = false;
  std::thread own_thread_;  // not of the one that began
};

class Tracers {
 public:
  // The calling thread is the first tracer as long as this exists.
  Tracers();
  Tracers(const Tracers&) = delete;
  Tracers& operator=(const Tracers&) = delete;
  // Precondition: a StopAtEnd has ended, if others were started.
  ~Tracers();

  // What the calling thread belongs to; nullptr: it traces alone.
  [[nodiscard]] static Tracers* of_this_thread();
  // The tracer that the calling thread is. Precondition: it is one of these.
  [[nodiscard]] static Tracer& here();

  // Inside only, or before others were started.
  [[nodiscard]] const std::vector<std::unique_ptr<Tracer>>& all() const { return all_; }
  // Starts another thread, in which `run` is called. Throws std::system_error when the kernel has none.
  // Precondition: the caller is inside.
  Tracer& start(std::function<void(Tracer&)> run);
  // The first one's: when this ends, and it is not inside, is_stopping() holds for the others, and it is
  // waited for until they are gone. What they still trace is killed by the kernel (PTRACE_O_EXITKILL).
  class StopAtEnd {
   public:
    explicit StopAtEnd(Tracers& tracers) : tracers_(tracers) {}
    StopAtEnd(const StopAtEnd&) = delete;
    StopAtEnd& operator=(const StopAtEnd&) = delete;
    ~StopAtEnd() { tracers_.stop(); }

   private:
    Tracers& tracers_;
  };
  [[nodiscard]] bool is_stopping() const { return is_stopping_.load(); }

  // The calling tracer is inside as long as this exists; one at a time is. While it waits to get there, it
  // does what it is asked.
  class Inside {
   public:
    explicit Inside(Tracers& tracers) : tracers_(tracers) { tracers_.enter(); }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() { tracers_.leave(); }

   private:
    Tracers& tracers_;
  };
  // Within the other: not inside, as long as this exists.
  class Outside {
   public:
    explicit Outside(Tracers& tracers) : tracers_(tracers) { tracers_.leave(); }
    Outside(const Outside&) = delete;
    Outside& operator=(const Outside&) = delete;
    ~Outside() { tracers_.enter(); }

   private:
    Tracers& tracers_;
  };

  // --- inside ---

  // The task is traced by this tracer.
  void set_owner(Tid task, Tracer& tracer) { owners_[task] = &tracer; }
  void forget(Tid task) { owners_.erase(task); }
  // nullptr: not known.
  [[nodiscard]] Tracer* owner(Tid task) const;
  // Whether any task is known to be traced by another one than this.
  [[nodiscard]] bool others_have_tasks(const Tracer& tracer) const;

 private:
  friend class Tracer;

  void stop();
  void enter();
  void leave();

  std::vector<std::unique_ptr<Tracer>> all_;
  std::unordered_map<Tid, Tracer*> owners_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> is_held_ = false;
  std::atomic<int> waiting_ = 0;  // for that to become false
  std::atomic<bool> is_stopping_ = false;
};

// Calls `work` in the thread that traces the task: in this one, as a rule. errno is as `work` left it.
template <class Work>
void in_tracer_of(Tid task, const Work& work) {
  const Tracers* const group = Tracers::of_this_thread();
  Tracer* const owner = group != nullptr && group->all().size() > 1 ? group->owner(task) : nullptr;
  if (owner == nullptr || owner == &Tracers::here()) {
    work();
  } else {
    owner->run(std::cref(work));
  }
}

// The signal that gets a tracer out of waitpid(2): rec has a handler for it, without SA_RESTART, and blocks
// it nowhere.
[[nodiscard]] int tracer_signal();

}  // namespace rec

#include "tracee/tracer.h"

#include <doctest/doctest.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <variant>

#include "format/base/error.h"
#include "tracee/stopped.h"

namespace rec {
namespace {

// A handler for the signal that gets a tracer out of waitpid(2), as rec has one.
class SignalHandled {
 public:
  SignalHandled() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ::sigaction(tracer_signal(), &action, &before_);
  }
  SignalHandled(const SignalHandled&) = delete;
  SignalHandled& operator=(const SignalHandled&) = delete;
  ~SignalHandled() { ::sigaction(tracer_signal(), &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

// A tracer of the kind that the recorder's are: stops that it sees are kept for whoever asks for them.
void trace_until_stopped(Tracers& tracers, Tracer& tracer) {
  const Tracers::Inside inside(tracers);
  while (!tracers.is_stopping()) {
    bool none_left = false;
    if (const auto result = tracer.next(WaitMode::block, &none_left)) {
      tracer.put_off(*result);
      tracer.idle();
    }
    if (none_left) tracer.idle();
  }
}

// One that waits for a signal, until this ends.
class Child {
 public:
  Child() : tid_(::fork()) {
    if (tid_.value() == 0) {
      for (;;) ::pause();
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    ::kill(tid_.value(), SIGKILL);
    while (wait_here(tid_, WaitMode::block)) {
    }
  }

  [[nodiscard]] Tid tid() const { return tid_; }

 private:
  Tid tid_;
};

// Two tracers, of which the second has a child of this process.
class TwoTracers {
 public:
  TwoTracers() {
    other_.run([&] { seize(child(), PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL); });
    tracers_.set_owner(child(), other_);
  }

  [[nodiscard]] Tid child() const { return child_.tid(); }
  [[nodiscard]] Tracer& other() const { return other_; }

 private:
  SignalHandled handled_;
  Child child_;
  Tracers tracers_;
  Tracers::StopAtEnd at_end_{tracers_};
  Tracers::Inside inside_{tracers_};
  Tracer& other_ = tracers_.start([this](Tracer& tracer) { trace_until_stopped(tracers_, tracer); });
};

TEST_CASE("a task is asked by the thread that traces it, whichever thread wants to know") {
  const TwoTracers two;
  for (int i = 0; i < 200; ++i) {
    Running(two.child()).interrupt();
    const WaitStatus stop = wait_until_stopped(two.child());
    const auto* event = std::get_if<PtraceEvent>(&stop);
    REQUIRE(event != nullptr);
    CHECK(event->event == PTRACE_EVENT_STOP);
    Stopped stopped(two.child());
    const Registers registers = stopped.registers();
    CHECK(registers.rip != 0);
    stopped.set_registers(registers);
    (void)std::move(stopped).resume(Resume::cont);
  }
}

TEST_CASE("the end of a task that another thread traces is waited for from here") {
  const TwoTracers two;
  ::kill(two.child().value(), SIGKILL);
  CHECK(std::holds_alternative<Killed>(wait_until_stopped(two.child())));
  CHECK_THROWS_AS((void)wait_until_stopped(two.child()), TaskGone);
  CHECK_THROWS_AS((void)Stopped(two.child()).registers(), TaskGone);
}

TEST_CASE("a thread that was asked for something while it waited is not told that it has no tasks") {
  const SignalHandled handled;
  std::atomic<int> asked = 0;
  std::atomic<int> told_wrongly = 0;
  {
    Tracers tracers;
    const Tracers::StopAtEnd at_end(tracers);
    const Tracers::Inside inside(tracers);
    Tracer& other = tracers.start([&](Tracer& tracer) {
      const Tracers::Inside inside_here(tracers);
      while (!tracers.is_stopping()) {
        const int before = asked;
        bool none_left = false;
        (void)tracer.next(WaitMode::block, &none_left);
        if (none_left && asked != before) ++told_wrongly;
      }
    });
    for (int i = 0; i < 50; ++i) {
      other.run([&] { ++asked; });
      {
        const Tracers::Outside outside(tracers);
        ::usleep(200);
      }
      ::usleep(300);  // it has found nothing to wait for by now, and wants to come in
    }
  }
  CHECK(told_wrongly.load() == 0);
}

TEST_CASE("what a thread throws at its work for another is thrown at that one") {
  const TwoTracers two;
  CHECK_THROWS_WITH_AS(two.other().run([] { fail("it went wrong"); }), "it went wrong", Error);
  bool is_done = false;
  two.other().run([&] { is_done = true; });
  CHECK(is_done);
}

TEST_CASE("errno is here what the work that another thread did left it at") {
  const TwoTracers two;
  for (const int error : {ESRCH, 0, EIO}) {
    two.other().run([&] { errno = error; });
    CHECK(errno == error);
  }
}

}  // namespace
}  // namespace rec

#include "tools/progress.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "format/base/clock.h"
#include "format/base/thread.h"
#include "tools/display.h"

namespace rec {

Progress::Progress(const TraceWriter& writer, bool wanted) : writer_(writer) {
  if (!wanted || ::isatty(STDERR_FILENO) == 0) return;
  thread_ = thread_without_signals([this] { run(); });
}

Progress::~Progress() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  wake_.notify_one();
  thread_.join();
  (void)std::fputs("\r\x1b[K", stderr);
}

void Progress::run() {
  const std::uint64_t start_ns = monotonic_ns();
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, std::chrono::seconds(1), [this] { return done_; })) {
    (void)std::fprintf(stderr, "\r\x1b[Krec: %s, %llu events, %s",
                       human_duration(monotonic_ns() - start_ns).c_str(),
                       static_cast<unsigned long long>(writer_.events_written()),
                       human_size(writer_.bytes_written()).c_str());
  }
}

}  // namespace rec

// `rec record --progress`: one line on the terminal that says how the recording grows.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "format/trace_writer.h"

namespace rec {

// Shows the line once a second while it lives, if wanted and if standard error is a terminal.
class [[nodiscard]] Progress {
 public:
  // `writer` has to outlive it.
  Progress(const TraceWriter& writer, bool wanted);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

 private:
  void run();

  const TraceWriter& writer_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace rec

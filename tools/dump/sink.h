// Where the lines go: a buffer before a descriptor, or before one for each task.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "format/base/ids.h"
#include "format/base/unique_fd.h"
#include "tools/dump/options.h"
#include "tools/dump/text.h"

namespace rec::dump {

class [[nodiscard]] Sinks {
 public:
  // Writes to options.output, which is created or emptied (with separate outputs: that name with .TID added,
  // for each task); to the descriptor `otherwise` if there is no such name. Throws Error.
  Sinks(const DumpOptions& options, int otherwise);

  // Where a task's lines are appended. Valid until the next call of this. Throws Error.
  [[nodiscard]] Text& text_of(Tid task);
  // What text_of() gave last.
  [[nodiscard]] Text& last_text() { return last_->text; }
  // To be called after each line. False when nobody reads any more (EPIPE): time to stop. Throws Error for
  // other failures.
  [[nodiscard]] bool line_done(Tid task);
  [[nodiscard]] bool flush();
  // The task has ended: its file, if it has one of its own, is written out and closed.
  void close(Tid task);

 private:
  struct Sink {
    UniqueFd file;  // closed when `otherwise` is meant
    std::string name;
    Text text;
  };
  [[nodiscard]] bool flush(Sink& sink);
  static void open(Sink& sink, int mode_flags);

  bool is_separate_;
  std::string name_;
  int otherwise_;
  Sink common_;
  std::unordered_map<Tid, Sink> of_tasks_;
  std::unordered_set<Tid> closed_;  // a number that the kernel gives out again goes on in the same file
  Sink* last_ = &common_;
};

}  // namespace rec::dump

#include "tools/dump/sink.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "format/base/error.h"

namespace rec::dump {
namespace {

constexpr std::size_t flush_at = 1 << 16;

}  // namespace

Sinks::Sinks(const DumpOptions& options, int otherwise)
    : is_separate_(options.separate_outputs), name_(options.output), otherwise_(otherwise) {
  common_.name = name_.empty() ? (otherwise == STDERR_FILENO ? "standard error" : "standard output") : name_;
  if (!name_.empty() && !is_separate_) open(common_, O_TRUNC);
}

void Sinks::open(Sink& sink, int mode_flags) {
  // As private as the trace that the text comes from.
  sink.file = UniqueFd(::open(sink.name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | mode_flags, 0600));
  if (!sink.file.is_open()) fail_with_errno("cannot write " + sink.name);
}

Text& Sinks::text_of(Tid task) {
  if (!is_separate_) return common_.text;
  const auto [found, is_new] = of_tasks_.try_emplace(task);
  last_ = &found->second;
  if (is_new) {
    last_->name = fmt::format("{}.{}", name_, task);
    open(*last_, closed_.contains(task) ? O_APPEND : O_TRUNC);
  }
  return last_->text;
}

bool Sinks::line_done(Tid /*task*/) { return last_->text.size() < flush_at || flush(*last_); }

void Sinks::close(Tid task) {
  const auto found = of_tasks_.find(task);
  if (found == of_tasks_.end()) return;
  (void)flush(found->second);
  of_tasks_.erase(found);
  closed_.insert(task);
  last_ = &common_;
}

bool Sinks::flush() {
  bool all = flush(common_);
  for (auto& [task, sink] : of_tasks_) all &= flush(sink);
  return all;
}

bool Sinks::flush(Sink& sink) {
  const int fd = sink.file.is_open() ? sink.file.get() : otherwise_;
  const char* next = sink.text.data();
  const char* const end = next + sink.text.size();
  while (next < end) {
    const ssize_t written = ::write(fd, next, static_cast<std::size_t>(end - next));
    if (written >= 0) {
      next += written;
    } else if (errno == EPIPE) {
      return false;
    } else if (errno != EINTR) {
      fail_with_errno("cannot write " + sink.name);
    }
  }
  sink.text.clear();
  return true;
}

}  // namespace rec::dump

#include "tools/dump/sink.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "format/base/error.h"

namespace rec::dump {

Sink::Sink(const std::string& path) : name_(path.empty() ? "standard output" : path) {
  if (path.empty()) return;
  // As private as the trace that the text comes from.
  file_ = UniqueFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file_.is_open()) fail_with_errno("cannot write " + name_);
}

bool Sink::flush() {
  const int fd = file_.is_open() ? file_.get() : STDOUT_FILENO;
  const char* next = text_.data();
  const char* const end = next + text_.size();
  while (next < end) {
    const ssize_t written = ::write(fd, next, static_cast<std::size_t>(end - next));
    if (written >= 0) {
      next += written;
    } else if (errno == EPIPE) {
      return false;
    } else if (errno != EINTR) {
      fail_with_errno("cannot write " + name_);
    }
  }
  text_.clear();
  return true;
}

}  // namespace rec::dump

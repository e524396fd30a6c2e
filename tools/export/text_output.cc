#include "tools/export/text_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "format/base/error.h"

namespace rec::exports {
namespace {

constexpr std::size_t flush_at = 1 << 16;

}  // namespace

TextOutput::TextOutput(std::string path) : path_(std::move(path)) {
  if (path_.empty()) {
    // A reader that goes away is no failure: the write says EPIPE.
    (void)std::signal(SIGPIPE, SIG_IGN);
    return;
  }
  file_ = UniqueFd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file_.is_open()) fail_with_errno("cannot write " + path_);
}

void TextOutput::put(std::string_view text) {
  buffer_ += text;
  if (buffer_.size() >= flush_at) flush();
}

void TextOutput::flush() {
  const int fd = file_.is_open() ? file_.get() : STDOUT_FILENO;
  std::string_view rest = buffer_;
  while (!rest.empty() && is_wanted_) {
    const ssize_t written = ::write(fd, rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EPIPE) {
      is_wanted_ = false;
    } else if (errno != EINTR) {
      fail_with_errno("cannot write " + (path_.empty() ? std::string("standard output") : path_));
    }
  }
  buffer_.clear();
}

}  // namespace rec::exports

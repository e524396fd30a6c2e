#include "recorder/kept_data.h"

#include <algorithm>

namespace rec {

KeptData::KeptData(const RecordOptions& options)
    : max_piece_(options.without_content ? options.snap_length : no_limit),
      max_event_(options.max_event_bytes == 0 ? no_limit : options.max_event_bytes) {}

std::span<const Data> KeptData::cut(const Event& event, bool* lost) {
  pieces_.assign(event.data.begin(), event.data.end());
  std::uint64_t left = max_event_;
  for (Data& piece : pieces_) {
    const std::uint64_t wanted = std::min<std::uint64_t>(piece.bytes.size(), max_piece_);
    const std::uint64_t kept = std::min(wanted, left);
    const bool is_shown = (event.flags & (event_echo_stdout | event_echo_stderr)) != 0;
    if (kept < wanted && (piece.role == Data::Role::output || is_shown)) *lost = true;
    piece.bytes = piece.bytes.first(kept);
    left -= kept;
  }
  std::erase_if(pieces_, [](const Data& piece) { return piece.bytes.empty() && piece.full_size != 0; });
  return pieces_;
}

}  // namespace rec

#include "tools/kept_event.h"

namespace rec {

void KeptEvent::assign(const Event& event) {
  event_ = event;
  pieces_.assign(event.data.begin(), event.data.end());
  bytes_.clear();
  for (const Data& piece : event.data) bytes_.insert(bytes_.end(), piece.bytes.begin(), piece.bytes.end());
  std::size_t position = 0;
  for (Data& piece : pieces_) {
    piece.bytes = std::span(bytes_).subspan(position, piece.bytes.size());
    position += piece.bytes.size();
  }
  event_.data = pieces_;
  extra_ = event.extra != nullptr ? std::make_unique<Extra>(*event.extra) : nullptr;
  event_.extra = extra_.get();
}

}  // namespace rec

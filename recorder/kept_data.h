// How much of an event's memory is kept, where `rec record` was asked to keep less than all.
#pragma once

#include <span>
#include <vector>

#include "format/event.h"
#include "recorder/options.h"

namespace rec {

class KeptData {
 public:
  explicit KeptData(const RecordOptions& options);

  // Whether all is kept of every event.
  [[nodiscard]] bool is_whole() const { return max_piece_ == no_limit && max_event_ == no_limit; }

  // The pieces, cut; valid until the next call. `*lost` becomes true if bytes that a replay needs, and that
  // --no-content does not take away anyway, are among what was cut.
  [[nodiscard]] std::span<const Data> cut(const Event& event, bool* lost);

 private:
  static constexpr std::uint64_t no_limit = ~std::uint64_t{0};
  std::uint64_t max_piece_;
  std::uint64_t max_event_;
  std::vector<Data> pieces_;
};

}  // namespace rec

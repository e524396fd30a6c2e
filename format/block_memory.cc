#include "format/block_memory.h"

#include <utility>

namespace rec {

RawBytes BlockMemory::take() {
  if (spare_.empty()) return {};
  RawBytes taken = std::move(spare_.back());
  spare_.pop_back();
  bytes_ -= taken.room();
  return taken;
}

void BlockMemory::keep(RawBytes& memory) {
  if (memory.room() == 0 || bytes_ + memory.room() > most_) return;
  bytes_ += memory.room();
  spare_.push_back(std::move(memory));
}

void BlockMemory::begin_use(const RawBytes& memory) {
  bytes_ += memory.room();
  while (bytes_ > most_ && !spare_.empty()) (void)take();
}

void BlockMemory::end_use(RawBytes& memory) {
  bytes_ -= memory.room();
  keep(memory);
}

}  // namespace rec

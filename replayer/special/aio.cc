// Asynchronous I/O at replay: all that the kernel told and wrote is in the trace; only the page that the
// program sees in place of a ring comes and goes.
#include <sys/syscall.h>

#include "replayer/special/special.h"

namespace rec::special {

void replay_aio_setup(AddressSpace& space, const Event& event) {
  if (event.extra == nullptr) return;
  for (const Mapping& mapping : event.extra->mappings) {
    space.aio_rings[mapping.start.address()] = mapping.end.address() - mapping.start.address();
  }
}

std::optional<agent::RemadeCall> remade_aio_destroy(AddressSpace& space, const Event& event) {
  const auto ring = space.aio_rings.extract(event.args[0]);
  if (ring.empty()) return std::nullopt;
  return agent::RemadeCall{SYS_munmap, {ring.key(), ring.mapped()}, 0};
}

}  // namespace rec::special

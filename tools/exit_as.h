// Ending as the program did.
#pragma once

namespace rec {

// The exit status that a shell would show for this wait status (128 + signal for one that was killed).
[[nodiscard]] int exit_status_of(int wait_status);

// If the program was killed by a signal, ends rec by the same signal (without a core file of rec's own), so
// that whoever waits for rec sees what it would have seen of the program. Returns otherwise.
void die_as(int wait_status);

}  // namespace rec

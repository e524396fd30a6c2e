// The seccomp program that a recorded program runs under, and a replayed one.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <span>
#include <vector>

namespace rec {

// siginfo_t::si_code of a SIGSYS that a filter raised (asm-generic/siginfo.h, SYS_SECCOMP).
inline constexpr int by_filter = 1;

// What the recorder finds as the event message of a seccomp stop (SECCOMP_RET_DATA).
enum class FilterMark : unsigned {
  call = 0,         // an x86-64 call
  foreign_abi = 1,  // int $0x80, or the x32 numbers: answered as by a kernel without them
};

// How the filter makes a call known to the tracer.
enum class FilterStop : std::uint8_t {
  event,   // a seccomp stop. A filter that is not rec's may refuse the call before (ERRNO comes before TRACE)
  signal,  // SIGSYS: stands above all that such a filter answers, but TRAP itself and what kills (seccomp(2))
};

// Calls from rec's own `syscall` instruction pass, all others stop, with FilterMark. libseccomp generates all
// but the test of the instruction pointer, which it has no notion of.
[[nodiscard]] std::vector<sock_filter> make_filter(FilterStop stop = FilterStop::event);

// For a replay, where no code shall be able to do anything outside: of the calls from there, only those pass
// that calls_of_agent() names.
[[nodiscard]] std::vector<sock_filter> make_replay_filter();

// What the agent does at replay: calls that change the task's own address space.
[[nodiscard]] std::span<const std::int64_t> calls_of_agent();

// Whether a seccomp filter (a container's, say) applies to rec, and so to all that it starts. What such a one
// refuses does not come to stop by rec's (seccomp(2): SECCOMP_RET_ERRNO outranks SECCOMP_RET_TRACE).
[[nodiscard]] bool under_foreign_filter();

}  // namespace rec

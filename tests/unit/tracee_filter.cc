#include "tracee/filter.h"

#include <doctest/doctest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tracee/agent_area.h"

namespace rec {
namespace {

// What the kernel's interpreter does with the instructions that seccomp allows (kernel/seccomp.c,
// seccomp_check_filter), as far as libseccomp uses them.
std::uint32_t evaluate(const std::vector<sock_filter>& program, const seccomp_data& data) {
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& step = program[at];
    bool holds = false;
    switch (step.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        REQUIRE(step.k + sizeof accumulator <= sizeof data);
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + step.k, sizeof accumulator);
        continue;
      case BPF_RET | BPF_K:
        return step.k;
      case BPF_JMP | BPF_JA:
        at += step.k;
        continue;
      case BPF_JMP | BPF_JEQ | BPF_K:
        holds = accumulator == step.k;
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        holds = accumulator >= step.k;
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
        holds = accumulator > step.k;
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        holds = (accumulator & step.k) != 0;
        break;
      default:
        FAIL("instruction " << step.code << " is unknown");
    }
    at += holds ? step.jt : step.jf;
  }
  FAIL("the program has no end");
  return 0;
}

seccomp_data call_from(std::uint64_t instruction_pointer, int nr = SYS_read) {
  seccomp_data data{};
  data.nr = nr;
  data.arch = AUDIT_ARCH_X86_64;
  data.instruction_pointer = instruction_pointer;
  return data;
}

constexpr std::uint64_t own = agent_area::after_syscall_instruction;
constexpr std::uint64_t of_program = 0x7f1234567002;

TEST_CASE("calls from rec's own instruction pass both filters") {
  for (const FilterStop stop : {FilterStop::event, FilterStop::signal}) {
    const auto filter = make_filter(stop);
    CHECK(evaluate(filter, call_from(own)) == SECCOMP_RET_ALLOW);
    CHECK(evaluate(filter, call_from(own, -1)) == SECCOMP_RET_ALLOW);
    // Where half of the address is the same.
    CHECK(evaluate(filter, call_from(own | std::uint64_t{1} << 32)) != SECCOMP_RET_ALLOW);
    CHECK(evaluate(filter, call_from(own + 0x10)) != SECCOMP_RET_ALLOW);
  }
}

TEST_CASE(
    "all calls of the program's stop it: with an event, or with a signal that no other filter keeps back") {
  const auto with_event = make_filter(FilterStop::event);
  const auto with_signal = make_filter(FilterStop::signal);
  for (const int nr : {int{SYS_read}, int{SYS_execve}, int{SYS_clone3}, 9999}) {
    CHECK(evaluate(with_event, call_from(of_program, nr)) ==
          (SECCOMP_RET_TRACE | static_cast<std::uint32_t>(FilterMark::call)));
    CHECK((evaluate(with_signal, call_from(of_program, nr)) & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRAP);
  }
  // seccomp(2): of several filters' answers the one that comes first here holds.
  CHECK(SECCOMP_RET_TRAP < SECCOMP_RET_ERRNO);
  CHECK(SECCOMP_RET_ERRNO < SECCOMP_RET_TRACE);
}

TEST_CASE("32-bit calls are told apart") {
  seccomp_data foreign = call_from(of_program);
  foreign.arch = AUDIT_ARCH_I386;
  CHECK(evaluate(make_filter(), foreign) ==
        (SECCOMP_RET_TRACE | static_cast<std::uint32_t>(FilterMark::foreign_abi)));
}

}  // namespace
}  // namespace rec

// What the syscall table adds to the calls that were used: subsystems and their shares, what was not
// exercised, and the kernel options that a machine needs to run the program.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tools/coverage/survey.h"

namespace rec::coverage {

struct CallFacts {
  std::string name;
  std::string subsystem;  // "Filesystem"; "unknown" for a number that the table does not have
  std::string entry;      // the kernel file with the entry point; "-" when there is none
  std::string kconfig;    // "CONFIG_EPOLL"; empty: in every kernel
};
[[nodiscard]] CallFacts facts_of(std::int32_t nr);

// By subsystem, the most used first, and there by frequency.
[[nodiscard]] std::vector<CallUse> ordered_calls(const Usage& usage);

struct SubsystemUse {
  std::string name;
  std::uint64_t count = 0;                 // of calls made
  double share = 0;                        // of all calls made, in per cent
  std::size_t exercised = 0;               // different calls
  std::vector<std::string> not_exercised;  // its other calls
};
// All subsystems, the most used first. Numbers that Linux no longer serves cannot be exercised and are left
// out unless they were tried.
[[nodiscard]] std::vector<SubsystemUse> subsystems(const Usage& usage);

// A kind of object that calls worked on, and which those were.
struct ObjectTotal {
  ObjectKind kind = ObjectKind::unknown;
  std::uint64_t count = 0;
  std::uint64_t failures = 0;
  std::vector<std::pair<std::string, ObjectUse>> calls;  // the most frequent first
};
// The most used first.
[[nodiscard]] std::vector<ObjectTotal> objects(const Usage& usage);

// Errors that the call's arguments allow for, as far as the table tells, and that were not seen: a descriptor
// may be bad, a path lead nowhere, memory not be there, a wait be interrupted, descriptors run out. In the
// order in which the kernel finds them.
struct UnseenErrors {
  std::string call;
  std::vector<std::string> errors;
};
// Of the calls that were made, ordered as ordered_calls().
[[nodiscard]] std::vector<UnseenErrors> unseen_errors(const Usage& usage);

struct KernelOption {
  std::string symbol;
  std::vector<std::string> calls;  // those that were made and need it, or need the object that they worked on
};
// By symbol. A call that the kernel (or rec) answered with ENOSYS only is not counted: the program did
// without it.
[[nodiscard]] std::vector<KernelOption> kernel_options(const Usage& usage);

// "ok", "ENOENT", "no return"; "ENOSYS by rec" when the recorder answered.
[[nodiscard]] std::string outcome_name(const Outcome& outcome);
// How many different errors were seen, over all calls.
[[nodiscard]] std::size_t error_paths(const Usage& usage);

}  // namespace rec::coverage

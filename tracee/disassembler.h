// Goes through code instruction by instruction, for those who look for certain ones: lengths, nothing else.
// (What an instruction does, and whether it can be moved: tracee/instruction.h.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace rec {

struct DecodedLength {
  std::uint64_t length = 0;
  bool is_unpredictable = false;  // rdtsc, rdtscp, rdrand, rdseed, cpuid, xgetbv
  bool is_privileged = false;     // for kernels only: met on the way, it says that what is decoded is data
};

class Disassembler {
 public:
  // Throws Error when Capstone cannot be started.
  Disassembler();
  Disassembler(const Disassembler&) = delete;
  Disassembler& operator=(const Disassembler&) = delete;
  ~Disassembler();

  // The instruction at the start of `bytes`; nullopt when it is none, or an unknown one.
  [[nodiscard]] std::optional<DecodedLength> decode(std::span<const std::byte> bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rec

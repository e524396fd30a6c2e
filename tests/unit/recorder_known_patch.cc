// How a patch that some process has is taken over into another.
#include <doctest/doctest.h>
#include <fcntl.h>

#include <cstdint>
#include <vector>

#include "fake_memory.h"
#include "format/base/unique_fd.h"
#include "recorder/agent_state.h"

namespace rec {
namespace {

constexpr std::uint64_t base = 0x400000;
constexpr std::uint64_t offset = std::uint64_t{1}
                                 << 41;  // behind the end of the file that the targets are of
constexpr std::uint64_t trampoline = 0x500000;
constexpr std::uint64_t routine = 0x501000;
constexpr std::uint64_t further = 0x7f0000000000;  // where the second process has it, seen from the first
constexpr std::uint64_t site = 1;

// nop ; cpuid ; mov %eax, %edx ; lea 16(%rip), %rcx ; ret: what moves has a displacement.
constexpr unsigned char code[] = {0x90, 0x0f, 0xa2, 0x89, 0xc2, 0x48, 0x8d, 0x0d, 0x10, 0, 0, 0, 0xc3, 0x90};

CodePatch patch_at(std::uint64_t distance) {
  static const UniqueFd self(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  static const JumpTargets targets(self.get());
  const auto made = make_cpuid_patch({std::as_bytes(std::span(code)), base + distance, offset}, targets,
                                     base + distance + site, trampoline + distance, routine + distance);
  REQUIRE(made);
  return *made;
}

CodeFile::Wanted wanted_at(std::uint64_t distance) {
  return {.site = base + distance + site, .trampoline = trampoline + distance, .routine = routine + distance};
}

CodeRegion region_at(std::uint64_t distance, std::uint64_t size = sizeof code) {
  return {.start = base + distance, .end = base + distance + size, .base = base + distance - offset};
}

struct TwoProcesses {
  TwoProcesses() {
    file.remember(region_at(0), wanted_at(0), patch_at(0));
    memory.put_bytes(base + further, std::as_bytes(std::span(code)));
  }
  [[nodiscard]] std::optional<CodePatch> known(const CodeFile::Wanted& wanted,
                                               std::uint64_t size = sizeof code) const {
    return file.known_patch(memory, region_at(further, size), wanted);
  }

  CodeFile file;
  test::FakeMemory memory;
};

}  // namespace

TEST_CASE("a known patch of the same code elsewhere is what decoding it there would make") {
  const TwoProcesses processes;
  const auto known = processes.known(wanted_at(further));
  REQUIRE(known);
  const CodePatch made = patch_at(further);
  CHECK(known->start == made.start);
  CHECK(known->length == made.length);
  CHECK(known->site == made.site);
  CHECK(known->jump == made.jump);
  CHECK(known->original == made.original);
  CHECK(known->trampoline == made.trampoline);
  CHECK(known->code == made.code);
  CHECK(known->l0 == made.l0);
  CHECK(known->l1 == made.l1);
  CHECK(known->keeps_site == made.keeps_site);
  for (std::uint64_t address = made.start; address < made.start + made.length; ++address)
    CHECK(known->into_trampoline(address) == made.into_trampoline(address));
}

TEST_CASE("a patch is made of the code around its site, and only once") {
  CodeFile file;
  test::FakeMemory memory;
  memory.put_bytes(base, std::as_bytes(std::span(code)));
  memory.put_bytes(base + further, std::as_bytes(std::span(code)));
  int times = 0;
  const auto patch = [&](std::uint64_t distance, std::uint64_t before) {
    return file.patch(memory, region_at(distance), wanted_at(distance), before,
                      [&](const Surroundings& around) -> std::optional<CodePatch> {
                        ++times;
                        CHECK(around.address == base + distance + site - before);
                        CHECK(around.offset == offset + site - before);
                        CHECK(around.bytes.size() == sizeof code - site + before);
                        return before == 0 ? std::nullopt : std::optional(patch_at(distance));
                      });
  };
  CHECK_FALSE(patch(0, 0));
  CHECK(patch(0, 1));
  CHECK(times == 2);
  const auto known = patch(further, 1);
  REQUIRE(known);
  CHECK(known->jump == patch_at(further).jump);
  CHECK(times == 2);
}

TEST_CASE("a known patch does not serve where its trampoline or routine lies elsewhere") {
  const TwoProcesses processes;
  CodeFile::Wanted wanted = wanted_at(further);
  wanted.trampoline += trampoline_size;
  CHECK_FALSE(processes.known(wanted));
  wanted = wanted_at(further);
  wanted.routine += 16;
  CHECK_FALSE(processes.known(wanted));
  wanted.routine = 0;
  CHECK_FALSE(processes.known(wanted));
}

TEST_CASE("a known patch of a call does not serve for another number") {
  TwoProcesses processes;
  CodeFile::Wanted wanted{.site = base + site, .trampoline = trampoline, .nr = 39};
  processes.file.remember(region_at(0), wanted, patch_at(0));
  wanted.site += further;
  wanted.trampoline += further;
  CHECK(processes.known(wanted));
  wanted.nr = 40;
  CHECK_FALSE(processes.known(wanted));
}

TEST_CASE("a known patch does not serve where other code is, or not all of its window") {
  TwoProcesses processes;
  const CodePatch made = patch_at(further);
  CHECK(processes.known(wanted_at(further), made.start + made.length - (base + further)));
  CHECK_FALSE(processes.known(wanted_at(further), made.start + made.length - 1 - (base + further)));
  processes.memory.put(base + further + 4, std::uint8_t{0xc3});
  CHECK_FALSE(processes.known(wanted_at(further)));
}

}  // namespace rec

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "tracee/agent_memory.h"

namespace rec {
namespace {

std::shared_ptr<AgentMemory::RingBudget> budget_of(int rings) {
  return std::make_shared<AgentMemory::RingBudget>(rings);
}

// Where the agent finds it.
std::byte* ring_by_slot(agent::Slot& slot) {
  return reinterpret_cast<std::byte*>(reinterpret_cast<std::uint64_t>(&slot) + slot.ring);
}

TEST_CASE("a ring that is lent stays as it is while its slot goes on with another") {
  const auto memory = std::make_shared<AgentMemory>(agent::Mode::record, budget_of(2));
  agent::Slot& slot = *memory->slot_at(memory->take_slot());
  std::byte* const first = memory->ring(slot);
  CHECK(ring_by_slot(slot) == first);
  *first = std::byte{1};
  slot.written = slot.read = 1000;
  auto keeper = AgentMemory::lend_ring(memory, slot);
  REQUIRE(keeper != nullptr);
  CHECK(slot.written == 0);
  CHECK(slot.read == 0);
  std::byte* const second = memory->ring(slot);
  CHECK(second != first);
  CHECK(ring_by_slot(slot) == second);
  *second = std::byte{2};
  second[agent::ring_size - 1] = std::byte{2};
  CHECK(*first == std::byte{1});

  // It comes back to be used again, by this slot or another one.
  keeper.reset();
  agent::Slot& other = *memory->slot_at(memory->take_slot());
  keeper = AgentMemory::lend_ring(memory, other);
  REQUIRE(keeper != nullptr);
  CHECK(memory->ring(other) == first);
  CHECK(ring_by_slot(other) == first);
}

TEST_CASE("a slot that is given back while its ring is lent comes with the ring that it has then") {
  const auto memory = std::make_shared<AgentMemory>(agent::Mode::record, budget_of(2));
  const std::uint64_t address = memory->take_slot();
  std::byte* const first = memory->ring(*memory->slot_at(address));
  const auto keeper = AgentMemory::lend_ring(memory, *memory->slot_at(address));
  REQUIRE(keeper != nullptr);
  std::byte* const second = memory->ring(*memory->slot_at(address));
  memory->give_back_slot(address);
  REQUIRE(memory->take_slot() == address);
  CHECK(memory->ring(*memory->slot_at(address)) == second);
  CHECK(ring_by_slot(*memory->slot_at(address)) == second);
  CHECK(second != first);
}

TEST_CASE("no more rings are lent than all memories together may use") {
  const auto budget = budget_of(3);
  const auto memory = std::make_shared<AgentMemory>(agent::Mode::record, budget);
  agent::Slot& slot = *memory->slot_at(memory->take_slot());
  std::vector<std::shared_ptr<const void>> lent;
  for (int i = 0; i < 2; ++i) lent.push_back(AgentMemory::lend_ring(memory, slot));
  {
    const auto other = std::make_shared<AgentMemory>(agent::Mode::record, budget);
    agent::Slot& others = *other->slot_at(other->take_slot());
    CHECK(AgentMemory::lend_ring(other, others) != nullptr);
    CHECK(AgentMemory::lend_ring(memory, slot) == nullptr);
  }
  lent.push_back(AgentMemory::lend_ring(memory, slot));
  for (const auto& keeper : lent) CHECK(keeper != nullptr);
  slot.written = 5;
  CHECK(AgentMemory::lend_ring(memory, slot) == nullptr);
  CHECK(slot.written == 5);
  lent.pop_back();
  CHECK(AgentMemory::lend_ring(memory, slot) != nullptr);
}

TEST_CASE("the memory stays as long as somebody has a ring of it") {
  auto memory = std::make_shared<AgentMemory>(agent::Mode::record, budget_of(2));
  agent::Slot& slot = *memory->slot_at(memory->take_slot());
  std::byte* const ring = memory->ring(slot);
  *ring = std::byte{7};
  const auto keeper = AgentMemory::lend_ring(memory, slot);
  const std::weak_ptr<AgentMemory> watched = memory;
  memory.reset();
  CHECK(!watched.expired());
  CHECK(*ring == std::byte{7});
}

}  // namespace
}  // namespace rec

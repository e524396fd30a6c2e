// The memory that an agent and rec share: one file without a name for each executed program and all that it
// forks, mapped in rec and, at fixed addresses, in the tracees (tracee/agent/layout.h).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "format/base/unique_fd.h"
#include "tracee/agent/layout.h"

namespace rec {

// The agent's code, to be mapped at agent::code_address.
[[nodiscard]] std::span<const std::byte> agent_code();
// Its addresses in a tracee.
[[nodiscard]] const agent::Symbols& agent_symbols();

class AgentMemory {
 public:
  // Offsets in the file of what is mapped in the tracee.
  static constexpr std::uint64_t code_offset = 0;
  static constexpr std::uint64_t code_size = agent::code_limit - agent::code_address;
  static constexpr std::uint64_t shared_offset = code_size;
  static constexpr std::uint64_t file_size = code_size + agent::shared_size;

  // Rings to lend, in all memories that share it: how many more may come into use.
  using RingBudget = std::atomic<int>;

  // Throws Error when there is no memory to be had.
  explicit AgentMemory(agent::Mode mode, std::shared_ptr<RingBudget> budget = nullptr);
  // In a part of a memory file that is there: file_size bytes from `offset` on, a multiple of the page size.
  AgentMemory(agent::Mode mode, int fd, std::uint64_t offset);
  AgentMemory(const AgentMemory&) = delete;
  AgentMemory& operator=(const AgentMemory&) = delete;
  ~AgentMemory();

  // As if it were just made, but for the table of calls. Precondition: it is mapped in no tracee any more.
  void renew(agent::Mode mode);

  [[nodiscard]] int fd() const { return file_.get(); }

  // As rec sees it.
  [[nodiscard]] agent::Globals& globals() const;
  [[nodiscard]] agent::CallTable& calls() const;
  // nullptr: no such slot.
  [[nodiscard]] agent::Slot* slot_at(std::uint64_t address_in_tracee) const;
  [[nodiscard]] std::byte* ring(const agent::Slot& slot) const;

  // Recording: the slot, whose task is stopped outside of the agent, gets another ring, an empty one. The one
  // that it had stays as it is, and the memory that it is in, for as long as somebody holds what is returned;
  // any thread may let go of it. nullptr: there is no other ring now, and nothing has changed.
  [[nodiscard]] static std::shared_ptr<const void> lend_ring(const std::shared_ptr<AgentMemory>& memory,
                                                             agent::Slot& slot);

  // One of stored_file_count.
  [[nodiscard]] agent::StoredFile& stored_file(std::uint32_t place) const;

  // From now on no agent makes a call about this memory.
  void keep(const agent::KeptMemory& more) const;

  // A slot or a table of descriptors for one more task or process: its address in the tracee, or 0 when all
  // are in use. A slot is as new.
  [[nodiscard]] std::uint64_t take_slot();
  void give_back_slot(std::uint64_t address);
  [[nodiscard]] std::uint64_t take_descriptors();
  void give_back_descriptors(std::uint64_t address);
  [[nodiscard]] std::span<std::uint8_t> descriptors_at(std::uint64_t address) const;
  // Makes slot `address` as new (the agent is not in it).
  void reset_slot(std::uint64_t address) const;

 private:
  void set_up(agent::Mode mode, int fd, std::uint64_t offset);
  static void write_code(int fd, std::uint64_t offset);
  void fill(agent::Mode mode);
  [[nodiscard]] std::uint32_t number_of(const agent::Slot& slot) const;
  [[nodiscard]] std::optional<std::uint32_t> take_ring();
  void give_back_ring(std::uint32_t ring);

  UniqueFd file_;                // unless it is somebody else's
  std::byte* shared_ = nullptr;  // what is at agent::shared_address
  std::vector<std::uint64_t> free_slots_;
  std::vector<std::uint64_t> free_descriptors_;
  // Rings have the numbers of the slots that they are in. The program, which can write to its slot, has no
  // say in which one rec reads.
  std::array<std::uint32_t, agent::slot_count> ring_of_slot_{};
  std::shared_ptr<RingBudget> budget_;  // nullptr: no ring is lent
  std::mutex ring_mutex_;               // for all below
  std::vector<std::uint32_t> free_rings_;
  std::uint32_t rings_in_use_ = 0;  // of the spare ones: those that have ever been taken
};

}  // namespace rec

// The memory that an agent and rec share: one file without a name for each executed program and all that it
// forks, mapped in rec and, at fixed addresses, in the tracees (tracee/agent/layout.h).
#pragma once

#include <cstddef>
#include <cstdint>
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

  // Throws Error when there is no memory to be had.
  explicit AgentMemory(agent::Mode mode);
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
  [[nodiscard]] static std::byte* ring(agent::Slot& slot);
  [[nodiscard]] static const std::byte* ring_end(const agent::Slot& slot);

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

  UniqueFd file_;                // unless it is somebody else's
  std::byte* shared_ = nullptr;  // what is at agent::shared_address
  std::vector<std::uint64_t> free_slots_;
  std::vector<std::uint64_t> free_descriptors_;
};

}  // namespace rec

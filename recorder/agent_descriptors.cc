// What the agents know of descriptors: which calls on them they can make without asking.
#include <sys/stat.h>

#include <array>
#include <cstring>

#include "recorder/agent.h"
#include "recorder/session.h"

namespace rec {

void Agents::forget_descriptors(const Process& process) {
  if (!process.agent->memory || process.descriptors == 0) return;
  const auto table = process.agent->memory->descriptors_at(process.descriptors);
  std::memset(table.data(), 0, table.size());
}

void Agents::file_is_mapped(std::uint64_t inode) {
  const std::uint32_t bit = agent::mapped_file_bit(inode);
  mapped_files_.at(bit / 8) |= static_cast<std::uint8_t>(1U << bit % 8);
  for (const Task* task : with_slots_) {
    std::uint8_t& byte = task->slot_memory->globals().mapped_files[bit / 8];
    __atomic_store_n(&byte, mapped_files_.at(bit / 8), __ATOMIC_RELEASE);
    if (task->process->descriptors == 0) continue;
    for (std::uint8_t& known : task->slot_memory->descriptors_at(task->process->descriptors)) {
      if ((known & agent::descriptor_prompt) != 0)
        known &= static_cast<std::uint8_t>(~(agent::descriptor_plain | agent::descriptor_shown));
    }
  }
}

// A call that rec saw may have opened or closed some.
void Agents::update_descriptors(const Task& task, std::int64_t result) {
  const Process& process = *task.process;
  if (!task.call.policy.changes_fds || process.descriptors == 0) return;
  const auto nr = static_cast<std::uint64_t>(task.call.call.nr);
  const unsigned flags = nr < agent::call_count ? table_->calls[nr].flags : 0;
  constexpr unsigned about_single_ones = agent::call_opens | agent::call_closes | agent::call_opens_pair;
  if (process.shares_descriptors || (flags & about_single_ones) == 0) {
    forget_descriptors(process);
    return;
  }
  const auto table = process.agent->memory->descriptors_at(process.descriptors);
  const std::uint64_t closed = task.call.call.args[0];
  if ((flags & agent::call_closes) != 0 && closed < table.size()) table[closed] = 0;
  if ((flags & agent::call_opens) != 0 && result >= 0) {
    learn_descriptor(task, static_cast<std::uint64_t>(result));
  }
  if ((flags & agent::call_opens_pair) != 0 && result >= 0) {
    const std::uint64_t place = task.call.call.args.at(table_->calls[nr].pair);
    const auto pair = task.memory().read(RemotePtr<std::array<std::int32_t, 2>>(place));
    if (!pair) return;
    for (const std::int32_t fd : *pair) learn_descriptor(task, static_cast<std::uint32_t>(fd));
  }
}

// One that it used.
void Agents::learn_used_descriptor(const Task& task) {
  const agent::Call& call = table_->calls[static_cast<std::size_t>(task.call.call.nr)];
  if ((call.flags & agent::call_multiplexed) != 0 || call.fd == agent::no_argument) return;
  if ((call.flags & (agent::call_blocks | agent::call_writes_fd)) == 0) return;
  learn_descriptor(task, task.call.call.args.at(call.fd));
}

void Agents::learn_descriptor(const Task& task, std::uint64_t fd) {
  Process& process = *task.process;
  if (process.descriptors == 0 || process.shares_descriptors) return;
  const auto table = process.agent->memory->descriptors_at(process.descriptors);
  if (fd >= table.size()) return;
  table[fd] = 0;
  struct stat info {};
  if (::stat(fmt::format("/proc/{}/fd/{}", task.tid, fd).c_str(), &info) != 0) return;
  const auto number = static_cast<std::int32_t>(fd);
  const bool mapped = S_ISREG(info.st_mode) && session_.was_mapped({info.st_dev, info.st_ino});
  unsigned known = 0;
  const EchoDescriptors& echo = session_.echo();
  if (!mapped && !echo.is_memory(process, task.tid, number)) {
    const unsigned flags = echo.flags_for(process, task.tid, number);
    if (flags == 0) known |= agent::descriptor_plain;
    if ((flags & event_echo_stdout) != 0) known |= agent::descriptor_output;
    if ((flags & event_echo_stderr) != 0) known |= agent::descriptor_error;
  }
  if (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)) known |= agent::descriptor_prompt;
  table[fd] = static_cast<std::uint8_t>(known);
}

}  // namespace rec

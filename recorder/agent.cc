#include "recorder/agent.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <utility>

#include "format/base/error.h"
#include "recorder/agent_calls.h"
#include "recorder/session.h"
#include "recorder/special/special.h"
#include "tracee/agent_area.h"
#include "tracee/remote_call.h"

namespace rec {
namespace {

// A program that is about to end shall not pay for the injection (some 100 µs).
constexpr int calls_before_injection = 16;

// If the kernel makes the call again, it does so by the instruction before.
std::uint64_t address_after_restart(const Registers& registers) {
  const bool restarts = is_restart_code(registers.result()) && registers.orig_rax != ~std::uint64_t{0};
  return restarts ? registers.rip - 2 : registers.rip;
}

}  // namespace

Agents::Agents(Session& session)
    : session_(session),
      table_(std::make_shared<agent::CallTable>()),
      has_effects_(agent::call_count),
      may_change_descriptors_(agent::call_count),
      stored_files_(agent::stored_file_count) {
  fill_agent_calls(*table_, session.options());
  for (const syscalls::Syscall& entry : syscalls::all()) {
    const auto nr = static_cast<std::size_t>(entry.nr);
    if (nr >= agent::call_count) continue;
    has_effects_[nr] = entry.special != syscalls::Special::none;
    // Of a call that is many, one request may.
    may_change_descriptors_[nr] = entry.changes_fds || syscalls::find_multiplexer(entry.nr) != nullptr;
  }
}

Agents::~Agents() = default;

// --- injection ---

bool Agents::is_wanted(const Process& process) const {
  // Where all system calls stop their task anyway, the agent's would, too.
  return session_.options().agent && !process.agent->is_off && !process.stops_at_entry && !process.was_traced;
}

void Agents::give_slot(Task& task, Registers& registers) {
  AgentMemory& memory = *task.process->agent->memory;
  task.slot = memory.take_slot();
  registers.gs_base = task.slot != 0 ? task.slot : agent::slots_address;
  if (task.slot == 0) return;
  task.slot_memory = task.process->agent->memory;
  agent::Slot& slot = *memory.slot_at(task.slot);
  slot.descriptors = reinterpret_cast<std::uint8_t*>(task.process->descriptors);
  slot.clock_source =
      task.counter_traps ? agent::ClockSource::system_call : agent::ClockSource::time_stamp_counter;
  with_slots_.push_back(&task);
}

void Agents::adopt(Task& child, const Process& parent) {
  AgentState& state = *child.process->agent;
  if (!state.memory || state.is_off) return;
  if (child.process->descriptors == 0) {
    child.process->descriptors = state.memory->take_descriptors();
    // Its descriptors lead to where its parent's do.
    if (child.process->descriptors != 0 && parent.descriptors != 0) {
      const auto known = state.memory->descriptors_at(parent.descriptors);
      std::copy(known.begin(), known.end(), state.memory->descriptors_at(child.process->descriptors).begin());
    }
  }
  const Stopped stopped(child.tid);
  Registers registers = stopped.registers();
  give_slot(child, registers);
  stopped.set_registers(registers);
}

UsedSlot Agents::take_slot_away(Task& task) {
  std::erase(with_slots_, &task);
  return {std::exchange(task.slot_memory, nullptr), std::exchange(task.slot, 0)};
}

void Agents::leave(Task& task) {
  if (task.slot == 0) return;
  const UsedSlot used = take_slot_away(task);
  used.memory->give_back_slot(used.slot);
}

void Agents::leave_by_exec(Task& task) {
  if (task.slot != 0) task.process->slots_before_exec.push_back(take_slot_away(task));
}

void Agents::has_executed(Process& process) {
  for (const UsedSlot& used : process.slots_before_exec) used.memory->give_back_slot(used.slot);
  process.slots_before_exec.clear();
}

void Agents::leave_process(Process& process) {
  if (process.agent->memory && process.descriptors != 0) {
    process.agent->memory->give_back_descriptors(process.descriptors);
  }
  process.descriptors = 0;
}

agent::Slot* Agents::slot_of(const Task& task) {
  return task.slot == 0 ? nullptr : task.slot_memory->slot_at(task.slot);
}

// --- between calls ---

void Agents::after_call(Task& task, std::int64_t result, Registers& registers) {
  const PendingCall& pending = task.call;
  Process& process = *task.process;
  update_descriptors(task, result);
  if (pending.blocks && task.blocks_to_trace > 0 && --task.blocks_to_trace == 0) {
    task.calls_at_trial = calls_made(task);
  }
  if (special::makes_tasks(pending) && result > 0) patch_hot_sites(task, registers);
  const auto nr = static_cast<std::uint64_t>(pending.call.nr);
  const bool usable = nr < agent::call_count &&
                      (table_->calls[nr].flags & (agent::call_usable | agent::call_multiplexed)) != 0;
  // A call of rec's own in between would make the kernel forget that it has to restart this one.
  if (!usable || is_restart_code(result) || !is_wanted(process)) return;
  if (!process.agent->memory && ++process.agent->calls_seen >= calls_before_injection) {
    if (registers.gs_base != 0 || registers.gs != 0 || !inject(task)) {
      process.agent->is_off = true;
      return;
    }
    registers = Stopped(task.tid).registers();
  }
  if (process.agent->memory) learn_used_descriptor(task);
  if (count_site(task, registers, static_cast<std::uint32_t>(nr))) registers = Stopped(task.tid).registers();
}

void Agents::after_counter(Task& task, Registers& registers) {
  if (!is_wanted(*task.process) || !count_site(task, registers, std::nullopt)) return;
  registers = Stopped(task.tid).registers();
  before_user(task, registers);
}

void Agents::remove(Task& task) {
  AgentState& state = *task.process->agent;
  state.is_off = true;
  for (const auto& [site, patch] : state.patches) write_code(task, patch.start, patch.original);
  state.patches.clear();
}

void Agents::retire(Task& task) {
  const Stopped stopped(task.tid);
  Registers registers = stopped.registers();
  const bool moved = unmap_pointer(task, registers);
  if (moved) stopped.set_registers(registers);
  remove(task);
  append_change(task, 0, moved ? address_after_restart(registers) : 0);
}

bool Agents::set_counter(Task& task, std::int64_t result) {
  const AgentState& state = *task.process->agent;
  // Only the agent has use for it.
  const bool trap = state.counters_in_doubt || state.is_off || (task.counter_traps && !state.memory);
  if (task.counter_traps == trap || is_restart_code(result)) return false;
  const Stopped stopped(task.tid);
  RemoteCalls calls(stopped, agent_area::syscall_instruction);
  const std::uint64_t how = trap ? PR_TSC_SIGSEGV : PR_TSC_ENABLE;
  if (calls.call(SYS_prctl, {PR_SET_TSC, how, 0, 0, 0}) != 0) return true;
  task.counter_traps = trap;
  if (agent::Slot* slot = slot_of(task)) {
    slot->clock_source = trap ? agent::ClockSource::system_call : agent::ClockSource::time_stamp_counter;
  }
  return true;
}

void Agents::before_user(Task& task, Registers& registers) {
  AgentState& state = *task.process->agent;
  if (set_counter(task, registers.result())) registers = Stopped(task.tid).registers();
  if (!state.memory) return;
  const std::uint64_t gs_before = registers.gs_base;
  const std::uint64_t rip_before = registers.rip;
  const bool has_gs = registers.gs_base >= agent::slots_address &&
                      registers.gs_base < agent::shared_address + agent::shared_size;
  if (!state.is_off && !has_gs) give_slot(task, registers);
  (void)map_pointer(task, registers);
  const bool moved = registers.rip != rip_before;
  const bool has_new_gs = registers.gs_base != gs_before;
  if (moved || has_new_gs) Stopped(task.tid).set_registers(registers);
  if (!moved && !has_new_gs && written_.empty() && mapped_.empty()) return;
  append_change(task, has_new_gs ? registers.gs_base : 0, moved ? address_after_restart(registers) : 0);
}

void Agents::append_change(const Task& task, std::uint64_t new_gs, std::uint64_t new_rip) {
  Extra extra;
  extra.mappings = std::move(mapped_);
  mapped_.clear();
  session_.append({.tid = task.tid,
                   .kind = EventKind::agent,
                   .args = {new_gs, new_rip, injected_ ? 1U : 0U},
                   .data = written_.data(),
                   .extra = extra.mappings.empty() ? nullptr : &extra});
  written_.clear();
  injected_ = false;
}

bool Agents::map_pointer(const Task& task, Registers& registers) const {
  for (const auto& [site, patch] : task.process->agent->patches) {
    if (const auto to = patch.into_trampoline(registers.rip)) {
      registers.rip = *to;
      return true;
    }
  }
  return false;
}

bool Agents::unmap_pointer(const Task& task, Registers& registers) const {
  for (const auto& [site, patch] : task.process->agent->patches) {
    if (const auto to = patch.out_of_trampoline(registers.rip)) {
      registers.rip = *to;
      return true;
    }
  }
  return false;
}

}  // namespace rec

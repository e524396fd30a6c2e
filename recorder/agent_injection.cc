// How the agent comes into a program: its memory, and the calls that map it there.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "format/base/error.h"
#include "recorder/agent.h"
#include "recorder/session.h"
#include "tracee/agent_area.h"
#include "tracee/remote_batch.h"
#include "tracee/remote_call.h"
#include "tracee/vdso.h"

namespace rec {
namespace {

constexpr std::uint64_t descriptor_path = agent_area::data;  // scratch for the path to open

std::uint64_t in_vdso(std::uint64_t start, std::string_view function) {
  const std::uint64_t offset = vdso_function(function);
  return offset == 0 ? 0 : start + offset;
}

void show_vdso(std::uint64_t start, agent::Globals& globals) {
  if (start == 0) return;
  globals.vdso_clock_gettime = in_vdso(start, "__vdso_clock_gettime");
  globals.vdso_gettimeofday = in_vdso(start, "__vdso_gettimeofday");
  globals.vdso_time = in_vdso(start, "__vdso_time");
}

}  // namespace

std::shared_ptr<AgentMemory> Agents::take_memory() {
  constexpr std::size_t most_spare = 4;
  std::unique_ptr<AgentMemory> memory;
  {
    const std::lock_guard lock(spare_memory_->mutex);
    if (!spare_memory_->all.empty()) {
      memory = std::move(spare_memory_->all.back());
      spare_memory_->all.pop_back();
    }
  }
  if (memory != nullptr) {
    memory->renew(agent::Mode::record);
  } else {
    memory = std::make_unique<AgentMemory>(agent::Mode::record, ring_budget_);
  }
  // (It may be the trace writer's thread that lets go of it last.)
  std::shared_ptr<AgentMemory> taken(memory.get(), [spare = spare_memory_](AgentMemory* done) {
    std::unique_ptr<AgentMemory> back(done);
    const std::lock_guard lock(spare->mutex);
    if (spare->all.size() < most_spare) spare->all.push_back(std::move(back));
  });
  (void)memory.release();
  return taken;
}

std::optional<Agents::Injection> Agents::begin_injection(const Task& task, RemoteBatch& batch) {
  Injection injection;
  try {
    injection.memory = take_memory();
  } catch (const Error&) {
    return std::nullopt;  // a limit, such as RLIMIT_FSIZE, which holds for a memfd, too: calls can be traced
                          // all the same
  }
  AgentMemory& memory = *injection.memory;
  memory.calls() = *table_;
  agent::Globals& globals = memory.globals();
  for (const auto& [device, inode] : session_.echo().identities()) {
    globals.echo_device[globals.echo_count] = device;
    globals.echo_inode[globals.echo_count++] = inode;
  }
  std::copy(mapped_files_.begin(), mapped_files_.end(), std::begin(globals.mapped_files));
  show_stored_files(memory);
  globals.cookie = ++next_cookie_;
  const std::string path = fmt::format("/proc/{}/fd/{}", ::getpid(), memory.fd());
  task.memory().write(RemotePtr<>(descriptor_path), std::as_bytes(std::span(path.c_str(), path.size() + 1)));
  const auto fd = batch.add(SYS_open, {descriptor_path, O_RDWR | O_CLOEXEC, 0});
  const auto map = [&](std::uint64_t at, std::uint64_t size, std::uint64_t protection, std::uint64_t offset) {
    return batch.add(SYS_mmap, {at, size, protection, MAP_SHARED | MAP_FIXED_NOREPLACE, 0, offset},
                     RemoteBatch::Passed{fd, 4});
  };
  injection.code =
      map(agent::code_address, AgentMemory::code_size, PROT_READ | PROT_EXEC, AgentMemory::code_offset);
  injection.shared =
      map(agent::shared_address, agent::shared_size, PROT_READ | PROT_WRITE, AgentMemory::shared_offset);
  batch.add(SYS_close, {0}, RemoteBatch::Passed{fd, 0});
  return injection;
}

bool Agents::finish_injection(Task& task, const RemoteBatch& batch, Injection injection) {
  AgentState& state = *task.process->agent;
  AgentMemory& memory = *injection.memory;
  const bool has_code = batch.result(injection.code) == static_cast<std::int64_t>(agent::code_address);
  const bool has_shared = batch.result(injection.shared) == static_cast<std::int64_t>(agent::shared_address);
  // The name may lead elsewhere for a program in another pid namespace.
  constexpr std::uint64_t cookie_at = agent::shared_address + offsetof(agent::Globals, cookie);
  const bool is_ours = has_code && has_shared &&
                       task.memory().read(RemotePtr<std::uint64_t>(cookie_at)) == memory.globals().cookie;
  if (!is_ours) {
    const Stopped stopped(task.tid);
    RemoteCalls calls(stopped, agent_area::syscall_instruction);
    if (has_code) (void)calls.call(SYS_munmap, {agent::code_address, AgentMemory::code_size});
    if (has_shared) (void)calls.call(SYS_munmap, {agent::shared_address, agent::shared_size});
    state.is_off = true;
    return false;
  }
  show_vdso(state.vdso, memory.globals());
  for (const agent::KeptMemory& kept : state.kept) memory.keep(kept);
  state.memory = std::move(injection.memory);
  task.process->descriptors = state.memory->take_descriptors();
  injected_ = true;
  return true;
}

bool Agents::inject(Task& task) {
  RemoteBatch batch;
  auto injection = begin_injection(task, batch);
  if (!injection) return false;
  session_.make_calls(task, batch);
  return finish_injection(task, batch, std::move(*injection));
}

std::optional<Agents::Injection> Agents::begin_program(const Task& task, std::span<const MapsEntry> maps,
                                                       MappedFiles& files, RemoteBatch& batch) {
  constexpr int enough_sites = 4;
  if (!is_wanted(*task.process)) return std::nullopt;
  int sites = 0;
  for (const MapsEntry& mapping : maps) {
    const bool is_code = (mapping.protection & PROT_EXEC) != 0;
    const SeenFile* file = is_code && holds_code_of_file(mapping) ? files.of(mapping) : nullptr;
    if (file == nullptr) continue;
    const std::uint64_t end = mapping.offset + mapping.size();
    for (const auto& [offset, site] : code_file(*file)->sites) {
      const bool is_here = offset >= mapping.offset && offset < end;
      if (is_here && site.calls >= calls_before_patching && !site.is_refused) ++sites;
    }
  }
  return sites < enough_sites ? std::nullopt : begin_injection(task, batch);
}

}  // namespace rec

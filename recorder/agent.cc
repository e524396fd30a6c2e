#include "recorder/agent.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "format/base/error.h"
#include "format/base/unique_fd.h"
#include "recorder/agent_calls.h"
#include "recorder/session.h"
#include "tracee/agent_area.h"
#include "tracee/maps.h"
#include "tracee/page_cache.h"
#include "tracee/remote_batch.h"
#include "tracee/remote_call.h"
#include "tracee/time_stamp_trap.h"
#include "tracee/vdso.h"

namespace rec {
namespace {

// A program that is about to end shall not pay for the injection (some 100 µs), nor a call made once or twice
// for its site (some 50 µs).
constexpr int calls_before_injection = 16;
constexpr int calls_before_patching = 3;

// For how long both clocks are compared before the first time is needed.
constexpr std::uint64_t first_rate_ns = 100'000;

constexpr std::uint64_t chunk_size = 4 * page_size;
constexpr std::uint64_t descriptor_path = agent_area::data;  // scratch for the path to open

bool is_in_agent(std::uint64_t rip) { return rip >= agent::code_address && rip < agent::code_limit; }

bool is_in_vdso(std::uint64_t rip) { return rip >= agent::vdso_address && rip < agent::vdso_limit; }

std::uint64_t in_vdso(std::uint64_t start, std::string_view function) {
  const std::uint64_t offset = vdso_function(function);
  return offset == 0 ? 0 : start + offset;
}

std::uint64_t distance(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : b - a; }

std::optional<CodePatch> make_patch_at(const Memory& memory, const AgentState::Region& region,
                                       const JumpTargets& targets, std::uint64_t address, std::uint32_t nr,
                                       std::uint64_t trampoline) {
  const std::uint64_t start = std::max(region.start, address - std::min(address, surroundings_before));
  std::vector<std::byte> bytes(std::min(region.end, address + surroundings_behind) - start);
  bytes.resize(memory.read_some(RemotePtr<>(start), bytes));
  return make_patch({bytes, start, start - region.base}, targets, address, nr, trampoline,
                    agent::code_address);
}

// The end of a gap in the address space that lies near `site`, for a chunk: 0 if there is none.
std::uint64_t find_gap(const std::vector<MapsEntry>& maps, std::uint64_t site) {
  std::uint64_t best = 0;
  std::uint64_t gap_start = 0;
  for (const MapsEntry& entry : maps) {
    const std::uint64_t gap_end = entry.start.address();
    // Below a stack is where it grows; at the bottom nothing may be mapped.
    const bool usable =
        entry.path != "[stack]" && gap_end > gap_start && gap_end - gap_start >= 16 * chunk_size;
    if (usable && distance(gap_end, site) < AgentState::reach &&
        (best == 0 || distance(gap_end, site) < distance(best, site))) {
      best = gap_end;
    }
    gap_start = entry.end.address();
  }
  return best;
}

}  // namespace

Agents::Agents(Session& session)
    : session_(session), calls_(agent::call_count + agent::extra_calls), has_effects_(agent::call_count) {
  fill_agent_calls(calls_, session.options());
  for (const syscalls::Syscall& entry : syscalls::all()) {
    const auto nr = static_cast<std::size_t>(entry.nr);
    if (nr < has_effects_.size()) has_effects_[nr] = entry.special != syscalls::Special::none;
  }
}

Agents::~Agents() = default;

// --- injection ---

bool Agents::is_wanted(const Process& process) const {
  // Where all system calls stop their task anyway, the agent's would, too.
  return session_.options().agent && !process.agent->is_off && !process.stops_at_entry;
}

std::shared_ptr<AgentMemory> Agents::take_memory() {
  constexpr std::size_t most_spare = 4;
  std::unique_ptr<AgentMemory> memory;
  if (spare_memory_->empty()) {
    memory = std::make_unique<AgentMemory>(agent::Mode::record);
  } else {
    memory = std::move(spare_memory_->back());
    spare_memory_->pop_back();
    memory->renew(agent::Mode::record);
  }
  std::shared_ptr<AgentMemory> taken(memory.get(), [spare = spare_memory_](AgentMemory* done) {
    std::unique_ptr<AgentMemory> back(done);
    if (spare->size() < most_spare) spare->push_back(std::move(back));
  });
  (void)memory.release();
  return taken;
}

bool Agents::inject(Task& task) {
  AgentState& state = *task.process->agent;
  std::shared_ptr<AgentMemory> memory;
  try {
    memory = take_memory();
  } catch (const Error&) {
    return false;  // a limit, such as RLIMIT_FSIZE, which holds for a memfd, too: calls can be traced all the
                   // same
  }
  std::copy(calls_.begin(), calls_.end(), memory->calls().begin());
  agent::Globals& globals = memory->globals();
  for (const auto& [device, inode] : session_.echo().identities()) {
    globals.echo_device[globals.echo_count] = device;
    globals.echo_inode[globals.echo_count++] = inode;
  }
  if (state.vdso != 0) {
    globals.vdso_clock_gettime = in_vdso(state.vdso, "__vdso_clock_gettime");
    globals.vdso_gettimeofday = in_vdso(state.vdso, "__vdso_gettimeofday");
    globals.vdso_time = in_vdso(state.vdso, "__vdso_time");
  }
  globals.cookie = ++next_cookie_;
  const Stopped stopped(task.tid);
  const RemoteMemory tracee = task.memory();
  const std::string path = fmt::format("/proc/{}/fd/{}", ::getpid(), memory->fd());
  tracee.write(RemotePtr<>(descriptor_path), std::as_bytes(std::span(path.c_str(), path.size() + 1)));
  RemoteBatch batch;
  const auto fd = batch.add(SYS_open, {descriptor_path, O_RDWR | O_CLOEXEC, 0});
  const auto map = [&](std::uint64_t at, std::uint64_t size, std::uint64_t protection, std::uint64_t offset) {
    return batch.add(SYS_mmap, {at, size, protection, MAP_SHARED | MAP_FIXED_NOREPLACE, 0, offset},
                     RemoteBatch::Passed{fd, 4});
  };
  const auto code =
      map(agent::code_address, AgentMemory::code_size, PROT_READ | PROT_EXEC, AgentMemory::code_offset);
  const auto shared =
      map(agent::shared_address, agent::shared_size, PROT_READ | PROT_WRITE, AgentMemory::shared_offset);
  batch.add(SYS_close, {0}, RemoteBatch::Passed{fd, 0});
  batch.run(stopped, tracee);
  const bool has_code = batch.result(code) == static_cast<std::int64_t>(agent::code_address);
  const bool has_shared = batch.result(shared) == static_cast<std::int64_t>(agent::shared_address);
  // The name may lead elsewhere for a program in another pid namespace.
  constexpr std::uint64_t cookie_at = agent::shared_address + offsetof(agent::Globals, cookie);
  const bool is_ours =
      has_code && has_shared && tracee.read(RemotePtr<std::uint64_t>(cookie_at)) == globals.cookie;
  if (!is_ours) {
    RemoteCalls calls(stopped, agent_area::syscall_instruction);
    if (has_code) (void)calls.call(SYS_munmap, {agent::code_address, AgentMemory::code_size});
    if (has_shared) (void)calls.call(SYS_munmap, {agent::shared_address, agent::shared_size});
    return false;
  }
  state.memory = std::move(memory);
  task.process->descriptors = state.memory->take_descriptors();
  injected_ = true;
  return true;
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

void Agents::adopt(Task& child) {
  AgentState& state = *child.process->agent;
  if (!state.memory || state.is_off) return;
  if (child.process->descriptors == 0) child.process->descriptors = state.memory->take_descriptors();
  const Stopped stopped(child.tid);
  Registers registers = stopped.registers();
  give_slot(child, registers);
  stopped.set_registers(registers);
}

void Agents::leave(Task& task) {
  if (task.slot == 0) return;
  task.slot_memory->give_back_slot(task.slot);
  task.slot_memory.reset();
  task.slot = 0;
  std::erase(with_slots_, &task);
}

void Agents::leave_by_exec(Task& task) {
  if (task.slot == 0) return;
  task.process->slots_before_exec.push_back({std::move(task.slot_memory), task.slot});
  task.slot_memory.reset();
  task.slot = 0;
  std::erase(with_slots_, &task);
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

void Agents::forget_descriptors(const Process& process) {
  if (!process.agent->memory || process.descriptors == 0) return;
  const auto table = process.agent->memory->descriptors_at(process.descriptors);
  std::memset(table.data(), 0, table.size());
}

agent::Slot* Agents::slot_of(const Task& task) {
  return task.slot == 0 ? nullptr : task.slot_memory->slot_at(task.slot);
}

// --- sites ---

void Agents::after_call(Task& task, std::int64_t result, Registers& registers) {
  const PendingCall& pending = task.call;
  Process& process = *task.process;
  if (pending.policy.changes_fds) forget_descriptors(process);
  const auto nr = static_cast<std::uint64_t>(pending.call.nr);
  const bool usable =
      nr < agent::call_count && (calls_[nr].flags & (agent::call_usable | agent::call_multiplexed)) != 0;
  // A call of rec's own in between would make the kernel forget that it has to restart this one.
  if (!usable || is_restart_code(result) || !is_wanted(process)) return;
  if (!process.agent->memory && ++process.agent->calls_seen >= calls_before_injection) {
    if (registers.gs_base != 0 || registers.gs != 0 || !inject(task)) {
      process.agent->is_off = true;
      return;
    }
    registers = Stopped(task.tid).registers();
  }
  if (process.agent->memory) learn_descriptor(task);
  count_site(task, registers, static_cast<std::uint32_t>(nr));
}

void Agents::count_site(Task& task, Registers& registers, std::uint32_t nr) {
  AgentState& state = *task.process->agent;
  const std::uint64_t address = registers.rip - 2;
  const AgentState::Region* region = state.region_at(address);
  if (region == nullptr) return;  // a trampoline, or code without a file, which may be rewritten at any time
  CodeFile::Site& site = region->file->sites[address - region->base];
  site.nr = nr;
  if (site.calls < calls_before_patching) ++site.calls;
  if (!state.memory || site.calls < calls_before_patching || site.is_refused) return;
  if (!state.tried.insert(address).second) return;
  if (patch(task, *region, address)) registers = Stopped(task.tid).registers();
}

CodeFile* Agents::code_file(const std::string& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return nullptr;
  const FileVersion version{info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec,
                            info.st_mtim.tv_nsec};
  std::unique_ptr<CodeFile>& known = files_[version];
  if (!known) known = std::make_unique<CodeFile>();
  return known.get();
}

const JumpTargets* Agents::targets_of(const std::string& file) {
  CodeFile* known = code_file(file);
  if (known == nullptr) return nullptr;
  if (!known->targets) {
    const UniqueFd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    known->targets = std::make_unique<JumpTargets>(opened.get());
  }
  return known->targets.get();
}

const JumpTargets* Agents::targets_for(const Task& task, const AgentState::Region& region) {
  if (!region.file->targets) {
    const std::vector<MapsEntry> maps = read_maps(task.tid);
    const auto entry = std::find_if(maps.begin(), maps.end(), [&](const MapsEntry& candidate) {
      return region.start >= candidate.start.address() && region.start < candidate.end.address();
    });
    if (entry != maps.end()) (void)targets_of(file_of(task, *entry));
  }
  return region.file->targets.get();
}

void Agents::add_code(Task& task, const MapsEntry& mapping, std::uint64_t start, std::uint64_t end,
                      const std::string& file) {
  AgentState& state = *task.process->agent;
  state.forget_code(start, end);
  // What can be written may be rewritten at any time; a shared page is not the program's alone.
  if (file.empty() || mapping.shared || (mapping.protection & PROT_WRITE) != 0) return;
  CodeFile* known = code_file(file);
  if (known == nullptr) return;
  state.regions.push_back({start, end, mapping.start.address() - mapping.offset, known});
}

void Agents::begin_program(Task& task) {
  constexpr int enough_sites = 4;
  AgentState& state = *task.process->agent;
  int sites = 0;
  for (const AgentState::Region& region : state.regions) {
    for (const auto& [offset, site] : region.file->sites) {
      if (site.calls >= calls_before_patching && !site.is_refused) ++sites;
    }
  }
  if (sites < enough_sites || !is_wanted(*task.process)) return;
  if (!inject(task)) {
    state.is_off = true;
    return;
  }
  for (const AgentState::Region& region : state.regions) patch_known_sites(task, region.start, region.end);
}

void Agents::patch_known_sites(Task& task, std::uint64_t start, std::uint64_t end) {
  AgentState& state = *task.process->agent;
  const AgentState::Region* region = state.region_at(start);
  if (region == nullptr || !state.memory || !is_wanted(*task.process)) return;
  PageCache pages(task.memory());
  const auto write = [&](std::uint64_t address, const std::vector<std::byte>& bytes) {
    pages.write(address, bytes);
    const auto room =
        task.call.data.add(Data::Role::output, RemotePtr<>(address), 0, bytes.size(), bytes.size());
    std::copy(bytes.begin(), bytes.end(), room.begin());
  };
  for (auto& [offset, site] : region->file->sites) {
    const std::uint64_t address = region->base + offset;
    const bool is_here = address >= std::max(start, region->start) && address < std::min(end, region->end);
    if (!is_here || site.calls < calls_before_patching || site.is_refused) continue;
    AgentState::Chunk* chunk = state.chunk_near(address);
    const JumpTargets* targets = targets_for(task, *region);
    if (chunk == nullptr || targets == nullptr) return;
    if (!state.tried.insert(address).second) continue;
    auto made = make_patch_at(pages, *region, *targets, address, site.nr, chunk->start + chunk->used);
    if (!made) {
      site.is_refused = true;
      continue;
    }
    chunk->used += trampoline_size;
    write(made->trampoline, made->code);
    write(made->start, made->jump);
    state.patches.emplace(address, std::move(*made));
  }
  pages.flush();
}

bool Agents::add_chunk(Task& task, const std::vector<MapsEntry>& maps, std::uint64_t near) {
  AgentState& state = *task.process->agent;
  std::uint64_t start = agent::low_trampolines;
  for (const AgentState::Chunk& chunk : state.chunks) {
    if (chunk.start == start) start += chunk.size;
  }
  if (distance(start, near) >= AgentState::reach || start + chunk_size > agent::low_trampolines_end) {
    const std::uint64_t gap_end = find_gap(maps, near);
    if (gap_end == 0) return false;
    start = gap_end - chunk_size;
  }
  const Stopped stopped(task.tid);
  RemoteCalls calls(stopped, agent_area::syscall_instruction);
  const std::int64_t got =
      calls.call(SYS_mmap, {start, chunk_size, PROT_READ | PROT_EXEC,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, ~std::uint64_t{0}, 0});
  if (got != static_cast<std::int64_t>(start)) return false;
  state.chunks.push_back({.start = start, .size = chunk_size});
  return true;
}

// With the event of kind `agent` that comes next.
bool Agents::map_chunk(Task& task, std::uint64_t near) {
  if (!add_chunk(task, read_maps(task.tid), near)) return false;
  const AgentState::Chunk& chunk = task.process->agent->chunks.back();
  Mapping mapping;
  mapping.start = RemotePtr<>(chunk.start);
  mapping.end = RemotePtr<>(chunk.start + chunk_size);
  mapping.protection = PROT_READ | PROT_EXEC;
  mapping.flags = MAP_PRIVATE | MAP_ANONYMOUS;
  mapped_.push_back(mapping);
  return true;
}

bool Agents::patch(Task& task, const AgentState::Region& region, std::uint64_t address) {
  const JumpTargets* targets = targets_for(task, region);
  if (targets == nullptr) return false;
  AgentState& state = *task.process->agent;
  if (state.chunk_near(address) == nullptr && !map_chunk(task, address)) return false;
  AgentState::Chunk* chunk = state.chunk_near(address);
  CodeFile::Site& site = region.file->sites[address - region.base];
  auto made = make_patch_at(task.memory(), region, *targets, address, site.nr, chunk->start + chunk->used);
  if (!made) {
    site.is_refused = true;
    return false;
  }
  chunk->used += trampoline_size;
  write_code(task, made->trampoline, made->code);
  write_code(task, made->start, made->jump);
  state.patches.emplace(address, std::move(*made));
  return true;
}

void Agents::write_code(const Task& task, std::uint64_t address, const std::vector<std::byte>& bytes) {
  task.memory().write(RemotePtr<>(address), bytes);
  const auto room = written_.add(Data::Role::output, RemotePtr<>(address), 0, bytes.size(), bytes.size());
  std::copy(bytes.begin(), bytes.end(), room.begin());
}

void Agents::remove(Task& task) {
  AgentState& state = *task.process->agent;
  state.is_off = true;
  for (const auto& [site, patch] : state.patches) write_code(task, patch.start, patch.original);
  state.patches.clear();
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
  // If the kernel makes the call again, it does so by the instruction before.
  const std::uint64_t rip = is_restart_code(registers.result()) && registers.orig_rax != ~std::uint64_t{0}
                                ? registers.rip - 2
                                : registers.rip;
  Extra extra;
  extra.mappings = std::move(mapped_);
  mapped_.clear();
  session_.append({.tid = task.tid,
                   .kind = EventKind::agent,
                   .args = {has_new_gs ? registers.gs_base : 0, moved ? rip : 0, injected_ ? 1U : 0U},
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

bool Agents::holds(const Task& task, std::uint64_t address) {
  if (agent_area::contains(address) || is_in_agent(address) || is_in_vdso(address)) return true;
  const auto& chunks = task.process->agent->chunks;
  return std::any_of(chunks.begin(), chunks.end(), [&](const AgentState::Chunk& chunk) {
    return address >= chunk.start && address < chunk.start + chunk.size;
  });
}

// --- descriptors ---

void Agents::learn_descriptor(Task& task) {
  Process& process = *task.process;
  const agent::Call& call = calls_[static_cast<std::size_t>(task.call.call.nr)];
  if (process.descriptors == 0 || process.shares_descriptors || (call.flags & agent::call_multiplexed) != 0 ||
      call.fd == 0xff)
    return;
  if ((call.flags & (agent::call_blocks | agent::call_writes_fd)) == 0) return;
  const std::uint64_t fd = task.call.call.args.at(call.fd);
  const auto table = process.agent->memory->descriptors_at(process.descriptors);
  if (fd >= table.size()) return;
  struct stat info {};
  if (::stat(fmt::format("/proc/{}/fd/{}", task.tid, fd).c_str(), &info) != 0) return;
  const auto number = static_cast<std::int32_t>(fd);
  const bool mapped =
      process.maps_files_shared && S_ISREG(info.st_mode) && process.unshared_fds.count(number) == 0;
  unsigned known = 0;
  if (!mapped && session_.echo().flags_for(process, task.tid, number) == 0) known |= agent::descriptor_plain;
  if (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)) known |= agent::descriptor_prompt;
  table[fd] = static_cast<std::uint8_t>(known);
}

// --- what was written down ---

namespace {

// The record in a ring at `*read` or, where that is filled up to the ring's end, the next one; nullptr: there
// is none.
const agent::Record* record_at(agent::Slot& slot, std::uint64_t* read) {
  const std::byte* ring = AgentMemory::ring(slot);
  for (;;) {
    const std::uint64_t written = __atomic_load_n(&slot.written, __ATOMIC_ACQUIRE);
    if (*read == written) return nullptr;
    const std::uint64_t at = *read & (agent::ring_size - 1);
    const auto* record = reinterpret_cast<const agent::Record*>(ring + at);
    const std::uint64_t rest = agent::ring_size - at;
    if (rest >= sizeof *record && record->nr != agent::no_call) return record;
    *read += rest;
  }
}

const agent::Record* next_record(agent::Slot& slot) {
  std::uint64_t read = slot.read;
  return record_at(slot, &read);
}

}  // namespace

std::uint64_t Agents::time_of(const agent::Slot& slot, std::uint64_t clock) const {
  if (slot.clock_source == agent::ClockSource::system_call) {
    return clock > session_.start_ns() ? clock - session_.start_ns() : 0;
  }
  const auto ticks = static_cast<double>(static_cast<std::int64_t>(clock - now_anchor_.ticks));
  const double ns = static_cast<double>(now_anchor_.ns) + ticks * ns_per_tick_;
  return ns < 0 ? 0 : std::min(static_cast<std::uint64_t>(ns), drained_ns_);
}

void Agents::look_at_clocks() {
  const TimeStampsAllowed allowed;
  now_anchor_ = {__rdtsc(), session_.now_ns()};
  if (first_anchor_.ticks == 0) {
    // The first rate is of a pause long enough to be right to some 0.1 %; later ones are of all the time
    // since.
    first_anchor_ = now_anchor_;
    while (session_.now_ns() - first_anchor_.ns < first_rate_ns) {
    }
    now_anchor_ = {__rdtsc(), session_.now_ns()};
  }
  ns_per_tick_ = static_cast<double>(now_anchor_.ns - first_anchor_.ns) /
                 static_cast<double>(now_anchor_.ticks - first_anchor_.ticks);
}

// What hangs off a record, up to `end` at most, is added to pieces_.
void Agents::read_pieces(const Task& task, const agent::Record& record, const std::byte* end) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&record) + sizeof record;
  for (std::uint32_t i = 0; i < record.pieces; ++i) {
    agent::PieceHeader header;
    ENSURE(end - bytes >= static_cast<std::ptrdiff_t>(sizeof header), "the agent of task {} wrote nonsense",
           task.tid);
    std::memcpy(&header, bytes, sizeof header);
    bytes += sizeof header;
    ENSURE(agent::round_up(header.size) <= static_cast<std::uint64_t>(end - bytes),
           "the agent of task {} wrote nonsense", task.tid);
    pieces_.push_back({RemotePtr<>(header.address), std::span(bytes, header.size), header.full_size,
                       static_cast<Data::Role>(header.role), header.argument});
    bytes += agent::round_up(header.size);
  }
}

// One more event for put_events(); its pieces are the last ones of pieces_.
void Agents::add_event(const Task& task, const agent::Slot& slot, const agent::Record& record) {
  const auto rest =
      static_cast<std::uint64_t>(AgentMemory::ring_end(slot) - reinterpret_cast<const std::byte*>(&record));
  ENSURE(record.size >= sizeof record && record.size <= rest && record.nr < agent::call_count,
         "the agent of task {} wrote nonsense", task.tid);
  const std::size_t first = pieces_.size();
  read_pieces(task, record, reinterpret_cast<const std::byte*>(&record) + record.size);
  piece_counts_.push_back(pieces_.size() - first);
  Event& event = events_.emplace_back();
  event.tid = task.tid;
  event.kind = EventKind::call;
  event.flags = event_by_agent;
  event.nr = record.nr;
  event.result = record.result;
  event.enter_ns = time_of(slot, record.enter);
  event.leave_ns = record.leave == record.enter ? event.enter_ns : time_of(slot, record.leave);
  std::copy(std::begin(record.args), std::end(record.args), event.args.begin());
}

// Appends what add_event() gathered, of one task.
void Agents::put_events(Task& task) {
  std::span<const Data> pieces = pieces_;
  for (std::size_t i = 0; i < events_.size(); ++i) {
    events_[i].data = pieces.first(piece_counts_[i]);
    pieces = pieces.subspan(piece_counts_[i]);
  }
  session_.put_all(events_);
  records_ += events_.size();
  for (const Event& event : events_) {
    if (has_effects_[static_cast<std::size_t>(event.nr)]) apply_effects(task, event);
    if (changes_descriptors(event)) EchoDescriptors::forget(*task.process);
  }
  events_.clear();
  piece_counts_.clear();
  pieces_.clear();
}

bool Agents::changes_descriptors(const Event& event) const {
  const agent::Call& call = calls_[static_cast<std::size_t>(event.nr)];
  if ((call.flags & agent::call_multiplexed) == 0) {
    return (call.flags & (agent::call_opens | agent::call_closes)) != 0;
  }
  const syscalls::Syscall* entry = syscalls::find(event.nr);
  return entry != nullptr && syscalls::policy(*entry, event.args).changes_fds;
}

void Agents::apply_effects(Task& task, const Event& event) {
  const syscalls::Syscall* entry = syscalls::find(event.nr);
  if (entry == nullptr || event.result != 0) return;
  const auto passed = std::find_if(event.data.begin(), event.data.end(), [](const Data& data) {
    return data.role == Data::Role::input && data.argument == 1;
  });
  if (passed == event.data.end()) return;
  if (entry->special == syscalls::Special::rt_sigaction) {
    KernelSigaction& action = task.process->actions.at(event.args[0]);
    if (passed->bytes.size() == sizeof action) std::memcpy(&action, passed->bytes.data(), sizeof action);
  } else if (entry->special == syscalls::Special::rt_sigprocmask) {
    std::uint64_t set = 0;
    if (passed->bytes.size() != sizeof set) return;
    std::memcpy(&set, passed->bytes.data(), sizeof set);
    if (event.args[0] == SIG_BLOCK) task.signal_mask |= set;
    if (event.args[0] == SIG_UNBLOCK) task.signal_mask &= ~set;
    if (event.args[0] == SIG_SETMASK) task.signal_mask = set;
  }
}

void Agents::drain() {
  const bool any = std::any_of(with_slots_.begin(), with_slots_.end(),
                               [](const Task* task) { return next_record(*slot_of(*task)) != nullptr; });
  if (!any) return;
  // A rate of before is right to some ns for as long.
  constexpr std::uint64_t clocks_last_ns = 1'000'000;
  if (first_anchor_.ticks == 0 || session_.now_ns() - now_anchor_.ns > clocks_last_ns) look_at_clocks();
  drained_ns_ = session_.now_ns();
  for (;;) {
    Task* first = nullptr;
    const agent::Record* earliest = nullptr;
    bool others = false;
    for (Task* task : with_slots_) {
      const agent::Record* record = next_record(*slot_of(*task));
      if (record == nullptr) continue;
      others = others || first != nullptr;
      if (earliest == nullptr || record->leave < earliest->leave) {
        first = task;
        earliest = record;
      }
    }
    if (first == nullptr) return;
    agent::Slot& slot = *slot_of(*first);
    first->left_with.reset();  // it has gone on since
    first->left_ns = drained_ns_;
    // Alone, it need not be compared with others each time.
    constexpr std::uint64_t at_once = 16 << 10;  // the agent waits for room meanwhile
    std::uint64_t read = slot.read;
    const std::uint64_t until = others ? read + 1 : std::min(slot.written, read + at_once);
    while (read < until) {
      const agent::Record* record = record_at(slot, &read);
      if (record == nullptr) break;
      add_event(*first, slot, *record);
      read += record->size;
    }
    put_events(*first);
    __atomic_store_n(&slot.read, read, __ATOMIC_RELEASE);
  }
}

// --- tasks inside the agent ---

void Agents::set_wishes(Task& task) const {
  agent::Slot* slot = slot_of(task);
  if (slot == nullptr) return;
  const Process& process = *task.process;
  slot->alone = process.tasks == 1 && process.domain->processes == 1 ? 1 : 0;
  slot->files_are_mapped = process.maps_files_shared || process.shares_descriptors ? 1 : 0;
  const bool stop = !task.held.empty() || task.joins_turns || process.stops_at_entry || process.agent->is_off;
  __atomic_store_n(&slot->stop, stop ? 1U : 0U, __ATOMIC_RELEASE);
}

void Agents::ask_to_stop(const Task& task) {
  agent::Slot* slot = slot_of(task);
  if (slot != nullptr) __atomic_store_n(&slot->stop, 1U, __ATOMIC_RELEASE);
}

agent::Phase Agents::phase_of(const Task& task) {
  const agent::Slot* slot = slot_of(task);
  agent::Phase phase = agent::Phase::outside;
  if (slot != nullptr) __atomic_load(&slot->phase, &phase, __ATOMIC_ACQUIRE);
  return phase;
}

bool Agents::left_vdso(Task& task, std::uint64_t call_from) {
  if (!is_in_vdso(call_from) || phase_of(task) != agent::Phase::before) return false;
  agent::Globals& globals = task.process->agent->memory->globals();
  globals.vdso_clock_gettime = globals.vdso_gettimeofday = globals.vdso_time = 0;
  (void)take_out(task);
  return true;
}

bool Agents::is_in_call(const Task& task) { return phase_of(task) == agent::Phase::calling; }

bool Agents::is_inside(const Task& task) { return phase_of(task) != agent::Phase::outside; }

std::uint32_t Agents::calls_made(const Task& task) {
  const agent::Slot* slot = slot_of(task);
  return slot == nullptr ? 0 : __atomic_load_n(&slot->calls, __ATOMIC_ACQUIRE);
}

Agents::Found Agents::take_out(Task& task) {
  agent::Slot* slot = slot_of(task);
  if (slot == nullptr || slot->phase == agent::Phase::outside) return Found::elsewhere;
  const Stopped stopped(task.tid);
  Registers registers = stopped.registers();
  const agent::Symbols& symbols = agent_symbols();
  constexpr std::uint64_t before_call = agent_area::syscall_instruction;
  constexpr std::uint64_t behind_call = agent_area::after_syscall_instruction;
  const bool here = is_in_agent(registers.rip) || is_in_vdso(registers.rip) || registers.rip == before_call ||
                    registers.rip == behind_call;
  ENSURE(here, "task {} left the agent for {:#x} on a way that rec does not know", task.tid, registers.rip);
  if (slot->phase == agent::Phase::after) return Found::finishing;
  const bool not_called = slot->phase == agent::Phase::before || registers.rip == before_call ||
                          (registers.rip >= symbols.call && registers.rip <= symbols.call_instruction);
  if (not_called) {
    registers.rip = symbols.fallback;
    registers.orig_rax = ~std::uint64_t{0};
    stopped.set_registers(registers);
    return Found::left;
  }
  // At the very exit of the call, be it interrupted or done: the program's own place is right behind it.
  const bool at_exit = registers.rip == behind_call && registers.orig_rax != ~std::uint64_t{0};
  if (!at_exit) return Found::finishing;
  registers.rdi = slot->args[0], registers.rsi = slot->args[1], registers.rdx = slot->args[2];
  registers.r10 = slot->args[3], registers.r8 = slot->args[4], registers.r9 = slot->args[5];
  registers.rbx = slot->rbx, registers.rbp = slot->rbp, registers.r12 = slot->r12;
  registers.r13 = slot->r13, registers.r14 = slot->r14, registers.r15 = slot->r15;
  registers.rsp = slot->stack_pointer;
  registers.rip = registers.rcx = slot->return_address;
  registers.eflags = registers.r11 = slot->flags;
  registers.orig_rax = slot->nr;
  stopped.set_registers(registers);
  slot->phase = agent::Phase::outside;
  // What the program passed was written down before the call, which may have changed it.
  const std::uint64_t at = slot->written & (agent::ring_size - 1);
  const std::byte* ring = AgentMemory::ring(*slot);
  read_pieces(task, *reinterpret_cast<const agent::Record*>(ring + at), ring + agent::ring_size);
  record_call_left_early(session_, task, registers, pieces_);
  pieces_.clear();
  return Found::at_exit;
}

}  // namespace rec

// Which `syscall` and `rdtsc` instructions are led to the agent: what is known of code, and the patches made
// in it.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>

#include "format/base/error.h"
#include "format/base/unique_fd.h"
#include "recorder/agent.h"
#include "recorder/session.h"
#include "tracee/agent_area.h"
#include "tracee/maps.h"
#include "tracee/page_cache.h"
#include "tracee/remote_call.h"

namespace rec {
namespace {

constexpr std::uint64_t chunk_size = 4 * page_size;

std::uint64_t distance(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : b - a; }

bool is_trapped_counter(const PatchedCode& code, std::uint64_t address) {
  const auto known = code.find(address);
  return known != code.end() && !known->second.jumps && known->second.instruction.kind == TrapKind::rdtsc;
}

// For an rdtsc, whose place holds an int3 now.
std::optional<CodePatch> make_counter_patch_at(const PatchedCode& code, const Surroundings& around,
                                               const JumpTargets& targets, const CodeFile::Wanted& wanted) {
  std::vector<std::byte> bytes(around.bytes.begin(), around.bytes.end());
  const std::uint64_t at = wanted.site - around.address;
  if (at >= bytes.size()) return std::nullopt;
  const std::byte int3 = std::exchange(bytes[at], code.at(wanted.site).first_byte);
  auto made = make_counter_patch({bytes, around.address, around.offset}, targets, wanted.site,
                                 wanted.trampoline, agent::counter_address);
  if (made) made->original.front() = int3;
  return made;
}

// The int3 becomes part of the trampoline.
void move_int3(PatchedCode& code, const CodePatch& made) {
  PatchedInstruction& known = code.at(made.site);
  known.jumps = true;
  code.insert_or_assign(made.l0, PatchedInstruction{known.instruction, known.first_byte});
}

// Precondition: find_targets().
std::optional<CodePatch> make_patch_at(const Task& task, const Memory& memory, const CodeRegion& region,
                                       const CodeFile::Site& site, const CodeFile::Wanted& wanted) {
  // What was found out about the site is known; should this process have other code there, a jump in front
  // that cannot be told from data counts as one.
  constexpr std::uint64_t some_before = 256;
  PatchedCode& code = *task.process->code;
  if (!wanted.nr && !is_trapped_counter(code, wanted.site)) return std::nullopt;
  const auto make = [&](const Surroundings& around) {
    const JumpTargets& targets = *region.file->targets;
    if (!wanted.nr) return make_counter_patch_at(code, around, targets, wanted);
    return make_patch(around, targets, wanted.site, *wanted.nr, wanted.trampoline, agent::code_address);
  };
  auto made =
      region.file->patch(memory, region, wanted, site.is_patched ? some_before : surroundings_before, make);
  if (made && !wanted.nr) move_int3(code, *made);
  return made;
}

// The end of a gap in the address space that lies near `site`, for a chunk: 0 if there is none.
std::uint64_t find_gap(std::span<const MapsEntry> maps, std::uint64_t site) {
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

std::optional<CodePatch> CodeFile::known_patch(const Memory& memory, const CodeRegion& region,
                                               const Wanted& wanted) const {
  const auto at = known_patches.find(wanted.site - region.base);
  if (at == known_patches.end()) return std::nullopt;
  const CodePatch& known = at->second.patch;
  const std::uint64_t distance = wanted.site - known.site;
  const std::uint64_t routine = at->second.routine == 0 ? 0 : at->second.routine + distance;
  const bool lies_alike = known.trampoline + distance == wanted.trampoline && wanted.nr == at->second.nr &&
                          routine == wanted.routine;
  const bool is_inside =
      known.start + distance >= region.start && known.start + distance + known.length <= region.end;
  if (!lies_alike || !is_inside) return std::nullopt;
  // With `keeps_site`, the instruction itself stands behind what was written.
  std::vector<std::byte> there(known.original.size());
  const bool is_there = memory.read_exact(RemotePtr<>(known.start + distance), there);
  if (!is_there || there != known.original) return std::nullopt;
  return known.moved_by(distance);
}

std::optional<CodePatch> CodeFile::patch(
    const Memory& memory, const CodeRegion& region, const Wanted& wanted, std::uint64_t before,
    const std::function<std::optional<CodePatch>(const Surroundings&)>& make) {
  if (auto known = known_patch(memory, region, wanted)) return known;
  const std::uint64_t start = std::max(region.start, wanted.site - std::min(wanted.site, before));
  std::vector<std::byte> bytes(std::min(region.end, wanted.site + surroundings_behind) - start);
  bytes.resize(memory.read_some(RemotePtr<>(start), bytes));
  auto made = make({bytes, start, start - region.base});
  if (made) remember(region, wanted, *made);
  return made;
}

// What can be written may be rewritten at any time; a shared page is not the program's alone.
bool Agents::holds_code_of_file(const MapsEntry& mapping) {
  return !mapping.shared && (mapping.protection & PROT_WRITE) == 0;
}

// True: it was patched. `registers`: right behind it.
bool Agents::count_site(Task& task, const Registers& registers, std::optional<std::uint32_t> nr) {
  AgentState& state = *task.process->agent;
  const std::uint64_t address = registers.rip - 2;
  const CodeRegion* region = state.region_at(address);
  // A trampoline, or code without a file, which may be rewritten at any time.
  if (region == nullptr) return false;
  CodeFile::Site& site = region->file->sites[address - region->base];
  site.nr = nr;
  if (site.calls < calls_before_patching && ++site.calls == calls_before_patching) ++hot_sites_;
  if (!state.memory || site.calls < calls_before_patching || site.is_refused) return false;
  return state.tried.insert(address).second && patch(task, *region, address);
}

// A program that forks again and again: what its children met too seldom, each for itself, to be patched.
void Agents::patch_hot_sites(Task& task, Registers& registers) {
  AgentState& state = *task.process->agent;
  if (!state.memory || !is_wanted(*task.process) || state.hot_sites_seen == hot_sites_) return;
  state.hot_sites_seen = hot_sites_;
  bool patched = false;
  for (const CodeRegion& region : state.regions) {
    for (const auto& [offset, site] : region.file->sites) {
      const std::uint64_t address = region.base + offset;
      const bool is_call_here = address >= region.start && address < region.end && site.nr;
      if (!is_call_here || site.calls < calls_before_patching || site.is_refused) continue;
      if (state.tried.insert(address).second && patch(task, region, address)) patched = true;
    }
  }
  if (patched) registers = Stopped(task.tid).registers();
}

CodeFile* Agents::code_file(const SeenFile& file) {
  std::unique_ptr<CodeFile>& known = files_[file.version()];
  if (!known) known = std::make_unique<CodeFile>();
  return known.get();
}

CodeFile* Agents::file_with_targets(const SeenFile& file) {
  CodeFile* known = code_file(file);
  if (!known->targets) {
    const UniqueFd opened(::open(file.name().c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    known->targets = std::make_unique<JumpTargets>(opened.get());
  }
  return known;
}

// Where the region's file jumps to. False: it is not to be found.
bool Agents::find_targets(const Task& task, const CodeRegion& region) {
  if (!region.file->targets) {
    const std::vector<MapsEntry> maps = read_maps(task.tid);
    const auto entry = std::find_if(maps.begin(), maps.end(), [&](const MapsEntry& candidate) {
      return region.start >= candidate.start.address() && region.start < candidate.end.address();
    });
    const auto file = entry != maps.end() ? file_of(task, *entry) : std::nullopt;
    if (file) (void)file_with_targets(*file);
  }
  return region.file->targets != nullptr;
}

void Agents::add_code(Task& task, const MapsEntry& mapping, std::uint64_t start, std::uint64_t end,
                      const SeenFile* file) {
  AgentState& state = *task.process->agent;
  state.forget_code(start, end);
  if (file == nullptr || !holds_code_of_file(mapping)) return;
  state.regions.push_back({start, end, mapping.start.address() - mapping.offset, code_file(*file)});
}

void Agents::patch_program(Task& task, PageCache& pages) {
  for (const CodeRegion& region : task.process->agent->regions)
    patch_known_sites(task, pages, region.start, region.end);
}

void Agents::patch_known_sites(Task& task, PageCache& pages, std::uint64_t start, std::uint64_t end) {
  AgentState& state = *task.process->agent;
  const CodeRegion* region = state.region_at(start);
  if (region == nullptr || !state.memory || !is_wanted(*task.process)) return;
  for (auto& [offset, site] : region->file->sites) {
    const std::uint64_t address = region->base + offset;
    const bool is_here = address >= std::max(start, region->start) && address < std::min(end, region->end);
    if (!is_here || site.calls < calls_before_patching || site.is_refused) continue;
    AgentState::Chunk* chunk = state.chunk_near(address);
    if (chunk == nullptr || !find_targets(task, *region)) return;
    if (!state.tried.insert(address).second) continue;
    auto made = make_patch_at(task, pages, *region, site,
                              {.site = address, .trampoline = chunk->start + chunk->used, .nr = site.nr});
    if (!made) {
      site.is_refused = true;
      continue;
    }
    chunk->used += trampoline_size;
    write_new_code(task, pages, made->trampoline, made->code);
    write_new_code(task, pages, made->start, made->jump);
    site.is_patched = true;
    state.patches.emplace(address, std::move(*made));
  }
}

NewChunk Agents::begin_chunk(const Task& task, std::span<const MapsEntry> maps, std::uint64_t near,
                             RemoteBatch& batch) {
  AgentState& state = *task.process->agent;
  std::uint64_t start = agent::low_trampolines;
  for (const AgentState::Chunk& chunk : state.chunks) {
    if (chunk.start == start) start += chunk.size;
  }
  if (distance(start, near) >= AgentState::reach || start + chunk_size > agent::low_trampolines_end) {
    const std::uint64_t gap_end = find_gap(maps, near);
    if (gap_end == 0) return {};
    start = gap_end - chunk_size;
  }
  state.chunks.push_back({.start = start, .size = chunk_size});
  return {start,
          batch.add(SYS_mmap, {start, chunk_size, PROT_READ | PROT_EXEC,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, ~std::uint64_t{0}, 0})};
}

bool Agents::finish_chunk(const Task& task, const RemoteBatch& batch, const NewChunk& chunk) {
  if (chunk.start == 0) return false;
  AgentState& state = *task.process->agent;
  if (batch.result(chunk.call) == static_cast<std::int64_t>(chunk.start)) {
    state.keep(chunk.start, chunk.start + chunk_size);
    return true;
  }
  std::erase_if(state.chunks, [&](const AgentState::Chunk& known) { return known.start == chunk.start; });
  return false;
}

// With the event of kind `agent` that comes next.
bool Agents::map_chunk(Task& task, std::uint64_t near) {
  RemoteBatch batch;
  const NewChunk begun = begin_chunk(task, read_maps(task.tid), near, batch);
  if (begun.start == 0) return false;
  session_.make_calls(task, batch);
  if (!finish_chunk(task, batch, begun)) return false;
  const AgentState::Chunk& chunk = task.process->agent->chunks.back();
  Mapping mapping;
  mapping.start = RemotePtr<>(chunk.start);
  mapping.end = RemotePtr<>(chunk.start + chunk_size);
  mapping.protection = PROT_READ | PROT_EXEC;
  mapping.flags = MAP_PRIVATE | MAP_ANONYMOUS;
  mapped_.push_back(mapping);
  return true;
}

bool Agents::patch(Task& task, const CodeRegion& region, std::uint64_t address) {
  if (!find_targets(task, region)) return false;
  AgentState& state = *task.process->agent;
  if (state.chunk_near(address) == nullptr && !map_chunk(task, address)) return false;
  AgentState::Chunk* chunk = state.chunk_near(address);
  CodeFile::Site& site = region.file->sites[address - region.base];
  auto made = make_patch_at(task, task.memory(), region, site,
                            {.site = address, .trampoline = chunk->start + chunk->used, .nr = site.nr});
  if (!made) {
    site.is_refused = true;
    return false;
  }
  chunk->used += trampoline_size;
  write_code(task, made->trampoline, made->code);
  write_code(task, made->start, made->jump);
  site.is_patched = true;
  state.patches.emplace(address, std::move(*made));
  return true;
}

void Agents::write_code(const Task& task, std::uint64_t address, const std::vector<std::byte>& bytes) {
  task.memory().write(RemotePtr<>(address), bytes);
  written_.add_copy(Data::Role::output, RemotePtr<>(address), bytes);
}

}  // namespace rec

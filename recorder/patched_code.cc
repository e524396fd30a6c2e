#include "recorder/patched_code.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>

#include "format/base/error.h"
#include "recorder/session.h"
#include "tracee/code_patch.h"
#include "tracee/cpuid_answers.h"
#include "tracee/instruction_finder.h"
#include "tracee/page_cache.h"
#include "tracee/this_processor.h"

namespace rec {
namespace {

constexpr std::byte int3{0xcc};
constexpr std::byte jump{0xe9};
// A routine nearby costs about as much as so many int3s.
constexpr std::ptrdiff_t few_cpuids = 4;
// Of memory without a file, more than this is not looked through at once.
constexpr std::uint64_t longest_memory = 16 << 20;

PatchedCode::iterator erase_range(PatchedCode& code, std::uint64_t start, std::uint64_t end) {
  return code.erase(code.lower_bound(start), code.lower_bound(end));
}

// What was put there before stays, if it is still there with the rest of its instruction.
bool stands_already(const Task& task, const PageCache& pages, std::uint64_t address) {
  PatchedCode& code = *task.process->code;
  const auto known = code.find(address);
  if (known == code.end()) return false;
  std::array<std::byte, 5> bytes{};
  const std::size_t got = pages.read_some(RemotePtr<>(address), bytes);
  if (got != 0 && known->second.jumps && bytes[0] == jump) return true;
  if (got != 0 && bytes[0] == int3) {
    bytes[0] = known->second.first_byte;
    const auto now = decode_trapped(std::span(bytes).first(got));
    if (now && now->kind == known->second.instruction.kind) return true;
  }
  code.erase(known);
  return false;
}

// False: something else is there than in the file.
bool put_int3(Task& task, PageCache& pages, std::uint64_t address, const TrappedInstruction& expected) {
  const auto there = decode_trapped_at(pages, RemotePtr<>(address));
  std::array<std::byte, 1> first{};
  const bool is_there = pages.read_some(RemotePtr<>(address), first) == 1;
  if (!there || !is_there || there->kind != expected.kind || there->length != expected.length) return false;
  write_new_code(task, pages, address, std::span(&int3, 1));
  task.process->code->insert_or_assign(address, PatchedInstruction{*there, first[0]});
  return true;
}

// False: it cannot be replaced.
bool put_jump(Task& task, PageCache& pages, const CodeRegion& region, std::uint64_t address) {
  if (region.file == nullptr || !region.file->targets->is_known()) return false;
  AgentState& state = *task.process->agent;
  AgentState::Chunk* chunk = state.chunk_near(address);
  if (chunk == nullptr || chunk->cpuid_routine == 0) return false;
  const auto there = decode_trapped_at(pages, RemotePtr<>(address));
  if (!there || there->kind != TrapKind::cpuid) return false;
  const CodeFile::Wanted wanted{
      .site = address, .trampoline = chunk->start + chunk->used, .routine = chunk->cpuid_routine};
  const auto made =
      region.file->patch(pages, region, wanted, surroundings_before, [&](const Surroundings& around) {
        return make_cpuid_patch(around, *region.file->targets, address, wanted.trampoline, wanted.routine);
      });
  if (!made) return false;
  chunk->used += trampoline_size;
  write_new_code(task, pages, made->trampoline, made->code);
  write_new_code(task, pages, made->start, made->jump);
  if (made->keeps_site) return put_int3(task, pages, address, *there);
  task.process->code->insert_or_assign(address, PatchedInstruction{.instruction = *there, .jumps = true});
  return true;
}

// What the program has there: without rec's int3s.
std::vector<std::byte> read_code(const Task& task, std::uint64_t start, std::uint64_t end) {
  std::vector<std::byte> bytes(end - start);
  bytes.resize(task.memory().read_some(RemotePtr<>(start), bytes));
  const PatchedCode& code = *task.process->code;
  for (auto at = code.lower_bound(start); at != code.end() && at->first < start + bytes.size(); ++at) {
    if (bytes[at->first - start] == int3) bytes[at->first - start] = at->second.first_byte;
  }
  return bytes;
}

bool is_counter(TrapKind kind) { return kind == TrapKind::rdtsc || kind == TrapKind::rdtscp; }

// Only where both places are as in the file, and no more than one mapping is concerned.
void patch_state_save(Task& task, PageCache& pages, const StateSave& save, std::uint64_t base,
                      std::uint64_t states) {
  constexpr std::uint16_t xsave = 0xae0f;
  if (pages.read(RemotePtr<std::uint16_t>(base + save.at)) != xsave) return;
  if (pages.read(RemotePtr<std::uint64_t>(base + save.room)) != 0) return;
  write_new_code(task, pages, base + save.room, state_save_trampoline(save, states));
  write_new_code(task, pages, base + save.at, state_save_jump(save));
}

// How many places had to be left alone.
std::size_t patch_found(Task& task, PageCache& pages, const FoundInstructions& found,
                        const CodeRegion& region, bool shared) {
  const auto inside = [&](std::uint64_t at) {
    return region.base + at >= region.start && region.base + at < region.end;
  };
  auto left_alone =
      static_cast<std::size_t>(std::count_if(found.left_alone.begin(), found.left_alone.end(), inside));
  bool& counters_in_doubt = task.process->agent->counters_in_doubt;
  counters_in_doubt = counters_in_doubt ||
                      std::any_of(found.counters_left_alone.begin(), found.counters_left_alone.end(), inside);
  for (const FoundInstruction& site : found.sites) {
    const std::uint64_t address = region.base + site.at;
    if (!inside(site.at) || !processor_has(site.instruction.kind)) continue;
    // A shared page cannot be written without changing the file, or what other processes see.
    const bool is_patched =
        !shared && (stands_already(task, pages, address) ||
                    (site.instruction.kind == TrapKind::cpuid && put_jump(task, pages, region, address)) ||
                    put_int3(task, pages, address, site.instruction));
    if (is_patched) continue;
    if (is_counter(site.instruction.kind)) {
      counters_in_doubt = true;
    } else {
      ++left_alone;
    }
  }
  return left_alone;
}

std::size_t patch_memory(Task& task, PageCache& pages, const MapsEntry& mapping, std::uint64_t start,
                         std::uint64_t end) {
  task.process->agent->counters_in_doubt = true;  // it may be written again at any time
  if (end - start > longest_memory || !may_hold_instructions(read_code(task, start, end))) return 0;
  // Decoding begins where the mapping does.
  const std::uint64_t base = mapping.start.address();
  if (end - base > longest_memory) return 1;
  return patch_found(task, pages, find_instructions_in_memory(read_code(task, base, end)),
                     {start, end, base, nullptr}, mapping.shared);
}

// For the program's code that executes cpuid: nullptr where looking for jumps would cost more than it saves.
CodeFile* jumps_for(Session& session, const FoundInstructions& found, const SeenFile& file) {
  constexpr std::uint64_t largest = 2
                                    << 20;  // a dynamic loader, or a small program that is linked statically
  const auto cpuids = std::count_if(found.sites.begin(), found.sites.end(), [](const FoundInstruction& site) {
    return site.instruction.kind == TrapKind::cpuid;
  });
  const bool is_worth_it = cpuids >= few_cpuids && file.size() <= largest;
  return is_worth_it ? session.agents().file_with_targets(file) : nullptr;
}

void patch_range(Session& session, Task& task, std::uint64_t start, std::uint64_t end) {
  PageCache pages(task.memory());
  for (const MapsEntry& mapping : read_maps(task.tid)) {
    const std::uint64_t from = std::max(start, mapping.start.address());
    const std::uint64_t to = std::min(end, mapping.end.address());
    const auto file = from < to ? file_of(task, mapping) : std::nullopt;
    if (from < to) patch_code(session, task, pages, mapping, from, to, file ? &*file : nullptr);
  }
  pages.flush();
}

void patch_new_mapping(Session& session, Task& task, std::uint64_t start, const SeenFile* file) {
  const auto& args = task.call.call.args;
  MapsEntry mapping;
  mapping.start = RemotePtr<>(start);
  mapping.end = RemotePtr<>(start + page_up(args[1]));
  mapping.protection = static_cast<std::uint32_t>(args[2]);
  mapping.shared = (args[3] & MAP_TYPE) != MAP_PRIVATE;
  mapping.offset = args[5];
  mapping.path = fmt::format("/proc/{}/fd/{}", task.tid, static_cast<std::int32_t>(args[4]));
  PageCache pages(task.memory());
  const std::uint64_t end = mapping.end.address();
  patch_code(session, task, pages, mapping, start, end, file);
  session.agents().patch_known_sites(task, pages, start, end);
  pages.flush();
}

void move_code(Process& process, std::uint64_t from, std::uint64_t old_size, std::uint64_t to,
               std::uint64_t new_size) {
  PatchedCode moved;
  for (auto at = process.code->lower_bound(from); at != process.code->end() && at->first < from + old_size;
       ++at) {
    if (at->first - from < new_size) moved.emplace(at->first - from + to, at->second);
  }
  erase_range(*process.code, from, from + old_size);
  erase_range(*process.code, to, to + new_size);
  process.code->merge(moved);
}

}  // namespace

void write_new_code(Task& task, PageCache& pages, std::uint64_t address, std::span<const std::byte> bytes) {
  pages.write(address, bytes);
  task.call.data.add_copy(Data::Role::output, RemotePtr<>(address), bytes);
}

std::optional<SeenFile> file_of(const Task& task, const MapsEntry& mapping) {
  if (mapping.inode == 0) return std::nullopt;
  const std::string link =
      fmt::format("/proc/{}/map_files/{:x}-{:x}", task.tid, mapping.start.address(), mapping.end.address());
  for (const std::string& name :
       {link, mapping.path}) {  // map_files wants CAP_CHECKPOINT_RESTORE in some containers
    auto file = SeenFile::look(name);
    if (file && file->inode() == mapping.inode) return file;
  }
  return std::nullopt;
}

const SeenFile* MappedFiles::of(const MapsEntry& mapping) {
  if (mapping.inode == 0) return nullptr;
  const auto [at, is_new] =
      files_.try_emplace({mapping.device_major, mapping.device_minor, mapping.inode}, std::nullopt);
  if (is_new) at->second = file_of(task_, mapping);
  return at->second ? &*at->second : nullptr;
}

CpuidRoutines::CpuidRoutines(Session& session, Task& task, std::span<const MapsEntry> maps,
                             MappedFiles& files, RemoteBatch& batch) {
  for (const MapsEntry& mapping : maps) {
    const std::uint64_t start = mapping.start.address();
    if ((mapping.protection & PROT_EXEC) == 0 || mapping.shared) continue;
    const SeenFile* file = files.of(mapping);
    const FoundInstructions* found = file == nullptr ? nullptr : session.instructions().in_file(*file);
    if (found == nullptr || jumps_for(session, *found, *file) == nullptr) continue;
    if (task.process->agent->chunk_near(start) != nullptr) continue;
    const NewChunk chunk = Agents::begin_chunk(task, maps, start, batch);
    if (chunk.start != 0) chunks_.push_back(chunk);
  }
}

std::vector<MapsEntry> CpuidRoutines::put(const Session& session, Task& task, const RemoteBatch& batch,
                                          PageCache& pages) const {
  std::vector<MapsEntry> added;
  for (const NewChunk& begun : chunks_) {
    if (!Agents::finish_chunk(task, batch, begun)) continue;
    std::vector<AgentState::Chunk>& all = task.process->agent->chunks;
    AgentState::Chunk& chunk = *std::find_if(
        all.begin(), all.end(), [&](const AgentState::Chunk& known) { return known.start == begun.start; });
    const CpuidAnswers& answers = session.cpuid_answers();
    std::vector<std::byte> code = answers.code;
    code.at(answers.miss) = int3;
    pages.write(chunk.start, code);
    chunk.cpuid_routine = chunk.start;
    chunk.used = (code.size() + trampoline_size - 1) / trampoline_size * trampoline_size;
    task.process->code->insert_or_assign(
        chunk.start + answers.miss,
        PatchedInstruction{{.kind = TrapKind::cpuid, .length = 2}, answers.code.at(answers.miss)});
    MapsEntry entry;
    entry.start = RemotePtr<>(chunk.start);
    entry.end = RemotePtr<>(chunk.start + chunk.size);
    entry.protection = PROT_READ | PROT_EXEC;
    added.push_back(entry);
  }
  return added;
}

void patch_code(Session& session, Task& task, PageCache& pages, const MapsEntry& mapping, std::uint64_t start,
                std::uint64_t end, const SeenFile* file) {
  if ((mapping.protection & PROT_EXEC) == 0) return;
  task.process->agent->keep(start, end);
  session.agents().add_code(task, mapping, start, end, file);
  const FoundInstructions* in_file = file == nullptr ? nullptr : session.instructions().in_file(*file);
  if (in_file != nullptr && !mapping.shared) {
    const std::uint64_t base = mapping.start.address() - mapping.offset;
    const std::uint64_t states = shown_xcr0(session.options().cpu_baseline, xstate_features());
    for (const StateSave& save : in_file->state_saves) {
      const bool is_inside = base + save.at >= start && base + save.room + state_save_room <= end;
      if (is_inside) patch_state_save(task, pages, save, base, states);
    }
  }
  const std::size_t left_alone = in_file != nullptr
                                     ? patch_found(task, pages, *in_file,
                                                   {start, end, mapping.start.address() - mapping.offset,
                                                    jumps_for(session, *in_file, *file)},
                                                   mapping.shared)
                                     : patch_memory(task, pages, mapping, start, end);
  if (left_alone == 0) return;
  const std::string name = mapping.path.empty() ? "memory without a file" : mapping.path;
  session.note(task, "left alone in " + name,
               fmt::format("{} places in {} (mapped at {} in task {}) look like rdrand, rdseed, rdpid, cpuid "
                           "or xgetbv but may be "
                           "data: they were left alone, and what such an instruction yields is not recorded",
                           left_alone, name, mapping.start, task.tid),
               Session::Audience::readers);
}

void update_code(Session& session, Task& task, std::int64_t result, const SeenFile* file) {
  using syscalls::Special;
  const auto& args = task.call.call.args;
  PatchedCode& code = *task.process->code;
  const syscalls::Special special = task.call.policy.special;
  const std::uint64_t start = special == Special::mmap ? static_cast<std::uint64_t>(result) : args[0];
  const std::uint64_t end = start + page_up(args[1]);
  AgentState& agent = *task.process->agent;
  if (special == Special::munmap) {
    erase_range(code, start, end);
    agent.unmap_code(start, end);
  } else if (special == Special::mmap) {
    erase_range(code, start, end);
    agent.unmap_code(start, end);
    // Anonymous memory is empty: what comes to be there is looked at when it is made executable.
    if ((args[2] & PROT_EXEC) == 0) return;
    if ((args[3] & MAP_ANONYMOUS) == 0) {
      patch_new_mapping(session, task, start, file);
    } else {
      agent.counters_in_doubt = true;
    }
  } else if (special == Special::mprotect) {
    agent.forget_code(start, end);
    if ((args[2] & PROT_EXEC) != 0 && !task.process->held->contains(start))
      patch_range(session, task, start, end);
  } else if (special == Special::mremap) {
    agent.unmap_code(start, start + page_up(args[1]));
    agent.unmap_code(static_cast<std::uint64_t>(result),
                     static_cast<std::uint64_t>(result) + page_up(args[2]));
    move_code(*task.process, start, page_up(args[1]), static_cast<std::uint64_t>(result), page_up(args[2]));
  } else if (special == Special::madvise && (args[2] == MADV_DONTNEED || args[2] == MADV_FREE)) {
    // Private pages of a file show the file again.
    if (code.lower_bound(start) == code.lower_bound(end)) return;
    erase_range(code, start, end);
    patch_range(session, task, start, end);
  }
}

}  // namespace rec

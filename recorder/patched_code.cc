#include "recorder/patched_code.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "format/base/error.h"
#include "recorder/session.h"
#include "tracee/instruction_finder.h"
#include "tracee/this_processor.h"

namespace rec {
namespace {

constexpr std::byte int3{0xcc};
// Of memory without a file, more than this is not looked through at once.
constexpr std::uint64_t longest_memory = 16 << 20;

PatchedCode::iterator erase_range(PatchedCode& code, std::uint64_t start, std::uint64_t end) {
  return code.erase(code.lower_bound(start), code.lower_bound(end));
}

// An int3 that was put there before stays, if it is still there with the rest of its instruction.
bool stands_already(const Task& task, std::uint64_t address) {
  PatchedCode& code = *task.process->code;
  const auto known = code.find(address);
  if (known == code.end()) return false;
  std::array<std::byte, 5> bytes{};
  const std::size_t got = task.memory().read_some(RemotePtr<>(address), bytes);
  if (got != 0 && bytes[0] == int3) {
    bytes[0] = known->second.first_byte;
    const auto now = decode_trapped(std::span(bytes).first(got));
    if (now && now->kind == known->second.instruction.kind) return true;
  }
  code.erase(known);
  return false;
}

// False: something else is there than in the file.
bool put_int3(Task& task, std::uint64_t address, const TrappedInstruction& expected) {
  if (stands_already(task, address)) return true;
  const RemoteMemory memory = task.memory();
  const auto there = decode_trapped_at(memory, RemotePtr<>(address));
  const auto first = memory.read(RemotePtr<std::byte>(address));
  if (!there || !first || there->kind != expected.kind || there->length != expected.length) return false;
  memory.write_value(RemotePtr<>(address), int3);
  task.process->code->insert_or_assign(address, PatchedInstruction{*there, *first});
  task.call.data.add(Data::Role::output, RemotePtr<>(address), 0, 1, 1)[0] = int3;
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
void patch_state_save(Task& task, const StateSave& save, std::uint64_t base, std::uint64_t states) {
  const RemoteMemory memory = task.memory();
  const auto write = [&](std::uint64_t at, std::span<const std::byte> bytes) {
    memory.write(RemotePtr<>(base + at), bytes);
    const auto room =
        task.call.data.add(Data::Role::output, RemotePtr<>(base + at), 0, bytes.size(), bytes.size());
    std::copy(bytes.begin(), bytes.end(), room.begin());
  };
  constexpr std::uint16_t xsave = 0xae0f;
  if (memory.read(RemotePtr<std::uint16_t>(base + save.at)) != xsave) return;
  if (memory.read(RemotePtr<std::uint64_t>(base + save.room)) != 0) return;
  write(save.room, state_save_trampoline(save, states));
  write(save.at, state_save_jump(save));
}

// How many places in [start, end) had to be left alone.
std::size_t patch_found(Task& task, const FoundInstructions& found, std::uint64_t base, std::uint64_t start,
                        std::uint64_t end, bool shared) {
  const auto inside = [&](std::uint64_t at) { return base + at >= start && base + at < end; };
  auto left_alone =
      static_cast<std::size_t>(std::count_if(found.left_alone.begin(), found.left_alone.end(), inside));
  bool& counters_in_doubt = task.process->agent->counters_in_doubt;
  counters_in_doubt = counters_in_doubt ||
                      std::any_of(found.counters_left_alone.begin(), found.counters_left_alone.end(), inside);
  for (const FoundInstruction& site : found.sites) {
    if (!inside(site.at) || !processor_has(site.instruction.kind)) continue;
    // A shared page cannot be written without changing the file, or what other processes see.
    if (!shared && put_int3(task, base + site.at, site.instruction)) continue;
    if (is_counter(site.instruction.kind)) {
      counters_in_doubt = true;
    } else {
      ++left_alone;
    }
  }
  return left_alone;
}

std::size_t patch_memory(Task& task, const MapsEntry& mapping, std::uint64_t start, std::uint64_t end) {
  task.process->agent->counters_in_doubt = true;  // it may be written again at any time
  if (end - start > longest_memory || !may_hold_instructions(read_code(task, start, end))) return 0;
  // Decoding begins where the mapping does.
  const std::uint64_t base = mapping.start.address();
  if (end - base > longest_memory) return 1;
  return patch_found(task, find_instructions_in_memory(read_code(task, base, end)), base, start, end,
                     mapping.shared);
}

void patch_range(Session& session, Task& task, std::uint64_t start, std::uint64_t end) {
  for (const MapsEntry& mapping : read_maps(task.tid)) {
    const std::uint64_t from = std::max(start, mapping.start.address());
    const std::uint64_t to = std::min(end, mapping.end.address());
    if (from < to) patch_code(session, task, mapping, from, to, file_of(task, mapping));
  }
}

void patch_new_mapping(Session& session, Task& task, std::uint64_t start) {
  const auto& args = task.call.call.args;
  MapsEntry mapping;
  mapping.start = RemotePtr<>(start);
  mapping.end = RemotePtr<>(start + page_up(args[1]));
  mapping.protection = static_cast<std::uint32_t>(args[2]);
  mapping.shared = (args[3] & MAP_TYPE) != MAP_PRIVATE;
  mapping.offset = args[5];
  const std::string file = fmt::format("/proc/{}/fd/{}", task.tid, static_cast<std::int32_t>(args[4]));
  mapping.path = file;
  patch_code(session, task, mapping, mapping.start.address(), mapping.end.address(), file);
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

std::string file_of(const Task& task, const MapsEntry& mapping) {
  if (mapping.inode == 0) return "";
  const std::string link =
      fmt::format("/proc/{}/map_files/{:x}-{:x}", task.tid, mapping.start.address(), mapping.end.address());
  for (const std::string& name :
       {link, mapping.path}) {  // map_files wants CAP_CHECKPOINT_RESTORE in some containers
    struct stat info {};
    if (::stat(name.c_str(), &info) == 0 && info.st_ino == mapping.inode) return name;
  }
  return "";
}

void patch_code(Session& session, Task& task, const MapsEntry& mapping, std::uint64_t start,
                std::uint64_t end, const std::string& file) {
  if ((mapping.protection & PROT_EXEC) == 0) return;
  const FoundInstructions* in_file = file.empty() ? nullptr : session.instructions().in_file(file);
  if (in_file != nullptr && !mapping.shared) {
    const std::uint64_t base = mapping.start.address() - mapping.offset;
    const std::uint64_t states = shown_xcr0(session.options().cpu_baseline, xstate_features());
    for (const StateSave& save : in_file->state_saves) {
      const bool is_inside = base + save.at >= start && base + save.room + state_save_room <= end;
      if (is_inside) patch_state_save(task, save, base, states);
    }
  }
  const std::size_t left_alone =
      in_file != nullptr
          ? patch_found(task, *in_file, mapping.start.address() - mapping.offset, start, end, mapping.shared)
          : patch_memory(task, mapping, start, end);
  if (left_alone == 0) return;
  const std::string name = mapping.path.empty() ? "memory without a file" : mapping.path;
  session.note(task, "left alone in " + name,
               fmt::format("{} places in {} (mapped at {} in task {}) look like rdrand, rdseed, rdpid, cpuid "
                           "or xgetbv but may be "
                           "data: they were left alone, and what such an instruction yields is not recorded",
                           left_alone, name, mapping.start, task.tid),
               Session::Audience::readers);
}

void update_code(Session& session, Task& task, std::int64_t result) {
  using syscalls::Special;
  const auto& args = task.call.call.args;
  PatchedCode& code = *task.process->code;
  const syscalls::Special special = task.call.policy.special;
  const std::uint64_t start = special == Special::mmap ? static_cast<std::uint64_t>(result) : args[0];
  const std::uint64_t end = start + page_up(args[1]);
  if (special == Special::munmap) {
    erase_range(code, start, end);
  } else if (special == Special::mmap) {
    erase_range(code, start, end);
    // Anonymous memory is empty: what comes to be there is looked at when it is made executable.
    if ((args[2] & PROT_EXEC) == 0) return;
    if ((args[3] & MAP_ANONYMOUS) == 0) {
      patch_new_mapping(session, task, start);
    } else {
      task.process->agent->counters_in_doubt = true;
    }
  } else if (special == Special::mprotect) {
    if ((args[2] & PROT_EXEC) != 0) patch_range(session, task, start, end);
  } else if (special == Special::mremap) {
    move_code(*task.process, start, page_up(args[1]), static_cast<std::uint64_t>(result), page_up(args[2]));
  } else if (special == Special::madvise && (args[2] == MADV_DONTNEED || args[2] == MADV_FREE)) {
    // Private pages of a file show the file again.
    if (code.lower_bound(start) == code.lower_bound(end)) return;
    erase_range(code, start, end);
    patch_range(session, task, start, end);
  }
}

}  // namespace rec

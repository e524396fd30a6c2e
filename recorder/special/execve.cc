// execve: a new address space, recorded whole before its first instruction.
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>

#include "format/base/error.h"
#include "format/base/unique_fd.h"
#include "format/cpu_features.h"
#include "recorder/patched_code.h"
#include "recorder/recorder.h"
#include "recorder/special/address_space.h"
#include "recorder/special/special.h"
#include "recorder/tracing.h"
#include "tracee/maps.h"
#include "tracee/page_cache.h"

namespace rec::special {
namespace {

constexpr std::uint64_t user_code_segment_64 = 0x33;  // __USER_CS, arch/x86/include/asm/segment.h

// The initial stack (System V ABI, x86-64, 3.4.1): argc, argv…, 0, envp…, 0, auxv pairs, AT_NULL. The vDSO is
// taken out of the last, and what the baseline hides of the processor.
void edit_auxiliary_vector(const RemoteMemory& memory, std::uint64_t rsp, CpuBaseline baseline) {
  const PageCache pages(memory);
  std::uint64_t at = rsp;
  const auto word = [&](std::uint64_t address) {
    const auto value = pages.read(RemotePtr<std::uint64_t>(address));
    if (!value) fail("cannot read the initial stack of task {} at {:#x}", memory.tid(), address);
    return *value;
  };
  at += 8 * (word(at) + 2);
  while (word(at) != 0) at += 8;
  at += 8;
  for (; word(at) != AT_NULL; at += 16) {
    if (word(at) == AT_SYSINFO_EHDR) memory.write_value(RemotePtr<>(at), std::uint64_t{AT_IGNORE});
    const std::uint64_t shown = shown_auxiliary(baseline, word(at), word(at + 8));
    if (shown != word(at + 8)) memory.write_value(RemotePtr<>(at + 8), shown);
  }
}

// Pages whose content the file (if any) does not give: only those that hold something else than it, or than
// zeros.
void add_pages(DataBuffer& data, const RemoteMemory& memory, const MapsEntry& entry, int file) {
  constexpr std::size_t at_once = 64 * page_size;
  std::vector<std::byte> there(std::min<std::size_t>(entry.size(), at_once));
  std::vector<std::byte> expected(there.size());
  for (std::uint64_t at = entry.start.address(); at < entry.end.address();) {
    std::fill(expected.begin(), expected.end(), std::byte{0});
    if (file >= 0) {
      const auto offset = static_cast<off_t>(entry.offset + (at - entry.start.address()));
      (void)!::pread(file, expected.data(), expected.size(),
                     offset);  // short past the end of the file: zeros
    }
    const std::size_t wanted = std::min<std::uint64_t>(there.size(), entry.end.address() - at);
    const std::size_t got = memory.read_some(RemotePtr<>(at), std::span(there).first(wanted));
    for (std::size_t page = 0; page + page_size <= got; page += page_size) {
      const auto bytes = std::span(there).subspan(page, page_size);
      if (std::memcmp(bytes.data(), expected.data() + page, page_size) == 0) continue;
      data.add_copy(Data::Role::output, RemotePtr<>(at + page), bytes);
    }
    // Behind the pages that are there is one that is not (past the end of the file), or the next part.
    at += got < wanted ? got / page_size * page_size + page_size : wanted;
  }
}

// The initial stack's pages from here on are there; below nothing has been written yet.
std::uint64_t first_used(const MapsEntry& stack, std::uint64_t rsp) {
  const std::uint64_t lowest = page_down(rsp);
  return std::max(stack.start.address(), lowest - std::min(lowest, page_size));
}

// `file`: the one behind it; nullptr: none. `rsp`: the stack pointer.
Mapping describe(Session& session, Task& task, const MapsEntry& entry, const SeenFile* file,
                 std::uint64_t rsp) {
  Mapping mapping;
  mapping.start = entry.start;
  mapping.end = entry.end;
  mapping.protection = entry.protection;
  mapping.flags = MAP_PRIVATE;
  mapping.path = entry.path;
  MapsEntry filled = entry;
  if (entry.path == "[stack]") {
    mapping.kind = Mapping::Kind::stack;
    mapping.flags |= MAP_GROWSDOWN | MAP_STACK;
    filled.start = RemotePtr<>(first_used(entry, rsp));
  } else if (entry.path == "[heap]") {
    mapping.kind = Mapping::Kind::heap;
  }
  // The ELF loader has written to a writable page already: of the last one it clears what .bss has of it
  // (fs/binfmt_elf.c, padzero).
  const bool may_differ = (entry.protection & PROT_WRITE) != 0;
  UniqueFd opened;
  const auto stored = file != nullptr
                          ? session.contents().store_file(*file, entry.path, entry.offset, entry.size(),
                                                          ContentStore::Reading::late)
                          : std::nullopt;
  if (stored && stored->inode == entry.inode) {
    mapping.kind = Mapping::Kind::file;
    mapping.content = stored->id;
    mapping.offset = entry.offset;
    session.file_is_mapped(*task.process, {stored->device, stored->inode});
    if (may_differ) opened = UniqueFd(::open(file->name().c_str(), O_RDONLY | O_CLOEXEC));
    filled.start = RemotePtr<>(std::max(entry.start.address(), entry.end.address() - page_size));
  }
  if (!mapping.content) mapping.flags |= MAP_ANONYMOUS;
  if ((may_differ || !mapping.content) && (entry.protection & PROT_READ) != 0)
    add_pages(task.call.data, task.memory(), filled, opened.get());
  return mapping;
}

// Its mappings, and rec's own that it needs at replay; what is done to its code.
void describe_program(Session& session, Task& task, const std::vector<MapsEntry>& maps,
                      const std::vector<MapsEntry>& added, MappedFiles& files, PageCache& pages,
                      std::uint64_t rsp, std::vector<Mapping>& mappings) {
  for (const MapsEntry& entry : maps) {
    if (is_kernel_mapping(entry)) continue;
    const SeenFile* file = files.of(entry);
    mappings.push_back(describe(session, task, entry, file, rsp));
    patch_code(session, task, pages, entry, entry.start.address(), entry.end.address(), file);
  }
  session.agents().patch_program(task, pages);
  pages.flush();
  for (const MapsEntry& entry : added) mappings.push_back(describe(session, task, entry, nullptr, rsp));
}

// The soft limit in bytes. prlimit(2) takes CAP_SYS_RESOURCE once the program has changed its user, which
// containers withhold even from root; what /proc/PID/limits says is for all (proc(5)).
std::uint64_t stack_limit(Tid tid) {
  struct rlimit limit {};
  if (::prlimit(tid.value(), RLIMIT_STACK, nullptr, &limit) == 0) return limit.rlim_cur;
  std::ifstream limits(fmt::format("/proc/{}/limits", tid));
  constexpr std::string_view name = "Max stack size";
  for (std::string line; std::getline(limits, line);) {
    if (line.compare(0, name.size(), name) != 0) continue;
    std::uint64_t soft = 0;
    std::istringstream rest(line.substr(name.size()));
    return rest >> soft ? soft : RLIM_INFINITY;  // else: the word “unlimited”
  }
  if (!limits.is_open()) throw TaskGone{tid};
  fail("/proc/{}/limits does not tell the size of the stack", tid);
}

std::string executable_of(Tid tid) {
  std::array<char, 4096> name{};
  const ssize_t length = ::readlink(fmt::format("/proc/{}/exe", tid).c_str(), name.data(), name.size());
  return length > 0 ? std::string(name.data(), static_cast<std::size_t>(length)) : "";
}

// Most are refused before they begin (executable.h); not those that only the kernel could find, by
// binfmt_misc or because the file has changed in between. There is no way back to the old program: as where
// an execve(2) fails too late, the process is killed.
[[noreturn]] void end_32_bit_program(Session& session, const Task& task) {
  session.note(
      task, "32-bit program begun",
      fmt::format("task {} has begun a 32-bit program: rec records 64-bit programs only and kills it; "
                  "build that program for x86-64 or run it without rec",
                  task.tid));
  if (!task.process->executed && task.process->pid == session.first_pid())
    throw ExecFailed("the program is a 32-bit program", ENOEXEC);
  ::kill(task.process->pid.value(), SIGKILL);
  throw TaskGone{task.tid};
}

// What the recorder knows of a process that executes another program.
void begin_anew(Task& task) {
  Process& process = *task.process;
  for (KernelSigaction& action : process.actions) {
    if (action.handler != 1) action = {};  // handlers are gone, ignored signals stay ignored (execve(2))
  }
  EchoDescriptors::forget(process);
  process.executed = true;
  process.was_traced = task.traced.has_value();
  process.parent_waits = false;
  process.unused_scratch.clear();
  process.scratch_end = agent::scratch_address;
  process.pages_at_last_point.clear();
  process.looks_at_changes = 0;
  process.code = std::make_shared<PatchedCode>();
  process.held = std::make_shared<HeldCode>();
  process.aio = std::make_shared<AioContexts>();
  task.signal_mask = Stopped(task.tid).signal_mask();
}

}  // namespace

void on_exec(Session& session, Task& task, Tid former_tid) {
  // An exec by a thread that is not the leader: it goes on under the leader's number (ptrace(2), "execve(2)
  // under ptrace"), and its call is the one that is pending.
  Task& executing = former_tid == task.tid ? task : session.rename_executing_task(former_tid, task);
  Process& process = *executing.process;
  session.release_turn(executing);
  session.leave_shared_memory(process);
  auto domain = session.new_domain();
  domain->turn = &executing;
  session.move_to_domain(process, domain);
  session.agents().leave_by_exec(executing);
  Agents::leave_process(process);
  process.agent = std::make_shared<AgentState>();
  executing.former_tid = former_tid;
  executing.setting_up_exec = true;
  executing.clear_tid = 0;
  executing.robust_list = 0;
  executing.scratch.reset();
  executing.restart.reset();
  executing.call.blocks = false;
  session.resume_call(executing);
}

void finish_exec(Session& session, Task& task) {
  task.setting_up_exec = false;
  Process& process = *task.process;
  const Stopped stopped(task.tid);
  const Registers registers = stopped.registers();
  if (registers.cs != user_code_segment_64) end_32_bit_program(session, task);
  const std::vector<MapsEntry> maps = read_maps(task.tid);
  begin_anew(task);
  PageCache pages(task.memory());
  MappedFiles files(task);
  const ArrangedSpace space = arrange_address_space(session, task, registers, maps, files, pages);
  edit_auxiliary_vector(task.memory(), registers.rsp, session.options().cpu_baseline);
  Extra extra;
  extra.pid = process.pid;
  extra.former_tid = task.former_tid;
  extra.domain = process.domain->id;
  extra.text = executable_of(task.tid);
  extra.stack_limit = stack_limit(task.tid);
  describe_program(session, task, maps, space.added, files, pages, registers.rsp, extra.mappings);
  (void)session.agents().set_counter(task, 0);
  extra.after = stopped.registers();
  extra.after->rax = 0;
  task.call.call.args[5] = space.heap_end;
  extra.xstate = stopped.xstate();
  session.append_call(task, 0, &extra, EventKind::exec);
  Agents::has_executed(process);
  Registers now = stopped.registers();
  session.agents().before_user(task, now);
  task.left_with = now;
  if (!stop_after_exec(session, task)) session.resume_user(task);
}

}  // namespace rec::special

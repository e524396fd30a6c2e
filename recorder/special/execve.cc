// execve: a new address space, recorded whole before its first instruction.
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
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
#include "recorder/special/special.h"
#include "tracee/agent_area.h"
#include "tracee/cpuid_faulting.h"
#include "tracee/maps.h"
#include "tracee/page_cache.h"
#include "tracee/remote_call.h"

namespace rec::special {
namespace {

constexpr std::uint64_t user_code_segment_64 = 0x33;  // __USER_CS, arch/x86/include/asm/segment.h

bool is_kernel_mapping(const MapsEntry& entry) {
  return entry.path.rfind("[vdso]", 0) == 0 || entry.path.rfind("[vvar", 0) == 0 ||
         entry.path == "[vsyscall]";
}

// The vDSO must not be found: what it would compute for the program without a call could not be recorded. The
// agent has use for it. Returns where it is then; 0: nowhere.
std::uint64_t take_vdso_away(RemoteCalls& calls, const std::vector<MapsEntry>& maps, bool keep) {
  std::uint64_t lowest = 0;
  std::uint64_t kept = 0;
  for (const MapsEntry& entry : maps) {
    if (!is_kernel_mapping(entry) || entry.path == "[vsyscall]") continue;
    const std::uint64_t start = entry.start.address();
    if (lowest == 0) lowest = start;
    // It finds its data by their distance.
    const std::uint64_t to = agent::vdso_address + (start - lowest);
    if (keep && start + entry.size() - lowest <= agent::vdso_limit - agent::vdso_address) {
      const std::int64_t moved =
          calls.call(SYS_mremap, {start, entry.size(), entry.size(), MREMAP_MAYMOVE | MREMAP_FIXED, to});
      if (moved == static_cast<std::int64_t>(to)) {
        if (entry.path == "[vdso]") kept = to;
        continue;
      }
    }
    keep = false;
    kept = 0;
    calls.must("munmap of the vDSO", SYS_munmap, {start, entry.size()});
  }
  return kept;
}

// Maps rec's own pages. Returns the program break.
std::uint64_t arrange_address_space(const Stopped& stopped, const RemoteMemory& memory,
                                    const Registers& registers, bool keep_vdso, AgentState& agent) {
  const std::vector<MapsEntry> maps = read_maps(stopped.tid());
  // No instruction of ours is there yet: borrow the place where the program is about to begin.
  const std::uint64_t original = stopped.peek(RemotePtr<>(registers.rip));
  std::uint64_t borrowed = original;
  std::memcpy(&borrowed, agent_area::code_bytes.data(), 2);
  stopped.poke(RemotePtr<>(registers.rip), borrowed);
  {
    RemoteCalls calls(stopped, registers.rip);
    calls.must("mmap of rec's code page", SYS_mmap,
               {agent_area::code, agent_area::code_size, PROT_READ | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, ~std::uint64_t{0}, 0});
    calls.must("mmap of rec's data pages", SYS_mmap,
               {agent_area::data, agent_area::data_size, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, ~std::uint64_t{0}, 0});
  }
  stopped.poke(RemotePtr<>(registers.rip), original);
  memory.write(RemotePtr<>(agent_area::code), std::as_bytes(std::span(agent_area::code_bytes)));
  RemoteCalls calls(stopped, agent_area::syscall_instruction);
  agent.vdso = take_vdso_away(calls, maps, keep_vdso);
  return calls.must("brk", SYS_brk, {0});
}

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

// Where the executable's or interpreter's file can be opened: the name in maps may be of another mount
// namespace, or gone.
std::string map_file_link(Tid tid, const MapsEntry& entry) {
  return fmt::format("/proc/{}/map_files/{:x}-{:x}", tid, entry.start.address(), entry.end.address());
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
      const auto room = data.add(Data::Role::output, RemotePtr<>(at + page), 0, page_size, page_size);
      std::copy(bytes.begin(), bytes.end(), room.begin());
    }
    // Behind the pages that are there is one that is not (past the end of the file), or the next part.
    at += got < wanted ? got / page_size * page_size + page_size : wanted;
  }
}

Mapping describe(Session& session, const Task& task, const MapsEntry& entry, DataBuffer& data) {
  Mapping mapping;
  mapping.start = entry.start;
  mapping.end = entry.end;
  mapping.protection = entry.protection;
  mapping.flags = MAP_PRIVATE;
  mapping.path = entry.path;
  if (entry.path == "[stack]") {
    mapping.kind = Mapping::Kind::stack;
    mapping.flags |= MAP_GROWSDOWN | MAP_STACK;
  } else if (entry.path == "[heap]") {
    mapping.kind = Mapping::Kind::heap;
  }
  // The ELF loader has written to writable pages already: it clears the tail of the first page of .bss
  // (fs/binfmt_elf.c).
  const bool may_differ = (entry.protection & PROT_WRITE) != 0;
  UniqueFd file;
  if (entry.inode != 0) {
    std::string name = map_file_link(task.tid, entry);
    auto stored = session.contents().store_file(name, entry.path, entry.offset, entry.size());
    if (!stored) {  // map_files wants CAP_CHECKPOINT_RESTORE in some containers
      name = entry.path;
      stored = session.contents().store_file(name, entry.path, entry.offset, entry.size());
    }
    if (stored && stored->inode == entry.inode) {
      mapping.kind = Mapping::Kind::file;
      mapping.content = stored->id;
      mapping.offset = entry.offset;
      if (may_differ) file = UniqueFd(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
    }
  }
  if (!mapping.content) mapping.flags |= MAP_ANONYMOUS;
  if ((may_differ || !mapping.content) && (entry.protection & PROT_READ) != 0)
    add_pages(data, task.memory(), entry, file.get());
  return mapping;
}

// cpuid in code that rec does not patch is recorded where the processor lets it fault; elsewhere it is not
// seen.
bool make_cpuid_fault(const Stopped& stopped) {
  if (!cpuid_can_fault()) return false;
  RemoteCalls calls(stopped, agent_area::syscall_instruction);
  return calls.call(SYS_arch_prctl, {arch_set_cpuid, 0}) == 0;
}

// The soft limit in bytes. prlimit(2) would take CAP_SYS_RESOURCE once the program has changed its user,
// which containers withhold even from root; what /proc/PID/limits says is for all (proc(5)).
std::uint64_t stack_limit(Tid tid) {
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
  const RemoteMemory memory = task.memory();
  const std::uint64_t heap_end =
      arrange_address_space(stopped, memory, registers, session.options().agent, *process.agent);
  edit_auxiliary_vector(memory, registers.rsp, session.options().cpu_baseline);
  if (make_cpuid_fault(stopped)) task.call.flags |= event_cpuid_faults;
  for (KernelSigaction& action : process.actions) {
    if (action.handler != 1) action = {};  // handlers are gone, ignored signals stay ignored (execve(2))
  }
  EchoDescriptors::forget(process);
  process.executed = true;
  process.parent_waits = false;
  process.unused_scratch.clear();
  process.pages_at_last_point.clear();
  process.looks_at_changes = 0;
  process.code = std::make_shared<PatchedCode>();
  process.held = std::make_shared<HeldCode>();
  task.signal_mask = stopped.signal_mask();
  Extra extra;
  extra.pid = process.pid;
  extra.former_tid = task.former_tid;
  extra.domain = process.domain->id;
  extra.text = executable_of(task.tid);
  extra.stack_limit = stack_limit(task.tid);
  const std::vector<MapsEntry> maps = read_maps(task.tid);
  const std::vector<MapsEntry> added = add_cpuid_answers(session, task, maps);
  for (const MapsEntry& entry : maps) {
    if (agent_area::contains(entry.start.address()) || is_kernel_mapping(entry)) continue;
    extra.mappings.push_back(describe(session, task, entry, task.call.data));
    patch_code(session, task, entry, entry.start.address(), entry.end.address(), file_of(task, entry));
  }
  session.agents().begin_program(task);
  for (const MapsEntry& entry : added) {
    extra.mappings.push_back(describe(session, task, entry, task.call.data));
  }
  (void)session.agents().set_counter(task, 0);
  extra.after = stopped.registers();
  extra.after->rax = 0;
  task.call.call.args[5] = heap_end;
  extra.xstate = stopped.xstate();
  session.append_call(task, 0, &extra, EventKind::exec);
  Agents::has_executed(process);
  Registers now = stopped.registers();
  session.agents().before_user(task, now);
  task.left_with = now;
  session.resume_user(task);
}

}  // namespace rec::special

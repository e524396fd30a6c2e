#include "recorder/special/address_space.h"

#include <asm/prctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cstring>
#include <utility>

#include "format/base/error.h"
#include "tracee/agent_area.h"
#include "tracee/cpuid_faulting.h"
#include "tracee/remote_batch.h"
#include "tracee/remote_call.h"

namespace rec::special {
namespace {

// The vDSO must not be found: what it would compute for the program without a call could not be recorded. The
// agent has use for it, elsewhere.
class VdsoMove {
 public:
  VdsoMove(const std::vector<MapsEntry>& maps, bool keep) : keep_(keep) {
    for (const MapsEntry& entry : maps) {
      if (is_kernel_mapping(entry) && entry.path != "[vsyscall]") parts_.push_back({entry, 0});
    }
    if (parts_.empty()) return;
    const MapsEntry& last = parts_.back().entry;
    if (to(last) + last.size() > agent::vdso_limit) keep_ = false;
  }

  void add_to(RemoteBatch& batch) {
    for (Part& part : parts_) {
      const std::uint64_t start = part.entry.start.address();
      const std::uint64_t size = part.entry.size();
      part.call =
          keep_ ? batch.add(SYS_mremap, {start, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to(part.entry)})
                : batch.add(SYS_munmap, {start, size});
    }
  }

  // After the batch: where the vDSO is now; 0: nowhere.
  [[nodiscard]] std::uint64_t finish(const RemoteBatch& batch, const Stopped& stopped) const {
    std::uint64_t kept = 0;
    bool is_whole = keep_;
    for (const Part& part : parts_) {
      const bool moved = batch.result(part.call) == static_cast<std::int64_t>(to(part.entry));
      is_whole = is_whole && moved;
      if (part.entry.path == "[vdso]") kept = to(part.entry);
    }
    if (is_whole) return kept;
    RemoteCalls calls(stopped, agent_area::syscall_instruction);
    for (const Part& part : parts_) {
      const bool moved = batch.result(part.call) == static_cast<std::int64_t>(to(part.entry));
      const std::uint64_t start = keep_ && moved ? to(part.entry) : part.entry.start.address();
      calls.must("munmap of the vDSO", SYS_munmap, {start, part.entry.size()});
    }
    return 0;
  }

 private:
  struct Part {
    MapsEntry entry;
    RemoteBatch::Place call;
  };
  // It finds its data by their distance.
  [[nodiscard]] std::uint64_t to(const MapsEntry& entry) const {
    return agent::vdso_address + (entry.start.address() - parts_.front().entry.start.address());
  }

  bool keep_;
  std::vector<Part> parts_;
};

// rec's own pages. Until they are there each call takes two stops, so a single one maps them with all that
// lies between; the first calls of the batch that follows put that right.
class OwnPages {
 public:
  // `at_once`: false under filters that make each call of a batch cost as much.
  OwnPages(const Stopped& stopped, const RemoteMemory& memory, const Registers& registers, bool at_once) {
    // No instruction of ours is there yet: borrow the place where the program is about to begin.
    const std::uint64_t original = stopped.peek(RemotePtr<>(registers.rip));
    std::uint64_t borrowed = original;
    std::memcpy(&borrowed, agent_area::code_bytes.data(), 2);
    stopped.poke(RemotePtr<>(registers.rip), borrowed);
    {
      RemoteCalls calls(stopped, registers.rip);
      // (What is writable and executable at once may be forbidden.)
      all_at_once_ = at_once && map(calls, agent_area::code, data_end, PROT_READ | PROT_WRITE | PROT_EXEC) ==
                                    static_cast<std::int64_t>(agent_area::code);
      if (!all_at_once_) map_one_by_one(calls);
    }
    stopped.poke(RemotePtr<>(registers.rip), original);
    const RemoteMemory::Piece code{RemotePtr<>(agent_area::code),
                                   std::as_bytes(std::span(agent_area::code_bytes))};
    if (all_at_once_) {
      memory.write(code.to, code.bytes);
    } else {
      memory.write_protected(std::span(&code, 1));
    }
  }

  void add_to(RemoteBatch& batch) const {
    if (!all_at_once_) return;
    batch.add(SYS_munmap, {code_end, agent_area::data - code_end});
    batch.add(SYS_mprotect, {agent_area::data, agent_area::data_size, PROT_READ | PROT_WRITE});
    batch.add(SYS_mprotect, {agent_area::code, agent_area::code_size, PROT_READ | PROT_EXEC});
  }

 private:
  static constexpr std::uint64_t code_end = agent_area::code + agent_area::code_size;
  static constexpr std::uint64_t data_end = agent_area::data + agent_area::data_size;

  static std::int64_t map(RemoteCalls& calls, std::uint64_t start, std::uint64_t end,
                          std::uint64_t protection) {
    constexpr std::uint64_t flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    return calls.call(SYS_mmap, {start, end - start, protection, flags, ~std::uint64_t{0}, 0});
  }

  static void map_one_by_one(RemoteCalls& calls) {
    const std::int64_t code = map(calls, agent_area::code, code_end, PROT_READ | PROT_EXEC);
    if (code < 0)
      fail_with_errno(fmt::format("mmap of rec's code page at {:#x}", agent_area::code),
                      static_cast<int>(-code));
    const std::int64_t data = map(calls, agent_area::data, data_end, PROT_READ | PROT_WRITE);
    if (data < 0)
      fail_with_errno(fmt::format("mmap of rec's data pages at {:#x}", agent_area::data),
                      static_cast<int>(-data));
  }

  bool all_at_once_ = false;
};

}  // namespace

bool is_kernel_mapping(const MapsEntry& entry) {
  return entry.path.rfind("[vdso]", 0) == 0 || entry.path.rfind("[vvar", 0) == 0 ||
         entry.path == "[vsyscall]";
}

ArrangedSpace arrange_address_space(Session& session, Task& task, const Registers& registers,
                                    const std::vector<MapsEntry>& maps, MappedFiles& files,
                                    PageCache& pages) {
  const Stopped stopped(task.tid);
  const OwnPages own(stopped, task.memory(), registers, session.makes_calls_at_once(task));
  RemoteBatch batch;
  own.add_to(batch);
  VdsoMove vdso(maps, session.options().agent);
  vdso.add_to(batch);
  const auto heap_end = batch.add(SYS_brk, {0});
  // cpuid in code that rec does not patch is recorded where the processor lets it fault; elsewhere it is not
  // seen.
  const bool can_fault = cpuid_can_fault();
  const auto faulting = can_fault ? batch.add(SYS_arch_prctl, {ARCH_SET_CPUID, 0}) : heap_end;
  const CpuidRoutines routines(session, task, maps, files, batch);
  auto injection = session.agents().begin_program(task, maps, files, batch);
  session.make_calls(task, batch);
  if (can_fault && batch.result(faulting) == 0) task.call.flags |= event_cpuid_faults;
  task.process->agent->vdso = vdso.finish(batch, stopped);
  const std::int64_t end = batch.result(heap_end);
  if (end < 0) fail_with_errno(fmt::format("brk in task {}", task.tid), static_cast<int>(-end));
  ArrangedSpace space;
  space.heap_end = static_cast<std::uint64_t>(end);
  space.added = routines.put(session, task, batch, pages);
  if (injection) (void)session.agents().finish_injection(task, batch, std::move(*injection));
  return space;
}

}  // namespace rec::special

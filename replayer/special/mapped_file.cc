#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>

#include "replayer/special/special.h"
#include "tracee/agent_area.h"
#include "tracee/maps.h"
#include "tracee/remote_call.h"

namespace rec::special {
namespace {

// A tracer may write to pages of private mappings that the program cannot write to, and not to those of
// shared ones (mm/gup.c, check_vma_flags).
bool is_closed(const MapsEntry& entry) { return entry.shared && (entry.protection & PROT_WRITE) == 0; }

void write_opened(const ReplayTask& task, const MapsEntry& entry, RemotePtr<> to,
                  std::span<const std::byte> bytes) {
  const Stopped stopped = task.stopped();
  RemoteCalls calls(stopped, agent_area::syscall_instruction);
  const std::uint64_t start = entry.start.address();
  calls.must("mprotect of a mapped file", SYS_mprotect, {start, entry.size(), PROT_READ | PROT_WRITE});
  task.memory().write(to, bytes);
  calls.must("mprotect of a mapped file", SYS_mprotect, {start, entry.size(), entry.protection});
}

}  // namespace

void write_to_mappings(const ReplayTask& task, const Event& event) {
  std::vector<MapsEntry> maps;
  for (const Data& data : event.data) {
    if (data.role != Data::Role::output) continue;
    if (maps.empty()) maps = read_maps(task.real_tid);
    for (std::size_t done = 0; done < data.bytes.size();) {
      const RemotePtr<> to = data.address.plus_bytes(done);
      const auto entry = std::find_if(maps.begin(), maps.end(), [&](const MapsEntry& candidate) {
        return candidate.start.address() <= to.address() && to.address() < candidate.end.address();
      });
      std::span<const std::byte> bytes = data.bytes.subspan(done);
      if (entry != maps.end())
        bytes = bytes.first(std::min<std::uint64_t>(bytes.size(), entry->end.address() - to.address()));
      if (entry != maps.end() && is_closed(*entry)) {
        write_opened(task, *entry, to, bytes);
      } else {
        task.memory().write(to, bytes);
      }
      done += bytes.size();
    }
  }
}

}  // namespace rec::special

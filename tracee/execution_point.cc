#include "tracee/execution_point.h"

#include <algorithm>
#include <cstring>

namespace rec {
namespace {

// asm/processor-flags.h

void clear(std::vector<std::byte>* state, std::size_t from, std::size_t to) {
  to = std::min(to, state->size());
  if (from < to) std::memset(state->data() + from, 0, to - from);
}

bool is_listed(std::span<const PageHash> pages, std::uint64_t page) {
  const auto at =
      std::lower_bound(pages.begin(), pages.end(), page,
                       [](const PageHash& one, std::uint64_t address) { return one.address < address; });
  return at != pages.end() && at->address == page;
}

}  // namespace

Registers normalised(Registers registers) {
  registers.eflags &= ~(flag_trap | flag_resume);
  registers.orig_rax = ~std::uint64_t{0};
  return registers;
}

std::vector<std::byte> normalised_xstate(std::vector<std::byte> state) {
  // The XSAVE area (Intel SDM, volume 1, 13.4): FOP at 6, FIP at 8, FDP at 16; bytes 464 to 511 are the
  // software's, XSTATE_BV and XCOMP_BV begin the header at 512.
  clear(&state, 6, 24);
  clear(&state, 464, 528);
  return state;
}

std::vector<std::uint64_t> choose_sample_pages(const Registers& registers,
                                               std::span<const std::uint64_t> written, const MemoryHash& hash,
                                               std::span<const PageHash> before) {
  std::vector<std::uint64_t> chosen;
  const auto take = [&](std::uint64_t address) {
    const std::uint64_t page = page_down(address);
    if (chosen.size() == most_sample_pages || !is_listed(hash.pages, page)) return;
    if (std::find(chosen.begin(), chosen.end(), page) == chosen.end()) chosen.push_back(page);
  };
  const auto has_changed = [&](std::uint64_t address, std::uint64_t now) {
    const auto at =
        std::lower_bound(before.begin(), before.end(), address,
                         [](const PageHash& one, std::uint64_t key) { return one.address < key; });
    return at == before.end() || at->address != address || at->hash != now;
  };
  const Registers& r = registers;
  take(r.rsp);
  for (const std::uint64_t address : written) {
    if (chosen.size() + 2 >= most_sample_pages) break;
    take(address);
  }
  take(r.rbp);
  // What changes is worth more than what is only pointed to.
  if (!before.empty()) {
    for (const PageHash& page : hash.pages) {
      if (chosen.size() + 1 >= most_sample_pages) break;
      if (has_changed(page.address, page.hash)) take(page.address);
    }
  }
  for (const std::uint64_t pointer :
       {r.rax, r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15})
    take(pointer);
  // Static data is small, and what loops count in memory is often there: the lowest pages (program before
  // heap, heap before libraries).
  for (const PageHash& page : hash.pages) take(page.address);
  return chosen;
}

}  // namespace rec

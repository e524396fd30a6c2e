#include "tracee/cpuid_answers.h"

#include <algorithm>
#include <cstring>
#include <initializer_list>

namespace rec {
namespace {

struct Entry {
  std::uint32_t leaf = 0;
  std::uint32_t mask = 0;  // of ecx: 0 where it does not matter
  std::uint32_t subleaf = 0;
  CpuidResult result{};
};
static_assert(sizeof(Entry) == 28);

constexpr std::uint32_t end_of_table = ~std::uint32_t{0};

// Leaves whose result depends on ecx, and how many subleaves of theirs are worth a place (Intel SDM, CPUID;
// AMD APM volume 3, appendix E). 0: none, they are rarely asked for.
struct Indexed {
  std::uint32_t leaf, subleaves;
};
constexpr Indexed indexed[] = {
    {0x4, 6},  {0x7, 3},  {0xb, 3},  {0xd, 12}, {0xf, 0},        {0x10, 0},       {0x12, 0},      {0x14, 2},
    {0x17, 0}, {0x18, 0}, {0x19, 1}, {0x1a, 1}, {0x1b, 0},       {0x1d, 0},       {0x1e, 0},      {0x1f, 0},
    {0x20, 0}, {0x23, 0}, {0x24, 1}, {0x27, 0}, {0x8000001d, 6}, {0x80000020, 0}, {0x80000026, 0}};

void add_leaves(std::vector<Entry>& table, std::uint32_t first,
                const std::function<CpuidResult(std::uint32_t, std::uint32_t)>& ask) {
  constexpr std::uint32_t most = 0x40;  // no processor has so many
  const std::uint32_t last = ask(first, 0)[0];
  if (last < first || last - first > most) return;
  for (std::uint32_t leaf = first; leaf <= last; ++leaf) {
    const auto* by_subleaf = std::find_if(std::begin(indexed), std::end(indexed),
                                          [&](const Indexed& one) { return one.leaf == leaf; });
    if (by_subleaf == std::end(indexed)) {
      table.push_back({.leaf = leaf, .result = ask(leaf, 0)});
      continue;
    }
    for (std::uint32_t subleaf = 0; subleaf < by_subleaf->subleaves; ++subleaf) {
      table.push_back({.leaf = leaf, .mask = ~0U, .subleaf = subleaf, .result = ask(leaf, subleaf)});
    }
  }
}

// Nothing but rbx and rdx is free, besides the flags once they are saved.
constexpr unsigned char routine[] = {
    0x9c,                             // pushfq
    0x48, 0x8d, 0x1d, 0x37, 0, 0, 0,  // lea table(%rip), %rbx
    0x8b, 0x13,                       // next: mov (%rbx), %edx
    0x83, 0xfa, 0xff,                 // cmp $-1, %edx
    0x74, 0x22,                       // je miss
    0x39, 0xc2,                       // cmp %eax, %edx
    0x75, 0x0a,                       // jne skip
    0x8b, 0x53, 0x04,                 // mov 4(%rbx), %edx
    0x21, 0xca,                       // and %ecx, %edx
    0x3b, 0x53, 0x08,                 // cmp 8(%rbx), %edx
    0x74, 0x06,                       // je found
    0x48, 0x83, 0xc3, 0x1c,           // skip: add $28, %rbx
    0xeb, 0xe5,                       // jmp next
    0x8b, 0x43, 0x0c,                 // found: mov 12(%rbx), %eax
    0x8b, 0x4b, 0x14,                 // mov 20(%rbx), %ecx
    0x8b, 0x53, 0x18,                 // mov 24(%rbx), %edx
    0x8b, 0x5b, 0x10,                 // mov 16(%rbx), %ebx
    0x9d,                             // popfq
    0xc3,                             // ret
    0x9d,                             // miss: popfq
    0x0f, 0xa2,                       // cpuid
    0xc3,                             // ret
};
constexpr std::uint64_t miss_at = 50;
constexpr std::uint64_t table_at = 64;
constexpr std::uint64_t lea_end = 8;
static_assert(routine[miss_at] == 0x0f && routine[miss_at + 1] == 0xa2);
static_assert(sizeof routine <= table_at);

}  // namespace

CpuidAnswers make_cpuid_answers(
    const std::function<CpuidResult(std::uint32_t leaf, std::uint32_t subleaf)>& ask) {
  std::vector<Entry> table;
  add_leaves(table, 0, ask);
  add_leaves(table, 0x80000000, ask);
  table.push_back({.leaf = end_of_table});
  CpuidAnswers answers;
  answers.miss = miss_at;
  answers.code.resize(table_at + table.size() * sizeof(Entry), std::byte{0xcc});
  std::memcpy(answers.code.data(), routine, sizeof routine);
  const auto distance = static_cast<std::uint32_t>(table_at - lea_end);
  std::memcpy(answers.code.data() + lea_end - sizeof distance, &distance, sizeof distance);
  std::memcpy(answers.code.data() + table_at, table.data(), table.size() * sizeof(Entry));
  return answers;
}

}  // namespace rec

#include "tracee/vdso.h"

#include <elf.h>
#include <sys/auxv.h>

namespace rec {
namespace {

template <class T>
const T* at(std::uint64_t address) {
  return reinterpret_cast<const T*>(address);
}

// What is needed of the dynamic section, in addresses of this process.
struct Dynamic {
  const Elf64_Sym* symbols = nullptr;
  const char* strings = nullptr;
  std::uint64_t count = 0;  // of symbols
};

Dynamic read_dynamic(std::uint64_t base) {
  const auto* header = at<Elf64_Ehdr>(base);
  const auto* segments = at<Elf64_Phdr>(base + header->e_phoff);
  Dynamic found;
  for (unsigned i = 0; i < header->e_phnum; ++i) {
    if (segments[i].p_type != PT_DYNAMIC) continue;
    // Linked at 0, never relocated: all addresses in it count from its start.
    for (const auto* entry = at<Elf64_Dyn>(base + segments[i].p_offset); entry->d_tag != DT_NULL; ++entry) {
      if (entry->d_tag == DT_SYMTAB) found.symbols = at<Elf64_Sym>(base + entry->d_un.d_ptr);
      if (entry->d_tag == DT_STRTAB) found.strings = at<char>(base + entry->d_un.d_ptr);
      // The hash table's second word is the number of symbols (System V ABI, 5, "Hash Table").
      if (entry->d_tag == DT_HASH) found.count = at<std::uint32_t>(base + entry->d_un.d_ptr)[1];
    }
  }
  return found;
}

// Kernels since 6.7 may have only the GNU hash table; then the section headers tell.
std::uint64_t count_by_sections(std::uint64_t base) {
  const auto* header = at<Elf64_Ehdr>(base);
  const auto* sections = at<Elf64_Shdr>(base + header->e_shoff);
  for (unsigned i = 0; i < header->e_shnum; ++i) {
    if (sections[i].sh_type == SHT_DYNSYM) return sections[i].sh_size / sizeof(Elf64_Sym);
  }
  return 0;
}

}  // namespace

std::uint64_t vdso_function(std::string_view name) {
  const std::uint64_t base = ::getauxval(AT_SYSINFO_EHDR);
  if (base == 0) return 0;
  Dynamic dynamic = read_dynamic(base);
  if (dynamic.symbols == nullptr || dynamic.strings == nullptr) return 0;
  if (dynamic.count == 0) dynamic.count = count_by_sections(base);
  for (std::uint64_t i = 0; i < dynamic.count; ++i) {
    const Elf64_Sym& symbol = dynamic.symbols[i];
    if (symbol.st_shndx != SHN_UNDEF && name == dynamic.strings + symbol.st_name) return symbol.st_value;
  }
  return 0;
}

}  // namespace rec

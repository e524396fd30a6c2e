# Capstone's tables of all its processors have 80,000 pointers. As DT_RELR (the generic ABI's compact relative
# relocations) they take a tenth of the time; the dynamic loader knows them since glibc 2.36.
include(CheckLinkerFlag)
include(CheckCXXSourceCompiles)
check_linker_flag(CXX -Wl,-z,pack-relative-relocs REC_LINKER_PACKS_RELOCATIONS)
check_cxx_source_compiles([[
  #include <features.h>
  #if !__GLIBC_PREREQ(2, 36)
  #error older
  #endif
  int main() {}
]] REC_LOADER_READS_PACKED_RELOCATIONS)
if(REC_LINKER_PACKS_RELOCATIONS AND REC_LOADER_READS_PACKED_RELOCATIONS)
  target_link_options(rec_options INTERFACE -Wl,-z,pack-relative-relocs)
endif()

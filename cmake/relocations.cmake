# Capstone's tables of all its processors have 80,000 pointers. In a program whose addresses are fixed nothing has
# to be done about them; otherwise each of the 450 pages that they are on is copied and changed where rec starts,
# which takes 1.5 ms of the 10 that a short recording costs.
#
# As DT_RELR (the generic ABI's compact relative relocations) changing them takes a tenth of the time that it does
# one by one; the dynamic loader knows them since glibc 2.36.
option(REC_PIE "Let rec's own addresses be random, which makes each start some 1.5 ms longer" OFF)
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

# For an executable that a user starts.
function(rec_fix_addresses target)
  if(NOT REC_PIE)
    target_link_options(${target} PRIVATE -no-pie)
  endif()
endfunction()

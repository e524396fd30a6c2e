# What every room of rec is compiled with. Test targets (the tiny tracees) are plain programs and do not use it.
add_library(rec_options INTERFACE)
target_compile_options(rec_options INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  -Wold-style-cast -Werror=switch -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Designated initialisers name only the fields that differ from their defaults.
  target_compile_options(rec_options INTERFACE -Wno-missing-field-initializers)
else()
  # GCC 12 at -O3 warns of overlaps of astronomic size inside std::string's operator+ (GCC bug 105651).
  target_compile_options(rec_options INTERFACE -Wno-missing-field-initializers -Wno-restrict)
endif()
target_include_directories(rec_options INTERFACE ${PROJECT_SOURCE_DIR})
if(REC_SANITIZE)
  target_compile_options(rec_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all)
  target_link_options(rec_options INTERFACE -fsanitize=address,undefined)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # GCC's manual, of -fsanitize: the instrumentation brings false warnings of this kind (inside std::regex, at -O1).
    target_compile_options(rec_options INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()

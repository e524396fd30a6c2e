// Where the functions of a Go program lie: from the table that its runtime unwinds with, which stripped
// programs keep (runtime/symtab.go, "pcHeader"; debug/gosym/pclntab.go). Go programs have no .eh_frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace rec {

// Calls `found` with the addresses [start, end) of each function, in ascending order; the padding behind a
// function counts as its end. `table` is hostile input: what Go 1.16 and later have not written, or what is
// not in order, yields no more functions. Addresses are those of the file, before relocation.
void each_go_function(std::span<const std::byte> table,
                      const std::function<void(std::uint64_t start, std::uint64_t end)>& found);

}  // namespace rec

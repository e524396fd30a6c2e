#include "tracee/go_functions.h"

#include <optional>

#include "tracee/cursor.h"

namespace rec {
namespace {

constexpr std::uint32_t magic_1_16 = 0xfffffffa;
constexpr std::uint32_t magic_1_18 = 0xfffffff0;
constexpr std::uint32_t magic_1_20 = 0xfffffff1;

// What the header says of the table of functions.
struct Table {
  std::uint64_t at = 0;     // its place in the section
  std::uint64_t count = 0;  // of functions; one more entry is the end of the last
  std::uint64_t text = 0;   // added to each entry
  bool is_narrow = false;   // entries are of 4 bytes, not 8
};

std::optional<Table> read_header(std::span<const std::byte> section) {
  Cursor header(section, 0);
  const auto magic = header.take<std::uint32_t>();
  (void)header.take<std::uint16_t>();  // zeros
  const auto instruction_unit = header.take<std::uint8_t>();
  const auto pointer_size = header.take<std::uint8_t>();
  Table table;
  table.is_narrow = magic == magic_1_18 || magic == magic_1_20;
  if ((magic != magic_1_16 && !table.is_narrow) || instruction_unit != 1 || pointer_size != 8)
    return std::nullopt;
  table.count = header.take<std::uint64_t>();
  (void)header.take<std::uint64_t>();  // number of files
  if (table.is_narrow) table.text = header.take<std::uint64_t>();
  for (int i = 0; i < 4; ++i) (void)header.take<std::uint64_t>();  // names, units, files, line tables
  table.at = header.take<std::uint64_t>();
  // Zero where the linker left it to a relocation: then nothing is known.
  if (!header.good() || (table.is_narrow && table.text == 0)) return std::nullopt;
  return table;
}

}  // namespace

void each_go_function(std::span<const std::byte> section,
                      const std::function<void(std::uint64_t start, std::uint64_t end)>& found) {
  const auto table = read_header(section);
  if (!table) return;
  Cursor entries(section, table->at);
  const auto take = [&] {
    return table->is_narrow ? std::uint64_t{entries.take<std::uint32_t>()} : entries.take<std::uint64_t>();
  };
  std::uint64_t start = take();
  for (std::uint64_t i = 0; i < table->count; ++i) {
    (void)take();  // where the rest about the function is
    const std::uint64_t end = take();
    if (!entries.good() || end < start) return;
    if (end != start) found(table->text + start, table->text + end);
    start = end;
  }
}

}  // namespace rec

#include "tools/dump/values.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <bit>
#include <ctime>
#include <string_view>

#include "format/syscalls/flags.h"

namespace rec::dump {

void put_file_mode(Text& out, std::uint64_t mode) {
  const std::string_view type = syscalls::name_of(syscalls::FlagSet::file_types, mode & S_IFMT);
  if (type.empty()) return put_octal(out, mode);
  Text name;
  put(name, type);
  if ((mode & S_ISUID) != 0) put(name, "|S_ISUID");
  if ((mode & S_ISGID) != 0) put(name, "|S_ISGID");
  if ((mode & S_ISVTX) != 0) put(name, "|S_ISVTX");
  put(name, '|');
  put_octal(name, mode & ~static_cast<std::uint64_t>(S_IFMT | S_ISUID | S_ISGID | S_ISVTX));
  put_named(out, name.view(), [&] { put_octal(out, mode); });
}

void put_device(Text& out, std::uint64_t device) {
  put(out, "makedev(");
  put_hex(out, gnu_dev_major(device));
  put(out, ", ");
  put_hex(out, gnu_dev_minor(device));
  put(out, ')');
}

void put_bit_numbers(Text& out, std::span<const std::byte> bits, char open, char close) {
  put(out, open);
  bool first = true;
  for (std::size_t i = 0; i < bits.size(); ++i) {
    for (auto byte = static_cast<std::uint8_t>(bits[i]); byte != 0; byte = byte & (byte - 1)) {
      if (!first) put(out, ' ');
      first = false;
      put_decimal(out, i * 8 + static_cast<std::size_t>(std::countr_zero(byte)));
    }
  }
  put(out, close);
}

void put_date(Text& out, std::int64_t seconds, std::int64_t nanoseconds) {
  std::tm local{};
  if (::localtime_r(&seconds, &local) == nullptr) return put_decimal(out, seconds);
  char text[64];
  put(out, std::string_view(text, std::strftime(text, sizeof text, "%FT%T", &local)));
  if (nanoseconds != 0) put_format(out, ".{:09}", nanoseconds);
  put(out, std::string_view(text, std::strftime(text, sizeof text, "%z", &local)));
}

void put_ticks(Text& out, std::int64_t ticks) {
  put_decimal(out, ticks);
  if (ticks == 0) return;
  const auto per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  put_format(out, " /* {:.2f} s */", static_cast<double>(ticks) / per_second);
}

}  // namespace rec::dump

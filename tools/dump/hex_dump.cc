#include "tools/dump/hex_dump.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <vector>

namespace rec::dump {
namespace {

using syscalls::Arg;
using syscalls::Dir;
using syscalls::Shape;

constexpr std::size_t bytes_a_line = 16;

void put_hex_line(Text& out, std::size_t offset, std::span<const std::byte> bytes) {
  put_format(out, " | {:05x} ", offset);
  for (std::size_t i = 0; i < bytes_a_line; ++i) {
    if (i % 8 == 0) put(out, ' ');
    if (i < bytes.size()) {
      put_format(out, "{:02x} ", static_cast<unsigned>(bytes[i]));
    } else {
      put(out, "   ");
    }
  }
  put(out, ' ');
  for (std::size_t i = 0; i < bytes_a_line; ++i) {
    const char c = i < bytes.size() ? static_cast<char>(bytes[i]) : ' ';
    put(out, c >= ' ' && c <= '~' ? c : '.');
  }
  put(out, " |\n");
}

void put_buffer(const Writer& writer, const EventMemory& memory, std::uint64_t address, std::uint64_t size) {
  const std::span<const std::byte> bytes = memory.view(RemotePtr<>(address), size);
  put_hex_lines(writer.out, bytes);
  if (bytes.size() < size)
    put_format(writer.out, " * {} more bytes were not recorded\n", size - bytes.size());
}

// Each piece of a scatter list, as far as the call's result reaches.
void put_pieces(const Writer& writer, const EventMemory& memory, std::uint64_t list, std::uint64_t count,
                std::uint64_t size) {
  constexpr std::uint64_t most_pieces = 1024;  // UIO_MAXIOV, linux/uio.h
  for (std::uint64_t i = 0; i < std::min(count, most_pieces) && size > 0; ++i) {
    const auto piece = memory.read(RemotePtr<iovec>(list + i * sizeof(iovec)));
    if (!piece) return;
    const std::uint64_t length = std::min<std::uint64_t>(piece->iov_len, size);
    size -= length;
    put_format(writer.out, " * {} bytes in buffer {}\n", length, i);
    put_buffer(writer, memory, reinterpret_cast<std::uintptr_t>(piece->iov_base), length);
  }
}

void put_argument_data(const Writer& writer, const Call& call, const Arg& arg, std::size_t index) {
  const EventMemory& memory = arg.dir == Dir::in ? call.before : call.after;
  const std::uint64_t address = call.event.args[index];
  const auto size = static_cast<std::uint64_t>(call.event.result);
  if (arg.type == syscalls::Type::bytes) {
    put_buffer(writer, memory, address, std::min(memory_size(call, arg, address), size));
  } else if (arg.shape == Shape::iovec) {
    put_pieces(writer, memory, address, call.event.args[arg.by], size);
  } else if (const auto message = memory.read(RemotePtr<std::array<std::uint64_t, 4>>(address)); message) {
    // struct msghdr: msg_name, msg_namelen, msg_iov, msg_iovlen.
    put_pieces(writer, memory, (*message)[2], (*message)[3], size);
  }
}

}  // namespace

void put_hex_lines(Text& out, std::span<const std::byte> bytes) {
  for (std::size_t offset = 0; offset < bytes.size(); offset += bytes_a_line)
    put_hex_line(out, offset, bytes.subspan(offset, std::min(bytes_a_line, bytes.size() - offset)));
}

void put_call_data(const Writer& writer, const Call& call) {
  if (!writer.options.dumps_data || !call.returned() || call.event.result <= 0 || !call.succeeded() ||
      call.args.empty())
    return;
  if (call.args[0].type != syscalls::Type::fd || call.entry->returns != syscalls::Returns::count) return;
  const auto fd = static_cast<std::int32_t>(call.event.args[0]);
  for (std::size_t i = 1; i < call.args.size(); ++i) {
    const Arg& arg = call.args[i];
    const bool holds_data =
        arg.type == syscalls::Type::bytes || arg.shape == Shape::iovec || arg.shape == Shape::msghdr;
    if (!holds_data || arg.dir == Dir::value) continue;
    const NumberFilter& wanted =
        arg.dir == Dir::in ? writer.options.data_written_to : writer.options.data_read_from;
    if (wanted.has(fd)) return put_argument_data(writer, call, arg, i);
  }
}

}  // namespace rec::dump

// What a trace knows of a socket, gathered from the calls made on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace rec {

struct Socket {
  std::int32_t family = 0;
  std::int32_t type = 0;  // without SOCK_CLOEXEC, SOCK_NONBLOCK
  std::int32_t protocol = 0;
  std::uint64_t number = 0;       // in the order in which the trace's sockets were made
  std::uint64_t peer_number = 0;  // the other one of a socketpair
  std::string local;              // 127.0.0.1:80, [::1]:80, "/run/x" (in quotes), @"abstract"
  std::string peer;
};

// As strace -yy has it: TCP:[127.0.0.1:4242->127.0.0.1:80], UNIX-STREAM:[3->4], TCP:[2] as long as no address
// is known. Numbers are the trace's own, not inodes.
[[nodiscard]] std::string socket_text(const Socket& socket);

// A struct sockaddr as it stands in these texts; empty for families without one.
[[nodiscard]] std::string address_text(std::span<const std::byte> address);

// "<char 1:3>" for the devices whose numbers are the same everywhere (Documentation/admin-guide/devices.txt);
// empty for others.
[[nodiscard]] std::string device_text(const std::string& path);

}  // namespace rec

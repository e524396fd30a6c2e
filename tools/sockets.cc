#include "tools/sockets.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "tools/dump/quote.h"

namespace rec {
namespace {

std::string quoted(std::span<const std::byte> bytes) {
  dump::Text text;
  dump::put_quoted(text, bytes, bytes.size());
  return fmt::to_string(text.buffer);
}

std::string unix_address(std::span<const std::byte> address) {
  const std::span<const std::byte> path = address.subspan(offsetof(sockaddr_un, sun_path));
  if (path.empty()) return {};
  if (path[0] == std::byte{0}) return "@" + quoted(path.subspan(1));
  const auto end = std::find(path.begin(), path.end(), std::byte{0});
  return quoted(path.first(static_cast<std::size_t>(end - path.begin())));
}

std::string protocol_name(const Socket& socket) {
  const bool is_ip = socket.family == AF_INET || socket.family == AF_INET6;
  const std::string_view version = socket.family == AF_INET6 ? "v6" : "";
  if (is_ip) {
    if (socket.type == SOCK_STREAM) return fmt::format("TCP{}", version);
    if (socket.type == SOCK_DGRAM && socket.protocol == IPPROTO_ICMP) return fmt::format("PING{}", version);
    if (socket.type == SOCK_DGRAM) return fmt::format("UDP{}", version);
    if (socket.type == SOCK_RAW) return fmt::format("RAW{}", version);
  }
  if (socket.family == AF_UNIX) {
    if (socket.type == SOCK_STREAM) return "UNIX-STREAM";
    return socket.type == SOCK_DGRAM ? "UNIX-DGRAM" : "UNIX-SEQPACKET";
  }
  return socket.family == AF_NETLINK ? "NETLINK" : "socket";
}

}  // namespace

std::string address_text(std::span<const std::byte> address) {
  sa_family_t family = AF_UNSPEC;
  if (address.size() < sizeof family) return {};
  std::memcpy(&family, address.data(), sizeof family);
  char text[INET6_ADDRSTRLEN] = "";
  if (family == AF_INET && address.size() >= sizeof(sockaddr_in)) {
    sockaddr_in inet{};
    std::memcpy(&inet, address.data(), sizeof inet);
    (void)::inet_ntop(AF_INET, &inet.sin_addr, text, sizeof text);
    return fmt::format("{}:{}", text, ntohs(inet.sin_port));
  }
  if (family == AF_INET6 && address.size() >= sizeof(sockaddr_in6)) {
    sockaddr_in6 inet{};
    std::memcpy(&inet, address.data(), sizeof inet);
    (void)::inet_ntop(AF_INET6, &inet.sin6_addr, text, sizeof text);
    return fmt::format("[{}]:{}", text, ntohs(inet.sin6_port));
  }
  return family == AF_UNIX ? unix_address(address) : std::string();
}

std::string socket_text(const Socket& socket) {
  std::string inside;
  if (socket.family == AF_UNIX) {
    inside = fmt::format("{}", socket.number);
    if (socket.peer_number != 0) inside += fmt::format("->{}", socket.peer_number);
    const std::string& address = socket.local.empty() ? socket.peer : socket.local;
    if (!address.empty()) inside += "," + address;
  } else if (!socket.peer.empty()) {
    inside = fmt::format("{}->{}", socket.local.empty() ? "?" : socket.local, socket.peer);
  } else {
    inside = socket.local.empty() ? fmt::format("{}", socket.number) : socket.local;
  }
  return fmt::format("{}:[{}]", protocol_name(socket), inside);
}

std::string device_text(const std::string& path) {
  constexpr std::pair<std::string_view, std::string_view> devices[] = {
      {"/dev/null", "1:3"},    {"/dev/zero", "1:5"}, {"/dev/full", "1:7"},    {"/dev/random", "1:8"},
      {"/dev/urandom", "1:9"}, {"/dev/tty", "5:0"},  {"/dev/console", "5:1"}, {"/dev/ptmx", "5:2"}};
  for (const auto& [name, numbers] : devices) {
    if (path == name) return fmt::format("<char {}>", numbers);
  }
  return {};
}

}  // namespace rec

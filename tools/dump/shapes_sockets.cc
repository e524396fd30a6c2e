// Socket addresses, messages, options, interfaces.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <span>

#include "tools/dump/quote.h"
#include "tools/dump/shape_list.h"

namespace rec::dump {
namespace {

using syscalls::FlagSet;
using syscalls::Shape;

// struct cmsghdr without the flexible array at its end.
struct ControlHeader {
  std::uint64_t cmsg_len;
  std::int32_t cmsg_level;
  std::int32_t cmsg_type;
};
static_assert(sizeof(ControlHeader) == sizeof(cmsghdr));

// An address as far as it was given: shorter ones are legal, what is missing reads as zero.
template <class Address>
Address partly(std::span<const std::byte> bytes) {
  Address address{};
  std::memcpy(&address, bytes.data(), std::min(bytes.size(), sizeof address));
  return address;
}

void put_unix(Braces& fields, std::span<const std::byte> bytes) {
  const std::span<const std::byte> path = bytes.subspan(offsetof(sockaddr_un, sun_path));
  if (path.empty()) return;
  Text& out = fields.field("sun_path");
  if (path[0] == std::byte{0} && path.size() > 1) {  // abstract: every byte counts (unix(7))
    put(out, '@');
    return put_quoted(out, path.subspan(1), path.size());
  }
  const auto end = std::find(path.begin(), path.end(), std::byte{0});
  put_quoted(out, path.first(static_cast<std::size_t>(end - path.begin())), path.size());
}

void put_inet(Braces& fields, const sockaddr_in& address) {
  char text[INET_ADDRSTRLEN] = "";
  (void)::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
  put_format(fields.field("sin_port"), "htons({})", ntohs(address.sin_port));
  put_format(fields.field("sin_addr"), "inet_addr(\"{}\")", text);
}

void put_inet6(Braces& fields, const sockaddr_in6& address) {
  char text[INET6_ADDRSTRLEN] = "";
  (void)::inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof text);
  put_format(fields.field("sin6_port"), "htons({})", ntohs(address.sin6_port));
  put_format(fields.field("sin6_flowinfo"), "htonl({})", ntohl(address.sin6_flowinfo));
  put_format(fields.next(), "inet_pton(AF_INET6, \"{}\", &sin6_addr)", text);
  // The names of the recording machine's interfaces are not in the trace: the number it is.
  put_decimal(fields.field("sin6_scope_id"), address.sin6_scope_id);
}

void put_netlink(Braces& fields, const sockaddr_nl& address) {
  put_decimal(fields.field("nl_pid"), address.nl_pid);
  put_format(fields.field("nl_groups"), "{:#08x}", address.nl_groups);
}

void put_packet(Braces& fields, const sockaddr_ll& address) {
  put_format(fields.field("sll_protocol"), "htons({:#x})", ntohs(address.sll_protocol));
  put_decimal(fields.field("sll_ifindex"), address.sll_ifindex);
  put_hex(fields.field("sll_hatype"), address.sll_hatype);
  put_decimal(fields.field("sll_pkttype"), address.sll_pkttype);
  put_decimal(fields.field("sll_halen"), address.sll_halen);
}

void put_address(Text& out, std::span<const std::byte> bytes) {
  const auto family = partly<sa_family_t>(bytes);
  Braces fields(out);
  put_flags(fields.field("sa_family"), FlagSet::address_families, family);
  switch (family) {
    case AF_UNIX:
      return put_unix(fields, bytes);
    case AF_INET:
      return put_inet(fields, partly<sockaddr_in>(bytes));
    case AF_INET6:
      return put_inet6(fields, partly<sockaddr_in6>(bytes));
    case AF_NETLINK:
      return put_netlink(fields, partly<sockaddr_nl>(bytes));
    case AF_PACKET:
      return put_packet(fields, partly<sockaddr_ll>(bytes));
    default:
      break;
  }
  const std::span<const std::byte> rest = bytes.subspan(sizeof family);
  if (!rest.empty()) put_quoted(fields.field("sa_data"), rest, rest.size());
}

// What an ancillary message of SOL_SOCKET carries; the rest as bytes.
void put_control_data(const Scope& scope, const ControlHeader& header, RemotePtr<> at, std::uint64_t size) {
  if (header.cmsg_level == SOL_SOCKET && header.cmsg_type == SCM_RIGHTS) {
    if (put_array(scope, Shape::descriptor, at, size / sizeof(int), sizeof(int))) return;
  } else if (header.cmsg_level == SOL_SOCKET && header.cmsg_type == SCM_CREDENTIALS) {
    return put_shape_or_pointer(scope, Shape::ucred, at.address(), size);
  }
  put_bytes_or_pointer(scope, at.address(), size);
}

void put_control_message(const Scope& scope, const ControlHeader& header, RemotePtr<> at) {
  Braces fields(scope.out);
  put_decimal(fields.field("cmsg_len"), header.cmsg_len);
  put_flags(fields.field("cmsg_level"), FlagSet::socket_levels,
            static_cast<std::uint32_t>(header.cmsg_level));
  Text& out = fields.field("cmsg_type");
  if (header.cmsg_level == SOL_SOCKET) {
    put_flags(out, FlagSet::scm_types, static_cast<std::uint32_t>(header.cmsg_type));
  } else {
    put_hex(out, static_cast<std::uint32_t>(header.cmsg_type));
  }
  if (header.cmsg_len <= sizeof header) return;
  fields.field("cmsg_data");
  put_control_data(scope, header, at.plus_bytes(sizeof header), header.cmsg_len - sizeof header);
}

// msg_namelen, which the kernel changes to the length of the name that it put there.
void put_name_length(const Scope& scope, Text& out, RemotePtr<> at, const msghdr& message) {
  const auto before = scope.before.read(at.cast<msghdr>());
  if (before && before->msg_namelen != message.msg_namelen) put_format(out, "{} => ", before->msg_namelen);
  put_decimal(out, message.msg_namelen);
}

void put_message(const Scope& scope, RemotePtr<> at, const msghdr& message) {
  Braces fields(scope.out);
  fields.field("msg_name");
  put_shape_or_pointer(scope, Shape::sockaddr, reinterpret_cast<std::uintptr_t>(message.msg_name),
                       message.msg_namelen);
  put_name_length(scope, fields.field("msg_namelen"), at, message);
  fields.field("msg_iov");
  const auto iov = reinterpret_cast<std::uintptr_t>(message.msg_iov);
  if (iov == 0 || !put_array(scope, Shape::iovec, RemotePtr<>(iov), message.msg_iovlen, sizeof(::iovec))) {
    put_pointer(scope.out, iov);
  }
  put_decimal(fields.field("msg_iovlen"), message.msg_iovlen);
  if (message.msg_controllen != 0) {
    fields.field("msg_control");
    put_shape_or_pointer(scope, Shape::control, reinterpret_cast<std::uintptr_t>(message.msg_control),
                         message.msg_controllen);
  }
  put_decimal(fields.field("msg_controllen"), message.msg_controllen);
  put_flags(fields.field("msg_flags"), FlagSet::msg_flags, static_cast<std::uint32_t>(message.msg_flags));
}

void put_hardware_address(Text& out, const sockaddr& address) {
  put_format(out, "{{sa_family={:#x}, sa_data=", address.sa_family);
  for (std::size_t i = 0; i < 6; ++i) {
    put_format(out, "{}{:02x}", i == 0 ? "" : ":", static_cast<unsigned char>(address.sa_data[i]));
  }
  put(out, '}');
}

}  // namespace

bool print_sockaddr(const Scope& scope, RemotePtr<> at, std::uint64_t size) {
  const std::span<const std::byte> bytes =
      scope.memory.view(at, std::min<std::uint64_t>(size, sizeof(sockaddr_storage)));
  if (bytes.size() < sizeof(sa_family_t)) return false;
  put_address(scope.out, bytes);
  return true;
}

bool print_msghdr(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto message = load<msghdr>(scope, at);
  if (!message) return false;
  if (scope.dir != syscalls::Dir::in && scope.event.result < 0) {  // a receive that gave nothing
    put_format(scope.out, "{{msg_namelen={}}}", message->msg_namelen);
    return true;
  }
  put_message(scope, at, *message);
  return true;
}

bool print_mmsghdr(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto message = load<mmsghdr>(scope, at);
  if (!message) return false;
  Braces fields(scope.out);
  fields.field("msg_hdr");
  put_message(scope, at, message->msg_hdr);
  if (scope.event.result >= 0) put_decimal(fields.field("msg_len"), message->msg_len);
  return true;
}

bool print_control(const Scope& scope, RemotePtr<> at, std::uint64_t size) {
  if (scope.memory.view(at, sizeof(ControlHeader)).size() < sizeof(ControlHeader)) return false;
  Braces list(scope.out, '[', ']');
  // Lengths come from the traced program: none may wrap a position around.
  constexpr std::uint64_t most_bytes = 1 << 20;
  size = std::min(size, most_bytes);
  std::uint64_t position = 0;
  while (position + sizeof(ControlHeader) <= size) {
    const auto header = load<ControlHeader>(scope, at.plus_bytes(position));
    if (!header || header->cmsg_len < sizeof(ControlHeader) || header->cmsg_len > size - position) break;
    list.next();
    put_control_message(scope, *header, at.plus_bytes(position));
    position += CMSG_ALIGN(header->cmsg_len);
  }
  return true;
}

bool print_linger(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto linger = load<::linger>(scope, at);
  if (!linger) return false;
  put_format(scope.out, "{{l_onoff={}, l_linger={}}}", linger->l_onoff, linger->l_linger);
  return true;
}

bool print_ucred(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto peer = load<std::array<std::uint32_t, 3>>(scope, at);
  if (!peer) return false;
  put_format(scope.out, "{{pid={}, uid={}, gid={}}}", (*peer)[0], (*peer)[1], (*peer)[2]);
  return true;
}

// Which member of the union counts depends on the request (netdevice(7)).
bool print_ifreq(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto request = load<::ifreq>(scope, at);
  if (!request) return false;
  Braces fields(scope.out);
  const std::string_view name(request->ifr_name, sizeof request->ifr_name);
  put_quoted(fields.field("ifr_name"), std::as_bytes(std::span(name.substr(0, name.find('\0')))),
             name.size());
  if (!scope.memory.is_output(at)) return true;
  switch (scope.event.args[1]) {
    case SIOCGIFINDEX:
      put_decimal(fields.field("ifr_ifindex"), request->ifr_ifindex);
      break;
    case SIOCGIFFLAGS:
      put_flags(fields.field("ifr_flags"), FlagSet::interface_flags,
                static_cast<std::uint16_t>(request->ifr_flags));
      break;
    case SIOCGIFMTU:
      put_decimal(fields.field("ifr_mtu"), request->ifr_mtu);
      break;
    case SIOCGIFHWADDR:
      put_hardware_address(fields.field("ifr_hwaddr"), request->ifr_hwaddr);
      break;
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
    case SIOCGIFBRDADDR:
    case SIOCGIFNETMASK:
      put_address(fields.field("ifr_addr"), std::as_bytes(std::span(&request->ifr_addr, 1)));
      break;
    default:
      fields.more();
      break;
  }
  return true;
}

bool print_ifconf(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto list = load<::ifconf>(scope, at);
  if (!list) return false;
  put_format(scope.out, "{{ifc_len={}, ifc_buf=", list->ifc_len);
  put_pointer(scope.out, reinterpret_cast<std::uintptr_t>(list->ifc_buf));
  put(scope.out, '}');
  return true;
}

}  // namespace rec::dump

// IP addresses, blocks and source keys as plain values, without <sys/*>, so that policy can use
// them.
#ifndef FLOODGATE_BASE_IP_H_
#define FLOODGATE_BASE_IP_H_

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace floodgate {

// An IPv4 or IPv6 address in network byte order, kept in the 16 bytes of an IPv6 address. IPv4 is
// kept in its v4-mapped form (::ffff:a.b.c.d, RFC 4291 section 2.5.5.2), so that the same host is
// the same value whether it came in on an IPv4 or on a dual-stack socket.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};

  // `host_order`: 0x7f000001 is 127.0.0.1.
  static IpAddress V4(uint32_t host_order);
  static IpAddress V6(const std::array<uint8_t, 16>& bytes) { return {bytes}; }
  // "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"; no scope, no brackets. nullopt if it is none.
  static std::optional<IpAddress> Parse(absl::string_view text);

  bool is_v4() const;
  // "192.0.2.1" for IPv4 and v4-mapped, RFC 5952 form for IPv6.
  std::string ToString() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

// The first `bits` bits of `address` with the rest zero. `bits` counts from the start of the
// family's own address: 0..32 for IPv4 (the ::ffff: part is kept), 0..128 for IPv6. More is taken
// as all.
IpAddress Truncate(const IpAddress& address, int bits);

// A block of addresses, "10.0.0.0/8" or "2001:db8::/32"; a bare address is a block of one.
// An IPv4 block holds IPv4 (and v4-mapped) addresses alone, never IPv6 ones, and the other way
// round.
struct Cidr {
  IpAddress base;  // Bits after `bits` are zero.
  int bits = 0;    // Of the family's own address, as in Truncate.

  // nullopt: not a block, too many bits, or bits set behind the prefix ("10.0.0.1/8").
  static std::optional<Cidr> Parse(absl::string_view text);
  bool Contains(const IpAddress& address) const;
  std::string ToString() const;

  friend bool operator==(const Cidr&, const Cidr&) = default;
};

// Where a connection comes from. Unix sockets have no address.
struct PeerAddress {
  enum class Family : uint8_t { kUnix, kIp };
  Family family = Family::kUnix;
  uint16_t port = 0;  // Host byte order.
  IpAddress ip;

  // "192.0.2.1:4711", "[2001:db8::1]:4711", "unix".
  std::string ToString() const;
  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
};

}  // namespace floodgate

#endif  // FLOODGATE_BASE_IP_H_

#include "base/ip.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace floodgate {
namespace {

constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// Bits of the 16 bytes that come before the family's own address.
int FamilyOffset(const IpAddress& address) {
  return address.is_v4() ? 96 : 0;
}

}  // namespace

IpAddress IpAddress::V4(uint32_t host_order) {
  IpAddress address;
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes.begin());
  for (size_t i = 0; i < 4; ++i) {
    address.bytes[12 + i] = static_cast<uint8_t>(host_order >> (24 - 8 * i));
  }
  return address;
}

std::optional<IpAddress> IpAddress::Parse(absl::string_view text) {
  const std::string terminated(text);
  if (terminated.size() != std::strlen(terminated.c_str())) return std::nullopt;
  in_addr v4{};
  if (::inet_pton(AF_INET, terminated.c_str(), &v4) == 1) return V4(ntohl(v4.s_addr));
  IpAddress v6;
  if (::inet_pton(AF_INET6, terminated.c_str(), v6.bytes.data()) == 1) return v6;
  return std::nullopt;
}

bool IpAddress::is_v4() const {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin());
}

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (is_v4()) {
    ::inet_ntop(AF_INET, bytes.data() + 12, text, sizeof text);
  } else {
    ::inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  }
  return text;
}

IpAddress Truncate(const IpAddress& address, int bits) {
  IpAddress truncated = address;
  int kept = std::min(FamilyOffset(address) + std::max(bits, 0), 128);
  for (uint8_t& byte : truncated.bytes) {
    const int here = std::clamp(kept, 0, 8);
    byte = static_cast<uint8_t>(byte & (0xff00 >> here));
    kept -= 8;
  }
  return truncated;
}

std::optional<Cidr> Cidr::Parse(absl::string_view text) {
  const size_t slash = text.find('/');
  const std::optional<IpAddress> base = IpAddress::Parse(text.substr(0, slash));
  if (!base.has_value()) return std::nullopt;
  const int bits_max = base->is_v4() ? 32 : 128;
  if (slash == absl::string_view::npos) return Cidr{*base, bits_max};
  const absl::string_view digits = text.substr(slash + 1);
  int bits = 0;
  const bool plain =
      !digits.empty() && digits.size() <= 3 &&
      std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!plain || !absl::SimpleAtoi(digits, &bits) || bits > bits_max) return std::nullopt;
  if (Truncate(*base, bits) != *base) return std::nullopt;
  return Cidr{*base, bits};
}

bool Cidr::Contains(const IpAddress& address) const {
  return address.is_v4() == base.is_v4() && Truncate(address, bits) == base;
}

std::string Cidr::ToString() const {
  return absl::StrCat(base.ToString(), "/", bits);
}

std::string PeerAddress::ToString() const {
  if (family == Family::kUnix) return "unix";
  if (ip.is_v4()) return absl::StrCat(ip.ToString(), ":", port);
  return absl::StrCat("[", ip.ToString(), "]:", port);
}

}  // namespace floodgate

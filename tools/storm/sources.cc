#include "tools/storm/sources.h"

#include <algorithm>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace floodgate::storm {
namespace {

constexpr uint32_t kFirst = 0x7f010001;              // 127.1.0.1
constexpr uint32_t kCountMax = 0x7fffffff - kFirst;  // up to 127.255.255.254
constexpr int kBlockBitsMax = 24;                    // as many as a loopback has

IpAddress Plus(IpAddress address, uint32_t offset) {
  uint64_t carry = offset;
  for (size_t byte = address.bytes.size(); byte-- > 0 && carry > 0;) {
    carry += address.bytes[byte];
    address.bytes[byte] = static_cast<uint8_t>(carry);
    carry >>= 8;
  }
  return address;
}

Sources OfBlock(const Cidr& block) {
  const bool v4 = block.base.is_v4();
  const int free_bits = std::min((v4 ? 32 : 128) - block.bits, kBlockBitsMax);
  const uint32_t size = uint32_t{1} << free_bits;
  if (size <= 2) return {block.base, size};
  return {Plus(block.base, 1), size - (v4 ? 2 : 1)};
}

}  // namespace

absl::StatusOr<Sources> Sources::Parse(absl::string_view text) {
  uint32_t count = 0;
  if (absl::SimpleAtoi(text, &count) && count >= 1 && count <= kCountMax) {
    return Sources{IpAddress::V4(kFirst), count};
  }
  if (const std::optional<Cidr> block = Cidr::Parse(text)) return OfBlock(*block);
  return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is neither a number from 1 to ",
                                                 kCountMax, " nor a block such as 127.1.0.0/16"));
}

IpAddress Sources::Of(uint32_t agent) const {
  return Plus(first, agent % count);
}

}  // namespace floodgate::storm

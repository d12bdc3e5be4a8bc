#include "core/cidr_set.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace floodgate {
namespace {

// The block's last address: all bits after the prefix set.
IpAddress LastOf(const Cidr& block) {
  IpAddress last = block.base;
  int kept = (block.base.is_v4() ? 96 : 0) + block.bits;
  for (uint8_t& byte : last.bytes) {
    const int here = std::clamp(kept, 0, 8);
    byte = static_cast<uint8_t>(byte | (0xff >> here));
    kept -= 8;
  }
  return last;
}

}  // namespace

CidrSet::CidrSet(absl::Span<const Cidr> blocks) {
  for (const Cidr& block : blocks) {
    (block.base.is_v4() ? v4_ : v6_).push_back({.first = block.base, .last = LastOf(block)});
  }
  SortAndMerge(v4_);
  SortAndMerge(v6_);
}

void CidrSet::SortAndMerge(Ranges& ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.first < b.first; });
  size_t kept = 0;
  for (const Range& range : ranges) {
    // Blocks either hold one another or are apart, so one that begins within the last is inside it.
    if (kept > 0 && range.first <= ranges[kept - 1].last) {
      ranges[kept - 1].last = std::max(ranges[kept - 1].last, range.last);
    } else {
      ranges[kept++] = range;
    }
  }
  ranges.resize(kept);
  ranges.shrink_to_fit();
}

bool CidrSet::Contains(const IpAddress& address) const {
  const Ranges& ranges = address.is_v4() ? v4_ : v6_;
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), address,
                       [](const IpAddress& a, const Range& range) { return a < range.first; });
  return after != ranges.begin() && address <= std::prev(after)->last;
}

}  // namespace floodgate

// Many blocks of addresses, asked at once.
#ifndef FLOODGATE_CORE_CIDR_SET_H_
#define FLOODGATE_CORE_CIDR_SET_H_

#include <vector>

#include "absl/types/span.h"
#include "base/ip.h"

namespace floodgate {

// A set of addresses given by blocks: Contains(a) is true exactly if some block's Contains(a) is.
// Immutable. Blocks become sorted, disjoint ranges, so that asking is O(log n) in their number; an
// empty set answers at once.
class CidrSet {
 public:
  CidrSet() = default;
  explicit CidrSet(absl::Span<const Cidr> blocks);

  bool Contains(const IpAddress& address) const;
  bool empty() const { return v4_.empty() && v6_.empty(); }

 private:
  // Both ends belong to it.
  struct Range {
    IpAddress first;
    IpAddress last;
  };
  using Ranges = std::vector<Range>;  // ascending, disjoint

  static void SortAndMerge(Ranges& ranges);

  // Apart, because ::/0 lies around all IPv4 addresses in their v4-mapped form and holds none.
  Ranges v4_;
  Ranges v6_;
};

}  // namespace floodgate

#endif  // FLOODGATE_CORE_CIDR_SET_H_

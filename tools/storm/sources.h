// The addresses that agents come from.
#ifndef FLOODGATE_TOOLS_STORM_SOURCES_H_
#define FLOODGATE_TOOLS_STORM_SOURCES_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/ip.h"

namespace floodgate::storm {

// `count` addresses in a row from `first` on; 0 = the kernel chooses.
struct Sources {
  IpAddress first;
  uint32_t count = 0;

  // A number: so many from 127.1.0.1 on. A block such as 127.1.0.0/16: its addresses, but for the
  // first and (IPv4) the last of a block of more than two, which are the network's own.
  // InvalidArgument says what would be right.
  static absl::StatusOr<Sources> Parse(absl::string_view text);

  // Agents take the addresses in turn. REQUIRES: count > 0.
  IpAddress Of(uint32_t agent) const;
};

}  // namespace floodgate::storm

#endif  // FLOODGATE_TOOLS_STORM_SOURCES_H_

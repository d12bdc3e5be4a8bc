#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "front/tls.h"

namespace floodgate {

void ByteSink::Append(absl::Span<const std::byte> bytes) {
  const size_t room = overflow.empty() ? std::min(data.size() - size, bytes.size()) : 0;
  if (room > 0) {
    std::memcpy(data.data() + size, bytes.data(), room);
    size += room;
  }
  absl::StrAppend(&overflow, AsText(bytes.subspan(room)));
}

}  // namespace floodgate

// Text and bytes as views of each other.
#ifndef FLOODGATE_BASE_BYTES_H_
#define FLOODGATE_BASE_BYTES_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace floodgate {

// The same bytes, not a copy: valid as long as what `text` looks at.
inline absl::Span<const std::byte> AsBytes(absl::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline absl::string_view AsText(absl::Span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace floodgate

#endif  // FLOODGATE_BASE_BYTES_H_

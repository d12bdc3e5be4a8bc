// Whatever text an endpoint, an address, a block or a duration is: it is refused, or it is written
// back in a form that means the same.
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "base/check.h"
#include "base/endpoint.h"
#include "base/ip.h"
#include "core/duration.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace floodgate;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);

  const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
  if (endpoint.ok()) {
    const absl::StatusOr<Endpoint> again = Endpoint::Parse(endpoint->ToString());
    FG_CHECK(again.ok() && *again == *endpoint);
    FG_CHECK(!endpoint->is_unix() || (!endpoint->path.empty() && endpoint->path.size() <= 107));
    FG_CHECK(endpoint->is_unix() || !endpoint->host.empty());
  } else {
    FG_CHECK(endpoint.status().message().find("; expected ") != absl::string_view::npos);
  }

  if (const std::optional<IpAddress> address = IpAddress::Parse(text); address.has_value()) {
    FG_CHECK(IpAddress::Parse(address->ToString()) == address);
    FG_CHECK(Cidr::Parse(text).has_value());
  }
  if (const std::optional<Cidr> block = Cidr::Parse(text); block.has_value()) {
    FG_CHECK(Cidr::Parse(block->ToString()) == block);
    FG_CHECK(block->Contains(block->base));
    FG_CHECK(Truncate(block->base, block->bits) == block->base);
  }
  if (const std::optional<Duration> duration = ParseDuration(text); duration.has_value()) {
    FG_CHECK(duration->ns >= 0 && duration->ns <= int64_t{365} * 24 * 3600 * 1'000'000'000);
    FG_CHECK(ParseDuration(FormatDuration(*duration)) == duration);
  }
  return 0;
}

// An address to listen on or to connect to, as the configuration writes it.
#ifndef FLOODGATE_BASE_ENDPOINT_H_
#define FLOODGATE_BASE_ENDPOINT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace floodgate {

// One of `host:port`, `[v6]:port`, `unix:/path`, `unix:@abstract`. A value; resolving names and
// making sockets of it is the io room's work.
struct Endpoint {
  enum class Kind { kTcp, kUnixPath, kUnixAbstract };
  Kind kind = Kind::kTcp;
  std::string host;   // kTcp: literal address without brackets, or a host name, as it was written.
  uint16_t port = 0;  // kTcp: host byte order; 0 asks the kernel for one.
  std::string path;  // kUnixPath: the path; kUnixAbstract: the name without '@'. At most 107 bytes.

  // InvalidArgument says what is wrong and what would be right, without naming the input.
  static absl::StatusOr<Endpoint> Parse(absl::string_view text);
  // The form that Parse reads; IPv6 in brackets.
  std::string ToString() const;

  bool is_unix() const { return kind != Kind::kTcp; }
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

}  // namespace floodgate

#endif  // FLOODGATE_BASE_ENDPOINT_H_

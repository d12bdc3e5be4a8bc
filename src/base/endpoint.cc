#include "base/endpoint.h"

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/ip.h"

namespace floodgate {
namespace {

// sockaddr_un.sun_path is 108 bytes and holds a final NUL, or the NUL that begins an abstract name
// (unix(7)).
constexpr size_t kUnixPathMax = 107;
// RFC 1035 section 2.3.4
constexpr size_t kHostMax = 253;
constexpr size_t kLabelMax = 63;

absl::Status Wrong(absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, "; expected host:port, [v6]:port, unix:/path or unix:@name"));
}

absl::StatusOr<Endpoint> ParseUnix(absl::string_view path) {
  Endpoint endpoint;
  endpoint.kind = Endpoint::Kind::kUnixPath;
  if (absl::ConsumePrefix(&path, "@")) endpoint.kind = Endpoint::Kind::kUnixAbstract;
  if (path.empty()) return Wrong("the name of the unix socket is missing");
  if (endpoint.kind == Endpoint::Kind::kUnixPath && path[0] != '/') {
    return Wrong("the path of a unix socket must be absolute");
  }
  if (endpoint.kind == Endpoint::Kind::kUnixPath && path.back() == '/') {
    return Wrong("the path of a unix socket must not end in '/'");
  }
  if (path.find('\0') != absl::string_view::npos) return Wrong("a NUL byte in the socket's name");
  if (path.size() > kUnixPathMax) {
    return Wrong(absl::StrCat("the name of the unix socket has ", path.size(),
                              " bytes, and at most ", kUnixPathMax, " are possible"));
  }
  endpoint.path = std::string(path);
  return endpoint;
}

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

bool IsLabel(absl::string_view label) {
  return !label.empty() && label.size() <= kLabelMax && label.front() != '-' &&
         label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IsDigit(c) || c == '-' ||
                  c == '_';
         });
}

// An IPv4 address, or a name: labels with dots between them and perhaps one at the end. A last
// label of digits is an address gone wrong ("10.0.0.256", "127.1"), which a resolver might still
// take for some other one.
bool IsHost(absl::string_view host) {
  if (IpAddress::Parse(host).has_value()) return true;
  if (host.size() > kHostMax) return false;
  absl::ConsumeSuffix(&host, ".");
  const std::vector<absl::string_view> labels = absl::StrSplit(host, '.');
  return std::all_of(labels.begin(), labels.end(), IsLabel) &&
         !std::all_of(labels.back().begin(), labels.back().end(), IsDigit);
}

}  // namespace

absl::StatusOr<Endpoint> Endpoint::Parse(absl::string_view text) {
  if (absl::ConsumePrefix(&text, "unix:")) return ParseUnix(text);
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return Wrong("the port is missing");
  absl::string_view host = text.substr(0, colon);
  const absl::string_view port = text.substr(colon + 1);
  Endpoint endpoint;
  int number = 0;
  const bool digits =
      !port.empty() && port.size() <= 5 && std::all_of(port.begin(), port.end(), IsDigit);
  if (!digits || !absl::SimpleAtoi(port, &number) || number > 65535) {
    return Wrong("the port is not a number from 0 to 65535");
  }
  endpoint.port = static_cast<uint16_t>(number);
  if (absl::ConsumePrefix(&host, "[")) {
    if (!absl::ConsumeSuffix(&host, "]")) return Wrong("']' is missing after the IPv6 address");
    if (host.find(':') == absl::string_view::npos || !IpAddress::Parse(host).has_value()) {
      return Wrong("what stands in brackets is not an IPv6 address");
    }
  } else if (host.find(':') != absl::string_view::npos) {
    return Wrong("an IPv6 address must stand in brackets");
  } else if (host.empty()) {
    return Wrong("the host is missing; all addresses are [::] (IPv6 and IPv4) or 0.0.0.0");
  } else if (!IsHost(host)) {
    return Wrong("the host is neither an address nor a name");
  }
  endpoint.host = std::string(host);
  return endpoint;
}

std::string Endpoint::ToString() const {
  switch (kind) {
    case Kind::kUnixPath:
      return absl::StrCat("unix:", path);
    case Kind::kUnixAbstract:
      return absl::StrCat("unix:@", path);
    case Kind::kTcp:
      break;
  }
  if (host.find(':') != std::string::npos) return absl::StrCat("[", host, "]:", port);
  return absl::StrCat(host, ":", port);
}

}  // namespace floodgate

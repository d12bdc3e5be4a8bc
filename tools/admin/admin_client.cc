#include "tools/admin/admin_client.h"

#include <httplib.h>

#include <exception>

#include "absl/strings/str_cat.h"

namespace floodgate {
namespace {

// cpp-httplib takes a unix socket's address for the host; an abstract one begins with a zero byte.
std::string HostOf(const Endpoint& endpoint) {
  switch (endpoint.kind) {
    case Endpoint::Kind::kUnixPath:
      return endpoint.path;
    case Endpoint::Kind::kUnixAbstract:
      return absl::StrCat(absl::string_view("\0", 1), endpoint.path);
    case Endpoint::Kind::kTcp:
      break;
  }
  return endpoint.host;
}

void Prepare(httplib::Client& client, const Endpoint& endpoint, Duration patience) {
  if (endpoint.is_unix()) {
    client.set_address_family(AF_UNIX);
    client.set_default_headers({{"Host", "localhost"}});  // Not the path.
  }
  const time_t seconds = patience.milliseconds() / 1000;
  const time_t microseconds = patience.milliseconds() % 1000 * 1000;
  client.set_connection_timeout(seconds, microseconds);
  client.set_read_timeout(seconds, microseconds);
  client.set_write_timeout(seconds, microseconds);
}

template <typename Ask>
absl::StatusOr<AdminAnswer> Exchange(const Endpoint& endpoint, Duration patience, Ask ask) {
  try {
    httplib::Client client(HostOf(endpoint), endpoint.is_unix() ? 80 : endpoint.port);
    Prepare(client, endpoint, patience);
    const httplib::Result result = ask(client);
    if (result) return AdminAnswer{.status = result->status, .body = result->body};
    if (absl::Status reason = DiagnoseConnection(endpoint); !reason.ok()) return reason;
    return absl::UnavailableError(
        absl::StrCat("something accepts connections at ", endpoint.ToString(),
                     " but gave no answer (", httplib::to_string(result.error()),
                     "); is it floodgated's admin.listen, and does floodgated still run?"));
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("asking ", endpoint.ToString(), ": ", error.what()));
  }
}

}  // namespace

absl::StatusOr<AdminAnswer> AdminClient::Get(const std::string& path, Duration patience) const {
  return Exchange(endpoint_, patience, [&](httplib::Client& client) { return client.Get(path); });
}

absl::StatusOr<AdminAnswer> AdminClient::Post(const std::string& path, const std::string& body,
                                              Duration patience) const {
  return Exchange(endpoint_, patience, [&](httplib::Client& client) {
    return client.Post(path, body, "application/json");
  });
}

}  // namespace floodgate

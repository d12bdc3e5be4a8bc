// Asks a running floodgated over its control interface (docs/control-interface.md).
#ifndef FLOODGATE_ADMIN_ADMIN_CLIENT_H_
#define FLOODGATE_ADMIN_ADMIN_CLIENT_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/endpoint.h"
#include "base/time.h"

namespace floodgate {

struct AdminAnswer {
  int status = 0;  // HTTP
  std::string body;
};

// One connection a question. Not thread-safe.
class AdminClient {
 public:
  // `endpoint`: where floodgated's admin.listen is.
  explicit AdminClient(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}

  // Waits at most `patience` for each step: the connection, and each part of the answer.
  // Errors say why nobody answered and what would be right.
  absl::StatusOr<AdminAnswer> Get(const std::string& path,
                                  Duration patience = Duration::Seconds(10)) const;
  absl::StatusOr<AdminAnswer> Post(const std::string& path, const std::string& body = "{}",
                                   Duration patience = Duration::Seconds(30)) const;

 private:
  Endpoint endpoint_;
};

// What keeps this user from connecting to `endpoint`: tries it once more, by hand, for the reason
// that an HTTP library does not tell.
absl::Status DiagnoseConnection(const Endpoint& endpoint);

// The process that listens at `endpoint`, by SO_PEERCRED (unix(7)): who called listen(2). nullopt:
// not a unix socket, nobody there, or a process that this one's PID namespace does not show.
std::optional<int> AdminPeer(const Endpoint& endpoint);

}  // namespace floodgate

#endif  // FLOODGATE_ADMIN_ADMIN_CLIENT_H_

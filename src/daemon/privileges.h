// Giving up root once everything that needs it is bound.
#ifndef FLOODGATE_DAEMON_PRIVILEGES_H_
#define FLOODGATE_DAEMON_PRIVILEGES_H_

#include <string>

#include "absl/status/status.h"

namespace floodgate {

// Becomes `user` for good: supplementary groups, group, user (credentials(7)); then checks that
// root cannot be had back. Before any thread is started. NotFound: no such user. PermissionDenied:
// we are not root (and not that user already).
absl::Status DropTo(const std::string& user);

}  // namespace floodgate

#endif  // FLOODGATE_DAEMON_PRIVILEGES_H_

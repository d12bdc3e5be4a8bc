// Telling the addresses that were really bound, in every way that was asked for.
#ifndef FLOODGATE_DAEMON_ANNOUNCE_H_
#define FLOODGATE_DAEMON_ANNOUNCE_H_

#include <string>

#include "absl/status/status.h"
#include "admin/control.h"

namespace floodgate {

// {"controller":[...],"agent":[...],"admin":[...]} on one line, without a newline.
std::string PortsJson(const BoundPorts& ports);

// Writes `line` and a newline to the descriptor `fd` and closes it. Errors name --notify-fd.
absl::Status NotifyDescriptor(int fd, const std::string& line);

// sd_notify(3): tells systemd. Nothing where we were not started by it.
void NotifySystemd(const std::string& state);

}  // namespace floodgate

#endif  // FLOODGATE_DAEMON_ANNOUNCE_H_

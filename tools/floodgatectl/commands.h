// Carries out one command: asks floodgated, prints what it answers on standard output.
#ifndef FLOODGATE_FLOODGATECTL_COMMANDS_H_
#define FLOODGATE_FLOODGATECTL_COMMANDS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/admin/admin_client.h"
#include "tools/floodgatectl/command_line.h"

namespace floodgate {

// The message of an error is for people, without the program's name; InvalidArgument is bad usage.
absl::Status Run(const CommandLine& line);

// `top`: until Ctrl-C or SIGTERM, which is a good end.
absl::Status RunTop(const AdminClient& client, const CommandLine& line);

// The body of `signal` from "ID" and "ID=ADDR,ADDR". InvalidArgument: which one is wrong, and what
// would be right.
absl::StatusOr<std::string> SignalBody(const std::vector<std::string>& servers);

}  // namespace floodgate

#endif  // FLOODGATE_FLOODGATECTL_COMMANDS_H_

// Whether a reload will be able to read what the start could.
#ifndef FLOODGATE_DAEMON_RELOAD_ACCESS_H_
#define FLOODGATE_DAEMON_RELOAD_ACCESS_H_

#include <string>
#include <vector>

#include "core/options.h"

namespace floodgate {

// One line for each file that a reload reads and this process may not: which, why, and the remedy.
// `config`: the configuration's path, or empty. To be called when runtime.user is in force.
std::vector<std::string> UnreadableAtReload(const std::string& config, const Options& options);

}  // namespace floodgate

#endif  // FLOODGATE_DAEMON_RELOAD_ACCESS_H_

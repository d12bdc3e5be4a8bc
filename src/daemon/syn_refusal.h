// Finds out whether the kernel can refuse connections for us, and says so if it cannot.
#ifndef FLOODGATE_DAEMON_SYN_REFUSAL_H_
#define FLOODGATE_DAEMON_SYN_REFUSAL_H_

#include <memory>
#include <vector>

#include "base/log.h"
#include "front/listener.h"
#include "io/syn_refuser.h"

namespace floodgate {

// For the agent listeners among `listeners`. Null: it is not to be had, which the log tells; or
// there is nothing to refuse (unix sockets alone). To be called before privileges are dropped.
std::unique_ptr<SynRefuser> MakeSynRefuser(const std::vector<BoundListener>& listeners, Log& log);

}  // namespace floodgate

#endif  // FLOODGATE_DAEMON_SYN_REFUSAL_H_

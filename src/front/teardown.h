// The end of a connection. Teardown is a state: operations are cancelled, their completions
// awaited, and only then are the descriptors closed and the gatekeeper told.
#ifndef FLOODGATE_FRONT_TEARDOWN_H_
#define FLOODGATE_FRONT_TEARDOWN_H_

#include "front/connection.h"
#include "front/worker_context.h"

namespace floodgate {

class Teardown {
 public:
  explicit Teardown(WorkerContext& context) : context_(context) {}

  // Begins the end; `outcome` is what the gatekeeper will be told. `abort`: the peers see a reset,
  // as one of them sent it. Further calls change nothing.
  void Begin(Connection& connection, Report::Kind outcome, bool abort);
  // To be called after each completion of a terminating connection: closes once nothing is in
  // flight.
  void Settle(Connection& connection);

 private:
  void CancelAll(Connection& connection);
  void CloseSocket(Connection& connection, Side side);

  WorkerContext& context_;
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_TEARDOWN_H_

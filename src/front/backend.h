// The stage between handshake and relay: connects to the backend and introduces the client to it.
#ifndef FLOODGATE_FRONT_BACKEND_H_
#define FLOODGATE_FRONT_BACKEND_H_

#include "front/connection.h"
#include "front/teardown.h"
#include "front/transport.h"
#include "front/worker_context.h"

namespace floodgate {

class Backend {
 public:
  Backend(WorkerContext& context, Transport& transport, Teardown& teardown)
      : context_(context), transport_(transport), teardown_(teardown) {}

  // Begins to connect; puts the PROXY header in front of what the client has sent already.
  void Connect(Connection& connection);
  // True: connected, what waited is on its way, and the relay may begin.
  bool OnConnected(Connection& connection, int32_t result);
  void OnDeadline(Connection& connection);
  void OnConnectAgain(Connection& connection);

 private:
  static constexpr Duration kConnectAgainAfter = Duration::Milliseconds(10);

  void SubmitConnect(Connection& connection);
  void Fail(Connection& connection, absl::string_view why);

  WorkerContext& context_;
  Transport& transport_;
  Teardown& teardown_;
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_BACKEND_H_

// What each request of the control interface means (docs/control-interface.md): from a whole
// request to the bytes of its answer.
#ifndef FLOODGATE_ADMIN_ROUTER_H_
#define FLOODGATE_ADMIN_ROUTER_H_

#include <atomic>
#include <memory>
#include <string>

#include "admin/control.h"
#include "admin/http_request.h"

namespace floodgate {

// Thread-safe. cpp-httplib interprets requests and forms answers; it sees only what
// HttpRequestReader has let through, and never a socket.
class Router {
 public:
  // How many may wait for a state of the gate at a time: each occupies a thread.
  static constexpr int kWaitersMax = 8;
  static constexpr int kWaitMsMax = 60'000;

  // `loopback_tcp`: only pages of this host may ask, see ForeignPage in the source.
  static std::unique_ptr<Router> Create(Control& control, bool loopback_tcp);
  virtual ~Router() = default;

  // Never throws; what fails inside is a 500 in JSON. May block as Control may, and for a long poll
  // until the gate is in the state asked for, the time is over, or `cancelled`.
  virtual std::string Answer(const HttpRequest& request, const std::atomic<bool>& cancelled) = 0;
};

// The answer to what is not even a request, or may not ask: a status from RFC 9110 and JSON.
std::string ErrorAnswer(int status, const std::string& error, const std::string& remedy);

}  // namespace floodgate

#endif  // FLOODGATE_ADMIN_ROUTER_H_

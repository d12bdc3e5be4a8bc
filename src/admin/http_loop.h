// Moves whole HTTP requests in and whole answers out, on one listening socket. Knows nothing of
// what they mean.
#ifndef FLOODGATE_ADMIN_HTTP_LOOP_H_
#define FLOODGATE_ADMIN_HTTP_LOOP_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "admin/http_request.h"
#include "base/fd.h"
#include "base/time.h"

namespace floodgate {

// Why this exists beside an HTTP library's own server: there a thread belongs to a connection, so
// that as many silent clients as there are threads stop the metrics. Here one thread polls all
// connections, and the answering threads see only requests that have come in full.
//
// Guarantees: at most kConnectionsMax connections; past that the one that has taken longest to send
// its request gives way to the new one, and where all have sent theirs, new ones wait in the
// kernel. A request must be there in `request_time`, an answer be taken in `answer_time`; both are
// of the whole, so a byte now and then does not lengthen them. One request a connection.
class HttpLoop {
 public:
  static constexpr int kConnectionsMax = 128;

  struct Limits {
    int threads = 12;  // that answer
    Duration request_time = Duration::Seconds(5);
    Duration answer_time = Duration::Seconds(10);
    // After an answer, for the client to close first, so that what it still sends does not make the
    // kernel reset the connection and take the answer back (RFC 9112 9.6).
    Duration linger_time = Duration::Seconds(1);
    // In Stop, for the answers to requests that are already here.
    Duration stop_time = Duration::Seconds(2);
  };

  // Answers one request with the bytes to send. Called on the answering threads, several at a time.
  // `cancelled` turns true when the client has gone or the loop stops: nobody will read the answer.
  using Answer =
      std::function<std::string(const HttpRequest& request, const std::atomic<bool>& cancelled)>;
  // The bytes that tell of a request that could not be read.
  using AnswerRejection = std::function<std::string(const HttpRequestReader::Rejection& rejection)>;

  // `listener` listens and is non-blocking. Errors: no descriptors.
  static absl::StatusOr<std::unique_ptr<HttpLoop>> Create(OwnedFd listener, const Limits& limits,
                                                          Answer answer,
                                                          AnswerRejection answer_rejection);
  // Stops.
  virtual ~HttpLoop() = default;
  virtual void Start() = 0;  // Once.
  // Takes no more requests; those that are here are answered within `stop_time`. Returns when all
  // threads have ended. Idempotent.
  virtual void Stop() = 0;
};

}  // namespace floodgate

#endif  // FLOODGATE_ADMIN_HTTP_LOOP_H_

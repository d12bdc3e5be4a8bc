// Reads one HTTP/1.1 request from bytes (RFC 9112), strictly and within bounds, before anything
// interprets it. Pure: bytes in, a verdict out.
#ifndef FLOODGATE_ADMIN_HTTP_REQUEST_H_
#define FLOODGATE_ADMIN_HTTP_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace floodgate {

inline constexpr size_t kHttpHeadBytesMax = size_t{16} * 1024;
inline constexpr size_t kHttpBodyBytesMax = size_t{64} * 1024;

// A whole request. Of the header fields only those that mean something here.
struct HttpRequest {
  std::string request_line;  // "GET /v1/status HTTP/1.1", without its line end
  std::string host;          // empty if absent
  std::string origin;        // what a browser says of the page that asks; empty if absent
  std::string body;
};

// Collects one request. Not thread-safe. After kDone or kRejected it takes no more.
class HttpRequestReader {
 public:
  enum class State { kHead, kBody, kDone, kRejected };

  // Takes the next bytes, cut anywhere. What follows the request is ignored: one connection
  // carries one request.
  State Feed(absl::string_view bytes);
  State state() const { return state_; }

  // True once, when the client waits for "100 Continue" before it sends its body (RFC 9110 10.1.1).
  bool TakeContinueWanted();

  // REQUIRES: state() == kDone.
  HttpRequest& request() { return request_; }

  // What to answer instead. REQUIRES: state() == kRejected.
  struct Rejection {
    int status = 400;  // 400, 411, 413, 417, 431 or 505
    std::string error;
    std::string remedy;
  };
  const Rejection& rejection() const { return rejection_; }

 private:
  State Reject(int status, absl::string_view error, absl::string_view remedy);
  State ReadHead(absl::string_view head);
  bool ReadRequestLine(absl::string_view line);
  bool ReadField(absl::string_view line);
  bool ReadContentLength(absl::string_view value);

  State state_ = State::kHead;
  std::string buffer_;  // the head as far as it has come, then the body
  size_t content_length_ = 0;
  bool content_length_seen_ = false;
  bool host_seen_ = false;
  bool continue_wanted_ = false;
  HttpRequest request_;
  Rejection rejection_;
};

}  // namespace floodgate

#endif  // FLOODGATE_ADMIN_HTTP_REQUEST_H_

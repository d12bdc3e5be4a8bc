#include "admin/http_request.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/check.h"

namespace floodgate {
namespace {

// RFC 9110 5.6.2, "token".
bool IsTokenCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::string_view("!#$%&'*+-.^_`|~").find(c) != absl::string_view::npos;
}

bool IsToken(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenCharacter);
}

// Control characters have no place in a head; NUL and bare CR are how requests are smuggled.
bool HasControlCharacter(absl::string_view line) {
  return std::any_of(line.begin(), line.end(), [](char c) {
    return absl::ascii_iscntrl(static_cast<unsigned char>(c)) && c != '\t';
  });
}

}  // namespace

HttpRequestReader::State HttpRequestReader::Feed(absl::string_view bytes) {
  if (state_ == State::kHead) {
    // Only where the end can be: a head that comes byte by byte must not cost its square.
    const size_t search_from = buffer_.size() < 3 ? 0 : buffer_.size() - 3;
    const size_t room = kHttpHeadBytesMax - buffer_.size();
    const absl::string_view taken = bytes.substr(0, room);
    buffer_.append(taken.data(), taken.size());
    const size_t end = buffer_.find("\r\n\r\n", search_from);
    if (end == std::string::npos) {
      if (buffer_.size() < kHttpHeadBytesMax) return state_;
      return Reject(431,
                    absl::StrCat("the request's head is longer than ", kHttpHeadBytesMax, " bytes"),
                    "send fewer or shorter header fields");
    }
    const std::string head = buffer_.substr(0, end);
    // What was taken past the head, then what was not taken at all.
    bytes.remove_prefix(taken.size() - (buffer_.size() - (end + 4)));
    buffer_.clear();
    if (ReadHead(head) == State::kRejected) return state_;
  }
  if (state_ == State::kBody) {
    const absl::string_view taken = bytes.substr(0, content_length_ - buffer_.size());
    buffer_.append(taken.data(), taken.size());
    if (buffer_.size() < content_length_) return state_;
    request_.body = std::move(buffer_);
    state_ = State::kDone;
  }
  return state_;
}

bool HttpRequestReader::TakeContinueWanted() {
  return state_ == State::kBody && std::exchange(continue_wanted_, false);
}

HttpRequestReader::State HttpRequestReader::Reject(int status, absl::string_view error,
                                                   absl::string_view remedy) {
  rejection_ = {.status = status, .error = std::string(error), .remedy = std::string(remedy)};
  return state_ = State::kRejected;
}

HttpRequestReader::State HttpRequestReader::ReadHead(absl::string_view head) {
  bool first = true;
  while (!head.empty() || first) {
    const size_t end = std::min(head.find("\r\n"), head.size());
    const absl::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 2, head.size()));
    if (HasControlCharacter(line)) {
      return Reject(400, "the request's head holds a control character",
                    "end lines with CR LF and percent-encode the rest");
    }
    if (!(first ? ReadRequestLine(line) : ReadField(line))) return state_;
    first = false;
  }
  return state_ = State::kBody;
}

bool HttpRequestReader::ReadRequestLine(absl::string_view line) {
  const size_t method_end = line.find(' ');
  const size_t target_end = line.rfind(' ');
  if (method_end == absl::string_view::npos || target_end <= method_end + 1 ||
      !IsToken(line.substr(0, method_end)) ||
      absl::StrContains(line.substr(method_end + 1, target_end - method_end - 1), ' ')) {
    Reject(400, "the first line is not an HTTP request line",
           "send METHOD TARGET HTTP/1.1, such as GET /v1/status HTTP/1.1");
    return false;
  }
  const absl::string_view version = line.substr(target_end + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    Reject(505, "the protocol is neither HTTP/1.1 nor HTTP/1.0", "speak HTTP/1.1");
    return false;
  }
  if (line[method_end + 1] != '/') {
    Reject(400, "the request's target is not a path", "send a target that begins with /");
    return false;
  }
  request_.request_line = std::string(line);
  return true;
}

bool HttpRequestReader::ReadField(absl::string_view line) {
  const size_t colon = line.find(':');
  if (colon == absl::string_view::npos || !IsToken(line.substr(0, colon))) {
    Reject(400, "a header field is malformed", "send NAME: VALUE, on one line each");
    return false;
  }
  const absl::string_view name = line.substr(0, colon);
  const absl::string_view value = absl::StripAsciiWhitespace(line.substr(colon + 1));
  if (absl::EqualsIgnoreCase(name, "Content-Length")) return ReadContentLength(value);
  if (absl::EqualsIgnoreCase(name, "Transfer-Encoding")) {
    Reject(411, "the body's length is not told in advance",
           "send Content-Length instead of Transfer-Encoding");
    return false;
  }
  if (absl::EqualsIgnoreCase(name, "Expect")) {
    continue_wanted_ = absl::EqualsIgnoreCase(value, "100-continue");
    if (!continue_wanted_) Reject(417, "only 100-continue can be expected", "leave Expect out");
    return continue_wanted_;
  }
  if (absl::EqualsIgnoreCase(name, "Host")) {
    if (std::exchange(host_seen_, true)) {
      Reject(400, "Host is there twice", "send it once");
      return false;
    }
    request_.host = std::string(value);
  }
  if (absl::EqualsIgnoreCase(name, "Origin")) request_.origin = std::string(value);
  return true;
}

bool HttpRequestReader::ReadContentLength(absl::string_view value) {
  const bool digits = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
  if (!digits || std::exchange(content_length_seen_, true)) {
    Reject(400, "Content-Length is not one number", "send it once, in digits");
    return false;
  }
  uint64_t length = 0;
  // Digits alone fail only by being too many.
  if (!absl::SimpleAtoi(value, &length) || length > kHttpBodyBytesMax) {
    Reject(413, absl::StrCat("the body is larger than ", kHttpBodyBytesMax, " bytes"),
           "send a smaller one: no request of this interface needs as much");
    return false;
  }
  content_length_ = static_cast<size_t>(length);
  return true;
}

}  // namespace floodgate

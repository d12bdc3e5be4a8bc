// Finds the end of an HTTP/1.1 answer (RFC 9112 section 6).
#ifndef FLOODGATE_TOOLS_STORM_HTTP_ANSWER_H_
#define FLOODGATE_TOOLS_STORM_HTTP_ANSWER_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace floodgate::storm {

// Bytes in, "is it complete?" out. Keeps the head alone, at most kHeadMax bytes, until it is
// complete; bodies are counted and forgotten. Interim answers (1xx) are passed over.
class HttpAnswer {
 public:
  enum class State : uint8_t {
    kHead,
    kBody,
    kUntilClose,
    kChunkSize,
    kChunk,
    kTrailer,
    kDone,
    kBad
  };
  static constexpr size_t kHeadMax = size_t{16} * 1024;

  // Bytes after the end are ignored.
  State Feed(absl::string_view bytes);
  // The server has ended the connection: kDone if that ends the answer properly.
  State OnClose();

  State state() const { return state_; }
  int status() const { return status_; }
  // The server said that it will end the connection after this answer.
  bool says_close() const { return says_close_; }

 private:
  void TakeHead(absl::string_view& bytes);
  void ReadHead(absl::string_view head);
  void TakeBody(absl::string_view& bytes, State next);
  void TakeLine(absl::string_view& bytes);

  State state_ = State::kHead;
  bool says_close_ = false;
  int status_ = 0;
  uint64_t left_ = 0;  // bytes of the body, or of the chunk with its line end
  std::string text_;   // of the head, or of a chunk's size line or a trailer's line
};

}  // namespace floodgate::storm

#endif  // FLOODGATE_TOOLS_STORM_HTTP_ANSWER_H_

#include "tools/storm/http_answer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace floodgate::storm {
namespace {

constexpr absl::string_view kHeadEnd = "\r\n\r\n";
constexpr size_t kLineMax = 1024;

// "HTTP/1.1 200 OK" -> 200; 0 if it is none.
int StatusOf(absl::string_view line) {
  int status = 0;
  const bool http = absl::StartsWith(line, "HTTP/1.") && line.size() >= 12 && line[8] == ' ';
  return http && absl::SimpleAtoi(line.substr(9, 3), &status) && status >= 100 ? status : 0;
}

}  // namespace

HttpAnswer::State HttpAnswer::Feed(absl::string_view bytes) {
  while (!bytes.empty()) {
    switch (state_) {
      case State::kHead:
        TakeHead(bytes);
        break;
      case State::kBody:
        TakeBody(bytes, State::kDone);
        break;
      case State::kChunk:
        TakeBody(bytes, State::kChunkSize);
        break;
      case State::kChunkSize:
      case State::kTrailer:
        TakeLine(bytes);
        break;
      case State::kUntilClose:
      case State::kDone:
      case State::kBad:
        return state_;
    }
  }
  return state_;
}

HttpAnswer::State HttpAnswer::OnClose() {
  if (state_ == State::kUntilClose) state_ = State::kDone;
  return state_;
}

void HttpAnswer::TakeHead(absl::string_view& bytes) {
  // The end may lie across the border of what was there and what came.
  const size_t before = text_.size();
  const size_t look_from = before - std::min(before, kHeadEnd.size() - 1);
  const size_t taken = std::min(bytes.size(), kHeadMax - before);
  text_.append(bytes.data(), taken);
  const size_t end = text_.find(kHeadEnd.data(), look_from, kHeadEnd.size());
  if (end == std::string::npos) {
    bytes.remove_prefix(taken);
    if (text_.size() == kHeadMax) state_ = State::kBad;
    return;
  }
  bytes.remove_prefix(end + kHeadEnd.size() - before);
  const std::string head = std::exchange(text_, std::string()).substr(0, end);
  ReadHead(head);
}

void HttpAnswer::ReadHead(absl::string_view head) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(head, absl::MaxSplits("\r\n", 1));
  status_ = StatusOf(parts.first);
  if (status_ == 0) {
    state_ = State::kBad;
    return;
  }
  if (status_ < 200) return;  // An interim answer: the next head follows.
  state_ = State::kUntilClose;
  bool chunked = false;
  for (const absl::string_view line : absl::StrSplit(parts.second, "\r\n")) {
    const std::pair<absl::string_view, absl::string_view> field =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    const absl::string_view value = absl::StripAsciiWhitespace(field.second);
    if (absl::EqualsIgnoreCase(field.first, "Content-Length")) {
      state_ = absl::SimpleAtoi(value, &left_) ? State::kBody : State::kBad;
    } else if (absl::EqualsIgnoreCase(field.first, "Transfer-Encoding")) {
      chunked = absl::EndsWithIgnoreCase(value, "chunked");
    } else if (absl::EqualsIgnoreCase(field.first, "Connection")) {
      says_close_ = absl::EqualsIgnoreCase(value, "close");
    }
  }
  if (state_ == State::kBad) return;
  if (chunked) state_ = State::kChunkSize;  // It counts more than a length (section 6.3).
  if (status_ == 204 || status_ == 304 || (state_ == State::kBody && left_ == 0)) {
    state_ = State::kDone;
  }
  if (state_ == State::kUntilClose) says_close_ = true;
}

void HttpAnswer::TakeBody(absl::string_view& bytes, State next) {
  const uint64_t taken = std::min<uint64_t>(left_, bytes.size());
  bytes.remove_prefix(static_cast<size_t>(taken));
  left_ -= taken;
  if (left_ == 0) state_ = next;
}

void HttpAnswer::TakeLine(absl::string_view& bytes) {
  const char byte = bytes.front();
  bytes.remove_prefix(1);
  if (byte != '\n') {
    text_.push_back(byte);
    if (text_.size() > kLineMax) state_ = State::kBad;
    return;
  }
  const std::string line = std::exchange(text_, std::string());
  const absl::string_view text = absl::StripSuffix(line, "\r");
  if (state_ == State::kTrailer) {
    if (text.empty()) state_ = State::kDone;
    return;
  }
  // "1a;extension"; what follows the chunk is its line end.
  const absl::string_view size = absl::StripAsciiWhitespace(text.substr(0, text.find(';')));
  uint64_t length = 0;
  if (size.size() > 15 || !absl::SimpleHexAtoi(size, &length)) {
    state_ = State::kBad;
  } else if (length == 0) {
    state_ = State::kTrailer;
  } else {
    left_ = length + 2;
    state_ = State::kChunk;
  }
}

}  // namespace floodgate::storm

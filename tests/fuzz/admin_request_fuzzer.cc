// Whatever bytes a client of the control interface sends, cut anywhere: the reader keeps its
// bounds, and what it lets through is answered with a whole HTTP answer.
#include <cstddef>
#include <cstdint>
#include <string>

#include "admin/http_request.h"
#include "admin/router.h"
#include "base/check.h"
#include "tests/admin/fake_control.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using floodgate::HttpRequestReader;
  if (size == 0) return 0;
  const size_t piece = 1 + data[0];  // The first byte says how the rest is cut.
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  HttpRequestReader cut;
  for (size_t at = 0; at < bytes.size(); at += piece) cut.Feed(bytes.substr(at, piece));
  HttpRequestReader whole;
  whole.Feed(bytes);
  FG_CHECK(cut.state() == whole.state());
  std::string answer;
  if (whole.state() == HttpRequestReader::State::kRejected) {
    const HttpRequestReader::Rejection& rejection = whole.rejection();
    answer = floodgate::ErrorAnswer(rejection.status, rejection.error, rejection.remedy);
  }
  if (whole.state() == HttpRequestReader::State::kDone) {
    FG_CHECK(whole.request().body == cut.request().body);
    FG_CHECK(whole.request().body.size() <= floodgate::kHttpBodyBytesMax);
    floodgate::FakeControl control;
    const std::atomic<bool> cancelled{true};  // A long poll must not wait here.
    answer = floodgate::Router::Create(control, true)->Answer(whole.request(), cancelled);
  }
  FG_CHECK(answer.empty() || answer.starts_with("HTTP/1.1 "));
  FG_CHECK(answer.empty() || answer.find("\r\n\r\n") != std::string::npos);
  return 0;
}

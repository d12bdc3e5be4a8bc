#include "admin/http_request.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace floodgate {
namespace {

using State = HttpRequestReader::State;

int RejectedWith(const std::string& bytes) {
  HttpRequestReader reader;
  if (reader.Feed(bytes) != State::kRejected) return 0;
  EXPECT_FALSE(reader.rejection().error.empty());
  EXPECT_FALSE(reader.rejection().remedy.empty());
  return reader.rejection().status;
}

TEST(HttpRequestReader, ReadsARequestWithoutABody) {
  HttpRequestReader reader;
  ASSERT_EQ(reader.Feed("GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"), State::kDone);
  EXPECT_EQ(reader.request().request_line, "GET /v1/status HTTP/1.1");
  EXPECT_EQ(reader.request().host, "localhost");
  EXPECT_EQ(reader.request().origin, "");
  EXPECT_EQ(reader.request().body, "");
}

TEST(HttpRequestReader, ReadsTheSameWhereverTheBytesAreCut) {
  const std::string bytes =
      "POST /v1/gate HTTP/1.1\r\nhost: a\r\nORIGIN:  http://a \r\nContent-Length: 5\r\n\r\nab\r\n{";
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    HttpRequestReader reader;
    reader.Feed(bytes.substr(0, cut));
    if (cut < bytes.size()) {
      ASSERT_NE(reader.state(), State::kDone) << cut;
      ASSERT_NE(reader.state(), State::kRejected) << cut;
    }
    ASSERT_EQ(reader.Feed(bytes.substr(cut)), State::kDone) << cut;
    EXPECT_EQ(reader.request().host, "a");
    EXPECT_EQ(reader.request().origin, "http://a");
    EXPECT_EQ(reader.request().body, "ab\r\n{");
  }
}

TEST(HttpRequestReader, ReadsByteByByte) {
  HttpRequestReader reader;
  const std::string bytes = "POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi";
  for (const char byte : bytes) reader.Feed({&byte, 1});
  ASSERT_EQ(reader.state(), State::kDone);
  EXPECT_EQ(reader.request().body, "hi");
}

TEST(HttpRequestReader, IgnoresWhatFollowsTheRequest) {
  HttpRequestReader reader;
  ASSERT_EQ(reader.Feed("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhiGET / HTTP/1.1\r\n"),
            State::kDone);
  EXPECT_EQ(reader.request().body, "hi");
  EXPECT_EQ(reader.Feed("more"), State::kDone);
  EXPECT_EQ(reader.request().body, "hi");
}

TEST(HttpRequestReader, BoundsTheHead) {
  // The whole head, the empty line with it, may be as long as the bound.
  const std::string before = "GET / HTTP/1.1\r\nX: ";
  const std::string longest =
      absl::StrCat(before, std::string(kHttpHeadBytesMax - before.size() - 4, 'x'), "\r\n\r\n");
  ASSERT_EQ(longest.size(), kHttpHeadBytesMax);
  HttpRequestReader reader;
  EXPECT_EQ(reader.Feed(longest), State::kDone);
  EXPECT_EQ(RejectedWith(absl::StrCat(before, "x", longest.substr(before.size()))), 431);
  EXPECT_EQ(RejectedWith(std::string(1 << 20, 'x')), 431);
}

TEST(HttpRequestReader, BoundsTheBody) {
  const auto head = [](size_t length) {
    return absl::StrCat("POST / HTTP/1.1\r\nContent-Length: ", length, "\r\n\r\n");
  };
  HttpRequestReader reader;
  EXPECT_EQ(reader.Feed(absl::StrCat(head(kHttpBodyBytesMax), std::string(kHttpBodyBytesMax, 'b'))),
            State::kDone);
  EXPECT_EQ(reader.request().body.size(), kHttpBodyBytesMax);
  EXPECT_EQ(RejectedWith(head(kHttpBodyBytesMax + 1)), 413);
  EXPECT_EQ(RejectedWith("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n"),
            413);
}

TEST(HttpRequestReader, RejectsWhatCouldMeanTwoThings) {
  const auto with = [](const std::string& field) {
    return RejectedWith(absl::StrCat("POST / HTTP/1.1\r\n", field, "\r\n\r\n"));
  };
  EXPECT_EQ(with("Content-Length: 1\r\nContent-Length: 1"), 400);
  EXPECT_EQ(with("Content-Length: 1, 1"), 400);
  EXPECT_EQ(with("Content-Length: +1"), 400);
  EXPECT_EQ(with("Content-Length: -1"), 400);
  EXPECT_EQ(with("Content-Length:"), 400);
  EXPECT_EQ(with("Content-Length: 0x1"), 400);
  EXPECT_EQ(with("Content-Length : 1"), 400);
  EXPECT_EQ(with("Transfer-Encoding: chunked"), 411);
  EXPECT_EQ(with("transfer-encoding: identity"), 411);
  EXPECT_EQ(with("Host: a\r\nHost: b"), 400);
  EXPECT_EQ(with(" folded: line"), 400);
  EXPECT_EQ(with("no colon"), 400);
  EXPECT_EQ(with(": no name"), 400);
  EXPECT_EQ(with(std::string("X: a\0b", 6)), 400);
  EXPECT_EQ(with("X: a\nY: b"), 400);
  EXPECT_EQ(with("X: a\rb"), 400);
  EXPECT_EQ(with("Expect: the-unexpected"), 417);
}

TEST(HttpRequestReader, RejectsBadRequestLines) {
  const auto line = [](const std::string& text) { return RejectedWith(text + "\r\n\r\n"); };
  EXPECT_EQ(line(""), 400);
  EXPECT_EQ(line("GET"), 400);
  EXPECT_EQ(line("GET /"), 400);
  EXPECT_EQ(line("GET  HTTP/1.1"), 400);
  EXPECT_EQ(line(" / HTTP/1.1"), 400);
  EXPECT_EQ(line("GET /a b HTTP/1.1"), 400);
  EXPECT_EQ(line("G(T / HTTP/1.1"), 400);
  EXPECT_EQ(line("GET status HTTP/1.1"), 400);
  EXPECT_EQ(line("GET http://localhost/ HTTP/1.1"), 400);
  EXPECT_EQ(line("GET / HTTP/2"), 505);
  EXPECT_EQ(line("GET / HTTP/1.11"), 505);
  EXPECT_EQ(line("\x16\x03\x01\x02"), 400);  // a TLS client
}

TEST(HttpRequestReader, TellsOnceThatTheClientWaitsForContinue) {
  HttpRequestReader reader;
  reader.Feed("POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_TRUE(reader.TakeContinueWanted());
  EXPECT_FALSE(reader.TakeContinueWanted());
  EXPECT_EQ(reader.Feed("hi"), State::kDone);
  HttpRequestReader whole;
  whole.Feed("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_FALSE(whole.TakeContinueWanted()) << "it has not waited";
}

}  // namespace
}  // namespace floodgate

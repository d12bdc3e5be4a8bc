// The parts of floodgate-storm that need no socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/prng.h"
#include "tools/storm/histogram.h"
#include "tools/storm/http_answer.h"
#include "tools/storm/sources.h"

namespace floodgate::storm {
namespace {

using State = HttpAnswer::State;

TEST(Histogram, IsZeroWhenEmpty) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.Percentile(0.5).ns, 0);
  EXPECT_EQ(histogram.most().ns, 0);
  EXPECT_EQ(histogram.mean().ns, 0);
}

TEST(Histogram, PercentilesAreTheRankedSampleOrAThousandthAbove) {
  Prng prng(7);
  for (const uint64_t bound : {10ULL, 2'000ULL, 1'000'000ULL, 60'000'000'000ULL}) {
    Histogram histogram;
    std::vector<int64_t> samples;
    for (int i = 0; i < 5000; ++i) {
      samples.push_back(static_cast<int64_t>(prng.Below(bound)));
      histogram.Add({samples.back()});
    }
    std::sort(samples.begin(), samples.end());
    for (const double share : {0.0, 0.001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const auto rank = static_cast<size_t>(std::max(std::ceil(share * 5000), 1.0));
      const auto exact = static_cast<double>(samples[rank - 1]);
      const auto answer = static_cast<double>(histogram.Percentile(share).ns);
      EXPECT_GE(answer, exact) << bound << " " << share;
      EXPECT_LE(answer, exact * 1.001) << bound << " " << share;
    }
    EXPECT_EQ(histogram.least().ns, samples.front());
    EXPECT_EQ(histogram.most().ns, samples.back());
  }
}

TEST(Histogram, KeepsWhatIsOutOfItsRange) {
  Histogram histogram;
  histogram.Add({-5});
  histogram.Add(Duration::Seconds(100'000));
  EXPECT_EQ(histogram.least().ns, 0);
  EXPECT_EQ(histogram.most(), Duration::Seconds(100'000));
  EXPECT_EQ(histogram.Percentile(1.0), Duration::Seconds(100'000));
  EXPECT_EQ(histogram.Percentile(0.5).ns, 0);
}

// What the answer is at the end, fed whole and byte by byte.
struct Answer {
  const char* text;
  State state;
  int status;
};

TEST(HttpAnswer, FindsItsEndHoweverItComes) {
  const std::vector<Answer> answers = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", State::kDone, 200},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", State::kBody, 200},
      {"HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", State::kDone, 200},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxyz", State::kDone, 200},
      {"HTTP/1.1 204 No Content\r\n\r\n", State::kDone, 204},
      {"HTTP/1.0 200 OK\r\n\r\nwhatever", State::kUntilClose, 200},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno", State::kDone,
       503},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1a;x=y\r\n"
       "abcdefghijklmnopqrstuvwxyz\r\n0\r\nTrailer: 1\r\n\r\n",
       State::kDone, 200},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", State::kTrailer,
       200},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n", State::kBad, 200},
      {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", State::kBad, 200},
      {"SSH-2.0-OpenSSH\r\n\r\n", State::kBad, 0},
      {"HTTP/1.1 200 OK\r\nContent-Len", State::kHead, 0},
  };
  for (const Answer& answer : answers) {
    HttpAnswer whole;
    EXPECT_EQ(whole.Feed(answer.text), answer.state) << answer.text;
    EXPECT_EQ(whole.status(), answer.status) << answer.text;
    HttpAnswer bytewise;
    for (const char* byte = answer.text; *byte != '\0'; ++byte) bytewise.Feed({byte, 1});
    EXPECT_EQ(bytewise.state(), answer.state) << answer.text;
    EXPECT_EQ(bytewise.status(), answer.status) << answer.text;
  }
}

TEST(HttpAnswer, TheCloseEndsOnlyWhatHasNoLength) {
  HttpAnswer open;
  open.Feed("HTTP/1.1 200 OK\r\n\r\nsome");
  EXPECT_TRUE(open.says_close());
  EXPECT_EQ(open.OnClose(), State::kDone);
  HttpAnswer cut;
  cut.Feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: Close\r\n\r\nsome");
  EXPECT_TRUE(cut.says_close());
  EXPECT_EQ(cut.OnClose(), State::kBody);
}

TEST(HttpAnswer, BoundsTheHead) {
  HttpAnswer answer;
  answer.Feed("HTTP/1.1 200 OK\r\nX: ");
  EXPECT_EQ(answer.Feed(std::string(HttpAnswer::kHeadMax, 'x')), State::kBad);
}

std::vector<std::string> All(const char* text) {
  const absl::StatusOr<Sources> sources = Sources::Parse(text);
  std::vector<std::string> all;
  for (uint32_t i = 0; sources.ok() && i < std::min(sources->count, 300U); ++i) {
    all.push_back(sources->Of(i).ToString());
  }
  return all;
}

TEST(Sources, AreANumberOrABlock) {
  EXPECT_THAT(All("3"), testing::ElementsAre("127.1.0.1", "127.1.0.2", "127.1.0.3"));
  EXPECT_EQ(All("300")[299], "127.1.1.44");
  EXPECT_THAT(All("127.9.8.0/30"), testing::ElementsAre("127.9.8.1", "127.9.8.2"));
  EXPECT_THAT(All("127.9.8.0/31"), testing::ElementsAre("127.9.8.0", "127.9.8.1"));
  EXPECT_THAT(All("127.9.8.7/32"), testing::ElementsAre("127.9.8.7"));
  EXPECT_THAT(All("127.9.8.7"), testing::ElementsAre("127.9.8.7"));
  EXPECT_THAT(All("2001:db8::/126"),
              testing::ElementsAre("2001:db8::1", "2001:db8::2", "2001:db8::3"));
  EXPECT_EQ(Sources::Parse("127.0.0.0/8")->count, (1U << 24) - 2);
}

TEST(Sources, ComeInTurn) {
  const Sources sources = *Sources::Parse("2");
  EXPECT_EQ(sources.Of(0), sources.Of(2));
  EXPECT_NE(sources.Of(0), sources.Of(1));
}

TEST(Sources, RefuseAnythingElse) {
  for (const char* text : {"", "0", "-1", "x", "127.0.0.1/8", "10.0.0.0/33", "99999999999"}) {
    EXPECT_FALSE(Sources::Parse(text).ok()) << text;
  }
}

}  // namespace
}  // namespace floodgate::storm

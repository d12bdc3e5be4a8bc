// A backend that is down is told, however many connections find it so, now and then.
#include "front/backend_trouble.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace floodgate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class Lines final : public Log {
 public:
  bool Enabled(Severity severity) const override { return severity >= Severity::kInfo; }
  void Write(Severity severity, absl::string_view event, absl::string_view text) override {
    EXPECT_EQ(severity, Severity::kWarn);
    EXPECT_EQ(event, "backend");
    lines.emplace_back(text);
  }
  std::vector<std::string> lines;
};

TEST(BackendTroubleTest, TellsAtOnceAndThenOnceInTenSeconds) {
  Lines log;
  BackendTrouble trouble(log, "127.0.0.1:17072");
  const Instant start = Instant{} + Duration::Seconds(5);
  for (int second = 0; second < 10; ++second) {
    trouble.Failed("Connection refused", start + Duration::Seconds(second));
  }
  EXPECT_THAT(log.lines,
              ElementsAre(HasSubstr("127.0.0.1:17072 cannot be reached: Connection refused; ")));
  EXPECT_THAT(log.lines[0], Not(HasSubstr("more failed")));
  trouble.Failed("timed out", start + Duration::Seconds(10));
  ASSERT_EQ(log.lines.size(), 2u);
  EXPECT_THAT(log.lines[1], HasSubstr("timed out; "));
  EXPECT_THAT(log.lines[1], HasSubstr(" 9 more failed since the last such line"));
  trouble.Failed("timed out", start + Duration::Seconds(100));
  ASSERT_EQ(log.lines.size(), 3u);
  EXPECT_THAT(log.lines[2], Not(HasSubstr("more failed")));
}

}  // namespace
}  // namespace floodgate

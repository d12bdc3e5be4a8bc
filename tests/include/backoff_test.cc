#include "floodgate/backoff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "floodgate/backoff_text.h"

namespace floodgate {
namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr int64_t kMs = 1'000'000;

constexpr std::array<RetryPolicy, 2> kWithJitter = {RetryPolicy::kFullJitter,
                                                    RetryPolicy::kDecorrelatedJitter};

// The first `count` delays after failures in a row. REQUIRES: not kNone.
std::vector<int64_t> Delays(const BackoffOptions& options, uint64_t seed, int count) {
  Backoff backoff(options, seed);
  std::vector<int64_t> delays;
  delays.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) delays.push_back(backoff.NextDelayNs().value());
  return delays;
}

// base * 2^n in long double, which holds it exactly enough: the formula as the header writes it.
int64_t DoubledFormula(const BackoffOptions& options, int n) {
  const long double doubled = std::ldexp(static_cast<long double>(options.base_ns), n);
  return doubled >= static_cast<long double>(options.cap_ns) ? options.cap_ns
                                                             : static_cast<int64_t>(doubled);
}

// Usable where a constant is needed.
static_assert(Backoff({.policy = RetryPolicy::kFixed}, 1).NextDelayNs() == 100 * kMs);
static_assert(sizeof(Backoff) <= 48, "twenty thousand agents have one each");

TEST(BackoffTest, NoneNeverTriesAgain) {
  Backoff backoff({.policy = RetryPolicy::kNone}, 1);
  EXPECT_EQ(backoff.NextDelayNs(), std::nullopt);
  EXPECT_EQ(backoff.NextDelayNs(), std::nullopt);
  EXPECT_EQ(backoff.NextRange(), (Backoff::Range{0, 0}));
}

TEST(BackoffTest, PoliciesWithoutJitterAreTheirFormulas) {
  for (const int64_t base : {int64_t{0}, int64_t{1}, int64_t{3}, 100 * kMs, kMost / 2, kMost}) {
    for (const int64_t cap : {base, std::max<int64_t>(base, 1'000 * kMs), kMost}) {
      BackoffOptions options{.policy = RetryPolicy::kImmediate, .base_ns = base, .cap_ns = cap};
      for (const int64_t delay : Delays(options, 1, 100)) EXPECT_EQ(delay, 0);
      options.policy = RetryPolicy::kFixed;
      for (const int64_t delay : Delays(options, 1, 100)) EXPECT_EQ(delay, base);
      options.policy = RetryPolicy::kExponential;
      const std::vector<int64_t> delays = Delays(options, 1, 100);
      for (int n = 0; n < 100; ++n) {
        EXPECT_EQ(delays[static_cast<size_t>(n)], DoubledFormula(options, n)) << base << " " << n;
      }
    }
  }
}

TEST(BackoffTest, JitterStaysWithinItsFormula) {
  for (const int64_t base : {int64_t{0}, int64_t{1}, 100 * kMs, kMost / 2}) {
    for (const int64_t cap : {base, std::max<int64_t>(base, 1'000 * kMs), kMost}) {
      for (uint64_t seed = 0; seed < 20; ++seed) {
        BackoffOptions options{.policy = RetryPolicy::kFullJitter, .base_ns = base, .cap_ns = cap};
        const std::vector<int64_t> full = Delays(options, seed, 80);
        for (int n = 0; n < 80; ++n) {
          EXPECT_GE(full[static_cast<size_t>(n)], 0);
          EXPECT_LE(full[static_cast<size_t>(n)], DoubledFormula(options, n)) << base << " " << n;
        }
        options.policy = RetryPolicy::kDecorrelatedJitter;
        int64_t previous = base;
        for (const int64_t delay : Delays(options, seed, 80)) {
          EXPECT_GE(delay, base);
          EXPECT_LE(delay, cap);
          EXPECT_LE(static_cast<long double>(delay), 3 * static_cast<long double>(previous));
          previous = delay;
        }
      }
    }
  }
}

TEST(BackoffTest, EachDelayIsWithinTheRangeToldBefore) {
  for (const RetryPolicyText& text : kRetryPolicies) {
    if (text.policy == RetryPolicy::kNone) continue;
    Backoff backoff({.policy = text.policy, .base_ns = 7, .cap_ns = 100'000}, 3);
    for (int i = 0; i < 200; ++i) {
      const Backoff::Range range = backoff.NextRange();
      const int64_t delay = backoff.NextDelayNs().value();
      EXPECT_LE(range.least_ns, delay) << text.name;
      EXPECT_GE(range.most_ns, delay) << text.name;
      EXPECT_LE(range.most_ns, 100'000) << text.name;
    }
  }
}

TEST(BackoffTest, JitterReachesBothEndsAndIsSpreadBetween) {
  for (const RetryPolicy policy : kWithJitter) {
    // The first delay alone: of 10 to 30, or of 0 to 10.
    const bool full = policy == RetryPolicy::kFullJitter;
    const int64_t least = full ? 0 : 10;
    const int64_t most = full ? 10 : 30;
    Backoff backoff({.policy = policy, .base_ns = 10, .cap_ns = 1'000}, 1);
    std::vector<int> seen(static_cast<size_t>(most) + 1);
    constexpr int kDraws = 42'000;
    for (int i = 0; i < kDraws; ++i) {
      ++seen.at(static_cast<size_t>(backoff.NextDelayNs().value()));
      backoff.Reset();
    }
    const double share = kDraws / static_cast<double>(most - least + 1);
    for (int64_t value = least; value <= most; ++value) {
      EXPECT_NEAR(seen[static_cast<size_t>(value)], share, 6 * std::sqrt(share)) << value;
    }
  }
}

TEST(BackoffTest, ResetBeginsAgainAndTheRandomSourceGoesOn) {
  for (const RetryPolicyText& text : kRetryPolicies) {
    const BackoffOptions options{.policy = text.policy, .base_ns = kMs, .cap_ns = 1'000 * kMs};
    Backoff backoff(options, 9);
    const Backoff::Range first = backoff.NextRange();
    for (int i = 0; i < 50; ++i) backoff.NextDelayNs();
    backoff.Reset();
    EXPECT_EQ(backoff.failures(), 0U);
    EXPECT_EQ(backoff.NextRange(), first) << text.name;
  }
  Backoff backoff({}, 9);
  const int64_t before = backoff.NextDelayNs().value();
  backoff.Reset();
  EXPECT_NE(backoff.NextDelayNs().value(), before) << "a reset must not repeat the draws";
}

TEST(BackoffTest, ManyFailuresStayAtTheCap) {
  for (const RetryPolicy policy : {RetryPolicy::kExponential, RetryPolicy::kFullJitter}) {
    Backoff backoff({.policy = policy, .base_ns = 1, .cap_ns = kMost}, 1);
    for (int i = 0; i < 100'000; ++i) backoff.NextDelayNs();
    EXPECT_EQ(backoff.NextRange().most_ns, kMost);
    EXPECT_EQ(backoff.failures(), 100'000U);
  }
}

TEST(BackoffTest, MeetsNonsenseWithSense) {
  const BackoffOptions crossed{.policy = RetryPolicy::kFixed, .base_ns = 50, .cap_ns = 20};
  EXPECT_EQ(Delays(crossed, 1, 1)[0], 20) << "no delay is longer than cap";
  const BackoffOptions negative{.policy = RetryPolicy::kExponential, .base_ns = -5, .cap_ns = -9};
  EXPECT_EQ(Delays(negative, 1, 3)[2], 0);
}

// A fleet that fails in the same instant: at most how many of it come back within the same
// hundredth of a second, the third time.
int WorstHundredth(RetryPolicy policy, int fleet) {
  std::vector<int> returning(1001);
  for (int agent = 0; agent < fleet; ++agent) {
    const BackoffOptions options{.policy = policy, .base_ns = 250 * kMs, .cap_ns = 10'000 * kMs};
    const int64_t third = Delays(options, static_cast<uint64_t>(agent), 3)[2];
    ++returning.at(static_cast<size_t>(third / (10 * kMs)));
  }
  return *std::max_element(returning.begin(), returning.end());
}

TEST(BackoffTest, JitterSpreadsAFleet) {
  EXPECT_EQ(WorstHundredth(RetryPolicy::kExponential, 10'000), 10'000);
  EXPECT_LT(WorstHundredth(RetryPolicy::kFullJitter, 10'000), 200);
  EXPECT_LT(WorstHundredth(RetryPolicy::kDecorrelatedJitter, 10'000), 200);
}

// Attempts of a client that fails at once, against the header's guarantees.
TEST(BackoffTest, AttemptsInAWindowAreBounded) {
  const int64_t base = 10 * kMs;
  const int64_t cap = 320 * kMs;
  for (const RetryPolicy policy :
       {RetryPolicy::kFixed, RetryPolicy::kExponential, RetryPolicy::kDecorrelatedJitter}) {
    for (uint64_t seed = 0; seed < 50; ++seed) {
      int64_t at = 0;
      double attempts = 1;  // the first, at 0
      for (const int64_t delay :
           Delays({.policy = policy, .base_ns = base, .cap_ns = cap}, seed, 200)) {
        at += delay;
        ++attempts;
        const double window = static_cast<double>(at);
        const double bound = policy == RetryPolicy::kExponential
                                 ? 2 + std::log2(1 + window / static_cast<double>(base)) +
                                       window / static_cast<double>(cap)
                                 : 1 + window / static_cast<double>(base);
        EXPECT_LE(attempts, bound + 1e-9) << RetryPolicyName(policy) << " at " << at;
      }
    }
  }
}

// FNV-1a of a thousand delays: gcc and clang, today and later, must agree on what a seed means.
uint64_t Digest(RetryPolicy policy) {
  uint64_t digest = 0xcbf29ce484222325ULL;
  for (const int64_t delay : Delays({.policy = policy}, 42, 1'000)) {
    digest = (digest ^ static_cast<uint64_t>(delay)) * 0x100000001b3ULL;
  }
  return digest;
}

TEST(BackoffTest, ASeedMeansTheSameDelaysForEver) {
  EXPECT_EQ(Digest(RetryPolicy::kFullJitter), 1198999279410269882ULL);
  EXPECT_EQ(Digest(RetryPolicy::kDecorrelatedJitter), 3000512258231225992ULL);
  for (const RetryPolicy policy : kWithJitter) {
    EXPECT_EQ(Delays({.policy = policy}, 5, 50), Delays({.policy = policy}, 5, 50));
    EXPECT_NE(Delays({.policy = policy}, 5, 50), Delays({.policy = policy}, 6, 50));
  }
}

TEST(BackoffTextTest, NamesAreReadBack) {
  for (const RetryPolicyText& text : kRetryPolicies) {
    EXPECT_EQ(ParseRetryPolicy(text.name), text.policy);
    EXPECT_EQ(RetryPolicyName(text.policy), text.name);
  }
  EXPECT_EQ(RetryPolicyName(RetryPolicy::kDecorrelatedJitter), "decorrelated-jitter");
  for (const char* name : {"", "never", "Full-Jitter", "full_jitter", "none "}) {
    EXPECT_EQ(ParseRetryPolicy(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace floodgate

// The fixture of the contract suite. The suite's cases are in kernel_contract_*_test.cc; a program
// that links them says in one INSTANTIATE_TEST_SUITE_P which implementations it runs them on (see
// kernel_contract_real.cc).
#ifndef FLOODGATE_TESTS_IO_KERNEL_CONTRACT_H_
#define FLOODGATE_TESTS_IO_KERNEL_CONTRACT_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "tests/io/contract_harness.h"

namespace floodgate {

// One implementation of the seam and its world.
struct Implementation {
  const char* name;
  std::unique_ptr<ContractHarness> (*make)(const KernelOptions& options);
};

inline void PrintTo(const Implementation& implementation, std::ostream* out) {
  *out << implementation.name;
}

inline constexpr Duration kPatience = Duration::Seconds(20);
inline constexpr Duration kMoment = Duration::Milliseconds(20);

class KernelContract : public ::testing::TestWithParam<Implementation> {
 protected:
  void Make(const KernelOptions& options) { harness_ = GetParam().make(options); }
  void SetUp() override { Make({}); }

  Kernel& kernel() { return harness_->kernel(); }
  ContractHarness& harness() { return *harness_; }

  void Submit(const Op& op) { ASSERT_TRUE(kernel().Submit(op)); }

  // Waits until `count` completions have come, or fails.
  std::vector<Completion> Await(size_t count, size_t batch = 64) {
    std::vector<Completion> all;
    std::vector<Completion> some(batch);
    const Instant give_up = kernel().Now() + kPatience;
    while (all.size() < count && kernel().Now() < give_up) {
      const size_t got = kernel().Wait(give_up, absl::MakeSpan(some));
      all.insert(all.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(got));
    }
    EXPECT_GE(all.size(), count);
    all.resize(std::max(all.size(), count));
    return all;
  }
  Completion AwaitOne() { return Await(1, 1).front(); }
  Completion Perform(const Op& op) {
    EXPECT_TRUE(kernel().Submit(op));
    const Completion completion = AwaitOne();
    EXPECT_EQ(completion.token, op.token);
    return completion;
  }
  // By token; every token at most once.
  std::map<uint64_t, Completion> AwaitByToken(size_t count) {
    std::map<uint64_t, Completion> by_token;
    for (const Completion& completion : Await(count)) {
      EXPECT_TRUE(by_token.emplace(completion.token, completion).second) << completion.token;
    }
    return by_token;
  }
  // What comes within a moment; for showing that nothing does.
  std::vector<Completion> Drain() {
    std::vector<Completion> some(64);
    some.resize(kernel().Wait(kernel().Now() + kMoment, absl::MakeSpan(some)));
    return some;
  }

  Completion Accept(int listener) {
    return Perform({.kind = OpKind::kAccept, .fd = listener, .token = 900});
  }
  struct Pair {
    int peer;
    int fd;
  };
  Pair Connected() {
    if (listener_ < 0) listener_ = harness().OpenListener(64);
    const int peer = harness().PeerConnect(listener_);
    const Completion accepted = Accept(listener_);
    EXPECT_GE(accepted.result, 0);
    return {.peer = peer, .fd = accepted.result};
  }
  // Receives until `size` bytes or the end of input or an error is there; gives the bytes, and the
  // last result.
  std::string ReceiveAll(int fd, size_t size, int* last) {
    std::string text;
    *last = 1;
    while (text.size() < size && *last > 0) {
      const Completion completion = Perform({.kind = OpKind::kReceive, .fd = fd, .token = 901});
      *last = completion.result;
      if (completion.result <= 0) break;
      text += std::string(AsText(kernel().Buffer(completion)));
      kernel().ReleaseBuffer(completion.buffer);
    }
    return text;
  }
  Completion Send(int fd, absl::string_view text) {
    return Perform({.kind = OpKind::kSend,
                    .fd = fd,
                    .token = 902,
                    .data = AsBytes(text).data(),
                    .size = static_cast<uint32_t>(text.size())});
  }

  int listener_ = -1;
  std::unique_ptr<ContractHarness> harness_;
};

}  // namespace floodgate

#endif  // FLOODGATE_TESTS_IO_KERNEL_CONTRACT_H_

// A fake kernel with a listener, and peers of it.
#ifndef FLOODGATE_TESTS_SIM_SIM_KERNEL_FIXTURE_H_
#define FLOODGATE_TESTS_SIM_SIM_KERNEL_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <cerrno>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "sim/network.h"
#include "sim/sim_kernel.h"
#include "sim/world.h"

namespace floodgate::sim {

class SimKernelFixture : public ::testing::Test {
 protected:
  static constexpr uint16_t kPort = 17'070;
  static constexpr Duration kMoment = Duration::Milliseconds(1);

  explicit SimKernelFixture(SimKernel::Drive drive = SimKernel::Drive::kByWait)
      : kernel_(network_, {}, drive), listener_(network_.OpenListener(kPort)) {
    EXPECT_EQ(kernel_.Listen(listener_, 64), 0);
  }

  int Dial() {
    ConnectOptions options;
    options.to_port = kPort;
    const int peer = network_.Connect(options);
    PassMoment();
    return peer;
  }
  void PassMoment() {
    const Instant until = world_.now() + kMoment;
    while (world_.RunNext(until)) {
    }
  }
  void Submit(const Op& op) { ASSERT_TRUE(kernel_.Submit(op)); }
  // What one Wait brings, in a moment.
  std::vector<Completion> WaitOnce(size_t room = 64) {
    std::vector<Completion> some(room);
    some.resize(kernel_.Wait(world_.now() + kMoment, absl::MakeSpan(some)));
    return some;
  }
  Completion Perform(const Op& op) {
    EXPECT_TRUE(kernel_.Submit(op));
    const std::vector<Completion> got = WaitOnce(1);
    EXPECT_EQ(got.size(), 1u);
    return got.empty() ? Completion() : got[0];
  }
  struct Pair {
    int peer;
    int fd;
  };
  Pair Connected() {
    const int peer = Dial();
    const Completion accepted = Perform({.kind = OpKind::kAccept, .fd = listener_, .token = 1});
    EXPECT_GE(accepted.result, 0);
    return {.peer = peer, .fd = accepted.result};
  }
  static Op SendOp(int fd, absl::string_view text) {
    return {.kind = OpKind::kSend,
            .fd = fd,
            .token = 3,
            .data = AsBytes(text).data(),
            .size = static_cast<uint32_t>(text.size())};
  }
  static Op ReceiveOp(int fd) { return {.kind = OpKind::kReceive, .fd = fd, .token = 2}; }

  World world_{1};
  Network network_{world_, {}};
  SimKernel kernel_;
  int listener_;
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_TESTS_SIM_SIM_KERNEL_FIXTURE_H_

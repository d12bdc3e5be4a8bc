#include "io/syn_refuser.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "base/endpoint.h"
#include "base/fd.h"
#include "io/socket.h"

namespace floodgate {
namespace {

Instant Now() {
  timespec time;
  EXPECT_EQ(clock_gettime(CLOCK_MONOTONIC, &time), 0);
  return {int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec};
}

IpAddress Ip(const std::string& text) {
  return IpAddress::Parse(text).value();
}

class SynRefuserTest : public ::testing::Test {
 protected:
  // Listens on `host`; the port.
  uint16_t Listen(const std::string& host) {
    Endpoint endpoint;
    endpoint.host = host;
    absl::StatusOr<BoundSocket> bound = Bind(endpoint);
    EXPECT_TRUE(bound.ok()) << bound.status();
    EXPECT_EQ(listen(bound->fd.get(), 64), 0);
    listeners_.push_back(std::move(bound->fd));
    return bound->bound.port;
  }

  // Null where the privileges are missing; then that is what it must have said.
  std::unique_ptr<SynRefuser> Refuser(const std::vector<BoundAddress>& listeners) {
    absl::StatusOr<std::unique_ptr<SynRefuser>> made = CreateSynRefuser(listeners);
    if (made.ok()) return *std::move(made);
    EXPECT_EQ(made.status().code(), absl::StatusCode::kPermissionDenied) << made.status();
    return nullptr;
  }

  // Connects from `source`, a loopback address, to `port` of `host`: 0 or errno.
  static int Connect(const std::string& source, const std::string& host, uint16_t port) {
    const OwnedFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in from = {};
    from.sin_family = AF_INET;
    EXPECT_EQ(inet_pton(AF_INET, source.c_str(), &from.sin_addr), 1);
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&from), sizeof(from)), 0);
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    EXPECT_EQ(inet_pton(AF_INET, host.c_str(), &to.sin_addr), 1);
    return connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0 ? 0 : errno;
  }

  static int ConnectV6(uint16_t port) {
    const OwnedFd fd(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 to = {};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(port);
    to.sin6_addr = in6addr_loopback;
    return connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0 ? 0 : errno;
  }

  const Instant later_ = Now() + Duration::Seconds(600);

 private:
  std::vector<OwnedFd> listeners_;
};

TEST_F(SynRefuserTest, RefusesTheSourceOnTheListenerAndCounts) {
  const uint16_t port = Listen("127.0.0.1");
  const uint16_t other = Listen("127.0.0.1");
  const auto refuser = Refuser({{.ip = Ip("127.0.0.1"), .port = port}});
  if (refuser == nullptr) return;
  EXPECT_EQ(Connect("127.9.0.1", "127.0.0.1", port), 0);
  ASSERT_TRUE(refuser->Refuse(Ip("127.9.0.1"), later_));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Connect("127.9.0.1", "127.0.0.1", port), ECONNREFUSED);
  EXPECT_EQ(Connect("127.9.0.2", "127.0.0.1", port), 0);
  EXPECT_EQ(Connect("127.9.0.1", "127.0.0.1", other), 0);
  EXPECT_EQ(refuser->Release(Ip("127.9.0.1")), 3U);
  EXPECT_EQ(Connect("127.9.0.1", "127.0.0.1", port), 0);
  EXPECT_EQ(refuser->Release(Ip("127.9.0.1")), 0U);
}

TEST_F(SynRefuserTest, EndsByItself) {
  const uint16_t port = Listen("127.0.0.1");
  const auto refuser = Refuser({{.ip = Ip("127.0.0.1"), .port = port}});
  if (refuser == nullptr) return;
  ASSERT_TRUE(refuser->Refuse(Ip("127.9.0.1"), Now()));
  EXPECT_EQ(Connect("127.9.0.1", "127.0.0.1", port), 0);
}

TEST_F(SynRefuserTest, APrefixIsOneSource) {
  const uint16_t port = Listen("127.0.0.1");
  const auto refuser = Refuser({{.ip = Ip("127.0.0.1"), .port = port}});
  if (refuser == nullptr) return;
  refuser->SetPrefixes(20, 64);
  ASSERT_TRUE(refuser->Refuse(Ip("127.9.16.0"), later_));
  EXPECT_EQ(Connect("127.9.16.1", "127.0.0.1", port), ECONNREFUSED);
  EXPECT_EQ(Connect("127.9.31.255", "127.0.0.1", port), ECONNREFUSED);
  EXPECT_EQ(Connect("127.9.32.0", "127.0.0.1", port), 0);
  EXPECT_EQ(Connect("127.9.15.255", "127.0.0.1", port), 0);
  refuser->SetPrefixes(32, 64);  // Ends it.
  EXPECT_EQ(Connect("127.9.16.1", "127.0.0.1", port), 0);
}

TEST_F(SynRefuserTest, AWildcardListenerTakesBothFamilies) {
  const uint16_t port = Listen("::");
  const auto refuser = Refuser({{.ip = IpAddress{}, .port = port}});
  if (refuser == nullptr) return;
  ASSERT_TRUE(refuser->Refuse(Ip("127.9.0.1"), later_));
  EXPECT_EQ(Connect("127.9.0.1", "127.0.0.77", port), ECONNREFUSED);
  EXPECT_EQ(Connect("127.9.0.2", "127.0.0.77", port), 0);
  EXPECT_EQ(ConnectV6(port), 0);
  refuser->SetPrefixes(32, 64);
  ASSERT_TRUE(refuser->Refuse(Truncate(Ip("::1"), 64), later_));
  EXPECT_EQ(ConnectV6(port), ECONNREFUSED);
  EXPECT_EQ(Connect("127.9.0.1", "127.0.0.77", port), 0);
}

TEST_F(SynRefuserTest, AnotherAddressOnTheSamePortIsNotOurs) {
  const uint16_t port = Listen("127.0.0.1");
  const auto refuser = Refuser({{.ip = Ip("127.0.0.2"), .port = port}});
  if (refuser == nullptr) return;
  ASSERT_TRUE(refuser->Refuse(Ip("127.9.0.1"), later_));
  EXPECT_EQ(Connect("127.9.0.1", "127.0.0.1", port), 0);
}

TEST_F(SynRefuserTest, TakesAsManySourcesAsItSaysAndNoMore) {
  const auto refuser = Refuser({});
  if (refuser == nullptr) return;
  for (uint32_t i = 0; i < SynRefuser::kSourcesMax; ++i) {
    ASSERT_TRUE(refuser->Refuse(IpAddress::V4(0x0a000000 + i), later_)) << i;
  }
  EXPECT_FALSE(refuser->Refuse(Ip("192.0.2.1"), later_));
  refuser->Release(Ip("10.0.0.7"));
  EXPECT_TRUE(refuser->Refuse(Ip("192.0.2.1"), later_));
}

}  // namespace
}  // namespace floodgate

// Where the control interface listens: files, permissions, clean-up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <fstream>

#include "admin/server.h"
#include "tests/admin/fake_control.h"
#include "tests/admin/raw_client.h"

namespace floodgate {
namespace {

using ::testing::HasSubstr;

mode_t ModeOf(const Endpoint& endpoint) {
  struct stat file {};
  EXPECT_EQ(::stat(endpoint.path.c_str(), &file), 0);
  return file.st_mode & 07777;
}

bool Exists(const Endpoint& endpoint) {
  return ::access(endpoint.path.c_str(), F_OK) == 0;
}

// Leaves the file of a socket that nobody listens on.
void LeaveDeadSocket(const Endpoint& endpoint) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, endpoint.path.data(), endpoint.path.size());
  const OwnedFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
}

class AdminSocket : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<AdminServer>> Create(uint32_t mode = 0660) {
    return AdminServer::Create(endpoint_, mode, control_);
  }
  FakeControl control_;
  const Endpoint endpoint_ = UniqueSocketPath();
};

TEST_F(AdminSocket, HasTheModeAskedForWhateverTheUmask) {
  for (const mode_t mask : {mode_t{0077}, mode_t{0000}, mode_t{0777}}) {
    const mode_t before = ::umask(mask);
    auto server = Create(0660);
    ::umask(before);
    ASSERT_TRUE(server.ok()) << server.status();
    EXPECT_EQ(ModeOf(endpoint_), mode_t{0660});
  }
  auto server = Create(0600);
  EXPECT_EQ(ModeOf(endpoint_), mode_t{0600});
}

TEST_F(AdminSocket, GoesAwayAtTheEnd) {
  {
    auto server = Create();
    ASSERT_TRUE(server.ok());
    (*server)->Start();
    EXPECT_TRUE(Exists(endpoint_));
    (*server)->Stop();
    EXPECT_FALSE(Exists(endpoint_));
  }
  { auto server = Create(); }
  EXPECT_FALSE(Exists(endpoint_)) << "also without Start and Stop";
}

TEST_F(AdminSocket, LeavesASuccessorsFileAlone) {
  auto server = Create();
  ASSERT_TRUE(server.ok());
  // Held open so that the inode's number is not given away again.
  const std::string kept = endpoint_.path + ".kept";
  ASSERT_EQ(::rename(endpoint_.path.c_str(), kept.c_str()), 0);
  LeaveDeadSocket(endpoint_);
  (*server)->Stop();
  EXPECT_TRUE(Exists(endpoint_));
  ::unlink(endpoint_.path.c_str());
  ::unlink(kept.c_str());
}

TEST_F(AdminSocket, ReplacesADeadSocket) {
  LeaveDeadSocket(endpoint_);
  auto server = Create();
  ASSERT_TRUE(server.ok()) << server.status();
  (*server)->Start();
  EXPECT_EQ(Ask(endpoint_, "GET", "/healthz").status, 200);
}

TEST_F(AdminSocket, RefusesALivingOne) {
  auto first = Create();
  ASSERT_TRUE(first.ok());
  (*first)->Start();
  const auto second = Create();
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(second.status().ToString(), HasSubstr(endpoint_.path));
  EXPECT_EQ(Ask(endpoint_, "GET", "/healthz").status, 200) << "the first goes on";
}

TEST_F(AdminSocket, LeavesOtherFilesAlone) {
  std::ofstream(endpoint_.path) << "precious";
  const auto server = Create();
  EXPECT_EQ(server.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(server.status().ToString(), HasSubstr("not a socket"));
  std::string text;
  std::ifstream(endpoint_.path) >> text;
  EXPECT_EQ(text, "precious");
  ::unlink(endpoint_.path.c_str());
}

TEST(AdminListen, SaysWhatToDo) {
  FakeControl control;
  const auto fault = [&](const std::string& text) {
    return AdminServer::Create(*Endpoint::Parse(text), 0660, control).status();
  };
  EXPECT_EQ(fault("unix:/nowhere/at/all.sock").code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(fault("unix:/nowhere/at/all.sock").ToString(), HasSubstr("directory"));
  EXPECT_EQ(fault("192.0.2.1:9070").code(), absl::StatusCode::kInvalidArgument);
}

TEST(AdminListen, TwiceOnOnePortIsAnError) {
  FakeControl control;
  auto first = AdminServer::Create(*Endpoint::Parse("127.0.0.1:0"), 0, control);
  ASSERT_TRUE(first.ok());
  EXPECT_NE((*first)->bound().port, 0);
  const auto second = AdminServer::Create((*first)->bound(), 0, control);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
}

TEST(AdminListen, TakesAbstractNames) {
  FakeControl control;
  const Endpoint endpoint =
      *Endpoint::Parse("unix:@floodgate-admin-test-" + std::to_string(::getpid()));
  auto server = AdminServer::Create(endpoint, 0, control);
  ASSERT_TRUE(server.ok()) << server.status();
  (*server)->Start();
  EXPECT_EQ(Ask(endpoint, "GET", "/healthz").status, 200);
}

}  // namespace
}  // namespace floodgate

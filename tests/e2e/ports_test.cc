// The bound addresses, told in each way that there is.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/e2e/engine_test.h"

namespace floodgate::e2e {
namespace {

class PortsTest : public EngineTest {};
FLOODGATE_ON_EVERY_ENGINE(PortsTest);

TEST_P(PortsTest, AreTheSameOnEveryWay) {
  TestBackend backend;
  const std::string file = files().File("ports.json");
  DaemonProcess daemon(PlainConfig(backend)
                           .Set("agent.listen", "[\"127.0.0.1:0\", \"[::1]:0\"]")
                           .SetText("runtime.ports_file", file));
  const Json& told = daemon.ports();
  ASSERT_EQ(told.at("agent").size(), 2U);
  for (const Json& address : told.at("agent")) {
    EXPECT_FALSE(absl::EndsWith(address.get<std::string>(), ":0")) << address;
    Client client = Client::Connect(address);
    EXPECT_TRUE(client.valid());
  }
  EXPECT_EQ(told.at("admin"), Json::array({daemon.admin_address()}));
  EXPECT_EQ(Json::parse(ReadFile(file)), told);
  EXPECT_EQ(daemon.admin().Get("/v1/ports").json(), told);
  EXPECT_TRUE(absl::StrContains(daemon.Log(), daemon.agent())) << "the log does not tell them";
}

TEST_P(PortsTest, TheFileIsNeverSeenHalfWritten) {
  TestBackend backend;
  const std::string file = files().File("ports.json");
  WriteFile(file, "{\"old\":true}\n");
  std::atomic<bool> done{false};
  int torn = 0;
  std::thread watcher([&] {
    while (!done) {
      const Json seen = Json::parse(ReadFile(file), nullptr, false);
      if (seen.is_discarded() || (!seen.contains("old") && !seen.contains("agent"))) ++torn;
    }
  });
  for (int i = 0; i < 5; ++i) {
    DaemonProcess daemon(PlainConfig(backend), {.arguments = {"--ports-file", file}});
    EXPECT_EQ(Json::parse(ReadFile(file)), daemon.ports());
  }
  done = true;
  watcher.join();
  EXPECT_EQ(torn, 0);
}

TEST_P(PortsTest, SystemdIsToldWhenItIsReadyAndWhatTheGateDoes) {
  TestBackend backend;
  const std::string path = files().File("notify.sock");
  const OwnedFd notify(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  ASSERT_EQ(::bind(notify.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  DaemonProcess daemon(PlainConfig(backend));
  ::unsetenv("NOTIFY_SOCKET");
  const auto next = [&notify] {
    pollfd readable{.fd = notify.get(), .events = POLLIN, .revents = 0};
    char text[512];
    if (::poll(&readable, 1, Deadline().left_ms()) <= 0) return std::string("nothing came");
    const ssize_t size = ::recv(notify.get(), text, sizeof text, 0);
    return std::string(text, static_cast<size_t>(std::max<ssize_t>(size, 0)));
  };
  EXPECT_TRUE(absl::StrContains(next(), "READY=1"));
  daemon.admin().Gate("open");
  std::string state;
  while (!absl::StrContains(state, "open") && state != "nothing came") state = next();
  EXPECT_EQ(state, "STATUS=open");
}

TEST_P(PortsTest, AStaleUnixSocketIsReplacedAndALiveOneIsNot) {
  TestBackend backend;
  const std::string path = files().File("agent.sock");
  { const ListeningSocket dead = Listen("unix:" + path); }  // Closed, and its file is still there.
  ASSERT_EQ(::access(path.c_str(), F_OK), 0);
  Config config = OnePhase(PlainConfig(backend)).Set("agent.listen", "[\"unix:" + path + "\"]");
  DaemonProcess daemon(config);
  EXPECT_TRUE(Client::Connect("unix:" + path).Echoes("served"));

  const std::string second = files().File("second.toml");
  WriteFile(second, config.SetText("admin.listen", "unix:" + files().File("other.sock")).ToToml());
  const Finished other = RunToEnd({DaemonPath(), "--config", second});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(other.errors, path)) << other.errors;
  EXPECT_TRUE(Client::Connect("unix:" + path).Echoes("the first still serves"));
}

TEST_P(PortsTest, AFileThatIsNoSocketIsLeftAlone) {
  TestBackend backend;
  const std::string path = files().File("precious");
  WriteFile(path, "precious");
  WriteFile(files().File("c.toml"),
            PlainConfig(backend)
                .Set("agent.listen", "[\"unix:" + path + "\"]")
                .SetText("admin.listen", "unix:" + files().File("admin.sock"))
                .ToToml());
  EXPECT_EQ(RunToEnd({DaemonPath(), "--config", files().File("c.toml")}).exit_code, 1);
  EXPECT_EQ(ReadFile(path), "precious");
}

TEST_P(PortsTest, AnAddressThatIsTakenIsNamed) {
  TestBackend backend;
  const ListeningSocket taken = Listen("127.0.0.1:0");
  WriteFile(files().File("c.toml"),
            PlainConfig(backend)
                .Set("agent.listen", "[\"" + taken.address + "\"]")
                .SetText("admin.listen", "unix:" + files().File("admin.sock"))
                .ToToml());
  const Finished daemon = RunToEnd({DaemonPath(), "--config", files().File("c.toml")});
  EXPECT_EQ(daemon.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(daemon.errors, "agent.listen")) << daemon.errors;
  EXPECT_TRUE(absl::StrContains(daemon.errors, taken.address)) << daemon.errors;
}

TEST_P(PortsTest, TheAdminSocketHasItsMode) {
  TestBackend backend;
  DaemonProcess daemon(PlainConfig(backend).SetText("admin.mode", "0600"));
  struct stat info {};
  ASSERT_EQ(::stat(daemon.directory().File("admin.sock").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_P(PortsTest, TheControlInterfaceListensOnLoopbackTcpIfAsked) {
  TestBackend backend;
  DaemonProcess daemon(PlainConfig(backend), {.admin_listen = "127.0.0.1:0"});
  EXPECT_EQ(daemon.admin().GateState(), "holding");
}

}  // namespace
}  // namespace floodgate::e2e

// The command line and the configuration, as a person meets them. No engine is involved.
#include <gtest/gtest.h>

#include <csignal>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/e2e/certificates.h"
#include "tests/e2e/client.h"
#include "tests/e2e/daemon_process.h"

namespace floodgate::e2e {
namespace {

class ConfigurationTest : public ::testing::Test {
 protected:
  Finished Daemon(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = {DaemonPath()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return RunToEnd(all);
  }
  Finished Check(const std::string& text, std::vector<std::string> more = {}) const {
    WriteFile(path_, text);
    more.insert(more.begin(), {"--config", path_, "--check"});
    return Daemon(more);
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_.File("floodgate.toml");
};

TEST_F(ConfigurationTest, AnEmptyFileIsAGoodConfiguration) {
  const Finished checked = Check("");
  EXPECT_EQ(checked.exit_code, 0) << checked.errors;
  EXPECT_EQ(checked.errors, "");
}

TEST_F(ConfigurationTest, EveryFaultIsToldWithItsPlace) {
  const Finished checked = Check(
      "[gate]\n"
      "open_delay = \"soon\"\n"
      "quorum = -1\n"
      "[limts]\n"
      "source_rate = 1\n"
      "[agent]\n"
      "listen = \"127.0.0.1:1\"\n"
      "baklog = 5\n"
      "deny = [\"10.0.0.1/8\"]\n");
  EXPECT_EQ(checked.exit_code, 2);
  for (const char* place : {":2:14: gate.open_delay: ", ":3:10: gate.quorum: ", ":4:2: limts: ",
                            ":7:10: agent.listen: ", ":8:1: agent.baklog: ", ":9:"}) {
    EXPECT_TRUE(absl::StrContains(checked.errors, path_ + place)) << place << "\n"
                                                                  << checked.errors;
  }
  EXPECT_TRUE(absl::StrContains(checked.errors, "did you mean limits?")) << checked.errors;
  EXPECT_TRUE(absl::StrContains(checked.errors, "did you mean backlog?")) << checked.errors;
  for (const auto line : absl::StrSplit(absl::StripSuffix(checked.errors, "\n"), '\n')) {
    EXPECT_TRUE(absl::StartsWith(line, "floodgated: ")) << line;
  }
}

TEST_F(ConfigurationTest, WhatIsNoTomlIsToldWithItsPlace) {
  const Finished checked = Check("[gate\n");
  EXPECT_EQ(checked.exit_code, 2);
  EXPECT_TRUE(absl::StrContains(checked.errors, path_ + ":1:")) << checked.errors;
}

TEST_F(ConfigurationTest, AFileThatIsNotThereIsNamed) {
  const Finished checked = Daemon({"--config", directory_.File("none.toml"), "--check"});
  EXPECT_EQ(checked.exit_code, 2);
  EXPECT_TRUE(absl::StrContains(checked.errors, "none.toml")) << checked.errors;
}

TEST_F(ConfigurationTest, WhatThisVersionLacksSaysSo) {
  const Finished checked = Check("[agent]\nhold = \"drop\"\n[backend]\nmode = \"handoff\"\n");
  EXPECT_EQ(checked.exit_code, 2);
  EXPECT_TRUE(absl::StrContains(checked.errors, "agent.hold: \"drop\" is not in this version"));
  EXPECT_TRUE(
      absl::StrContains(checked.errors, "backend.mode: \"handoff\" is not in this version"));
}

TEST_F(ConfigurationTest, CertificatesAreCheckedToo) {
  const Certificate mine = MakeCertificate("mine");
  const CertificateFiles files = WriteCertificate(mine, directory_.path(), "mine");
  WriteFile(files.key, MakeCertificate("other").KeyPem());
  const Finished checked = Check("[tls]\ncertificate = \"" + files.certificate +
                                 "\"\nprivate_key = \"" + files.key + "\"\n");
  EXPECT_EQ(checked.exit_code, 2);
  EXPECT_TRUE(absl::StrContains(checked.errors, "tls.private_key")) << checked.errors;
  EXPECT_TRUE(absl::StrContains(checked.errors, files.key)) << checked.errors;
}

TEST_F(ConfigurationTest, CheckBindsNothing) {
  const ListeningSocket taken = Listen("127.0.0.1:0");
  const Finished checked = Check("[agent]\nlisten = [\"" + taken.address + "\"]\n");
  EXPECT_EQ(checked.exit_code, 0) << checked.errors;
}

TEST_F(ConfigurationTest, WhatIsPrintedReadsBackAsItself) {
  WriteFile(path_,
            "[controller]\nallow = [\"10.0.0.0/8\"]\n[gate]\nopen_on = [\"quorum\", \"manual\"]\n"
            "open_delay = \"1m30s\"\n[limits]\nsource_prefix = [24, 48]\npatience = \"3s\"\n");
  const Finished first = Daemon({"--config", path_, "--print-config"});
  ASSERT_EQ(first.exit_code, 0) << first.errors;
  EXPECT_TRUE(absl::StrContains(first.output, "open_delay = \"1m30s\"")) << first.output;
  EXPECT_TRUE(absl::StrContains(first.output, "handshake_timeout = \"10s\"")) << first.output;
  const std::string again_path = directory_.File("again.toml");
  WriteFile(again_path, first.output);
  const Finished second = Daemon({"--config", again_path, "--print-config"});
  ASSERT_EQ(second.exit_code, 0) << second.errors;
  EXPECT_EQ(second.output, first.output);
}

TEST_F(ConfigurationTest, SetWinsOverTheFile) {
  WriteFile(path_, "[gate]\nquorum = 3\n");
  const Finished printed =
      Daemon({"--config", path_, "--print-config", "--set", "gate.quorum=5", "--set",
              "gate.open_delay=7s", "--engine", "epoll", "--ports-file", "/tmp/ports"});
  ASSERT_EQ(printed.exit_code, 0) << printed.errors;
  EXPECT_TRUE(absl::StrContains(printed.output, "quorum = 5\n")) << printed.output;
  EXPECT_TRUE(absl::StrContains(printed.output, "open_delay = \"7s\"\n")) << printed.output;
  EXPECT_TRUE(absl::StrContains(printed.output, "engine = \"epoll\"\n")) << printed.output;
  EXPECT_TRUE(absl::StrContains(printed.output, "ports_file = \"/tmp/ports\"\n"));
  const Finished wrong = Daemon({"--config", path_, "--check", "--set", "gate.quorum=many"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_TRUE(absl::StrContains(wrong.errors, "--set: gate.quorum: ")) << wrong.errors;
}

TEST_F(ConfigurationTest, BadUsageEndsWithTwoAndSaysWhatIsRight) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{},
                                                    {"--nonsense"},
                                                    {"--config"},
                                                    {"--engine", "kqueue", "--demo"},
                                                    {"--notify-fd", "minus", "--demo"}}) {
    const Finished finished = Daemon(arguments);
    EXPECT_EQ(finished.exit_code, 2) << ::testing::PrintToString(arguments);
    EXPECT_TRUE(absl::StartsWith(finished.errors, "floodgated: ")) << finished.errors;
  }
}

TEST_F(ConfigurationTest, HelpAndVersionGoToStandardOutput) {
  const Finished help = Daemon({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* option : {"--config", "--check", "--print-config", "--set", "--engine", "--demo",
                             "--ports-file", "--notify-fd", "SIGUSR1"}) {
    EXPECT_TRUE(absl::StrContains(help.output, option)) << option;
  }
  const Finished version = Daemon({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_TRUE(absl::StartsWith(version.output, "floodgated ")) << version.output;
}

TEST_F(ConfigurationTest, ABacklogThatTheKernelCutsIsWarnedAboutWithTheRemedy) {
  DaemonProcess daemon(
      Config().Set("agent.listen", "[\"127.0.0.1:0\"]").Set("agent.backlog", "100000000"));
  EXPECT_TRUE(absl::StrContains(daemon.Log(), "sysctl -w net.core.somaxconn=100000000"))
      << daemon.Log();
}

TEST_F(ConfigurationTest, TheDemoRunsWithoutAFile) {
  const std::string ports_file = directory_.File("ports.json");
  const std::string log = directory_.File("log");
  ChildProcess demo({.arguments = {DaemonPath(), "--demo", "--ports-file", ports_file, "--set",
                                   "gate.open_delay=10ms"},
                     .output_path = log,
                     .errors_path = "",
                     .inherited_fd = -1,
                     .descriptors_max = std::nullopt});
  Require(Eventually([&] { return !ReadFile(ports_file).empty(); }), "no ports: " + ReadFile(log));
  const Json ports = Json::parse(ReadFile(ports_file));
  const AdminClient admin(ports.at("admin").at(0));
  const std::string agent = ports.at("agent").at(0);
  admin.SignalPeergrouper();
  admin.AwaitGate("open");
  const Finished curl =
      RunToEnd({"curl", "--silent", "--show-error", "--insecure", "https://" + agent + "/"});
  EXPECT_EQ(curl.exit_code, 0) << curl.errors;
  EXPECT_TRUE(absl::StartsWith(curl.output, "hello agent 127.0.0.1:")) << curl.output;
  demo.Signal(SIGTERM);
  EXPECT_EQ(demo.Wait(), 0) << ReadFile(log);
}

}  // namespace
}  // namespace floodgate::e2e

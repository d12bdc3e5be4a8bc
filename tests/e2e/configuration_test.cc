// The command line and the configuration, as a person meets them. No engine is involved.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <utility>

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

constexpr char kBadHost[] =
    "[tls]\n"
    "certificate = \"/nowhere/cert.pem\"\n"
    "private_key = \"/nowhere/key.pem\"\n"
    "[backend]\n"
    "address = \"no-such-host.invalid:1\"\n"
    "[runtime]\n"
    "user = \"no-such-user-here\"\n";

TEST_F(ConfigurationTest, EveryFaultOfTheHostIsToldWithItsPlace) {
  const Finished checked = Check(kBadHost);
  EXPECT_EQ(checked.exit_code, 2);
  for (const char* fault :
       {":2:15: tls.certificate: /nowhere/cert.pem: No such file or directory; ",
        ":3:15: tls.private_key: /nowhere/key.pem: No such file or directory; ",
        ":5:11: backend.address: ", ":7:8: runtime.user: there is no user "}) {
    EXPECT_TRUE(absl::StrContains(checked.errors, path_ + fault)) << fault << "\n"
                                                                  << checked.errors;
  }
}

// A start once told the first of them alone, and ended with 1.
TEST_F(ConfigurationTest, AStartTellsWhatACheckTells) {
  const Finished checked = Check(kBadHost);
  const Finished started = Daemon({"--config", path_});
  EXPECT_EQ(started.exit_code, 2);
  EXPECT_EQ(started.errors, checked.errors);
}

TEST_F(ConfigurationTest, FaultsOfTextAndHostAreToldInOneRunButNoneTwice) {
  const Finished checked = Check(
      "[gate]\nquorum = 0\n[tls]\ncertificate = 5\nprivate_key = \"/nowhere/key.pem\"\n"
      "[backend]\naddress = \"nowhere\"\n[runtime]\nusr = \"no-such-user-here\"\n");
  EXPECT_EQ(checked.exit_code, 2);
  const std::vector<std::string> lines =
      absl::StrSplit(absl::StripSuffix(checked.errors, "\n"), '\n');
  EXPECT_EQ(lines.size(), 5U) << checked.errors;
  for (const char* fault : {"gate.quorum: is 0", "tls.certificate: is an integer",
                            "tls.private_key: /nowhere/key.pem: No such file or directory",
                            "backend.address: is \"nowhere\"", "did you mean user?"}) {
    EXPECT_TRUE(absl::StrContains(checked.errors, fault)) << fault << "\n" << checked.errors;
  }
}

// A directory once ended the daemon by an exception, and a FIFO held up its start and its stop.
TEST_F(ConfigurationTest, WhatIsNoRegularFileIsRefusedAtOnce) {
  const std::string fifo = directory_.File("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const std::string long_file = directory_.File("long.toml");
  WriteFile(long_file, std::string((1 << 20) + 1, '#'));
  const std::pair<std::string, const char*> cases[] = {
      {directory_.path(), ": is a directory; --config takes a regular file"},
      {fifo, ": is no regular file; --config takes a regular file"},
      {"/dev/zero", ": is no regular file; --config takes a regular file"},
      {long_file, ": is longer than 1 MiB; "}};
  for (const auto& [path, fault] : cases) {
    const Finished finished = Daemon({"--config", path});
    EXPECT_EQ(finished.exit_code, 2) << path;
    EXPECT_TRUE(absl::StartsWith(finished.errors, "floodgated: " + path + fault))
        << finished.errors;
  }
  WriteFile(long_file, std::string(1 << 20, '#'));
  EXPECT_EQ(Daemon({"--config", long_file, "--check"}).exit_code, 0);
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

TEST_F(ConfigurationTest, WhatCannotBePrintedIsAFailure) {
  WriteFile(path_, "");
  // By the shell, which knows how to redirect.
  const Finished printed =
      RunToEnd({"sh", "-c", DaemonPath() + " --config " + path_ + " --print-config > /dev/full"});
  EXPECT_EQ(printed.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(printed.errors, "cannot write to standard output"))
      << printed.errors;
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

// A user that may not read the files makes every reload fail; once that was found out then.
TEST_F(ConfigurationTest, AUserWhoMayNotReadTheFilesIsWarnedAbout) {
  const Config config =
      Config().Set("agent.listen", "[\"127.0.0.1:0\"]").SetText("runtime.user", "nobody");
  if (::geteuid() != 0) {  // Nobody else can become somebody else.
    WriteFile(path_, config.ToToml());
    const Finished refused =
        Daemon({"--config", path_, "--set", "admin.listen=unix:" + directory_.File("a")});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_TRUE(absl::StrContains(refused.errors, "start as root")) << refused.errors;
    return;
  }
  DaemonProcess daemon(config);
  const std::string warning =
      "warn reload: the configuration, " + daemon.config_path() + ", cannot be read by 'nobody'";
  EXPECT_TRUE(absl::StrContains(daemon.Log(), warning)) << daemon.Log();
  EXPECT_TRUE(absl::StrContains(daemon.Log(), "chgrp")) << daemon.Log();
  EXPECT_EQ(daemon.admin().Post("/v1/reload").status, 422);
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
  const std::string way_in =
      "floodgatectl --admin " + std::string(ports.at("admin").at(0)) + " status\n";
  EXPECT_TRUE(absl::StrContains(ReadFile(log), way_in)) << ReadFile(log);
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

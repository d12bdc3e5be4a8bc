// What options must be to each other: each rule at its edges.
#include "core/config_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/config.h"

namespace floodgate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> FaultsOf(absl::string_view text) {
  std::vector<std::string> texts;
  for (const ConfigFault& fault : ReadConfig(text, "f", {}).faults)
    texts.push_back(fault.ToString());
  return texts;
}

TEST(ConfigRulesTest, DefaultsKeepEveryRule) {
  EXPECT_THAT(FaultsOf(""), IsEmpty());
  EXPECT_THAT(FaultsOf("[controller]\n"), IsEmpty());
  EXPECT_THAT(FaultsOf("[controller]\n[tls]\ncertificate = \"c\"\nprivate_key = \"k\"\n"),
              IsEmpty());
}

TEST(ConfigRulesTest, ListenersNeedAPortEach) {
  const struct {
    const char* controller;
    const char* agent;
    bool both;
  } cases[] = {
      {"127.0.0.1:1", "127.0.0.1:1", false},
      {"127.0.0.1:1", "127.0.0.1:2", true},
      {"127.0.0.1:1", "127.0.0.2:1", true},
      {"127.0.0.1:0", "127.0.0.1:0", true},  // the kernel gives each its own
      {"[::]:0", "[::]:0", true},
      {"127.0.0.1:1", "[::]:1", false},  // [::] takes IPv4 too
      {"[::1]:1", "[::]:1", false},
      {"[::]:1", "[::1]:1", false},
      {"[0::0]:1", "127.0.0.1:1", false},
      {"0.0.0.0:1", "127.0.0.1:1", false},
      {"0.0.0.0:1", "[::1]:1", true},
      {"0.0.0.0:1", "[::]:1", false},
      {"127.0.0.1:1", "[::1]:1", true},
      {"[::1]:1", "[0:0:0:0:0:0:0:1]:1", false},
      {"localhost:1", "LOCALHOST:1", false},
      {"localhost:1", "127.0.0.1:1", true},  // who knows what a name resolves to
      {"localhost:1", "[::]:1", false},      // whatever it is, [::] has taken it
      {"unix:@a", "unix:@a", false},
      {"unix:/a", "unix:/a", false},
      {"unix:/a", "unix:@/a", true},
      {"unix:@a", "127.0.0.1:1", true},
  };
  for (const auto& c : cases) {
    const std::vector<std::string> faults =
        FaultsOf(absl::StrCat("[controller]\nlisten = [\"", c.controller,
                              "\"]\n[agent]\nlisten = [\"", c.agent, "\"]\n"));
    if (c.both) {
      EXPECT_THAT(faults, IsEmpty()) << c.controller << " " << c.agent;
    } else {
      EXPECT_THAT(faults, ElementsAre(HasSubstr("f:4:10: agent.listen: ")))
          << c.controller << " " << c.agent;
    }
  }
}

TEST(ConfigRulesTest, EveryPairOfListenersIsCompared) {
  EXPECT_THAT(
      FaultsOf("[agent]\nlisten = [\"[::]:1\", \"127.0.0.1:1\", \"127.0.0.1:2\"]\n"
               "[admin]\nlisten = \"127.0.0.1:2\"\n"),
      ElementsAre(
          "f:2:10: agent.listen: 127.0.0.1:1 and [::]:1 of agent.listen cannot both be bound; "
          "each needs an address or a port of its own",
          "f:4:10: admin.listen: 127.0.0.1:2 stands in agent.listen too; each needs an "
          "address or a port of its own"));
}

TEST(ConfigRulesTest, TheBackendIsNotFloodgateItself) {
  const struct {
    const char* agent;
    const char* backend;
    bool good;
  } cases[] = {
      {"[::]:1", "127.0.0.1:1", false},    {"[::]:1", "localhost:1", false},
      {"[::]:1", "[::1]:1", false},        {"[::]:1", "127.8.8.8:1", false},
      {"[::]:1", "0.0.0.0:1", false},      {"0.0.0.0:1", "127.0.0.1:1", false},
      {"0.0.0.0:1", "[::1]:1", true},      {"[::]:1", "10.0.0.1:1", true},  // another host's
      {"10.0.0.1:1", "10.0.0.1:1", false}, {"10.0.0.1:1", "127.0.0.1:1", true},
      {"[::]:1", "127.0.0.1:2", true},     {"unix:@a", "unix:@a", false},
      {"unix:@a", "unix:@b", true},        {"[::]:0", "127.0.0.1:1", true},
  };
  for (const auto& c : cases) {
    const std::vector<std::string> faults = FaultsOf(absl::StrCat(
        "[agent]\nlisten = [\"", c.agent, "\"]\n[backend]\naddress = \"", c.backend, "\"\n"));
    if (c.good) {
      EXPECT_THAT(faults, IsEmpty()) << c.agent << " " << c.backend;
    } else {
      EXPECT_THAT(faults, ElementsAre(HasSubstr("is floodgate's own, by agent.listen")))
          << c.agent << " " << c.backend;
    }
  }
}

TEST(ConfigRulesTest, TheBackendHasAPort) {
  EXPECT_THAT(FaultsOf("[backend]\naddress = \"127.0.0.1:0\"\n"),
              ElementsAre("f:2:11: backend.address: has port 0; expected the controller's port"));
  EXPECT_THAT(FaultsOf("[backend]\naddress = \"unix:@controller\"\n"), IsEmpty());
}

TEST(ConfigRulesTest, SomebodyMayConnectToTheControllerPort) {
  EXPECT_THAT(FaultsOf("[controller]\nallow = []\n"),
              ElementsAre(HasSubstr("f:2:9: controller.allow: is empty")));
  EXPECT_THAT(FaultsOf("[controller]\nallow = []\nlisten = [\"unix:@c\"]\n"), IsEmpty());
  EXPECT_THAT(FaultsOf("[controller]\nlisten = []\n"),
              ElementsAre(HasSubstr("controller.listen: is empty; expected at least one address; "
                                    "without a port of their own controllers need")));
  EXPECT_THAT(FaultsOf("[agent]\nlisten = []\n"), ElementsAre(HasSubstr("agent.listen: is empty")));
}

TEST(ConfigRulesTest, ClientCertificatesNeedTls) {
  EXPECT_THAT(FaultsOf("[controller]\nclient_ca = \"ca\"\n"),
              ElementsAre(HasSubstr("f:2:13: controller.client_ca: is set, and there is no TLS")));
  EXPECT_THAT(FaultsOf("[controller]\nclient_ca = \"ca\"\n[tls]\ncertificate = \"c\"\n"
                       "private_key = \"k\"\n"),
              IsEmpty());
}

TEST(ConfigRulesTest, TlsNeedsBothFiles) {
  EXPECT_THAT(FaultsOf("[tls]\n"), ElementsAre(HasSubstr("f:1:2: tls.certificate: is missing"),
                                               HasSubstr("f:1:2: tls.private_key: is missing")));
  EXPECT_THAT(FaultsOf("[tls]\ncertificate = \"\"\nprivate_key = \"k\"\n"),
              ElementsAre(HasSubstr("f:2:15: tls.certificate: is missing")));
}

TEST(ConfigRulesTest, TheGatesConditionsCanBeMet) {
  for (const char* condition : {"self-connection", "quorum"}) {
    const std::string gate = absl::StrCat("[gate]\nopen_on = [\"manual\", \"", condition, "\"]\n");
    EXPECT_THAT(FaultsOf(gate), ElementsAre(HasSubstr("there is no [controller]")));
    EXPECT_THAT(FaultsOf(gate + "[controller]\n"), IsEmpty());
  }
  EXPECT_THAT(FaultsOf("[gate]\nopen_on = [\"manual\", \"peergrouper\"]\n"), IsEmpty());
  EXPECT_THAT(FaultsOf("[gate]\nopen_on = []\n"), ElementsAre(HasSubstr("gate.open_on: is empty")));
  EXPECT_THAT(FaultsOf("[gate]\nopen_on = [\"manual\", \"peergrouper\", \"manual\"]\n"),
              ElementsAre(HasSubstr("gate.open_on: names a condition twice")));
  EXPECT_THAT(FaultsOf("[gate]\nself_id = \"\"\n"),
              ElementsAre(HasSubstr("gate.self_id: is empty")));
  EXPECT_THAT(FaultsOf("[gate]\nself_id = \"\"\nopen_on = [\"manual\"]\n"), IsEmpty());
}

TEST(ConfigRulesTest, ARampLeadsToARate) {
  EXPECT_THAT(FaultsOf("[drain]\nramp = \"1s\"\n"),
              ElementsAre(HasSubstr("f:2:8: drain.ramp: is set")));
  EXPECT_THAT(FaultsOf("[drain]\nramp = \"1s\"\nrate = 0.001\n"), IsEmpty());
  EXPECT_THAT(FaultsOf("[drain]\nramp = \"0s\"\nrate = 0\n"), IsEmpty());
}

TEST(ConfigRulesTest, ThePortsFileOverwritesNothing) {
  const std::string rest =
      "[controller]\nclient_ca = \"/ca\"\n[tls]\ncertificate = \"/c\"\nprivate_key = \"/k\"\n"
      "[admin]\nlisten = \"unix:/s\"\n[backend]\naddress = \"unix:@/b\"\n[runtime]\nports_file = ";
  const struct {
    const char* path;
    const char* of;
  } cases[] = {{"/ca", "controller.client_ca"},
               {"/c", "tls.certificate"},
               {"/k", "tls.private_key"},
               {"/s", "admin.listen"}};
  for (const auto& c : cases) {
    EXPECT_THAT(FaultsOf(absl::StrCat(rest, "\"", c.path, "\"\n")),
                ElementsAre(HasSubstr(absl::StrCat("runtime.ports_file: is the file of ", c.of))));
  }
  EXPECT_THAT(FaultsOf(rest + "\"/b\"\n"), IsEmpty()) << "an abstract name is no file";
  EXPECT_THAT(FaultsOf(rest + "\"\"\n"), IsEmpty());
}

}  // namespace
}  // namespace floodgate

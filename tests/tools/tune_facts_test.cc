// What floodgate-tune reads: a /proc of the test's own, and a daemon's documents.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <optional>
#include <string>

#include "tests/e2e/child_process.h"
#include "tools/tune/daemon_facts.h"
#include "tools/tune/host_facts.h"

namespace floodgate::tune {
namespace {

class HostFactsTest : public testing::Test {
 protected:
  void Put(const std::string& path, const std::string& text) const {
    const std::string whole = proc_.File(path);
    std::filesystem::create_directories(std::filesystem::path(whole).parent_path());
    e2e::WriteFile(whole, text);
  }
  std::string Limits(const std::string& hard) const {
    return "Limit                     Soft Limit           Hard Limit           Units\n"
           "Max processes             95952                95953                processes\n"
           "Max open files            1024                 " +
           hard + "                files\n";
  }

  e2e::TemporaryDirectory proc_;
};

TEST_F(HostFactsTest, NothingThereIsNothingKnown) {
  const HostFacts facts = ReadHost(proc_.path());
  EXPECT_FALSE(facts.somaxconn.has_value());
  EXPECT_FALSE(facts.local_port_first.has_value());
  EXPECT_FALSE(facts.conntrack_max.has_value());
  EXPECT_FALSE(facts.listen_overflows.has_value());
  EXPECT_FALSE(facts.descriptors_max.has_value());
  EXPECT_FALSE(facts.memory_available_bytes.has_value());
  EXPECT_FALSE(facts.memory_limit.has_value());
}

TEST_F(HostFactsTest, EachIsReadFromItsPlace) {
  Put("sys/net/core/somaxconn", "4096\n");
  Put("sys/net/ipv4/tcp_max_syn_backlog", "2048\n");
  Put("sys/net/ipv4/tcp_syncookies", "1\n");
  Put("sys/net/ipv4/tcp_abort_on_overflow", "0\n");
  Put("sys/net/ipv4/tcp_synack_retries", "5\n");
  Put("sys/net/ipv4/tcp_migrate_req", "0\n");
  Put("sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
  Put("sys/net/netfilter/nf_conntrack_max", "262144\n");
  Put("sys/net/netfilter/nf_conntrack_count", "17\n");
  Put("sys/fs/nr_open", "1048576\n");
  Put("self/limits", Limits("20000"));
  Put("meminfo", "MemTotal:       24683656 kB\nMemAvailable:   23920320 kB\n");
  Put("net/netstat",
      "TcpExt: ListenOverflows ListenDrops TCPReqQFullDoCookies TCPReqQFullDrop\n"
      "TcpExt: 1 2 3 4\n"
      "IpExt: InNoRoutes\nIpExt: 9\n");
  const HostFacts facts = ReadHost(proc_.path());
  EXPECT_EQ(facts.somaxconn, 4096);
  EXPECT_EQ(facts.tcp_max_syn_backlog, 2048);
  EXPECT_EQ(facts.tcp_syncookies, 1);
  EXPECT_EQ(facts.tcp_abort_on_overflow, 0);
  EXPECT_EQ(facts.tcp_synack_retries, 5);
  EXPECT_EQ(facts.tcp_migrate_req, 0);
  EXPECT_EQ(facts.local_port_first, 32'768);
  EXPECT_EQ(facts.local_port_last, 60'999);
  EXPECT_EQ(facts.conntrack_max, 262'144);
  EXPECT_EQ(facts.conntrack_count, 17);
  EXPECT_EQ(facts.nr_open, 1'048'576);
  EXPECT_EQ(facts.descriptors_max, 20'000);
  EXPECT_EQ(facts.memory_available_bytes, int64_t{23'920'320} * 1024);
  EXPECT_EQ(facts.listen_overflows, 1);
  EXPECT_EQ(facts.listen_drops, 2);
  EXPECT_EQ(facts.syn_queue_cookies, 3);
  EXPECT_EQ(facts.syn_queue_drops, 4);
}

TEST_F(HostFactsTest, DescriptorsOfAProcess) {
  Put("77/limits", Limits("unlimited"));
  Put("78/limits", "Max processes 1 2 processes\n");
  EXPECT_EQ(ReadDescriptorLimit(proc_.path(), "77"), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(ReadDescriptorLimit(proc_.path(), "78"), std::nullopt);
  EXPECT_EQ(ReadDescriptorLimit(proc_.path(), "79"), std::nullopt);
}

// A /proc, and control groups beside it, as a service of systemd has them.
class MemoryLimitTest : public HostFactsTest {
 protected:
  MemoryLimitTest() {
    Put("self/mountinfo",
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "31 22 0:28 / " +
            proc_.File("other") + " rw - cgroup cgroup rw,memory\n32 22 0:29 / " + Group("") +
            " rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
    Put("self/cgroup", "4:memory:/elsewhere\n0::/user.slice\n");
    Put("77/cgroup", "4:memory:/elsewhere\n0::/system.slice/floodgated.service\n");
  }
  std::string Group(const std::string& path) const { return proc_.File("groups") + path; }
  void Limit(const std::string& file, int64_t limit, int64_t current) const {
    Put("groups/" + file, std::to_string(limit) + "\n");
    const std::string group = file.substr(0, file.rfind('/'));
    Put("groups/" + group + "/memory.current", std::to_string(current) + "\n");
  }
};

TEST_F(MemoryLimitTest, WhoHasNoneIsNotLimited) {
  EXPECT_FALSE(ReadMemoryLimit(proc_.path(), "77").has_value());
  Put("groups/system.slice/floodgated.service/memory.max", "max\n");
  Put("groups/system.slice/floodgated.service/memory.high", "max\n");
  EXPECT_FALSE(ReadMemoryLimit(proc_.path(), "77").has_value());
  EXPECT_FALSE(ReadMemoryLimit(proc_.path(), "78").has_value());  // There is no such process.
}

TEST_F(MemoryLimitTest, TheOneThatLeavesTheLeastIsTheBoundWhereverItIs) {
  const std::string service = "system.slice/floodgated.service";
  Limit(service + "/memory.max", 1000, 400);
  std::optional<MemoryLimit> limit = ReadMemoryLimit(proc_.path(), "77");
  ASSERT_TRUE(limit.has_value());
  EXPECT_EQ(limit->file, Group("/" + service + "/memory.max"));
  EXPECT_EQ(limit->limit_bytes, 1000);
  EXPECT_EQ(limit->available_bytes, 600);
  Limit(service + "/memory.high", 900, 400);
  limit = ReadMemoryLimit(proc_.path(), "77");
  EXPECT_EQ(limit->file, Group("/" + service + "/memory.high"));
  EXPECT_EQ(limit->available_bytes, 500);
  // A larger limit of the slice, of which others use more.
  Limit("system.slice/memory.max", 5000, 4900);
  limit = ReadMemoryLimit(proc_.path(), "77");
  EXPECT_EQ(limit->file, Group("/system.slice/memory.max"));
  EXPECT_EQ(limit->available_bytes, 100);
  // That of the root: of a container, which sees its own group as that.
  Limit("/memory.max", 7000, 7001);
  limit = ReadMemoryLimit(proc_.path(), "77");
  EXPECT_EQ(limit->limit_bytes, 7000);
  EXPECT_EQ(limit->available_bytes, 0);
}

TEST_F(MemoryLimitTest, WhatWasReadFromFilesAndIsNotInUseCountsAsAvailable) {
  Limit("user.slice/memory.max", 1000, 400);
  Put("groups/user.slice/memory.stat", "anon 100\ninactive_file 250\nactive_file 50\n");
  const HostFacts facts = ReadHost(proc_.path());
  ASSERT_TRUE(facts.memory_limit.has_value());
  EXPECT_EQ(facts.memory_limit->available_bytes, 850);
}

TEST_F(MemoryLimitTest, APartOfTheTreeMayBeMountedAlone) {
  Put("self/mountinfo", "32 22 0:29 /system.slice " + Group("") + " rw - cgroup2 cgroup2 rw\n");
  Limit("floodgated.service/memory.max", 1000, 0);
  EXPECT_EQ(ReadMemoryLimit(proc_.path(), "77")->file, Group("/floodgated.service/memory.max"));
  // Of a group that is not in that part nothing is known.
  Limit("/memory.max", 10, 0);
  EXPECT_FALSE(ReadMemoryLimit(proc_.path(), "self").has_value());
  Put("79/cgroup", "0::/../elsewhere\n");
  Put("self/mountinfo", "32 22 0:29 / " + Group("") + " rw - cgroup2 cgroup2 rw\n");
  EXPECT_FALSE(ReadMemoryLimit(proc_.path(), "79").has_value());
}

TEST(DaemonFacts, TheStatusIsRead) {
  const absl::StatusOr<DaemonFacts> facts = ReadStatus(R"({
    "gate":{"state":"holding"}, "version":"0.1.0",
    "connections":{"waiting":3,"active":4}, "limits":{"connections":10},
    "listeners":[
      {"name":"controller","address":"127.0.0.1:1","state":"accepting",
       "queue":{"depth":0,"limit":4096}},
      {"name":"agent","address":"[::]:2","state":"parked","queue":{"depth":12,"limit":128}},
      {"name":"agent","address":"[::]:3","state":"parked","queue":{"depth":0,"limit":0}}]})");
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->gate, "holding");
  EXPECT_EQ(facts->version, "0.1.0");
  EXPECT_EQ(facts->waiting, 3);
  EXPECT_EQ(facts->active, 4);
  EXPECT_EQ(facts->connections_limit, 10);
  ASSERT_EQ(facts->agents.size(), 2U);
  EXPECT_EQ(facts->agents[0].address, "[::]:2");
  EXPECT_EQ(facts->agents[0].depth, 12);
  EXPECT_EQ(facts->agents[0].limit, 128);
  EXPECT_FALSE(facts->agents[0].closed);
  EXPECT_TRUE(facts->agents[1].closed);  // It does not listen: agent.hold = "refuse".
}

TEST(DaemonFacts, AFloodgatedThatDoesNotTellItsLimitsIsReadAllTheSame) {
  const absl::StatusOr<DaemonFacts> facts = ReadStatus(R"({
    "gate":{"state":"open"}, "version":"0.1.0", "connections":{"waiting":0,"active":0},
    "listeners":[]})");
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->connections_limit, std::nullopt);
}

TEST(DaemonFacts, AnotherDocumentIsAnError) {
  for (const char* text : {"", "{}", "[]", R"({"gate":{"state":5}})"}) {
    EXPECT_EQ(ReadStatus(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(DaemonFacts, AMetricIsFoundByItsWholeName) {
  const std::string metrics =
      "# TYPE process_max_fds gauge\nprocess_max_fds_other 1\nprocess_max_fds 20000\n";
  EXPECT_EQ(FindMetric(metrics, "process_max_fds"), 20'000);
  EXPECT_EQ(FindMetric(metrics, "process_max"), std::nullopt);
}

}  // namespace
}  // namespace floodgate::tune

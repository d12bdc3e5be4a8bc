// What floodgate-tune reads: a /proc of the test's own, and a daemon's documents.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
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

TEST(DaemonFacts, TheStatusIsRead) {
  const absl::StatusOr<DaemonFacts> facts = ReadStatus(R"({
    "gate":{"state":"holding"}, "version":"0.1.0",
    "connections":{"waiting":3,"active":4},
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
  ASSERT_EQ(facts->agents.size(), 2U);
  EXPECT_EQ(facts->agents[0].address, "[::]:2");
  EXPECT_EQ(facts->agents[0].depth, 12);
  EXPECT_EQ(facts->agents[0].limit, 128);
  EXPECT_FALSE(facts->agents[0].closed);
  EXPECT_TRUE(facts->agents[1].closed);  // It does not listen: agent.hold = "refuse".
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

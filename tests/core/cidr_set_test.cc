#include "core/cidr_set.h"

#include <algorithm>
#include <vector>

#include "base/prng.h"
#include "gtest/gtest.h"

namespace floodgate {
namespace {

CidrSet Set(std::vector<const char*> texts) {
  std::vector<Cidr> blocks;
  for (const char* text : texts) blocks.push_back(Cidr::Parse(text).value());
  return CidrSet(blocks);
}
IpAddress Ip(const char* text) {
  return IpAddress::Parse(text).value();
}

TEST(CidrSetTest, EmptyHoldsNothing) {
  EXPECT_TRUE(CidrSet().empty());
  EXPECT_FALSE(CidrSet().Contains(Ip("127.0.0.1")));
  EXPECT_FALSE(Set({}).Contains(Ip("::1")));
}

TEST(CidrSetTest, BlocksAtTheirEdges) {
  const CidrSet set = Set({"10.1.0.0/16", "192.0.2.7", "2001:db8::/32"});
  EXPECT_FALSE(set.empty());
  for (const char* text : {"10.1.0.0", "10.1.255.255", "192.0.2.7", "::ffff:10.1.2.3",
                           "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"}) {
    EXPECT_TRUE(set.Contains(Ip(text))) << text;
  }
  for (const char* text : {"10.0.255.255", "10.2.0.0", "192.0.2.6", "192.0.2.8",
                           "2001:db9::", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "::"}) {
    EXPECT_FALSE(set.Contains(Ip(text))) << text;
  }
}

TEST(CidrSetTest, FamiliesAreApart) {
  EXPECT_FALSE(Set({"::/0"}).Contains(Ip("192.0.2.1")));
  EXPECT_TRUE(Set({"::/0"}).Contains(Ip("2001:db8::1")));
  EXPECT_FALSE(Set({"0.0.0.0/0"}).Contains(Ip("2001:db8::1")));
  EXPECT_TRUE(Set({"0.0.0.0/0"}).Contains(Ip("::ffff:192.0.2.1")));
}

TEST(CidrSetTest, BlocksWithinBlocksAreMerged) {
  const CidrSet set = Set({"10.1.2.0/24", "10.0.0.0/8", "10.255.255.255/32", "11.0.0.0/32"});
  EXPECT_TRUE(set.Contains(Ip("10.200.0.1")));
  EXPECT_TRUE(set.Contains(Ip("10.255.255.255")));
  EXPECT_TRUE(set.Contains(Ip("11.0.0.0")));
  EXPECT_FALSE(set.Contains(Ip("11.0.0.1")));
}

TEST(CidrSetTest, AgreesWithAskingEachBlock) {
  Prng prng(2);
  for (int run = 0; run < 50; ++run) {
    std::vector<Cidr> blocks;
    const uint64_t count = prng.Below(60);
    const auto draw = [&prng] {
      // Few different values, so that blocks overlap and addresses hit their edges.
      IpAddress address = IpAddress::V4(static_cast<uint32_t>(prng.Next()) & 0xc3000083u);
      if (prng.Chance(50)) {
        address.bytes.fill(0);
        for (const size_t i : {size_t{0}, size_t{10}, size_t{15}}) {
          address.bytes[i] = static_cast<uint8_t>(prng.Next() & 0xc3);
        }
      }
      return address;
    };
    for (uint64_t i = 0; i < count; ++i) {
      const IpAddress address = draw();
      const auto bits = static_cast<int>(prng.Below(address.is_v4() ? 33 : 129));
      blocks.push_back({.base = Truncate(address, bits), .bits = bits});
    }
    const CidrSet set(blocks);
    for (int i = 0; i < 500; ++i) {
      const IpAddress address = draw();
      const bool expected = std::any_of(blocks.begin(), blocks.end(),
                                        [&](const Cidr& block) { return block.Contains(address); });
      ASSERT_EQ(set.Contains(address), expected) << address.ToString();
    }
  }
}

}  // namespace
}  // namespace floodgate

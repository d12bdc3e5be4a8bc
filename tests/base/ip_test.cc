#include "base/ip.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/prng.h"
#include "gtest/gtest.h"

namespace floodgate {
namespace {

struct Text {
  const char* in;
  const char* out;  // null: not an address
};

class IpTextTest : public ::testing::TestWithParam<Text> {};

TEST_P(IpTextTest, IsReadAndWritten) {
  const std::optional<IpAddress> address = IpAddress::Parse(GetParam().in);
  ASSERT_EQ(address.has_value(), GetParam().out != nullptr) << GetParam().in;
  if (!address.has_value()) return;
  EXPECT_EQ(address->ToString(), GetParam().out);
  EXPECT_EQ(IpAddress::Parse(address->ToString()), address);
}

INSTANTIATE_TEST_SUITE_P(V4, IpTextTest,
                         ::testing::ValuesIn<Text>({
                             {"0.0.0.0", "0.0.0.0"},
                             {"127.0.0.1", "127.0.0.1"},
                             {"255.255.255.255", "255.255.255.255"},
                             {"256.0.0.1", nullptr},
                             {"1.2.3", nullptr},
                             {"1.2.3.4.5", nullptr},
                             {"1.2.3.", nullptr},
                             {".1.2.3", nullptr},
                             {"010.0.0.1", nullptr},  // octal to some readers, decimal to others
                             {"0x7f.0.0.1", nullptr},
                             {"2130706433", nullptr},
                             {" 127.0.0.1", nullptr},
                             {"127.0.0.1 ", nullptr},
                             {"-1.0.0.0", nullptr},
                             {"", nullptr},
                         }));

// RFC 5952, section 4: what may be written in many ways is written in one.
INSTANTIATE_TEST_SUITE_P(
    V6, IpTextTest,
    ::testing::ValuesIn<Text>({
        {"::", "::"},
        {"::1", "::1"},
        {"2001:0db8::0001", "2001:db8::1"},                // 4.1: no leading zeros
        {"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},         // 4.2.1: as short as possible
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // 4.2.2: not for a single field
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},           // 4.2.3: the longest run
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},     // 4.2.3: the first of equal ones
        {"2001:DB8::ABCD", "2001:db8::abcd"},              // 4.3: small letters
        {"::ffff:192.0.2.1", "192.0.2.1"},                 // v4-mapped is IPv4
        {"::ffff:c000:201", "192.0.2.1"},
        {"fe80::1%eth0", nullptr},  // no scope
        {"[::1]", nullptr},         // no brackets
        {"1::2::3", nullptr},
        {"12345::", nullptr},
        {"1:2:3:4:5:6:7", nullptr},
        {"1:2:3:4:5:6:7:8:9", nullptr},
        {":", nullptr},
        {":::", nullptr},
        {"::g", nullptr},
    }));

TEST(IpAddressTest, ANulByteEndsNoAddress) {
  EXPECT_FALSE(IpAddress::Parse(absl::string_view("127.0.0.1\0", 10)).has_value());
  EXPECT_FALSE(IpAddress::Parse(absl::string_view("::1\0x", 5)).has_value());
}

TEST(IpAddressTest, TheSameHostIsTheSameValueOnBothKindsOfSocket) {
  const IpAddress plain = IpAddress::V4(0xc0000201);
  EXPECT_EQ(plain, *IpAddress::Parse("192.0.2.1"));
  EXPECT_EQ(plain, *IpAddress::Parse("::ffff:192.0.2.1"));
  EXPECT_TRUE(plain.is_v4());
  EXPECT_FALSE(IpAddress::Parse("::192.0.2.1")->is_v4()) << "v4-compatible is IPv6";
  EXPECT_FALSE(IpAddress{}.is_v4());
  EXPECT_EQ(IpAddress::V6({}), *IpAddress::Parse("::"));
}

TEST(IpAddressTest, IsOrderedByItsBytes) {
  EXPECT_LT(*IpAddress::Parse("10.0.0.9"), *IpAddress::Parse("10.0.1.0"));
  EXPECT_LT(*IpAddress::Parse("::1"), *IpAddress::Parse("10.0.0.1"));
}

TEST(TruncateTest, CountsBitsOfTheFamilysOwnAddress) {
  const struct {
    const char* address;
    int bits;
    const char* truncated;
  } cases[] = {
      {"192.0.2.255", 32, "192.0.2.255"},
      {"192.0.2.255", 31, "192.0.2.254"},
      {"192.0.2.255", 25, "192.0.2.128"},
      {"192.0.2.255", 24, "192.0.2.0"},
      {"192.0.2.255", 1, "128.0.0.0"},
      {"192.0.2.255", 0, "0.0.0.0"},  // still IPv4
      {"192.0.2.255", -1, "0.0.0.0"},
      {"192.0.2.255", 33, "192.0.2.255"},
      {"192.0.2.255", 1000, "192.0.2.255"},
      {"2001:db8:ffff:ffff::1", 64, "2001:db8:ffff:ffff::"},
      {"2001:db8:ffff:ffff::1", 47, "2001:db8:fffe::"},
      {"2001:db8::1", 128, "2001:db8::1"},
      {"2001:db8::1", 127, "2001:db8::"},
      {"2001:db8::1", 0, "::"},
      {"2001:db8::1", -5, "::"},
      {"2001:db8::1", 129, "2001:db8::1"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Truncate(*IpAddress::Parse(c.address), c.bits).ToString(), c.truncated)
        << c.address << "/" << c.bits;
  }
}

TEST(CidrTest, IsReadAndWritten) {
  const struct {
    const char* in;
    const char* out;  // null: not a block
  } cases[] = {
      {"10.0.0.0/8", "10.0.0.0/8"},
      {"0.0.0.0/0", "0.0.0.0/0"},
      {"::/0", "::/0"},
      {"192.0.2.1", "192.0.2.1/32"},
      {"192.0.2.1/32", "192.0.2.1/32"},
      {"2001:DB8::/32", "2001:db8::/32"},
      {"2001:db8::1", "2001:db8::1/128"},
      {"::ffff:10.0.0.0/8", "10.0.0.0/8"},
      {"10.0.0.1/8", nullptr},  // bits behind the prefix: a slip of the hand, or a host was meant
      {"10.0.0.0/7", "10.0.0.0/7"},
      {"11.0.0.0/7", nullptr},
      {"2001:db8::1/64", nullptr},
      {"1.0.0.0/0", nullptr},
      {"10.0.0.0/33", nullptr},
      {"::/129", nullptr},
      {"::ffff:10.0.0.0/104", nullptr},  // bits are those of IPv4
      {"10.0.0.0/", nullptr},
      {"10.0.0.0/-1", nullptr},
      {"10.0.0.0/0008", nullptr},
      {"10.0.0.0/+8", nullptr},
      {"10.0.0.0/ 8", nullptr},
      {"10.0.0.0/8 ", nullptr},
      {"10.0.0.0/8/8", nullptr},
      {"10.0.0.0/4294967304", nullptr},  // 8, if it wrapped
      {"10.0.0.0/255.0.0.0", nullptr},
      {"10/8", nullptr},
      {"/8", nullptr},
      {"", nullptr},
      {"localhost/8", nullptr},
  };
  for (const auto& c : cases) {
    const std::optional<Cidr> block = Cidr::Parse(c.in);
    ASSERT_EQ(block.has_value(), c.out != nullptr) << c.in;
    if (!block.has_value()) continue;
    EXPECT_EQ(block->ToString(), c.out);
    EXPECT_EQ(Cidr::Parse(block->ToString()), block);
  }
}

TEST(CidrTest, HoldsItsFamilyAlone) {
  const auto contains = [](const char* block, const char* address) {
    return Cidr::Parse(block)->Contains(*IpAddress::Parse(address));
  };
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.255.255"));
  EXPECT_TRUE(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_FALSE(contains("10.0.0.0/8", "9.255.255.255"));
  EXPECT_TRUE(contains("0.0.0.0/0", "255.255.255.255"));
  EXPECT_FALSE(contains("0.0.0.0/0", "::1"));
  EXPECT_TRUE(contains("::/0", "2001:db8::1"));
  EXPECT_FALSE(contains("::/0", "127.0.0.1"));
  EXPECT_TRUE(contains("::1/128", "::1"));
  EXPECT_FALSE(contains("::1/128", "::2"));
  EXPECT_TRUE(contains("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
}

TEST(CidrTest, ABlockHoldsWhatTruncatesToItsBase) {
  Prng prng(1);
  for (int round = 0; round < 2000; ++round) {
    IpAddress address;
    for (uint8_t& byte : address.bytes) byte = static_cast<uint8_t>(prng.Next());
    const uint64_t low = prng.Next();
    if (prng.Chance(50)) address = IpAddress::V4(static_cast<uint32_t>(low));
    const int bits_max = address.is_v4() ? 32 : 128;
    const int bits = static_cast<int>(prng.Below(static_cast<uint64_t>(bits_max) + 1));
    const Cidr block{Truncate(address, bits), bits};
    EXPECT_TRUE(block.Contains(address));
    EXPECT_EQ(Cidr::Parse(block.ToString()), block) << block.ToString();
    if (bits == 0) continue;
    // The last bit of the prefix turned over is just outside of it.
    IpAddress outside = address;
    const int at = (address.is_v4() ? 96 : 0) + bits - 1;
    outside.bytes[static_cast<size_t>(at) / 8] ^= static_cast<uint8_t>(0x80 >> (at % 8));
    EXPECT_FALSE(block.Contains(outside)) << block.ToString() << " " << outside.ToString();
  }
}

TEST(PeerAddressTest, IsWrittenForPeople) {
  PeerAddress peer;
  EXPECT_EQ(peer.ToString(), "unix");
  peer = {.family = PeerAddress::Family::kIp, .port = 4711, .ip = *IpAddress::Parse("192.0.2.1")};
  EXPECT_EQ(peer.ToString(), "192.0.2.1:4711");
  peer.ip = *IpAddress::Parse("2001:db8::1");
  EXPECT_EQ(peer.ToString(), "[2001:db8::1]:4711");
}

}  // namespace
}  // namespace floodgate

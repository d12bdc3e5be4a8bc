#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/endpoint.h"
#include "base/ip.h"

namespace floodgate {
namespace {

using ::testing::HasSubstr;

TEST(IpAddressTest, IsTheSameWhetherMappedOrNot) {
  EXPECT_EQ(IpAddress::Parse("192.0.2.1"), IpAddress::Parse("::ffff:192.0.2.1"));
  EXPECT_EQ(IpAddress::V4(0x7f000001).ToString(), "127.0.0.1");
  EXPECT_EQ(IpAddress::Parse("::ffff:192.0.2.1")->ToString(), "192.0.2.1");
  EXPECT_TRUE(IpAddress::Parse("::ffff:192.0.2.1")->is_v4());
}

TEST(IpAddressTest, WritesIpv6AsRfc5952Says) {
  EXPECT_EQ(IpAddress::Parse("2001:DB8:0:0:1:0:0:1")->ToString(), "2001:db8::1:0:0:1");
}

TEST(IpAddressTest, RefusesWhatIsNone) {
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "::g", "fe80::1%lo", "[::1]",
                           "localhost", " 1.2.3.4"}) {
    EXPECT_EQ(IpAddress::Parse(text), std::nullopt) << text;
  }
  EXPECT_EQ(IpAddress::Parse(absl::string_view("1.2.3.4\0", 8)), std::nullopt);
}

TEST(TruncateTest, CountsBitsOfTheFamilysOwnAddress) {
  const IpAddress v4 = *IpAddress::Parse("192.0.2.129");
  EXPECT_EQ(Truncate(v4, 32), v4);
  EXPECT_EQ(Truncate(v4, 33), v4);
  EXPECT_EQ(Truncate(v4, 25).ToString(), "192.0.2.128");
  EXPECT_EQ(Truncate(v4, 24).ToString(), "192.0.2.0");
  EXPECT_EQ(Truncate(v4, 0).ToString(), "0.0.0.0");
  EXPECT_TRUE(Truncate(v4, 0).is_v4());
  const IpAddress v6 = *IpAddress::Parse("2001:db8:1:2:3:4:5:6");
  EXPECT_EQ(Truncate(v6, 64).ToString(), "2001:db8:1:2::");
  EXPECT_EQ(Truncate(v6, 127).ToString(), "2001:db8:1:2:3:4:5:6");
  EXPECT_EQ(Truncate(v6, 0).ToString(), "::");
}

TEST(CidrTest, HoldsItsFamilyAlone) {
  const Cidr ten = *Cidr::Parse("10.0.0.0/8");
  EXPECT_TRUE(ten.Contains(*IpAddress::Parse("10.255.0.1")));
  EXPECT_TRUE(ten.Contains(*IpAddress::Parse("::ffff:10.1.2.3")));
  EXPECT_FALSE(ten.Contains(*IpAddress::Parse("11.0.0.0")));
  EXPECT_FALSE(Cidr::Parse("::/0")->Contains(*IpAddress::Parse("10.0.0.1")));
  EXPECT_FALSE(Cidr::Parse("0.0.0.0/0")->Contains(*IpAddress::Parse("2001:db8::1")));
  EXPECT_EQ(Cidr::Parse("127.0.0.1")->ToString(), "127.0.0.1/32");
  EXPECT_EQ(Cidr::Parse("::1")->bits, 128);
}

TEST(CidrTest, RefusesBitsBehindThePrefixAndTooMany) {
  for (const char* text : {"10.0.0.1/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/+8",
                           "10.0.0.0/8/8", "/8", "x/8", "10.0.0.0/0008"}) {
    EXPECT_EQ(Cidr::Parse(text), std::nullopt) << text;
  }
}

TEST(EndpointTest, ReadsWhatItWrites) {
  for (const char* text : {"127.0.0.1:17071", "[::]:0", "[::1]:65535", "localhost:80", "unix:/a/b",
                           "unix:@name", "0.0.0.0:1"}) {
    const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
    ASSERT_TRUE(endpoint.ok()) << text << ": " << endpoint.status();
    EXPECT_EQ(endpoint->ToString(), text);
  }
}

TEST(EndpointTest, SaysWhatIsWrong) {
  const auto why = [](absl::string_view text) {
    return std::string(Endpoint::Parse(text).status().message());
  };
  EXPECT_THAT(why("127.0.0.1"), HasSubstr("the port is missing"));
  EXPECT_THAT(why("127.0.0.1:65536"), HasSubstr("from 0 to 65535"));
  EXPECT_THAT(why("127.0.0.1:-1"), HasSubstr("from 0 to 65535"));
  EXPECT_THAT(why("::1:80"), HasSubstr("must stand in brackets"));
  EXPECT_THAT(why("[127.0.0.1]:80"), HasSubstr("not an IPv6 address"));
  EXPECT_THAT(why("[::1:80"), HasSubstr("']' is missing"));
  EXPECT_THAT(why(":80"), HasSubstr("the host is missing"));
  EXPECT_THAT(why("a b:80"), HasSubstr("neither an address nor a name"));
  EXPECT_THAT(why("unix:"), HasSubstr("is missing"));
  EXPECT_THAT(why("unix:relative"), HasSubstr("must be absolute"));
}

TEST(EndpointTest, UnixNamesHaveTheLengthOfSunPath) {
  EXPECT_TRUE(Endpoint::Parse("unix:/" + std::string(106, 'a')).ok());
  EXPECT_FALSE(Endpoint::Parse("unix:/" + std::string(107, 'a')).ok());
  EXPECT_TRUE(Endpoint::Parse("unix:@" + std::string(107, 'a')).ok());
  EXPECT_FALSE(Endpoint::Parse("unix:@" + std::string(108, 'a')).ok());
}

}  // namespace
}  // namespace floodgate

#include "base/endpoint.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace floodgate {
namespace {

using Kind = Endpoint::Kind;

TEST(EndpointTest, TcpIsReadAndWritten) {
  const struct {
    const char* text;
    const char* host;
    int port;
  } cases[] = {
      {"127.0.0.1:17072", "127.0.0.1", 17072},
      {"0.0.0.0:0", "0.0.0.0", 0},
      {"[::1]:0", "::1", 0},
      {"[::]:17070", "::", 17070},
      {"[2001:db8::1]:65535", "2001:db8::1", 65535},
      {"[::ffff:192.0.2.1]:1", "::ffff:192.0.2.1", 1},
      {"localhost:80", "localhost", 80},
      {"controller-0.example.com:17070", "controller-0.example.com", 17070},
      {"example.com.:1", "example.com.", 1},
      {"my_host:1", "my_host", 1},
      {"3com.example:1", "3com.example", 1},
      {"UPPER:1", "UPPER", 1},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(c.text);
    ASSERT_TRUE(endpoint.ok()) << c.text << ": " << endpoint.status();
    EXPECT_EQ(endpoint->kind, Kind::kTcp);
    EXPECT_EQ(endpoint->host, c.host);
    EXPECT_EQ(endpoint->port, c.port);
    EXPECT_FALSE(endpoint->is_unix());
    EXPECT_EQ(endpoint->ToString(), c.text);
  }
}

TEST(EndpointTest, UnixIsReadAndWritten) {
  const std::string longest(106, 'x');
  const struct {
    std::string text;
    Kind kind;
    std::string path;
  } cases[] = {
      {"unix:/run/floodgate/admin.sock", Kind::kUnixPath, "/run/floodgate/admin.sock"},
      {"unix:@floodgate-controller", Kind::kUnixAbstract, "floodgate-controller"},
      {"unix:@name:with:colons/and/slashes", Kind::kUnixAbstract, "name:with:colons/and/slashes"},
      {"unix:/with space", Kind::kUnixPath, "/with space"},
      {"unix:@@", Kind::kUnixAbstract, "@"},
      // unix(7): 108 bytes of sun_path, one of them the NUL at the end or at the beginning.
      {"unix:/" + longest, Kind::kUnixPath, "/" + longest},
      {"unix:@y" + longest, Kind::kUnixAbstract, "y" + longest},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(c.text);
    ASSERT_TRUE(endpoint.ok()) << c.text << ": " << endpoint.status();
    EXPECT_EQ(endpoint->kind, c.kind);
    EXPECT_EQ(endpoint->path, c.path);
    EXPECT_TRUE(endpoint->is_unix());
    EXPECT_EQ(endpoint->ToString(), c.text);
  }
}

TEST(EndpointTest, WhatIsWrongIsToldWithoutTheInputAndWithWhatIsRight) {
  const struct {
    std::string text;
    const char* problem;
  } cases[] = {
      {"", "the port is missing"},
      {"localhost", "the port is missing"},
      {"127.0.0.1", "the port is missing"},
      {"[::1]", "the port is not a number from 0 to 65535"},
      {"localhost:", "the port is not a number from 0 to 65535"},
      {"localhost:65536", "the port is not a number from 0 to 65535"},
      {"localhost:99999", "the port is not a number from 0 to 65535"},
      {"localhost:4294967376", "the port is not a number from 0 to 65535"},  // 80, if it wrapped
      {"localhost:-1", "the port is not a number from 0 to 65535"},
      {"localhost:+80", "the port is not a number from 0 to 65535"},
      {"localhost: 80", "the port is not a number from 0 to 65535"},
      {"localhost:80 ", "the port is not a number from 0 to 65535"},
      {"localhost:http", "the port is not a number from 0 to 65535"},
      {"localhost:0x50", "the port is not a number from 0 to 65535"},
      {":80", "the host is missing"},
      {"[]:80", "what stands in brackets is not an IPv6 address"},
      {"[127.0.0.1]:80", "what stands in brackets is not an IPv6 address"},
      {"[localhost]:80", "what stands in brackets is not an IPv6 address"},
      {"[::1%lo]:80", "what stands in brackets is not an IPv6 address"},
      {"[[::1]]:80", "what stands in brackets is not an IPv6 address"},
      {"[::1:80", "']' is missing after the IPv6 address"},
      {"[::1]x:80", "']' is missing after the IPv6 address"},
      {"::1:80", "an IPv6 address must stand in brackets"},
      {"1:2:3:4:5:6:7:8", "an IPv6 address must stand in brackets"},
      {"10.0.0.256:80", "the host is neither an address nor a name"},
      {"1.2.3:80", "the host is neither an address nor a name"},
      {"010.0.0.1:80", "the host is neither an address nor a name"},
      {"12345:80", "the host is neither an address nor a name"},
      {"a..b:80", "the host is neither an address nor a name"},
      {".:80", "the host is neither an address nor a name"},
      {"-a:80", "the host is neither an address nor a name"},
      {"a-.example:80", "the host is neither an address nor a name"},
      {"*:80", "the host is neither an address nor a name"},
      {"a b:80", "the host is neither an address nor a name"},
      {"http://localhost:80", "an IPv6 address must stand in brackets"},
      {std::string(64, 'a') + ":80", "the host is neither an address nor a name"},
      {std::string(254, 'a') + ":80", "the host is neither an address nor a name"},
      {"unix:", "the name of the unix socket is missing"},
      {"unix:@", "the name of the unix socket is missing"},
      {"unix:relative/path", "the path of a unix socket must be absolute"},
      {"unix:/", "the path of a unix socket must not end in '/'"},
      {"unix:/run/floodgate/", "the path of a unix socket must not end in '/'"},
      {"unix:/" + std::string(107, 'x'), "has 108 bytes, and at most 107 are possible"},
      {"unix:@" + std::string(108, 'x'), "has 108 bytes, and at most 107 are possible"},
      {std::string("unix:/a\0b", 9), "a NUL byte in the socket's name"},
      {std::string("unix:@\0", 7), "a NUL byte in the socket's name"},
      {std::string("a\0b:80", 6), "the host is neither an address nor a name"},
      {"UNIX:/run/x", "the port is not a number from 0 to 65535"},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(c.text);
    ASSERT_FALSE(endpoint.ok()) << c.text;
    EXPECT_EQ(endpoint.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(absl::StrContains(endpoint.status().message(), c.problem))
        << c.text << ": " << endpoint.status().message();
    EXPECT_TRUE(absl::EndsWith(endpoint.status().message(),
                               "; expected host:port, [v6]:port, unix:/path or unix:@name"));
  }
}

TEST(EndpointTest, EveryPortThatThereIs) {
  for (int port = 0; port <= 65535; ++port) {
    const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(absl::StrCat("h:", port));
    ASSERT_TRUE(endpoint.ok()) << port;
    ASSERT_EQ(endpoint->port, port);
  }
}

TEST(EndpointTest, EqualMeansTheSameText) {
  EXPECT_EQ(*Endpoint::Parse("[::1]:80"), *Endpoint::Parse("[::1]:80"));
  EXPECT_NE(*Endpoint::Parse("[::1]:80"), *Endpoint::Parse("[::1]:81"));
  EXPECT_NE(*Endpoint::Parse("unix:/a"), *Endpoint::Parse("unix:@/a"));
}

}  // namespace
}  // namespace floodgate

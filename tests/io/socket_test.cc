#include "io/socket.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"

namespace floodgate {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::SizeIs;

Endpoint Tcp(const std::string& host, uint16_t port = 0) {
  Endpoint endpoint;
  endpoint.host = host;
  endpoint.port = port;
  return endpoint;
}

Endpoint Unix(const std::string& path, Endpoint::Kind kind = Endpoint::Kind::kUnixPath) {
  Endpoint endpoint;
  endpoint.kind = kind;
  endpoint.path = path;
  return endpoint;
}

int Option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  EXPECT_EQ(getsockopt(fd, level, name, &value, &size), 0);
  return value;
}

std::string Message(const absl::Status& status) {
  return std::string(status.message());
}

std::string Contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

bool Exists(const std::string& path) {
  return access(path.c_str(), F_OK) == 0;
}

class InDirectory : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/floodgate-socket-test-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override {
    for (const char* file : {"/socket", "/file", "/other"}) unlink((directory_ + file).c_str());
    EXPECT_EQ(rmdir(directory_.c_str()), 0) << "something was left behind";
  }
  std::string Path(const std::string& name) const { return directory_ + "/" + name; }

  std::string directory_;
};

TEST(Resolve, LiteralsNeedNoResolver) {
  const auto v4 = Resolve(Tcp("192.0.2.1", 80));
  ASSERT_TRUE(v4.ok());
  ASSERT_THAT(*v4, SizeIs(1));
  const auto peer =
      ToPeerAddress(reinterpret_cast<const sockaddr*>(v4->front().storage), v4->front().size);
  EXPECT_EQ(peer.ip, IpAddress::V4(0xc0000201));
  EXPECT_EQ(peer.port, 80);
  const auto v6 = Resolve(Tcp("2001:db8::1", 443));
  ASSERT_TRUE(v6.ok());
  EXPECT_EQ(v6->front().size, sizeof(sockaddr_in6));
  EXPECT_EQ(
      ToPeerAddress(reinterpret_cast<const sockaddr*>(v6->front().storage), v6->front().size).ip,
      *IpAddress::Parse("2001:db8::1"));
}

TEST(Resolve, LocalhostIsLoopback) {
  const auto addresses = Resolve(Tcp("localhost", 80));
  ASSERT_TRUE(addresses.ok()) << addresses.status();
  for (const SocketAddress& address : *addresses) {
    const auto peer =
        ToPeerAddress(reinterpret_cast<const sockaddr*>(address.storage), address.size);
    EXPECT_TRUE(peer.ip == IpAddress::V4(0x7f000001) || peer.ip == *IpAddress::Parse("::1"));
  }
}

TEST(Resolve, TellsWhatItCannotFind) {
  const auto nothing = Resolve(Tcp("no.such.host.invalid", 80));
  ASSERT_FALSE(nothing.ok());
  EXPECT_THAT(Message(nothing.status()), HasSubstr("cannot resolve 'no.such.host.invalid'"));
}

TEST(Resolve, UnixPathsHaveALimit) {
  EXPECT_TRUE(Resolve(Unix(std::string(107, 'x'))).ok());
  EXPECT_TRUE(Resolve(Unix(std::string(107, 'x'), Endpoint::Kind::kUnixAbstract)).ok());
  const auto too_long = Resolve(Unix(std::string(108, 'x')));
  EXPECT_EQ(too_long.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(too_long.status()), HasSubstr("1 to 107 bytes"));
  EXPECT_FALSE(Resolve(Unix("")).ok());
}

TEST(Bind, TcpIsBoundAndDoesNotListen) {
  const auto bound = Bind(Tcp("127.0.0.1"));
  ASSERT_TRUE(bound.ok()) << bound.status();
  const int fd = bound->fd.get();
  EXPECT_NE(bound->bound.port, 0);
  EXPECT_EQ(bound->bound.host, "127.0.0.1");
  EXPECT_EQ(Option(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
  EXPECT_EQ(Option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(Option(fd, SOL_SOCKET, SO_REUSEADDR), 1);
  EXPECT_LE(Option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 600);
  EXPECT_NE(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Bind, OnlyTheAnyAddressIsDualStack) {
  const auto any = Bind(Tcp("::"));
  ASSERT_TRUE(any.ok()) << any.status();
  EXPECT_EQ(Option(any->fd.get(), IPPROTO_IPV6, IPV6_V6ONLY), 0);
  const auto loopback = Bind(Tcp("::1"));
  ASSERT_TRUE(loopback.ok()) << loopback.status();
  EXPECT_EQ(Option(loopback->fd.get(), IPPROTO_IPV6, IPV6_V6ONLY), 1);
}

TEST(Bind, ATakenPortIsNamedWithTheRemedy) {
  const auto first = Bind(Tcp("127.0.0.1"));
  ASSERT_TRUE(first.ok());
  ASSERT_EQ(listen(first->fd.get(), 1), 0);
  const auto second = Bind(Tcp("127.0.0.1", first->bound.port));
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(Message(second.status()),
              HasSubstr(absl::StrCat("cannot bind 127.0.0.1:", first->bound.port,
                                     ": Address already in use (EADDRINUSE)")));
  EXPECT_THAT(Message(second.status()), HasSubstr("ss -ltnp"));
}

TEST(Bind, AForeignAddressIsRefused) {
  const auto bound = Bind(Tcp("192.0.2.1"));
  EXPECT_EQ(bound.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(bound.status()), HasSubstr("no interface of this host has that address"));
}

TEST(Bind, ALowPortNeedsACapability) {
  // As nobody, in a child, whatever this test runs as.
  const pid_t child = fork();
  if (child == 0) {
    if (getuid() == 0 && setuid(65534) != 0) _exit(2);
    const auto bound = Bind(Tcp("127.0.0.1", 1));
    const bool told = bound.status().code() == absl::StatusCode::kPermissionDenied &&
                      Message(bound.status()).find("CAP_NET_BIND_SERVICE") != std::string::npos;
    _exit(told ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  std::ifstream setting("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  int first_unprivileged = 1024;
  setting >> first_unprivileged;
  if (first_unprivileged <= 1) GTEST_SKIP() << "this host lets everybody bind every port";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(InDirectory, UnixSocketHasTheModeAskedFor) {
  const mode_t umask_before = umask(0077);
  for (const uint32_t mode : {0600U, 0660U, 0666U}) {
    const auto bound = Bind(Unix(Path("socket")), {.unix_mode = mode});
    ASSERT_TRUE(bound.ok()) << bound.status();
    struct stat status;
    ASSERT_EQ(stat(Path("socket").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, mode);
    UnlinkUnixPath(bound->bound);
    EXPECT_FALSE(Exists(Path("socket")));
  }
  umask(umask_before);
}

TEST_F(InDirectory, AStaleSocketIsReplacedAndALivingOneIsNot) {
  {
    const auto first = Bind(Unix(Path("socket")));
    ASSERT_TRUE(first.ok()) << first.status();
    ASSERT_EQ(listen(first->fd.get(), 1), 0);
    const auto second = Bind(Unix(Path("socket")));
    EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
    EXPECT_THAT(Message(second.status()), HasSubstr("already in use by a running process"));
    EXPECT_TRUE(Exists(Path("socket")));
  }
  // Its process is gone, its file is not.
  EXPECT_TRUE(Exists(Path("socket")));
  const auto third = Bind(Unix(Path("socket")));
  EXPECT_TRUE(third.ok()) << third.status();
}

TEST_F(InDirectory, ALivingSocketWithAFullQueueIsAlive) {
  const auto first = Bind(Unix(Path("socket")));
  ASSERT_TRUE(first.ok());
  ASSERT_EQ(listen(first->fd.get(), 0), 0);
  const SocketAddress address = Resolve(first->bound)->front();
  std::vector<OwnedFd> clients;
  int error = 0;
  while (error == 0 && clients.size() < 100) {
    clients.emplace_back(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    if (connect(clients.back().get(), reinterpret_cast<const sockaddr*>(address.storage),
                address.size) != 0) {
      error = errno;
    }
  }
  ASSERT_EQ(error, EAGAIN);
  EXPECT_EQ(Bind(Unix(Path("socket"))).status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(InDirectory, AFileThatIsNoSocketStays) {
  std::ofstream(Path("file")) << "precious";
  const auto bound = Bind(Unix(Path("file")));
  EXPECT_EQ(bound.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(Message(bound.status()), HasSubstr("not a socket"));
  UnlinkUnixPath(Unix(Path("file")));
  EXPECT_EQ(Contents(Path("file")), "precious");
}

TEST_F(InDirectory, AMissingDirectoryIsTold) {
  const auto bound = Bind(Unix(Path("missing/socket")));
  EXPECT_EQ(bound.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Message(bound.status()), HasSubstr("the directory of the socket must exist"));
}

TEST(Bind, AbstractSocketsHaveOneOwner) {
  const Endpoint endpoint =
      Unix(absl::StrCat("floodgate-socket-test-", getpid()), Endpoint::Kind::kUnixAbstract);
  {
    const auto first = Bind(endpoint);
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_EQ(Bind(endpoint).status().code(), absl::StatusCode::kAlreadyExists);
  }
  EXPECT_TRUE(Bind(endpoint).ok()) << "it went with its owner";
}

TEST(ToPeerAddress, KnowsTheFamilies) {
  sockaddr_in6 mapped = {};
  mapped.sin6_family = AF_INET6;
  mapped.sin6_port = htons(4711);
  mapped.sin6_addr.s6_addr[10] = 0xff;
  mapped.sin6_addr.s6_addr[11] = 0xff;
  mapped.sin6_addr.s6_addr[12] = 192;
  mapped.sin6_addr.s6_addr[15] = 7;
  const auto peer = ToPeerAddress(reinterpret_cast<const sockaddr*>(&mapped), sizeof(mapped));
  EXPECT_EQ(peer.family, PeerAddress::Family::kIp);
  EXPECT_EQ(peer.port, 4711);
  EXPECT_EQ(peer.ip, IpAddress::V4(0xc0000007));
  // Cut short, or without a name at all: no address.
  EXPECT_EQ(ToPeerAddress(reinterpret_cast<const sockaddr*>(&mapped), 4).family,
            PeerAddress::Family::kUnix);
  mapped.sin6_family = AF_UNIX;
  EXPECT_EQ(ToPeerAddress(reinterpret_cast<const sockaddr*>(&mapped), 2).family,
            PeerAddress::Family::kUnix);
}

TEST(Host, LoopbackIsAmongItsOwnAddresses) {
  const auto addresses = OwnAddresses();
  ASSERT_TRUE(addresses.ok()) << addresses.status();
  EXPECT_THAT(*addresses, Contains(IpAddress::V4(0x7f000001)));
}

TEST(Host, DescriptorLimitIsRaisedToTheHardOne) {
  rlimit saved = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &saved), 0);
  const rlimit low = {.rlim_cur = 64, .rlim_max = saved.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(RaiseDescriptorLimit(), saved.rlim_max);
  rlimit now = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &now), 0);
  EXPECT_EQ(now.rlim_cur, saved.rlim_max);
  setrlimit(RLIMIT_NOFILE, &saved);
}

TEST(Host, SomaxConnBoundsABacklog) {
  const auto limit = SomaxConn();
  ASSERT_TRUE(limit.has_value());
  EXPECT_GT(*limit, 0u);
}

// An accept queue of one overflows when more come; the counter is the host's, so it may move by
// more.
TEST(Host, ListenOverflowsAreCounted) {
  const auto before = ListenOverflows();
  ASSERT_TRUE(before.has_value());
  const auto bound = Bind(Tcp("127.0.0.1"));
  ASSERT_TRUE(bound.ok());
  ASSERT_EQ(listen(bound->fd.get(), 0), 0);
  const SocketAddress address = Resolve(bound->bound)->front();
  std::vector<OwnedFd> clients;
  // The first fills the queue; each of the others is dropped on the way in, which counts.
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    connect(clients.back().get(), reinterpret_cast<const sockaddr*>(address.storage), address.size);
  }
  // Under load the kernel looks at them a little later.
  uint64_t after = *before;
  for (int i = 0; i < 10'000 && after == *before; ++i) {
    usleep(1000);
    after = ListenOverflows().value_or(*before);
  }
  EXPECT_GT(after, *before);
}

TEST_F(InDirectory, FilesAreReplacedWhole) {
  ASSERT_TRUE(WriteFileAtomically(Path("file"), "first").ok());
  EXPECT_EQ(Contents(Path("file")), "first");
  // A reader that has the old one open keeps it whole.
  std::ifstream old(Path("file"));
  ASSERT_TRUE(WriteFileAtomically(Path("file"), "second and longer").ok());
  std::string word;
  EXPECT_TRUE(old >> word);
  EXPECT_EQ(word, "first");
  EXPECT_EQ(Contents(Path("file")), "second and longer");
  const absl::Status status = WriteFileAtomically(Path("missing/file"), "x");
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(Message(status), HasSubstr(Path("missing/file")));
  // TearDown sees that no temporary file is left.
}

}  // namespace
}  // namespace floodgate

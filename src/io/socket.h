// Making sockets from configured addresses, and the few facts about this host that start-up needs.
// All of these may block (name look-up, files); they belong to start-up and reload, never to a
// loop.
#ifndef FLOODGATE_IO_SOCKET_H_
#define FLOODGATE_IO_SOCKET_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/endpoint.h"
#include "base/fd.h"
#include "base/ip.h"
#include "io/kernel.h"

struct sockaddr;

namespace floodgate {

// All addresses that `endpoint` stands for, in the resolver's order (RFC 6724), at least one. A
// literal address and unix paths never ask a resolver. NotFound: the name has no address; with
// Unavailable trying again later may help. The message names the host.
absl::StatusOr<std::vector<SocketAddress>> Resolve(const Endpoint& endpoint);

struct BindOptions {
  // Permissions of a unix socket file. Kept from being wider even for a moment.
  uint32_t unix_mode = 0666;
};

struct BoundSocket {
  OwnedFd fd;      // Stream, bound, NOT listening; non-blocking, close-on-exec.
  Endpoint bound;  // With the port that was really bound.
};

// Binds `endpoint`; Kernel::Listen makes it listen. Until then the kernel refuses connections.
// TCP: SO_REUSEADDR (a restart need not wait for TIME_WAIT; another living listener is still an
// error), keep-alive (inherited by what is accepted), `[::]` takes IPv4 as well, other IPv6
// addresses do not. A name with several addresses binds the first.
// unix:/path: a file left by a process that has ended is removed; a living listener, or anything
// that is not a socket, is an error.
// Errors name the endpoint and the remedy: AlreadyExists (in use), PermissionDenied,
// InvalidArgument, NotFound, Unavailable.
absl::StatusOr<BoundSocket> Bind(const Endpoint& endpoint, const BindOptions& options = {});

// Removes the file of a unix:/path endpoint, for clean-up at the end; nothing for the others. A
// file that is not a socket stays.
void UnlinkUnixPath(const Endpoint& endpoint);

// The address of a peer as the kernel gave it. v4-mapped addresses need no care: see IpAddress.
// Anything but IPv4 and IPv6 is kUnix.
PeerAddress ToPeerAddress(const sockaddr* address, uint32_t size);

// What an IP socket is bound to; nullopt for others.
std::optional<PeerAddress> LocalAddress(int fd);

// The addresses of this host's interfaces, loopback among them.
absl::StatusOr<std::vector<IpAddress>> OwnAddresses();

// Raises RLIMIT_NOFILE's soft limit to the hard one; gives the limit in force then.
uint64_t RaiseDescriptorLimit();

// net.core.somaxconn of this network namespace; nullopt where it cannot be read.
std::optional<uint32_t> SomaxConn();

// TcpExt ListenOverflows of this network namespace: handshakes that found an accept queue full,
// since boot, all listeners together. nullopt where /proc/net/netstat cannot be read.
std::optional<uint64_t> ListenOverflows();

// Replaces `path` by `text` in one step: a reader sees the old file or the whole new one (written
// beside it, flushed, renamed). Mode 0644.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view text);

}  // namespace floodgate

#endif  // FLOODGATE_IO_SOCKET_H_

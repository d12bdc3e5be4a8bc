#include "io/unix_diag.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cstring>

namespace floodgate {
namespace {

struct Request {
  nlmsghdr header;
  unix_diag_req body;
};

bool SendRequest(int diag, uint32_t inode) {
  Request request = {};
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.header.nlmsg_seq = inode;
  request.body.sdiag_family = AF_UNIX;
  request.body.udiag_states = ~0U;
  request.body.udiag_ino = inode;
  request.body.udiag_show = UDIAG_SHOW_RQLEN;
  request.body.udiag_cookie[0] = ~0U;  // No cookie: the inode says enough.
  request.body.udiag_cookie[1] = ~0U;
  return send(diag, &request, sizeof(request), MSG_NOSIGNAL) == sizeof(request);
}

// The reading in one answer, nullopt if it is an error or of another question.
std::optional<QueueReading> ParseAnswer(const char* bytes, size_t size, uint32_t inode) {
  nlmsghdr header;
  if (size < NLMSG_LENGTH(sizeof(unix_diag_msg))) return std::nullopt;
  std::memcpy(&header, bytes, sizeof(header));
  if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY || header.nlmsg_len > size) return std::nullopt;
  unix_diag_msg message;
  std::memcpy(&message, bytes + NLMSG_HDRLEN, sizeof(message));
  if (message.udiag_ino != inode) return std::nullopt;
  // Attributes follow, each a header and a body, both padded to four bytes.
  size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(unix_diag_msg));
  while (at + sizeof(rtattr) <= header.nlmsg_len) {
    rtattr attribute;
    std::memcpy(&attribute, bytes + at, sizeof(attribute));
    if (attribute.rta_len < sizeof(rtattr) || at + attribute.rta_len > header.nlmsg_len) break;
    if (attribute.rta_type == UNIX_DIAG_RQLEN &&
        attribute.rta_len >= RTA_LENGTH(sizeof(unix_diag_rqlen))) {
      unix_diag_rqlen lengths;
      std::memcpy(&lengths, bytes + at + RTA_LENGTH(0), sizeof(lengths));
      return QueueReading{.depth = lengths.udiag_rqueue, .limit = lengths.udiag_wqueue};
    }
    at += RTA_ALIGN(attribute.rta_len);
  }
  return std::nullopt;
}

}  // namespace

std::optional<QueueReading> ReadUnixDiagQueue(OwnedFd& diag, int listener) {
  struct stat status;
  if (fstat(listener, &status) != 0) return std::nullopt;
  const uint32_t inode = static_cast<uint32_t>(status.st_ino);
  if (!diag.valid()) {
    diag.Reset(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG));
    if (!diag.valid()) return std::nullopt;
  }
  if (!SendRequest(diag.get(), inode)) return std::nullopt;
  // Read until nothing is left, so that an answer never lies there for the next question.
  std::optional<QueueReading> reading;
  std::array<char, 1024> answer;
  ssize_t size = 0;
  while ((size = recv(diag.get(), answer.data(), answer.size(), MSG_DONTWAIT)) > 0) {
    const auto parsed = ParseAnswer(answer.data(), static_cast<size_t>(size), inode);
    if (parsed.has_value()) reading = parsed;
  }
  return reading;
}

}  // namespace floodgate

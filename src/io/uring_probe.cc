// ProbeUring: the features that the io_uring kernel relies on, tried for real.
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "io/errno_text.h"
#include "io/socket.h"
#include "io/uring_kernel.h"

namespace floodgate {
namespace {

constexpr Duration kStepTimeLimit = Duration::Seconds(2);

// One kernel and what the steps share. A descriptor that is still open at the end is closed by it.
class Probe {
 public:
  explicit Probe(Kernel& kernel) : kernel_(kernel) {}

  absl::Status Run() {
    absl::Status status = Listen();
    if (status.ok()) status = AcceptWithoutWaiting();
    if (status.ok()) status = AcceptMultishot();
    if (status.ok()) status = ReceiveIntoRing();
    if (status.ok()) status = TimeOut();
    if (status.ok()) status = Cancel();
    return status;
  }

 private:
  static constexpr uint64_t kFirst = 1, kSecond = 2, kThird = 3;

  static absl::Status Failed(absl::string_view step, int error) {
    std::string hint;
    if (error == EINVAL || error == EOPNOTSUPP || error == EAGAIN) {
      hint = "; the kernel is too old (Linux 6.10 or later is needed)";
    } else if (error == EACCES || error == EPERM) {
      hint = "; a security module or a restriction of the ring forbids it";
    }
    return absl::UnavailableError(
        absl::StrCat("io_uring cannot be used: ", step, ": ", ErrnoText(error), hint));
  }

  // Submits and waits for the completion of `op.token`; -ETIMEDOUT if it does not come.
  Completion Perform(const Op& op) {
    if (!kernel_.Submit(op)) return {.token = op.token, .result = -ENOBUFS};
    return Await(op.token);
  }
  Completion Await(uint64_t token) {
    const auto arrived = std::find_if(arrived_.begin(), arrived_.end(),
                                      [token](const Completion& c) { return c.token == token; });
    if (arrived != arrived_.end()) {
      const Completion completion = *arrived;
      arrived_.erase(arrived);
      return completion;
    }
    const Instant give_up = kernel_.Now() + kStepTimeLimit;
    Completion completion;
    while (kernel_.Wait(give_up, absl::MakeSpan(&completion, 1)) == 1) {
      if (completion.token == token) return completion;
      arrived_.push_back(completion);
    }
    return {.token = token, .result = -ETIMEDOUT};
  }

  absl::Status Listen() {
    Endpoint loopback;
    loopback.host = "127.0.0.1";
    auto bound = Bind(loopback);
    loopback.host = "::1";
    if (!bound.ok()) bound = Bind(loopback);
    if (!bound.ok()) return bound.status();
    auto addresses = Resolve(bound->bound);
    if (!addresses.ok()) return addresses.status();
    address_ = addresses->front();
    listener_ = std::move(bound->fd);
    const int error = kernel_.Listen(listener_.get(), 8);
    return error == 0 ? absl::OkStatus() : Failed("listening on loopback", -error);
  }

  absl::StatusOr<OwnedFd> Connect() {
    OwnedFd client(kernel_.OpenSocket(address_, /*speaks_at_once=*/false));
    if (!client.valid()) return Failed("opening a socket", EMFILE);
    const Completion connected = Perform(
        {.kind = OpKind::kConnect, .fd = client.get(), .token = kFirst, .address = &address_});
    if (connected.result != 0) return Failed("connecting over loopback", -connected.result);
    return client;
  }

  absl::Status AcceptWithoutWaiting() {
    const Op accept = {.kind = OpKind::kAccept, .fd = listener_.get(), .token = kFirst};
    // A kernel that ignores the flag would wait here for ever, one that lacks it says EINVAL.
    const Completion empty = Perform(accept);
    if (empty.result != -EAGAIN) {
      return Failed("accept without waiting",
                    empty.result < 0 && empty.result != -ETIMEDOUT ? -empty.result : EINVAL);
    }
    absl::StatusOr<OwnedFd> client = Connect();
    if (!client.ok()) return client.status();
    const Completion taken = Perform(accept);
    if (taken.result < 0) return Failed("accept without waiting", -taken.result);
    const OwnedFd server(taken.result);
    return absl::OkStatus();
  }

  absl::Status AcceptMultishot() {
    if (!kernel_.Submit(
            {.kind = OpKind::kAcceptMultishot, .fd = listener_.get(), .token = kSecond})) {
      return Failed("multishot accept", ENOBUFS);
    }
    absl::StatusOr<OwnedFd> client = Connect();
    if (!client.ok()) return client.status();
    const Completion taken = Await(kSecond);
    if (taken.result < 0) return Failed("multishot accept", -taken.result);
    server_.Reset(taken.result);
    client_ = *std::move(client);
    if (!taken.more) return Failed("multishot accept", EINVAL);
    const Completion cancelled = Perform(
        {.kind = OpKind::kCancel, .fd = listener_.get(), .token = kThird, .target = kSecond});
    return cancelled.result == 0 ? absl::OkStatus()
                                 : Failed("cancelling a multishot accept", -cancelled.result);
  }

  absl::Status ReceiveIntoRing() {
    const auto text = AsBytes("probe");
    const Completion sent = Perform({.kind = OpKind::kSend,
                                     .fd = client_.get(),
                                     .token = kFirst,
                                     .data = text.data(),
                                     .size = static_cast<uint32_t>(text.size())});
    if (sent.result != static_cast<int>(text.size())) {
      return Failed("send", sent.result < 0 ? -sent.result : EINVAL);
    }
    const Completion received =
        Perform({.kind = OpKind::kReceive, .fd = server_.get(), .token = kFirst});
    if (received.result < 0) return Failed("receive into a buffer ring", -received.result);
    const bool same = received.result == static_cast<int>(text.size()) &&
                      AsText(kernel_.Buffer(received)) == AsText(text);
    if (received.result > 0) kernel_.ReleaseBuffer(received.buffer);
    return same ? absl::OkStatus() : Failed("receive into a buffer ring", EINVAL);
  }

  absl::Status TimeOut() {
    Completion completion;
    const Instant until = kernel_.Now() + Duration::Milliseconds(1);
    // What is left over from the steps before may come first; it is one completion at the most.
    for (int i = 0; i < 4; ++i) {
      if (kernel_.Wait(until, absl::MakeSpan(&completion, 1)) > 0) continue;
      return kernel_.Now() >= until ? absl::OkStatus() : Failed("waiting with a time-out", EINVAL);
    }
    return Failed("waiting with a time-out", EINVAL);
  }

  absl::Status Cancel() {
    if (!kernel_.Submit({.kind = OpKind::kReceive, .fd = server_.get(), .token = kFirst})) {
      return Failed("receive", ENOBUFS);
    }
    if (!kernel_.Submit(
            {.kind = OpKind::kCancel, .fd = server_.get(), .token = kSecond, .target = kFirst})) {
      return Failed("cancel", ENOBUFS);
    }
    const Completion received = Await(kFirst);
    return received.result == -ECANCELED ? absl::OkStatus()
                                         : Failed("cancelling a receive", -received.result);
  }

  Kernel& kernel_;
  std::vector<Completion> arrived_;  // before somebody asked for them
  SocketAddress address_;
  OwnedFd listener_;
  OwnedFd client_;
  OwnedFd server_;
};

}  // namespace

absl::Status ProbeUring() {
  // All on this thread, with as little memory as will do.
  absl::StatusOr<std::unique_ptr<Kernel>> kernel =
      UringKernel::Create({.sq_entries = 8, .cq_entries = 16, .buffers = 2, .buffer_size = 4096});
  if (!kernel.ok()) {
    return absl::Status(kernel.status().code(),
                        absl::StrCat("io_uring cannot be used: ", kernel.status().message()));
  }
  return Probe(**kernel).Run();
}

}  // namespace floodgate

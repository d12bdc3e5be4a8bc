#include "sim/watched_kernel.h"

#include "sim/scenario.h"

namespace floodgate::sim {

WatchedKernel::WatchedKernel(Kernel& inner, Network& network, Oracle& oracle, Verdict& verdict,
                             Role role)
    : ForwardingKernel(inner), network_(network), oracle_(oracle), verdict_(verdict), role_(role) {}

bool WatchedKernel::Submit(const Op& op) {
  if (!inner().Submit(op)) return false;
  if (role_ == Role::kGatekeeper) {
    OnGatekeeperSubmit(op);
  } else {
    OnWorkerSubmit(op);
  }
  return true;
}

void WatchedKernel::OnGatekeeperSubmit(const Op& op) {
  if (op.kind == OpKind::kAccept || op.kind == OpKind::kAcceptMultishot) {
    const bool agent = network_.PortOf(op.fd) != kControllerPort;
    accepts_[op.token] = agent;
    oracle_.OnAcceptAsked(agent, Now());
  } else if (op.kind == OpKind::kPoll) {
    polls_[op.token] = op.fd;
    oracle_.OnWatched(op.fd);
  }
}

void WatchedKernel::OnWorkerSubmit(const Op& op) {
  if (op.kind == OpKind::kCancel) return;
  oracle_.OnUsed(op.fd);
  // front/worker_context.h: a connection's tokens differ in their low byte alone. Its first
  // operation is on the client; so is all that comes before the backend is connected.
  const uint64_t connection = op.token >> 8;
  if (op.kind == OpKind::kReceive) clients_.emplace(connection, op.fd);
  if (op.kind != OpKind::kConnect) return;
  if (unconnected_.erase(op.fd) > 0) oracle_.OnBackendSocket(-1);
  const auto found = clients_.find(connection);
  if (found != clients_.end()) oracle_.OnHandshakeDone(found->second);
}

size_t WatchedKernel::Wait(Instant until, absl::Span<Completion> out) {
  const size_t count = inner().Wait(until, out);
  if (role_ != Role::kGatekeeper) return count;
  for (const Completion& completion : out.first(count)) {
    const auto accept = accepts_.find(completion.token);
    if (accept != accepts_.end()) {
      oracle_.OnAcceptDone(accept->second);
      if (completion.result >= 0) oracle_.OnTaken(completion.result, accept->second, Now());
    }
    const auto poll = polls_.find(completion.token);
    if (poll != polls_.end()) {
      oracle_.OnReadable(poll->second);
      polls_.erase(poll);
    }
  }
  return count;
}

int WatchedKernel::OpenSocket(const SocketAddress& address, bool speaks_at_once) {
  const int fd = inner().OpenSocket(address, speaks_at_once);
  if (fd >= 0 && unconnected_.insert(fd).second) oracle_.OnBackendSocket(1);
  return fd;
}

void WatchedKernel::OnGone(int fd) {
  finished_.erase(fd);
  if (unconnected_.erase(fd) > 0) oracle_.OnBackendSocket(-1);
}

void WatchedKernel::Close(int fd) {
  oracle_.OnLeft(fd, /*reset=*/false, Now());
  OnGone(fd);
  inner().Close(fd);
}

void WatchedKernel::Reset(int fd) {
  oracle_.OnLeft(fd, /*reset=*/true, Now());
  OnGone(fd);
  inner().Reset(fd);
}

void WatchedKernel::Forget(int fd) {
  oracle_.OnAdmitted(fd, Now());
  inner().Forget(fd);
}

void WatchedKernel::Shutdown(int fd, bool both) {
  if (!finished_.insert(fd).second) verdict_.Fail("fin", "is sent twice on ", fd);
  inner().Shutdown(fd, both);
}

}  // namespace floodgate::sim

// Kernels and TLS that are spoiled.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "sim/forwarding_kernel.h"
#include "sim/mutants.h"

namespace floodgate::sim {
namespace {

class DeafWaker final : public Waker {
 public:
  void Wake() override {}
};

class SpoiledKernel final : public ForwardingKernel {
 public:
  SpoiledKernel(Spoil spoil, Kernel& inner) : ForwardingKernel(inner), spoil_(spoil) {}

  bool Submit(const Op& op) override;
  size_t Wait(Instant until, absl::Span<Completion> out) override;
  Waker& waker() override { return spoil_ == Spoil::kWakeLost ? deaf_ : ForwardingKernel::waker(); }
  void Reset(int fd) override {
    if (spoil_ != Spoil::kHandleLeaked) ForwardingKernel::Reset(fd);
  }
  void Shutdown(int fd, bool both) override;
  QueueReading ReadQueue(int listener) override;
  ConnectionReading ReadConnection(int fd) override;

 private:
  // Does to a completion what the mutant does. False: it gets lost.
  bool Pass(Completion& completion);

  Spoil spoil_;
  DeafWaker deaf_;
  absl::flat_hash_set<uint64_t> ended_;  // multishots
  struct Send {
    uint64_t token;
    uint32_t size;
  };
  std::vector<Send> sends_;  // in flight
  std::vector<uint64_t> connects_;
  absl::flat_hash_set<uint64_t> receives_;
  PeerAddress peer_;  // of the accept before
};

bool SpoiledKernel::Submit(const Op& op) {
  if (spoil_ == Spoil::kCancelLost && op.kind == OpKind::kCancel) return true;
  if (spoil_ == Spoil::kRearmLost && op.kind == OpKind::kAcceptMultishot) {
    if (ended_.contains(op.token)) return true;
  }
  if (!inner().Submit(op)) return false;
  if (op.kind == OpKind::kSend) sends_.push_back({op.token, op.size});
  if (op.kind == OpKind::kReceive) receives_.insert(op.token);
  if (op.kind == OpKind::kConnect) connects_.push_back(op.token);
  if (op.kind == OpKind::kAcceptMultishot) ended_.insert(op.token);
  return true;
}

size_t SpoiledKernel::Wait(Instant until, absl::Span<Completion> out) {
  const size_t count = inner().Wait(until, out);
  size_t kept = 0;
  for (size_t i = 0; i < count; ++i) {
    if (Pass(out[i])) out[kept++] = out[i];
  }
  return kept;
}

bool SpoiledKernel::Pass(Completion& completion) {
  const auto send = std::find_if(sends_.begin(), sends_.end(),
                                 [&](const Send& sent) { return sent.token == completion.token; });
  if (send != sends_.end()) {
    if (spoil_ == Spoil::kShortSendIgnored && completion.result > 0) {
      completion.result = static_cast<int32_t>(send->size);
    }
    sends_.erase(send);
  }
  const auto connect = std::find(connects_.begin(), connects_.end(), completion.token);
  if (connect != connects_.end()) {
    connects_.erase(connect);
    if (spoil_ == Spoil::kBackendUnchecked) completion.result = 0;
  }
  if (spoil_ == Spoil::kNoBuffersLost && completion.result == -ENOBUFS) return false;
  if (spoil_ == Spoil::kAbortedLost && completion.result == -ECONNABORTED) return false;
  const bool received = receives_.erase(completion.token) > 0 && completion.result > 1;
  if (spoil_ == Spoil::kBytesSwapped && received) {
    const absl::Span<std::byte> bytes = inner().Buffer(completion);
    std::swap(bytes[bytes.size() - 1], bytes[bytes.size() - 2]);
  }
  if (spoil_ == Spoil::kPeersMixed && completion.peer.family == PeerAddress::Family::kIp) {
    const PeerAddress peer = std::exchange(peer_, completion.peer);
    if (peer.family == PeerAddress::Family::kIp) completion.peer = peer;
  }
  return true;
}

void SpoiledKernel::Shutdown(int fd, bool both) {
  if (spoil_ == Spoil::kFinLost) return;
  ForwardingKernel::Shutdown(fd, both);
  if (spoil_ == Spoil::kFinTwice) ForwardingKernel::Shutdown(fd, both);
}

QueueReading SpoiledKernel::ReadQueue(int listener) {
  QueueReading reading = ForwardingKernel::ReadQueue(listener);
  if (spoil_ == Spoil::kQueueUnderread && reading.depth > 0) --reading.depth;
  return reading;
}

ConnectionReading SpoiledKernel::ReadConnection(int fd) {
  ConnectionReading reading = ForwardingKernel::ReadConnection(fd);
  if (spoil_ == Spoil::kGoneUnseen && reading.state == ConnectionReading::State::kGone) {
    reading.state = ConnectionReading::State::kTalking;
  }
  return reading;
}

class SpoiledSession final : public TlsSession {
 public:
  SpoiledSession(Spoil spoil, std::unique_ptr<TlsSession> inner)
      : spoil_(spoil), inner_(std::move(inner)) {}

  TlsState Receive(absl::Span<const std::byte> in, ByteSink& plain, ByteSink& cipher) override {
    const TlsState state = inner_->Receive(in, plain, cipher);
    if (spoil_ == Spoil::kEarlySpeech && state == TlsState::kHandshaking && !cipher.empty()) {
      plain.Append(in);
      return TlsState::kEstablished;
    }
    const bool done = state == TlsState::kEstablished && !std::exchange(established_, true);
    if (spoil_ == Spoil::kRecordLost && done) {
      plain.size = 0;
      plain.overflow.clear();
    }
    return state;
  }
  bool Send(absl::Span<const std::byte> plain, ByteSink& cipher) override {
    return inner_->Send(plain, cipher);
  }
  void Close(ByteSink& cipher) override { inner_->Close(cipher); }
  const TlsFacts& facts() const override { return inner_->facts(); }
  std::string error() const override { return inner_->error(); }

 private:
  Spoil spoil_;
  std::unique_ptr<TlsSession> inner_;
  bool established_ = false;
};

class SpoiledContext final : public TlsContext {
 public:
  SpoiledContext(Spoil spoil, std::unique_ptr<TlsContext> inner)
      : spoil_(spoil), inner_(std::move(inner)) {}
  std::unique_ptr<TlsSession> NewSession(bool controller) override {
    return std::make_unique<SpoiledSession>(spoil_, inner_->NewSession(controller));
  }

 private:
  Spoil spoil_;
  std::unique_ptr<TlsContext> inner_;
};

}  // namespace

std::unique_ptr<Kernel> SpoilKernel(const Mutant& mutant, Kernel& inner) {
  switch (mutant.spoil) {
    case Spoil::kNothing:
    case Spoil::kTimersLost:
    case Spoil::kEarlySpeech:
    case Spoil::kRecordLost:
    case Spoil::kHoldLost:
    case Spoil::kReloadLost:
      return nullptr;
    default:
      return std::make_unique<SpoiledKernel>(mutant.spoil, inner);
  }
}

std::unique_ptr<TlsContext> SpoilTls(const Mutant& mutant, std::unique_ptr<TlsContext> inner) {
  if (mutant.spoil != Spoil::kEarlySpeech && mutant.spoil != Spoil::kRecordLost) return inner;
  return std::make_unique<SpoiledContext>(mutant.spoil, std::move(inner));
}

}  // namespace floodgate::sim

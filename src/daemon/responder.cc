#include "daemon/responder.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <random>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/fd.h"
#include "front/proxy_protocol_reader.h"
#include "io/engine.h"
#include "io/socket.h"

namespace floodgate {
namespace {

enum class Kind : uint8_t { kAccepted = 1, kReceived, kSent };
constexpr uint64_t kListenerToken = static_cast<uint64_t>(Kind::kAccepted);

uint64_t Token(SlotHandle handle, Kind kind) {
  return (handle.Pack() << 8) | static_cast<uint64_t>(kind);
}

// Headers this long are not a request that anybody sends to a demo.
constexpr size_t kInputMaxBytes = size_t{64} * 1024;

}  // namespace

absl::StatusOr<std::unique_ptr<Responder>> Responder::Start() {
  std::unique_ptr<Responder> responder(new Responder);
  std::random_device random;
  Endpoint endpoint{.kind = Endpoint::Kind::kUnixAbstract,
                    .host = "",
                    .path = absl::StrCat("floodgate-demo-", ::getpid(), "-", random())};
  absl::StatusOr<BoundSocket> bound = Bind(endpoint);
  if (!bound.ok()) return bound.status();
  absl::StatusOr<std::unique_ptr<Kernel>> kernel = CreateKernel(EngineKind::kEpoll);
  if (!kernel.ok()) return kernel.status();
  if (::listen(bound->fd.get(), SOMAXCONN) != 0) {
    return absl::UnavailableError("cannot listen for the demo's backend");
  }
  responder->address_ = bound->bound;
  responder->listener_ = bound->fd.Release();
  responder->kernel_ = *std::move(kernel);
  responder->thread_ = std::thread([&self = *responder] { self.Run(); });
  return responder;
}

Responder::~Responder() {
  if (thread_.joinable()) {
    exit_.store(true, std::memory_order_release);
    kernel_->waker().Wake();
    thread_.join();
  }
  kernel_.reset();  // Cancels what is in flight; then nothing refers to the sockets any more.
  clients_.ForEach([](SlotHandle, Client& client) { OwnedFd(client.fd).Reset(); });
  OwnedFd(listener_).Reset();
}

void Responder::Submit(const Op& op) {
  std::array<Completion, 16> batch;
  while (!kernel_->Submit(op)) {  // Rare: room comes by harvesting.
    const size_t count = kernel_->Wait(kernel_->Now(), absl::MakeSpan(batch));
    for (size_t i = 0; i < count; ++i) Dispatch(batch[i]);
  }
}

void Responder::Run() {
  std::array<Completion, 64> batch;
  Submit({.kind = OpKind::kAcceptMultishot, .fd = listener_, .token = kListenerToken});
  while (!exit_.load(std::memory_order_acquire)) {
    const size_t count = kernel_->Wait(Instant::Never(), absl::MakeSpan(batch));
    for (size_t i = 0; i < count; ++i) Dispatch(batch[i]);
  }
}

void Responder::Dispatch(const Completion& completion) {
  if (completion.token == kWakeToken) return;
  if (completion.token == kListenerToken) {
    if (completion.result >= 0) Accept(completion.result);
    if (!completion.more && !exit_.load(std::memory_order_acquire)) {
      Submit({.kind = OpKind::kAcceptMultishot, .fd = listener_, .token = kListenerToken});
    }
    return;
  }
  const SlotHandle handle = SlotHandle::Unpack(completion.token >> 8);
  Client& client = *clients_.Get(handle);
  if (static_cast<Kind>(completion.token & 0xff) == Kind::kReceived) {
    return OnReceived(handle, client, completion);
  }
  client.sending = false;
  if (completion.result < 0) return Close(handle, client);
  client.output.erase(0, static_cast<size_t>(completion.result));
  Answer(handle, client);
}

void Responder::Accept(int fd) {
  const SlotHandle handle = clients_.Insert();
  Client& client = *clients_.Get(handle);
  client.fd = fd;
  Receive(handle, client);
}

void Responder::Receive(SlotHandle handle, const Client& client) {
  Submit({.kind = OpKind::kReceive, .fd = client.fd, .token = Token(handle, Kind::kReceived)});
}

void Responder::OnReceived(SlotHandle handle, Client& client, const Completion& completion) {
  if (completion.result == -ENOBUFS) return Receive(handle, client);
  if (completion.result < 0) return Close(handle, client);
  if (completion.result == 0) {
    client.ended = true;
  } else {
    absl::StrAppend(&client.input, AsText(kernel_->Buffer(completion)));
    kernel_->ReleaseBuffer(completion.buffer);
    if (client.input.size() > kInputMaxBytes) return Close(handle, client);
  }
  Answer(handle, client);
}

// One request at a time: while an answer is being sent, nothing is received.
void Responder::Answer(SlotHandle handle, Client& client) {
  if (!client.introduced) {
    const ProxyParse parsed = ParseProxyV2(AsBytes(client.input));
    if (parsed.state == ProxyParse::State::kInvalid) return Close(handle, client);
    if (parsed.state == ProxyParse::State::kComplete) {
      client.introduced = true;
      client.name = absl::StrCat(parsed.listener, " ", parsed.source.ToString());
      client.input.erase(0, parsed.size);
    }
  }
  const size_t end = client.input.find("\r\n\r\n");
  if (client.output.empty() && client.introduced && end != std::string::npos) {
    client.input.erase(0, end + 4);
    const std::string body = absl::StrCat("hello ", client.name, "\n");
    client.output =
        absl::StrCat("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ", body.size(),
                     "\r\n\r\n", body);
  }
  if (!client.output.empty()) {
    client.sending = true;
    return Submit({.kind = OpKind::kSend,
                   .fd = client.fd,
                   .token = Token(handle, Kind::kSent),
                   .data = AsBytes(client.output).data(),
                   .size = static_cast<uint32_t>(client.output.size())});
  }
  if (client.ended) return Close(handle, client);
  Receive(handle, client);
}

void Responder::Close(SlotHandle handle, Client& client) {
  kernel_->Close(client.fd);
  clients_.Erase(handle);
}

}  // namespace floodgate

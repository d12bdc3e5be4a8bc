#include "tests/e2e/test_backend.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/check.h"

namespace floodgate::e2e {

TestBackend::TestBackend(Handler handler)
    : TestBackend(Options{
          .address = "127.0.0.1:0", .proxy_protocol = true, .handler = std::move(handler)}) {}

TestBackend::TestBackend(Options options) : options_(std::move(options)) {
  RaiseDescriptorLimit();
  ListeningSocket listening = Listen(options_.address);
  listener_ = std::move(listening.fd);
  address_ = listening.address;
  stop_ = OwnedFd(::eventfd(0, EFD_CLOEXEC));
  thread_ = std::thread([this] { Accept(); });
}

TestBackend::~TestBackend() {
  const uint64_t one = 1;
  FG_CHECK(::write(stop_.get(), &one, sizeof one) == sizeof one);
  thread_.join();
  std::unique_lock lock(mutex_);
  for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);  // Wakes their threads.
  changed_.wait(lock, [this] { return threads_ == 0; });
}

void TestBackend::Accept() {
  while (true) {
    std::array<pollfd, 2> fds = {pollfd{.fd = listener_.get(), .events = POLLIN, .revents = 0},
                                 pollfd{.fd = stop_.get(), .events = POLLIN, .revents = 0}};
    ::poll(fds.data(), fds.size(), -1);
    if (fds[1].revents != 0) return;
    OwnedFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd.valid()) continue;
    {
      const std::scoped_lock lock(mutex_);
      ++accepted_;
      ++threads_;
      open_.insert(fd.get());
    }
    std::thread([this, raw = fd.Release()] { Serve(OwnedFd(raw)); }).detach();
  }
}

void TestBackend::Serve(OwnedFd fd) {
  const int number = fd.get();
  Client connection(std::move(fd));
  bool failed = false;
  try {
    const Introduction introduction = Introduce(connection);
    {
      const std::scoped_lock lock(mutex_);
      introductions_.push_back(introduction);
      changed_.notify_all();
    }
    options_.handler(connection, introduction);
  } catch (const std::exception&) {  // A test that cares looks at what its client got.
    failed = true;
  }
  // Under the lock: the number must not be reused while it is in the set.
  const std::scoped_lock lock(mutex_);
  open_.erase(number);
  if (failed && connection.valid()) {
    connection.Reset();
  } else {
    connection.Close();
  }
  --threads_;
  changed_.notify_all();
}

Introduction TestBackend::Introduce(Client& connection) const {
  Introduction introduction;
  if (!options_.proxy_protocol) return introduction;
  // Byte by byte as far as the length, so that nothing behind the header is taken.
  std::string& raw = introduction.raw;
  raw = connection.ReceiveExactly(16);
  const size_t length = static_cast<uint8_t>(raw[14]) * 256U + static_cast<uint8_t>(raw[15]);
  raw += connection.ReceiveExactly(length);
  introduction.header = ParseProxyV2(AsBytes(raw));
  Require(introduction.header.state == ProxyParse::State::kComplete,
          "not a PROXY header: " + introduction.header.error);
  return introduction;
}

std::vector<Introduction> TestBackend::introductions() const {
  const std::scoped_lock lock(mutex_);
  return introductions_;
}

std::vector<Introduction> TestBackend::AwaitIntroductions(size_t count) const {
  std::unique_lock lock(mutex_);
  Require(changed_.wait_for(lock, kPatience, [&] { return introductions_.size() >= count; }),
          absl::StrCat("only ", introductions_.size(), " of ", count, " reached the backend"));
  return introductions_;
}

size_t TestBackend::open() const {
  const std::scoped_lock lock(mutex_);
  return open_.size();
}

size_t TestBackend::accepted() const {
  const std::scoped_lock lock(mutex_);
  return accepted_;
}

void TestBackend::Echo(Client& connection, const Introduction& /*introduction*/) {
  // Idle connections wait for as long as the test holds them: the client or the end wakes us.
  constexpr std::chrono::milliseconds kForever{3'600'000};
  while (true) {
    const Received received = connection.Receive(65'536, kForever);
    if (received.kind != Received::Kind::kBytes) break;
    connection.Send(received.bytes);
  }
  connection.FinishSending();
}

void TestBackend::AnswerHttp(Client& connection, const Introduction& introduction) {
  std::string request;
  while (true) {
    const Received received = connection.Receive(65'536, std::chrono::milliseconds(3'600'000));
    if (received.kind != Received::Kind::kBytes) return;
    request += received.bytes;
    const size_t end = request.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    request.erase(0, end + 4);
    const std::string body = introduction.header.source.ToString() + "\n";
    connection.Send(absl::StrCat("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ",
                                 body.size(), "\r\n\r\n", body));
  }
}

}  // namespace floodgate::e2e

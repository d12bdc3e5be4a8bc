#include "admin/http_loop.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace floodgate {
namespace {

Instant Now() {
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(
              std::chrono::steady_clock::now().time_since_epoch())
              .count()};
}

// Whole requests on their way to the answering threads, and answers on their way back.
class Exchange {
 public:
  struct Question {
    uint64_t connection = 0;
    HttpRequest request;
    std::shared_ptr<const std::atomic<bool>> cancelled;
  };
  struct Reply {
    uint64_t connection = 0;
    std::string bytes;
  };

  explicit Exchange(int wake_fd) : wake_fd_(wake_fd) {}

  void Ask(Question question) {
    {
      const std::lock_guard lock(mutex_);
      questions_.push_back(std::move(question));
    }
    asked_.notify_one();
  }

  // Blocks for the next question. False: closed, and none is left.
  bool Next(Question& question) {
    std::unique_lock lock(mutex_);
    asked_.wait(lock, [this] { return closed_ || !questions_.empty(); });
    if (questions_.empty()) return false;
    question = std::move(questions_.front());
    questions_.pop_front();
    return true;
  }

  void Return(Reply reply) {
    const std::lock_guard lock(mutex_);
    replies_.push_back(std::move(reply));
    Wake();
  }

  std::vector<Reply> TakeReplies() {
    const std::lock_guard lock(mutex_);
    return std::exchange(replies_, {});
  }

  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    asked_.notify_all();
    Wake();
  }

  bool closed() {
    const std::lock_guard lock(mutex_);
    return closed_;
  }

 private:
  void Wake() const {
    const uint64_t one = 1;
    // Fails only if the counter is full, and then the loop is awake.
    [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof(one));
  }

  const int wake_fd_;
  // The standard's, which ThreadSanitizer knows: an abseil library that is not built with it hides
  // its locks from it.
  std::mutex mutex_;  // of all below
  std::condition_variable asked_;
  std::deque<Question> questions_;
  std::vector<Reply> replies_;
  bool closed_ = false;
};

struct Connection {
  enum class State { kReading, kAnswering, kWriting, kLingering, kClosed };
  State state = State::kReading;
  OwnedFd fd;
  Instant deadline;
  HttpRequestReader reader;
  std::shared_ptr<std::atomic<bool>> cancelled = std::make_shared<std::atomic<bool>>(false);
  std::string output;
  size_t sent = 0;
};

class PollLoop final : public HttpLoop {
 public:
  PollLoop(OwnedFd listener, OwnedFd wake, const Limits& limits, Answer answer,
           AnswerRejection answer_rejection)
      : listener_(std::move(listener)),
        wake_(std::move(wake)),
        limits_(limits),
        answer_(std::move(answer)),
        answer_rejection_(std::move(answer_rejection)),
        exchange_(wake_.get()) {}

  ~PollLoop() override { Stop(); }

  void Start() override {
    loop_thread_ = std::thread([this] { Run(); });
    for (int i = 0; i < limits_.threads; ++i) {
      answering_threads_.emplace_back([this] { AnswerQuestions(); });
    }
  }

  void Stop() override {
    exchange_.Close();
    if (loop_thread_.joinable()) loop_thread_.join();
    for (std::thread& thread : answering_threads_) thread.join();
    answering_threads_.clear();
    // Whoever still waits in the kernel is let go now, not when this object ends.
    listener_.Reset();
  }

 private:
  void AnswerQuestions() {
    Exchange::Question question;
    while (exchange_.Next(question)) {
      exchange_.Return({.connection = question.connection,
                        .bytes = answer_(question.request, *question.cancelled)});
    }
  }

  void Run() {
    while (!exchange_.closed()) Turn();
    // What was asked is still answered: the client that asked for the stop wants to hear so.
    stop_at_ = Now() + limits_.stop_time;
    for (auto& [id, connection] : connections_) connection.cancelled->store(true);
    DropUnasked();
    while (!connections_.empty() && Now() < stop_at_) {
      Turn();
      DropUnasked();
    }
    connections_.clear();
  }

  void DropUnasked() {
    std::erase_if(connections_, [](const auto& entry) { return GivesWay(entry.second); });
  }

  void Turn() {
    const std::vector<uint64_t> polled = Poll();
    const Instant now = Now();
    for (size_t i = 0; i < polled.size(); ++i) {
      Connection& connection = connections_.at(polled[i]);
      if (poll_fds_[i + 2].revents != 0) Step(polled[i], connection, poll_fds_[i + 2].revents, now);
      if (now >= connection.deadline) Close(connection);
    }
    if (poll_fds_[0].revents != 0) TakeReplies(now);
    std::erase_if(connections_, [](const auto& entry) {
      return entry.second.state == Connection::State::kClosed;
    });
    if (poll_fds_[1].revents != 0) AcceptAll(now);
  }

  // Waits for the next event. poll_fds_ is then: wake-up, listener, and the connections returned.
  std::vector<uint64_t> Poll() {
    Instant until = std::min(accept_again_, stop_at_);
    std::vector<uint64_t> polled;
    const bool accepting =
        accept_again_ == Instant::Never() && stop_at_ == Instant::Never() && HasRoom();
    poll_fds_ = {{.fd = wake_.get(), .events = POLLIN, .revents = 0},
                 {.fd = accepting ? listener_.get() : -1, .events = POLLIN, .revents = 0}};
    for (const auto& [id, connection] : connections_) {
      polled.push_back(id);
      until = std::min(until, connection.deadline);
      poll_fds_.push_back(
          {.fd = connection.fd.get(), .events = EventsOf(connection), .revents = 0});
    }
    int timeout_ms = -1;
    if (until != Instant::Never()) {
      const int64_t wait_ns = std::max<int64_t>(0, (until - Now()).ns);
      timeout_ms = static_cast<int>((wait_ns + 999'999) / 1'000'000);
    }
    if (::poll(poll_fds_.data(), poll_fds_.size(), timeout_ms) < 0) {
      for (pollfd& entry : poll_fds_) entry.revents = 0;  // EINTR, ENOMEM: as if nothing came.
    }
    if (Now() >= accept_again_) accept_again_ = Instant::Never();
    return polled;
  }

  static short EventsOf(const Connection& connection) {
    switch (connection.state) {
      case Connection::State::kReading:
      case Connection::State::kLingering:
        return POLLIN;
      case Connection::State::kAnswering:
        // Only whether it is still there; POLLHUP and POLLERR come by themselves.
        return connection.cancelled->load() ? short{0} : short{POLLRDHUP};
      case Connection::State::kWriting:
        return POLLOUT;
      case Connection::State::kClosed:
        break;
    }
    return 0;
  }

  void Step(uint64_t id, Connection& connection, short events, Instant now) {
    switch (connection.state) {
      case Connection::State::kReading:
        return Read(id, connection, now);
      case Connection::State::kAnswering:
        if ((events & (POLLHUP | POLLERR)) != 0) return Close(connection);
        // It closed its half: most likely it has gone, but one that only had no more to say still
        // gets its answer. A long poll ends.
        return connection.cancelled->store(true);
      case Connection::State::kWriting:
        return Write(connection, now);
      case Connection::State::kLingering:
        return Discard(connection);
      case Connection::State::kClosed:
        return;
    }
  }

  void Read(uint64_t id, Connection& connection, Instant now) {
    std::array<char, 16'384> buffer;
    const ssize_t count = ::recv(connection.fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) return Close(connection);
    const auto state = connection.reader.Feed({buffer.data(), static_cast<size_t>(count)});
    if (connection.reader.TakeContinueWanted()) {
      // Into an empty socket buffer: it fits, or the client is gone.
      constexpr absl::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      ::send(connection.fd.get(), kContinue.data(), kContinue.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    if (state == HttpRequestReader::State::kRejected) {
      Reply(connection, answer_rejection_(connection.reader.rejection()), now);
    } else if (state == HttpRequestReader::State::kDone) {
      connection.state = Connection::State::kAnswering;
      connection.deadline = Instant::Never();
      exchange_.Ask({.connection = id,
                     .request = std::move(connection.reader.request()),
                     .cancelled = connection.cancelled});
    }
  }

  void TakeReplies(Instant now) {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t taken = ::read(wake_.get(), &count, sizeof(count));
    for (Exchange::Reply& reply : exchange_.TakeReplies()) {
      const auto found = connections_.find(reply.connection);
      if (found == connections_.end()) continue;
      if (found->second.state != Connection::State::kAnswering) continue;
      Reply(found->second, std::move(reply.bytes), now);
    }
  }

  void Reply(Connection& connection, std::string bytes, Instant now) {
    connection.state = Connection::State::kWriting;
    connection.deadline = now + limits_.answer_time;
    connection.output = std::move(bytes);
    Write(connection, now);
  }

  void Write(Connection& connection, Instant now) {
    while (connection.sent < connection.output.size()) {
      const ssize_t count =
          ::send(connection.fd.get(), connection.output.data() + connection.sent,
                 connection.output.size() - connection.sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EAGAIN) return;
      if (count < 0) return Close(connection);
      connection.sent += static_cast<size_t>(count);
    }
    ::shutdown(connection.fd.get(), SHUT_WR);
    connection.state = Connection::State::kLingering;
    connection.deadline = now + limits_.linger_time;
  }

  void Discard(Connection& connection) {
    std::array<char, 16'384> buffer;
    const ssize_t count = ::recv(connection.fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) Close(connection);
  }

  // The map's entry goes at the end of the turn.
  static void Close(Connection& connection) {
    connection.cancelled->store(true);
    connection.fd.Reset();
    connection.state = Connection::State::kClosed;
    connection.deadline = Instant::Never();
  }

  static bool GivesWay(const Connection& connection) {
    return connection.state == Connection::State::kReading ||
           connection.state == Connection::State::kLingering;
  }

  bool HasRoom() const {
    return connections_.size() < static_cast<size_t>(kConnectionsMax) ||
           std::any_of(connections_.begin(), connections_.end(),
                       [](const auto& entry) { return GivesWay(entry.second); });
  }

  void AcceptAll(Instant now) {
    // Bounded: those whose request is already here are read before more are taken.
    for (int i = 0; i < kConnectionsMax / 4 && HasRoom(); ++i) {
      OwnedFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!fd.valid()) {
        const bool out_of_something =
            errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        // At once it would fail again: a turn of the loop without an end.
        if (out_of_something) accept_again_ = now + Duration::Milliseconds(100);
        return;
      }
      if (connections_.size() >= static_cast<size_t>(kConnectionsMax)) {
        // Ids ascend with age: the first is the oldest.
        connections_.erase(std::find_if(connections_.begin(), connections_.end(),
                                        [](const auto& entry) { return GivesWay(entry.second); }));
      }
      Connection& connection = connections_[next_id_++];
      connection.fd = std::move(fd);
      connection.deadline = now + limits_.request_time;
    }
  }

  OwnedFd listener_;
  const OwnedFd wake_;
  const Limits limits_;
  const Answer answer_;
  const AnswerRejection answer_rejection_;
  Exchange exchange_;
  // The loop's thread alone from here on.
  std::map<uint64_t, Connection> connections_;
  std::vector<pollfd> poll_fds_;
  uint64_t next_id_ = 1;
  Instant accept_again_ = Instant::Never();  // after running out of descriptors
  Instant stop_at_ = Instant::Never();       // stopping: when the last answers must be out

  std::thread loop_thread_;
  std::vector<std::thread> answering_threads_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpLoop>> HttpLoop::Create(OwnedFd listener, const Limits& limits,
                                                           Answer answer,
                                                           AnswerRejection answer_rejection) {
  OwnedFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "cannot make an event descriptor for the admin interface: ", std::strerror(errno),
        "; raise the limit of descriptors"));
  }
  return std::make_unique<PollLoop>(std::move(listener), std::move(wake), limits, std::move(answer),
                                    std::move(answer_rejection));
}

}  // namespace floodgate

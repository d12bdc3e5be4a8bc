// Clients that misbehave, and what they cannot do to the others.
#include "admin/http_loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <latch>
#include <thread>
#include <vector>

#include "admin/listen_socket.h"
#include "admin/metrics.h"
#include "tests/admin/raw_client.h"

namespace floodgate {
namespace {

constexpr char kRequest[] = "GET / HTTP/1.1\r\n\r\n";
constexpr char kAnswer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

class HttpLoopTest : public ::testing::Test {
 protected:
  void Start(HttpLoop::Limits limits, HttpLoop::Answer answer) {
    absl::StatusOr<ListenSocket> socket = ListenForAdmin(*Endpoint::Parse("127.0.0.1:0"), 0);
    ASSERT_TRUE(socket.ok()) << socket.status();
    endpoint_ = socket->bound;
    loop_ = *HttpLoop::Create(std::move(socket->fd), limits, std::move(answer),
                              [](const HttpRequestReader::Rejection&) {
                                return std::string("HTTP/1.1 400 Bad\r\n\r\n");
                              });
    loop_->Start();
  }
  void StartSimple(HttpLoop::Limits limits) {
    Start(limits, [](const HttpRequest&, const std::atomic<bool>&) { return kAnswer; });
  }
  int StatusNow() {
    RawClient client(endpoint_);
    client.Send(kRequest);
    return client.ReadResponse().status;
  }

  Endpoint endpoint_;
  std::unique_ptr<HttpLoop> loop_;
};

// A time that no test reaches.
constexpr Duration kLong = Duration::Seconds(3600);

TEST_F(HttpLoopTest, ASilentClientIsLetGo) {
  StartSimple({.request_time = Duration::Milliseconds(50)});
  RawClient silent(endpoint_);
  EXPECT_EQ(silent.ReadAll(), "");
}

TEST_F(HttpLoopTest, ATricklingClientIsLetGo) {
  StartSimple({.request_time = Duration::Milliseconds(50)});
  RawClient trickler(endpoint_);
  // The time is of the whole request: a byte now and then does not lengthen it.
  for (int i = 0; i < 4000 && !trickler.Readable(5); ++i) trickler.Send("X");
  EXPECT_TRUE(trickler.Readable(0)) << "closed, long before its head would be too long";
  EXPECT_EQ(trickler.ReadAll(), "");
  EXPECT_EQ(StatusNow(), 200);
}

TEST_F(HttpLoopTest, SilentClientsHoldNoThread) {
  // Far more of them than answering threads, none of which ever times out.
  StartSimple({.threads = 1, .request_time = kLong});
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 0; i < 100; ++i) {
    silent.push_back(std::make_unique<RawClient>(endpoint_));
    silent.back()->Send("POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf of a bo");
  }
  EXPECT_EQ(StatusNow(), 200);
}

TEST_F(HttpLoopTest, PastTheBoundTheOldestGivesWay) {
  StartSimple({.request_time = kLong});
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 0; i < HttpLoop::kConnectionsMax; ++i) {
    silent.push_back(std::make_unique<RawClient>(endpoint_));
  }
  EXPECT_EQ(StatusNow(), 200);
  EXPECT_EQ(silent[0]->ReadAll(), "");
  // The youngest was not touched.
  silent.back()->Send(kRequest);
  EXPECT_EQ(silent.back()->ReadResponse().status, 200);
}

TEST_F(HttpLoopTest, WhoDoesNotReadHoldsNoThread) {
  const std::string large(32 << 20, 'x');  // More than the sockets' buffers take.
  Start({.threads = 1, .answer_time = kLong},
        [&large](const HttpRequest& request, const std::atomic<bool>&) {
          return request.request_line == "GET /large HTTP/1.1" ? large : std::string(kAnswer);
        });
  RawClient lazy(endpoint_);
  lazy.Send("GET /large HTTP/1.1\r\n\r\n");
  EXPECT_EQ(lazy.ReadSome().substr(0, 1), "x") << "its answer is on its way";
  EXPECT_EQ(StatusNow(), 200);
}

TEST_F(HttpLoopTest, WhoDoesNotReadIsLetGo) {
  const std::string large(32 << 20, 'x');
  Start({.answer_time = Duration::Milliseconds(50)},
        [&large](const HttpRequest&, const std::atomic<bool>&) { return large; });
  RawClient lazy(endpoint_);
  lazy.Send(kRequest);
  ASSERT_NE(lazy.ReadSome(), "");
  const uint64_t before = *ReadProcess().open_fds;
  // Behind a full window the client cannot see the close; the descriptor is the only sign.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (*ReadProcess().open_fds >= before && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  EXPECT_EQ(*ReadProcess().open_fds, before - 1);
  EXPECT_LT(lazy.ReadAll().size(), large.size()) << "cut off";
}

TEST_F(HttpLoopTest, AnAnswerSurvivesABodyThatNobodyRead) {
  StartSimple({});
  RawClient client(endpoint_);
  // Rejected by its head, while a megabyte of body is on its way: closing at once would make the
  // kernel reset the connection and drop the answer.
  std::thread sender([&] {
    client.Send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" +
                std::string(1 << 20, 'b'));
    client.ShutdownSend();
  });
  EXPECT_EQ(client.ReadResponse().status, 400);
  sender.join();
}

TEST_F(HttpLoopTest, TellsTheAnswererThatTheClientHasGone) {
  std::latch asked(1);
  std::latch noticed(1);
  Start({}, [&](const HttpRequest&, const std::atomic<bool>& cancelled) {
    asked.count_down();
    while (!cancelled.load()) std::this_thread::yield();
    noticed.count_down();
    return std::string(kAnswer);
  });
  RawClient client(endpoint_);
  client.Send(kRequest);
  asked.wait();
  client.Close();
  noticed.wait();
}

TEST_F(HttpLoopTest, StopAnswersWhatWasAsked) {
  std::latch asked(1);
  std::latch go_on(1);
  Start({}, [&](const HttpRequest&, const std::atomic<bool>&) {
    asked.count_down();
    go_on.wait();
    return std::string(kAnswer);
  });
  RawClient asker(endpoint_);
  RawClient silent(endpoint_);
  asker.Send(kRequest);
  asked.wait();
  std::thread stopper([&] { loop_->Stop(); });
  EXPECT_EQ(silent.ReadAll(), "") << "closed at once";
  go_on.count_down();
  EXPECT_EQ(asker.ReadResponse().status, 200);
  stopper.join();
}

TEST_F(HttpLoopTest, GarbageIsAnsweredAndForgotten) {
  StartSimple({});
  for (int i = 0; i < 50; ++i) {
    RawClient client(endpoint_);
    client.Send(std::string("\x16\x03\x01\x00\xf4\x01\r\n\r\n", 10));
    EXPECT_EQ(client.ReadResponse().status, 400);
  }
  EXPECT_EQ(StatusNow(), 200);
}

TEST_F(HttpLoopTest, ClientsThatConnectAndCloseLeaveNothing) {
  StartSimple({});
  for (int i = 0; i < 500; ++i) RawClient client(endpoint_);
  EXPECT_EQ(StatusNow(), 200);
}

}  // namespace
}  // namespace floodgate

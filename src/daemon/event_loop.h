// The main thread of the daemon: waits for signals and for what the server tells, nothing else.
#ifndef FLOODGATE_DAEMON_EVENT_LOOP_H_
#define FLOODGATE_DAEMON_EVENT_LOOP_H_

#include <cstdint>

#include "base/fd.h"
#include "daemon/logger.h"
#include "daemon/refusal_summary.h"
#include "daemon/server.h"

namespace floodgate {

class EventLoop {
 public:
  // Blocks the daemon's signals in this thread and all that it starts later; call it first of all.
  EventLoop();

  // Any thread: the graceful stop has ended.
  void Stopped();
  // Runs until the server has stopped. Drains on SIGTERM and SIGINT, ends at once on a second one.
  void Run(Logger& log, Server& server);

 private:
  void OnSignal(int signal);
  void Stop();
  void TellIfStopping(GateState state);
  void Reload();
  // The nearest of the deadlines below; Never() if none.
  int PollTimeoutMs(int64_t now_ms) const;
  void RunTimers(int64_t now_ms);
  void TellRefusals();

  static constexpr int64_t kSummaryEveryMs = 10'000;
  static constexpr int64_t kRotateEveryMs =
      int64_t{8} * 3600 * 1000;  // RFC 5077 section 5.5: days at most

  OwnedFd signals_;
  OwnedFd stopped_fd_;
  Logger* log_ = nullptr;
  Server* server_ = nullptr;
  RefusalSummary refusals_;
  bool stopped_ = false;
  bool stop_asked_ = false;  // by a signal
  int64_t summary_at_ms_ = 0;
  int64_t rotate_at_ms_ = 0;
};

}  // namespace floodgate

#endif  // FLOODGATE_DAEMON_EVENT_LOOP_H_

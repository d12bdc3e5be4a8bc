#include "daemon/event_loop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <ctime>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "daemon/announce.h"

namespace floodgate {
namespace {

int64_t NowMs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace

EventLoop::EventLoop() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) ::sigaddset(&set, signal);
  FG_CHECK(::pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  std::signal(SIGPIPE, SIG_IGN);
  signals_ = OwnedFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  stopped_fd_ = OwnedFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  FG_CHECK(signals_.valid() && stopped_fd_.valid());
}

void EventLoop::Stopped() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stopped_fd_.get(), &one, sizeof one);
}

void EventLoop::Run(Logger& log, Server& server) {
  log_ = &log;
  server_ = &server;
  summary_at_ms_ = NowMs() + kSummaryEveryMs;
  rotate_at_ms_ = NowMs() + kRotateEveryMs;
  while (!stopped_) {
    std::array<pollfd, 2> fds = {pollfd{.fd = signals_.get(), .events = POLLIN, .revents = 0},
                                 pollfd{.fd = stopped_fd_.get(), .events = POLLIN, .revents = 0}};
    ::poll(fds.data(), fds.size(), PollTimeoutMs(NowMs()));
    if (fds[1].revents != 0) stopped_ = true;
    signalfd_siginfo info{};
    while (!stopped_ && ::read(signals_.get(), &info, sizeof info) == sizeof info) {
      OnSignal(static_cast<int>(info.ssi_signo));
    }
    RunTimers(NowMs());
  }
  TellRefusals();
}

void EventLoop::OnSignal(int signal) {
  switch (signal) {
    case SIGTERM:
    case SIGINT:
      return Stop();
    case SIGHUP:
      return Reload();
    case SIGUSR1:
      return TellIfStopping(server_->OpenGate());
    case SIGUSR2:
      return TellIfStopping(server_->HoldGate());
    default:
      return;
  }
}

void EventLoop::TellIfStopping(GateState state) {
  if (state != GateState::kStopping) return;
  log_->Write(Severity::kWarn, "gate", "stopping: it is neither opened nor held by a signal");
}

void EventLoop::Stop() {
  if (!std::exchange(stop_asked_, true)) return server_->Drain();
  log_->Write(Severity::kWarn, "stop", "at once, on a second signal");
  server_->EndNow();
}

void EventLoop::Reload() {
  NotifySystemd("RELOADING=1");
  server_->Reload();  // What is wrong it logs.
  NotifySystemd("READY=1");
}

int EventLoop::PollTimeoutMs(int64_t now_ms) const {
  int64_t next = std::min(summary_at_ms_, rotate_at_ms_);
  return static_cast<int>(std::clamp<int64_t>(next - now_ms, 0, 60'000));
}

void EventLoop::RunTimers(int64_t now_ms) {
  if (now_ms >= summary_at_ms_) {
    summary_at_ms_ = now_ms + kSummaryEveryMs;
    TellRefusals();
  }
  if (now_ms >= rotate_at_ms_) {
    rotate_at_ms_ = now_ms + kRotateEveryMs;
    server_->RotateTicketKeys();
  }
}

void EventLoop::TellRefusals() {
  const std::string line = refusals_.Since(server_->Status());
  if (!line.empty()) {
    log_->Write(Severity::kInfo, "refused",
                absl::StrCat("in the last ", kSummaryEveryMs / 1000, " s at most: ", line));
  }
}

}  // namespace floodgate

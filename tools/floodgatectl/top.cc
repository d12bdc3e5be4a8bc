// `floodgatectl top`.
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/fd.h"
#include "tools/floodgatectl/commands.h"
#include "tools/floodgatectl/tables.h"

namespace floodgate {
namespace {

// Turns Ctrl-C and SIGTERM into something to wait for, for as long as it lives.
class EndSignals {
 public:
  EndSignals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &signals, &before_);
    fd_.Reset(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~EndSignals() {
    // Taken from the queue, or unblocking would deliver it after all.
    signalfd_siginfo info;
    while (::read(fd_.get(), &info, sizeof(info)) > 0) {
    }
    ::sigprocmask(SIG_SETMASK, &before_, nullptr);
  }
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

  // True: one came before `time` was over.
  bool Wait(Duration time) const {
    pollfd entry{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    return ::poll(&entry, 1, static_cast<int>(time.milliseconds())) > 0;
  }

 private:
  OwnedFd fd_;
  sigset_t before_{};
};

// The alternate screen, without a cursor, and what was there before when it is over.
class Screen {
 public:
  explicit Screen(bool terminal) : terminal_(terminal) {
    if (terminal_) Write("\x1b[?1049h\x1b[?25l");
  }
  ~Screen() {
    if (terminal_) Write("\x1b[?25h\x1b[?1049l");
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // False: nobody reads any more.
  bool Show(const std::string& block) const {
    if (!terminal_) return Write(absl::StrCat(block, "\n"));
    // Home, each line cleared to its end, then everything below: nothing flickers. What does not
    // fit is left out, or the terminal would scroll the gate away.
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) size = {24, 80, 0, 0};
    std::vector<std::string> lines = absl::StrSplit(block, '\n');
    lines.resize(std::min<size_t>(lines.size(), size.ws_row));
    for (std::string& text : lines) text = text.substr(0, size.ws_col);
    return Write(absl::StrCat("\x1b[H", absl::StrJoin(lines, "\x1b[K\r\n"), "\x1b[J"));
  }

 private:
  static bool Write(const std::string& text) {
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
           std::fflush(stdout) == 0;
  }
  const bool terminal_;
};

absl::StatusOr<std::string> Ask(const AdminClient& client, const std::string& path) {
  const absl::StatusOr<AdminAnswer> answer = client.Get(path);
  if (!answer.ok()) return answer.status();
  if (answer->status == 200) return answer->body;
  return absl::FailedPreconditionError(ErrorText(answer->status, answer->body));
}

}  // namespace

absl::Status RunTop(const AdminClient& client, const CommandLine& line) {
  using Clock = std::chrono::steady_clock;
  const EndSignals end;
  const Screen screen(::isatty(STDOUT_FILENO) == 1 && !line.once && !line.json);
  std::optional<EarlierStatus> earlier;
  Clock::time_point earlier_at;
  for (;;) {
    const absl::StatusOr<std::string> status = Ask(client, "/v1/status");
    if (!status.ok()) return status.status();
    const Clock::time_point now = Clock::now();
    std::string block = absl::StrCat(*status, "\n");
    if (!line.json) {
      const absl::StatusOr<std::string> sources = Ask(client, "/v1/sources?top=10");
      if (!sources.ok()) return sources.status();
      if (earlier) {
        earlier->elapsed_s = std::chrono::duration<double>(now - earlier_at).count();
      }
      const absl::StatusOr<std::string> table = StatusTable(*status, earlier);
      const absl::StatusOr<std::string> top = SourcesTable(*sources);
      if (!table.ok()) return absl::InternalError(table.status().message());
      if (!top.ok()) return absl::InternalError(top.status().message());
      block = absl::StrCat(*table, "\n", *top);
    }
    // A reader that went away (a pipe to head) is a good end, too.
    if (!screen.Show(block) || line.once || end.Wait(line.interval)) return absl::OkStatus();
    earlier = EarlierStatus{.json = *status, .elapsed_s = 1};
    earlier_at = now;
  }
}

}  // namespace floodgate

// Ctrl-C, as something to wait for beside other events.
#ifndef FLOODGATE_TOOLS_TUNE_INTERRUPT_H_
#define FLOODGATE_TOOLS_TUNE_INTERRUPT_H_

#include <atomic>

#include "base/fd.h"

namespace floodgate::tune {

// Comes once and stays.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // From now on, until ReleaseSignals or as long as this lives, SIGINT and SIGTERM raise it. The
  // second one of a kind ends the process as it would without this. REQUIRES: no other object does
  // so.
  void CatchSignals();
  // From now on they do what they do without this: for a time in which there is nothing to end
  // first. May be followed by CatchSignals again.
  void ReleaseSignals();
  // Safe in a signal handler. `signal`: which one came.
  void Raise(int signal);

  bool came() const { return signal() != 0; }
  // The first that came; 0: none has.
  int signal() const { return signal_.load(std::memory_order_relaxed); }
  // That of a command that it ended, as shells have it: 130 for SIGINT, 143 for SIGTERM. REQUIRES:
  // came().
  int exit_status() const { return 128 + signal(); }
  // Readable, poll(2), from when it has come.
  int fd() const { return fd_.get(); }

 private:
  OwnedFd fd_;  // eventfd(2)
  std::atomic<int> signal_{0};
  static_assert(std::atomic<int>::is_always_lock_free, "a signal handler writes it");
};

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_INTERRUPT_H_

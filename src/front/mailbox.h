// The queue between two loops: batched, unbounded in itself (its users bound what they post), and
// with a wake-up only when the reader sleeps and cares.
#ifndef FLOODGATE_FRONT_MAILBOX_H_
#define FLOODGATE_FRONT_MAILBOX_H_

#include <mutex>
#include <utility>
#include <vector>

#include "io/kernel.h"

namespace floodgate {

enum class Urgency {
  kLazy,   // the reader sees it at its next turn, whenever that is, unless it asked to be woken for
           // all
  kUrgent  // a sleeping reader is woken
};

// Any number of writers, one reader. A mutex rather than a lock-free ring: it is held for a few
// moves and taken once a batch, and the sleeping flag behind the same lock makes a lost wake-up
// impossible to write.
template <typename Message>
class Mailbox {
 public:
  // The reader's waker; set before the first Post. Null: nobody is woken (the simulation steps by
  // hand).
  void SetWaker(Waker* waker) { waker_ = waker; }

  // Any thread. Moves all of `batch` in, leaving it empty with its capacity.
  void Post(std::vector<Message>& batch, Urgency urgency) {
    if (batch.empty()) return;
    bool wake = false;
    {
      const std::scoped_lock lock(mutex_);
      for (Message& message : batch) messages_.push_back(std::move(message));
      wake = WakeNeeded(urgency);
    }
    batch.clear();
    if (wake && waker_ != nullptr) waker_->Wake();
  }

  // Any thread.
  void Post(Message message, Urgency urgency = Urgency::kUrgent) {
    bool wake = false;
    {
      const std::scoped_lock lock(mutex_);
      messages_.push_back(std::move(message));
      wake = WakeNeeded(urgency);
    }
    if (wake && waker_ != nullptr) waker_->Wake();
  }

  // Reader only. Replaces `out` by all that has come, in order. The reader counts as awake from
  // here.
  void TakeAll(std::vector<Message>& out) {
    out.clear();
    const std::scoped_lock lock(mutex_);
    sleep_ = Sleep::kAwake;
    out.swap(messages_);
  }

  // Reader only, right before it blocks. False: something has come since TakeAll, do not block.
  // `wake_for_lazy`: lazy messages shall wake it too.
  bool PrepareToSleep(bool wake_for_lazy) {
    const std::scoped_lock lock(mutex_);
    if (!messages_.empty()) return false;
    sleep_ = wake_for_lazy ? Sleep::kForAll : Sleep::kForUrgent;
    return true;
  }

 private:
  enum class Sleep { kAwake, kForUrgent, kForAll };

  // Under mutex_.
  bool WakeNeeded(Urgency urgency) {
    const bool wake =
        sleep_ == Sleep::kForAll || (sleep_ == Sleep::kForUrgent && urgency == Urgency::kUrgent);
    if (wake) sleep_ = Sleep::kAwake;
    return wake;
  }

  Waker* waker_ = nullptr;
  // Not absl::Mutex: see base/notification.h.
  std::mutex mutex_;
  std::vector<Message> messages_;  // under mutex_
  Sleep sleep_ = Sleep::kAwake;    // under mutex_
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_MAILBOX_H_

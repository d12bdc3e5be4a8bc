// What happens once and others wait for. absl::Notification would do, but the sanitizer for threads
// sees nothing of a library that was not built with it, and reports what such a library orders.
#ifndef FLOODGATE_BASE_NOTIFICATION_H_
#define FLOODGATE_BASE_NOTIFICATION_H_

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace floodgate {

// Thread-safe. May be destroyed as soon as a Wait has returned.
class Notification {
 public:
  // At most once.
  void Notify() {
    // Under the lock, so that a waiter which destroys it finds nobody in it.
    const std::scoped_lock lock(mutex_);
    notified_ = true;
    condition_.notify_all();
  }

  void Wait() const {
    std::unique_lock lock(mutex_);
    condition_.wait(lock, [this] { return notified_; });
  }

  // False: the time has passed before it happened.
  bool WaitFor(std::chrono::milliseconds timeout) const {
    std::unique_lock lock(mutex_);
    return condition_.wait_for(lock, timeout, [this] { return notified_; });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable condition_;
  bool notified_ = false;
};

}  // namespace floodgate

#endif  // FLOODGATE_BASE_NOTIFICATION_H_

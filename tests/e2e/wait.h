// Waiting in tests: for events with a deadline, for conditions that have no event by asking again.
#ifndef FLOODGATE_TESTS_E2E_WAIT_H_
#define FLOODGATE_TESTS_E2E_WAIT_H_

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>

namespace floodgate::e2e {

// How long anything may take that must happen. Generous: the machine may be loaded, and nobody
// waits for it unless something is broken.
inline constexpr std::chrono::milliseconds kPatience{25'000};

class Deadline {
 public:
  explicit Deadline(std::chrono::milliseconds after = kPatience)
      : at_(std::chrono::steady_clock::now() + after) {}
  // For poll(2): at least 0.
  int left_ms() const {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(at_ - std::chrono::steady_clock::now());
    return static_cast<int>(std::max<int64_t>(left.count(), 0));
  }
  bool over() const { return left_ms() == 0; }

 private:
  std::chrono::steady_clock::time_point at_;
};

// Fails the test that runs: GoogleTest reports what is thrown.
inline void Require(bool condition, const std::string& message) {
  if (!condition) throw std::runtime_error(message);
}

// Asks every 10 ms until the condition holds. For counters and files, which tell nobody when they
// change.
template <typename Condition>
bool Eventually(Condition condition, std::chrono::milliseconds timeout = kPatience) {
  const Deadline deadline(timeout);
  while (!condition()) {
    if (deadline.over()) return false;
    ::poll(nullptr, 0, 10);
  }
  return true;
}

// Passes `time` while a test looks that nothing happens: a lower bound, so load cannot break it.
inline void Pass(std::chrono::milliseconds time) {
  const Deadline deadline(time);
  while (!deadline.over()) ::poll(nullptr, 0, deadline.left_ms());
}

}  // namespace floodgate::e2e

#endif  // FLOODGATE_TESTS_E2E_WAIT_H_

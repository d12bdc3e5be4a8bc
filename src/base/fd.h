// An owned file descriptor.
#ifndef FLOODGATE_BASE_FD_H_
#define FLOODGATE_BASE_FD_H_

#include <utility>

namespace floodgate {

// Owns a file descriptor and closes it when destroyed. -1 = owns none. Movable, not copyable.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    Reset(std::exchange(other.fd_, -1));
    return *this;
  }
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;
  ~OwnedFd() { Reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

  // Gives the descriptor away: the caller closes it.
  [[nodiscard]] int Release() { return std::exchange(fd_, -1); }
  // Closes what is owned and owns `fd` from now on.
  void Reset(int fd = -1);

 private:
  int fd_ = -1;
};

}  // namespace floodgate

#endif  // FLOODGATE_BASE_FD_H_

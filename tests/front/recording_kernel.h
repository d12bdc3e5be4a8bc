// A kernel that does nothing but write down what it is asked, for parts of the front room that talk
// to it a little.
#ifndef FLOODGATE_TESTS_FRONT_RECORDING_KERNEL_H_
#define FLOODGATE_TESTS_FRONT_RECORDING_KERNEL_H_

#include <cerrno>
#include <map>
#include <utility>
#include <vector>

#include "io/kernel.h"

namespace floodgate {

class RecordingKernel final : public Kernel {
 public:
  // What tests set.
  bool full = false;  // Submit finds no room
  std::map<int, ConnectionReading::State> states;
  uint32_t queue_depth = 0;  // of every listener
  // What tests look at.
  std::vector<Op> submitted;
  std::vector<int> closed;
  std::vector<int> resets;
  std::vector<std::pair<int, int>> listens;  // fd, backlog

  bool Submit(const Op& op) override {
    if (full) return false;
    submitted.push_back(op);
    return true;
  }
  void Close(int fd) override { closed.push_back(fd); }
  void Reset(int fd) override { resets.push_back(fd); }
  ConnectionReading ReadConnection(int fd) override { return {.state = states[fd]}; }

  // Nobody has asked for these.
  size_t Wait(Instant /*until*/, absl::Span<Completion> /*out*/) override { return 0; }
  Instant Now() const override { return {}; }
  Waker& waker() override { return waker_; }
  absl::Span<std::byte> Buffer(const Completion& /*completion*/) override { return {}; }
  void ReleaseBuffer(uint16_t /*buffer*/) override {}
  size_t buffer_size() const override { return 0; }
  void Shutdown(int /*fd*/, bool /*both*/) override {}
  bool InputEnded(int /*fd*/) override { return false; }
  int OpenSocket(const SocketAddress& /*address*/, bool /*speaks_at_once*/) override {
    return -ENOSYS;
  }
  QueueReading ReadQueue(int /*listener*/) override { return {.depth = queue_depth}; }
  bool ReadAddresses(int /*fd*/, PeerAddress* /*peer*/, PeerAddress* /*local*/) override {
    return false;
  }
  int Listen(int fd, int backlog) override {
    listens.emplace_back(fd, backlog);
    return 0;
  }
  int OpenPipe(size_t /*capacity*/, int* /*read_end*/, int* /*write_end*/) override {
    return -ENOSYS;
  }
  int64_t Splice(int /*from*/, int /*to*/, size_t /*size*/) override { return -ENOSYS; }

 private:
  class NoWaker final : public Waker {
   public:
    void Wake() override {}
  };
  NoWaker waker_;
};

}  // namespace floodgate

#endif  // FLOODGATE_TESTS_FRONT_RECORDING_KERNEL_H_

#include "tools/tune/interrupt.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/check.h"

namespace floodgate::tune {
namespace {

// Whom a signal is told.
std::atomic<Interrupt*> receiver{nullptr};
static_assert(std::atomic<Interrupt*>::is_always_lock_free, "a signal handler reads it");

void OnSignal(int signal) {
  Interrupt* const interrupt = receiver.load(std::memory_order_relaxed);
  if (interrupt != nullptr) interrupt->Raise(signal);
}

}  // namespace

Interrupt::Interrupt() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  FG_CHECK(fd_.valid());
}

Interrupt::~Interrupt() {
  ReleaseSignals();
}

void Interrupt::ReleaseSignals() {
  if (receiver.load(std::memory_order_relaxed) != this) return;
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  receiver.store(nullptr, std::memory_order_relaxed);
}

void Interrupt::CatchSignals() {
  FG_CHECK(receiver.load(std::memory_order_relaxed) == nullptr);
  receiver.store(this, std::memory_order_relaxed);
  struct sigaction action {};
  action.sa_handler = OnSignal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

void Interrupt::Raise(int signal) {
  const int error = errno;  // of what was interrupted
  int none = 0;
  signal_.compare_exchange_strong(none, signal, std::memory_order_relaxed);
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd_.get(), &one, sizeof one);
  errno = error;
}

}  // namespace floodgate::tune

#include "sim/loop_task.h"

#include <utility>

namespace floodgate::sim {

LoopTask::LoopTask(World& world, Processor& processor, SimKernel& kernel, LoopTurn turn)
    : world_(world),
      processor_(processor),
      kernel_(kernel),
      turn_(std::move(turn)),
      id_(processor.Add(*this)) {
  kernel_.set_on_ready([this] { processor_.Wake(id_); });
  processor_.Wake(id_);
}

void LoopTask::Stop() {
  kernel_.set_on_ready(nullptr);
  processor_.Remove(id_);
  turn_ = {};
}

bool LoopTask::Runnable() {
  return !at_wait_ || kernel_.ready() || world_.now() >= until_;
}

Duration LoopTask::Run() {
  if (at_wait_) {
    turn_.end(until_);
  } else {
    until_ = turn_.begin(Instant::Never());
  }
  at_wait_ = !at_wait_;
  return kernel_.TakeCharge();
}

void LoopTask::Passed() {
  SetAlarm();
}

void LoopTask::SetAlarm() {
  if (!at_wait_ || until_ <= world_.now() || until_ >= alarm_) return;
  alarm_ = until_;
  world_.At(until_, *this, static_cast<uint64_t>(until_.ns));
}

void LoopTask::OnEvent(uint64_t what) {
  if (static_cast<int64_t>(what) == alarm_.ns) alarm_ = Instant::Never();
  if (!turn_.begin || !at_wait_) return;
  if (world_.now() >= until_) processor_.Wake(id_);
  SetAlarm();
}

}  // namespace floodgate::sim

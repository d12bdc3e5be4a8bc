#include "sim/processor.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace floodgate::sim {
namespace {

// Events: 0 is a dispatch; else the core and the generation of its grant.
constexpr uint64_t kDispatchEvent = 0;

uint64_t CoreEvent(size_t core, uint32_t generation) {
  return (uint64_t{generation} << 16) | (core + 1);
}

}  // namespace

Processor::Processor(World& world, const ProcessorOptions& options)
    : world_(world), options_(options), cores_(static_cast<size_t>(options.cores)) {
  FG_CHECK(options.cores >= 1 && options.cores <= 1024 && options.slice.ns > 0);
}

size_t Processor::Add(Task& task) {
  threads_.push_back({.task = &task, .virtual_ns = virtual_now_ns_});
  return threads_.size() - 1;
}

void Processor::Remove(size_t id) {
  FG_CHECK(current_ == kNone);
  Thread& thread = threads_[id];
  for (Core& core : cores_) {
    if (core.thread != id) continue;
    Account(core);
    ++core.generation;
    core.thread = kNone;
    AskForDispatch();
  }
  std::erase(queue_, id);
  thread.state = State::kRemoved;
  thread.task = nullptr;
}

void Processor::Wake(size_t id) {
  if (current_ != kNone && current_ != id) {
    threads_[current_].wakes.push_back(id);
    return;
  }
  Thread& thread = threads_[id];
  switch (thread.state) {
    case State::kAsleep:
      // Who has slept long is not owed all of that time.
      thread.virtual_ns = std::max(thread.virtual_ns, virtual_now_ns_ - options_.slice.ns);
      return Enqueue(id);
    case State::kRunning:  // It asks Runnable again before it sleeps.
    case State::kQueued:
    case State::kRemoved:
      return;
  }
}

Duration Processor::busy() const {
  Duration sum;
  for (const Thread& thread : threads_) sum = sum + thread.used;
  return sum;
}

void Processor::Enqueue(size_t id) {
  threads_[id].state = State::kQueued;
  threads_[id].queued_as = ++sequence_;
  queue_.push_back(id);
  AskForDispatch();
}

void Processor::AskForDispatch() {
  // As an event of its own: whoever wakes a thread is in the midst of something.
  if (!std::exchange(dispatch_asked_, true)) world_.At(world_.now(), *this, kDispatchEvent);
}

void Processor::OnEvent(uint64_t what) {
  if (what == kDispatchEvent) {
    dispatch_asked_ = false;
    return Dispatch();
  }
  const size_t core = (what & 0xffff) - 1;
  if (cores_[core].generation == static_cast<uint32_t>(what >> 16)) OnCore(core);
}

size_t Processor::First() const {
  size_t first = kNone;
  for (const size_t id : queue_) {
    const auto key = [this](size_t i) {
      return std::pair(threads_[i].virtual_ns, threads_[i].queued_as);
    };
    if (first == kNone || key(id) < key(first)) first = id;
  }
  return first;
}

void Processor::Dispatch() {
  for (size_t i = 0; i < cores_.size() && !queue_.empty(); ++i) {
    if (cores_[i].thread == kNone) Start(i, First());
  }
  for (size_t i = 0; i < cores_.size() && !queue_.empty(); ++i) {
    const size_t first = First();
    if (cores_[i].thread != kNone) {
      if (!HasRunMore(cores_[i], first)) continue;
      Account(cores_[i]);
      Leave(i, /*queue=*/true);
    }
    Start(i, first);
  }
}

bool Processor::HasRunMore(const Core& core, size_t id) const {
  const int64_t ran_ns = (world_.now() - core.since).ns;
  const int64_t ahead_ns = threads_[core.thread].virtual_ns + ran_ns - threads_[id].virtual_ns;
  return ahead_ns > options_.wakeup_margin.ns;
}

void Processor::Start(size_t core_index, size_t id) {
  std::erase(queue_, id);
  Core& core = cores_[core_index];
  core.thread = id;
  core.slice_left = options_.slice;
  core.since = world_.now();
  Thread& thread = threads_[id];
  thread.state = State::kRunning;
  virtual_now_ns_ = std::max(virtual_now_ns_, thread.virtual_ns);
  Proceed(core_index);
}

void Processor::Proceed(size_t core_index) {
  const size_t id = cores_[core_index].thread;
  for (int free_pieces = 0; !threads_[id].in_piece; ++free_pieces) {
    FG_CHECK(free_pieces < kFreePiecesMax);
    if (!threads_[id].task->Runnable()) return Leave(core_index, /*queue=*/false);
    threads_[id].in_piece = true;
    current_ = id;
    const Duration cost = threads_[id].task->Run();
    current_ = kNone;
    threads_[id].left = cost;
    if (cost.ns <= 0) Finish(threads_[id]);
  }
  Grant(core_index);
}

void Processor::Grant(size_t core_index) {
  Core& core = cores_[core_index];
  core.since = world_.now();
  const Duration granted = std::min(core.slice_left, threads_[core.thread].left);
  world_.At(core.since + granted, *this, CoreEvent(core_index, ++core.generation));
}

void Processor::Account(Core& core) {
  Thread& thread = threads_[core.thread];
  const Duration ran = world_.now() - core.since;
  core.since = world_.now();
  core.slice_left = core.slice_left - ran;
  thread.left = thread.left - ran;
  thread.virtual_ns += ran.ns;
  thread.used = thread.used + ran;
}

void Processor::OnCore(size_t core_index) {
  Core& core = cores_[core_index];
  Account(core);
  Thread& thread = threads_[core.thread];
  if (thread.left.ns <= 0) Finish(thread);
  if (core.slice_left.ns <= 0) {
    if (!queue_.empty()) {
      Leave(core_index, /*queue=*/true);
      return AskForDispatch();
    }
    core.slice_left = options_.slice;
  }
  Proceed(core_index);
}

void Processor::Finish(Thread& thread) {
  thread.left = {};
  thread.in_piece = false;
  std::vector<size_t> wakes;
  wakes.swap(thread.wakes);
  thread.task->Passed();
  for (const size_t id : wakes) Wake(id);
}

void Processor::Leave(size_t core_index, bool queue) {
  Core& core = cores_[core_index];
  const size_t id = std::exchange(core.thread, kNone);
  ++core.generation;
  if (queue) return Enqueue(id);
  threads_[id].state = State::kAsleep;
  if (!queue_.empty()) AskForDispatch();
}

}  // namespace floodgate::sim

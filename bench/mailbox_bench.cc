// The hand-over from the gatekeeper to a worker: batches of assignments through the mailbox, taken
// by a reader that is awake.
#include <benchmark/benchmark.h>

#include "front/mailbox.h"
#include "front/messages.h"

namespace floodgate {
namespace {

void BM_HandOver(benchmark::State& state) {
  const auto batch = static_cast<size_t>(state.range(0));
  Mailbox<WorkerMessage> mailbox;
  std::vector<WorkerMessage> outbox;
  std::vector<WorkerMessage> inbox;
  for (auto _ : state) {
    for (size_t i = 0; i < batch; ++i) outbox.emplace_back(Assignment{});
    mailbox.Post(outbox, Urgency::kUrgent);
    mailbox.TakeAll(inbox);
    benchmark::DoNotOptimize(inbox.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(batch));
}
BENCHMARK(BM_HandOver)->Arg(1)->Arg(8)->Arg(64);

}  // namespace
}  // namespace floodgate

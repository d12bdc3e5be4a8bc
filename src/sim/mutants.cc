#include "sim/mutants.h"

#include <algorithm>
#include <utility>

namespace floodgate::sim {
namespace {

constexpr Mutant kMutants[] = {
    {.name = "burst-plus-one",
     .what = "a source may take one token too many at once",
     .options = [](Options& options) { ++options.limits.source_burst; }},
    {.name = "rate-too-high",
     .what = "tokens come a tenth too fast",
     .options = [](Options& options) { options.limits.source_rate *= 1.1; }},
    {.name = "connections-plus-one",
     .what = "one connection more than limits.connections",
     .options =
         [](Options& options) {
           if (options.limits.connections > 0) ++options.limits.connections;
         }},
    {.name = "source-connections-plus-one",
     .what = "one connection of a source more than limits.source_connections",
     .options =
         [](Options& options) {
           if (options.limits.source_connections > 0) ++options.limits.source_connections;
         }},
    {.name = "waiting-plus-one",
     .what = "one more waits than limits.waiting",
     .options = [](Options& options) { ++options.limits.waiting; }},
    {.name = "delayed-plus-one",
     .what = "one more is delayed than limits.delayed",
     .options = [](Options& options) { ++options.limits.delayed; }},
    {.name = "handshakes-plus-one",
     .what = "one handshake more than limits.handshakes",
     .options = [](Options& options) { ++options.limits.handshakes; }},
    {.name = "delay-too-short",
     .what = "who is delayed is let go a little too soon",
     .options = [](Options& options) { options.limits.delay = options.limits.delay * 3 / 4; }},
    {.name = "deny-ignored",
     .what = "agent.deny is not looked at",
     .options = [](Options& options) { options.agent.deny.clear(); }},
    {.name = "exempt-too-wide",
     .what = "twice as many addresses are exempt as limits.exempt says",
     .options =
         [](Options& options) {
           for (Cidr& block : options.limits.exempt) {
             --block.bits;
             block.base = Truncate(block.base, block.bits);
           }
         }},
    {.name = "prefix-off-by-one",
     .what = "half of a source counts as a source of its own",
     .options =
         [](Options& options) {
           options.limits.source_prefix_v4 = std::min(options.limits.source_prefix_v4 + 1, 32);
           options.limits.source_prefix_v6 = std::min(options.limits.source_prefix_v6 + 1, 128);
         }},
    {.name = "pace-a-quarter-too-fast",
     .what = "agents are taken at more than drain.rate",
     .options = [](Options& options) { options.drain.rate = options.drain.rate * 5 / 4; }},
    {.name = "gate-opens-itself",
     .what = "the gate opens though nobody has opened it",
     .options =
         [](Options& options) { options.gate.open_anyway_after = Duration::Milliseconds(60); }},
    {.name = "gate-opens-early",
     .what = "gate.open_delay is cut short",
     .options = [](Options& options) { options.gate.open_delay = options.gate.open_delay / 2; }},
    {.name = "hold-lost", .what = "an operator's hold", .spoil = Spoil::kHoldLost},
    {.name = "reload-lost", .what = "an operator's reload", .spoil = Spoil::kReloadLost},
    {.name = "newest-first",
     .what = "the newest is served first",
     .rule = ServiceRule::kNewestFirst},
    {.name = "rearm-lost",
     .what = "an ended multishot accept is not armed again",
     .spoil = Spoil::kRearmLost},
    {.name = "handle-leaked",
     .what = "a reset leaves the handle open",
     .spoil = Spoil::kHandleLeaked},
    {.name = "cancel-lost",
     .what = "a cancel never reaches the kernel",
     .spoil = Spoil::kCancelLost},
    {.name = "bytes-swapped",
     .what = "two received bytes change places",
     .spoil = Spoil::kBytesSwapped},
    {.name = "fin-twice", .what = "FIN is sent again", .spoil = Spoil::kFinTwice},
    {.name = "fin-lost", .what = "FIN is never sent", .spoil = Spoil::kFinLost},
    {.name = "short-send-ignored",
     .what = "what a send has left over counts as sent",
     .spoil = Spoil::kShortSendIgnored},
    {.name = "no-buffers-lost",
     .what = "a receive that found no buffer is not tried again",
     .spoil = Spoil::kNoBuffersLost},
    {.name = "aborted-lost",
     .what = "an accept that failed because its peer left is never taken note of",
     .spoil = Spoil::kAbortedLost},
    {.name = "queue-underread",
     .what = "the last one in a queue is not seen",
     .spoil = Spoil::kQueueUnderread},
    {.name = "peers-mixed",
     .what = "a connection is taken for the one before it",
     .spoil = Spoil::kPeersMixed},
    {.name = "gone-unseen",
     .what = "those who have left count as there",
     .spoil = Spoil::kGoneUnseen},
    {.name = "wake-lost",
     .what = "a thread is not woken by its messages",
     .spoil = Spoil::kWakeLost},
    {.name = "timers-lost", .what = "the gatekeeper oversleeps", .spoil = Spoil::kTimersLost},
    {.name = "backend-unchecked",
     .what = "a failed connect to the backend counts as done",
     .spoil = Spoil::kBackendUnchecked},
    {.name = "early-speech",
     .what = "TLS is established before the client has finished",
     .spoil = Spoil::kEarlySpeech},
    {.name = "record-lost",
     .what = "what TLS decrypts behind a handshake is dropped",
     .spoil = Spoil::kRecordLost},
};

}  // namespace

absl::Span<const Mutant> Mutants() {
  return kMutants;
}

const Mutant* FindMutant(absl::string_view name) {
  const auto found = std::find_if(std::begin(kMutants), std::end(kMutants),
                                  [&](const Mutant& mutant) { return mutant.name == name; });
  return found == std::end(kMutants) ? nullptr : found;
}

bool Loses(const Mutant& mutant, OperatorAct act) {
  return (mutant.spoil == Spoil::kHoldLost && act == OperatorAct::kHold) ||
         (mutant.spoil == Spoil::kReloadLost && act == OperatorAct::kReload);
}

}  // namespace floodgate::sim

#include "tests/tools/report_samples.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace floodgate::tune {
namespace {

constexpr double kCapacity = 700;  // handshakes a second
constexpr size_t kMoments = 120;

Duration Seconds(double seconds) {
  return {static_cast<int64_t>(seconds * 1e9)};
}

// Between -1 and 1, the same for the same numbers.
double Noise(int a, int b, int c) {
  uint64_t state = static_cast<uint64_t>(a) * 0x9E3779B97F4A7C15ULL +
                   static_cast<uint64_t>(b) * 0xBF58476D1CE4E5B9ULL +
                   static_cast<uint64_t>(c) * 0x94D049BB133111EBULL;
  state ^= state >> 31U;
  state *= 0xD6E8FEB86659FD93ULL;
  state ^= state >> 32U;
  return static_cast<double>(state % 20'001) / 10'000 - 1;
}

// All come at once; the queue takes what it can and is drained, and who found it full comes again
// in a while.
struct Storm {
  double agents = 0, limit = 0, rate = 0, patience = 0, end = 0;
  double in = 0, outside = 0, queue = 0, at = 0;
  double overflows = 0, gave_up = 0;
  std::vector<TrialMoment> moments;

  void Keep() {
    moments.push_back({Seconds(at), static_cast<uint64_t>(queue), static_cast<uint64_t>(in)});
  }

  // Of those that come, what the queue has no room for goes away again.
  void Come(double coming) {
    const double taken = std::min(std::max(0.0, limit + 1 - queue), coming);
    queue += taken;
    outside -= taken;
    overflows += coming - taken;
  }

  void Run() {
    outside = agents;
    Come(agents);
    const double step = std::min(0.02, agents / rate / 40);
    while (in < agents && at < end) {
      const double served = std::min(rate * step, queue);
      queue -= served;
      in += served;
      // Who waits longer than its patience leaves, and comes again.
      if (queue / rate > patience) {
        const double leaving = std::min(queue, rate * step * 0.35);
        queue -= leaving;
        outside += leaving;
        gave_up += leaving;
      }
      // Those outside come again after 1, 2, 4, 8 s, spread out.
      Come(outside * std::min(1.0, step / std::clamp(at, 1.0, 8.0)));
      if (agents - in < 0.5) in = agents;
      at += step;
      Keep();
    }
  }

  std::optional<Duration> WhenIn(double share) const {
    for (const TrialMoment& moment : moments) {
      if (static_cast<double>(moment.served) >= share * agents - 1e-6) return moment.at;
    }
    return std::nullopt;
  }
};

std::vector<TrialMoment> Thinned(const std::vector<TrialMoment>& moments) {
  std::vector<TrialMoment> kept;
  const size_t every = std::max<size_t>(1, moments.size() / kMoments);
  for (size_t i = 0; i < moments.size(); i += every) kept.push_back(moments[i]);
  if (!moments.empty()) kept.push_back(moments.back());
  return kept;
}

uint64_t Whole(double value) {
  return static_cast<uint64_t>(value);
}

Records NobodyServed() {
  Records records;
  records.plan = SamplePlan(1'000, {64, 4096}, {0, 500}, {0});
  for (Trial trial : SampleSweep(*records.plan).trials) {
    TrialResult nothing;
    nothing.agents = trial.result.agents;
    nothing.attempts = 9 * nothing.agents;
    nothing.gave_up = nothing.attempts;
    nothing.timeline = {{Seconds(0), 0, 0}, {Seconds(1), 1'000, 0}, {Seconds(60), 1'000, 0}};
    trial.result = nothing;
    records.trials.push_back(trial);
  }
  return records;
}

Records Unfinished() {
  Records records = SampleSweep(SamplePlan(1'000, {64, 512, 1024, 4096}, {0, 250, 500}, {0, 16}));
  records.trials.resize(records.trials.size() / 2 + 1);
  return records;
}

Records EverySettingLoses() {
  Plan plan = SamplePlan(20'000, {64, 512}, {0, 500}, {0, 16});
  plan.limit = Duration::Seconds(12);
  return SampleSweep(plan);
}

Records Whole() {
  Records records =
      SampleSweep(SamplePlan(1'000, {16, 64, 512, 1024, 4096}, {0, 250, 500}, {0, 16}));
  records.comparisons = SampleComparisons(8);
  return records;
}

Records Large() {
  Records records =
      SampleSweep(SamplePlan(20'000, {16, 64, 256, 1024, 4096, 16'384, 65'536},
                             {0, 100, 250, 500, 1'000, 2'000, 5'000, 10'000}, {0, 4, 16, 64}));
  records.comparisons = SampleComparisons(24);
  return records;
}

Records Hostile() {
  Records records = SampleSweep(SamplePlan(1, {1}, {0}, {0}));
  records.plan->processor = "<script>alert('x')</script> & \"<b>\" \x01\xff\xc3 ]]> --> Ünïcode";
  records.plan->kernel = std::string(300, 'k');
  return records;
}

}  // namespace

Plan SamplePlan(int64_t agents, std::vector<int> backlogs, std::vector<int> drain_rates,
                std::vector<int> handshakes) {
  Plan plan;
  plan.fleet.agents = agents;
  plan.fleet.patience.time = Duration::Seconds(10);
  plan.limit = Duration::Seconds(120);
  plan.backlogs = std::move(backlogs);
  plan.drain_rates = std::move(drain_rates);
  plan.handshakes = std::move(handshakes);
  plan.runs = 3;
  plan.key = KeyKind::kRsa2048;
  plan.version = "0.1.0";
  plan.kernel = "6.1.0-made-up";
  plan.processor = "Sample Processor, made up";
  plan.started = "2026-01-02T03:04:05Z";
  plan.somaxconn = 4096;
  plan.host_cores = 4;
  return plan;
}

Trial SampleTrial(const Plan& plan, const Setting& setting, int run) {
  const double noise = Noise(setting.backlog, setting.drain_rate * 7 + setting.handshakes, run);
  Storm storm;
  storm.agents = static_cast<double>(plan.fleet.agents);
  storm.limit = static_cast<double>(std::min<int64_t>(setting.backlog, plan.somaxconn));
  storm.rate = kCapacity * plan.cores * (setting.handshakes == 0 ? 1 : 0.93) * (1 + 0.02 * noise);
  if (setting.drain_rate > 0) storm.rate = std::min(storm.rate, setting.drain_rate + 0.0);
  storm.patience = plan.fleet.patience.time.seconds();
  storm.end = plan.limit.seconds();
  storm.Run();
  Trial trial = {.setting = setting, .run = run, .result = {}};
  TrialResult& result = trial.result;
  result.agents = static_cast<uint64_t>(plan.fleet.agents);
  result.served = Whole(storm.in);
  result.half = storm.WhenIn(0.5);
  result.most = storm.WhenIn(0.99);
  result.all = storm.WhenIn(1);
  result.gave_up = Whole(storm.gave_up);
  result.attempts = result.agents + result.gave_up;
  result.accept_overflows = Whole(storm.overflows);
  result.syn_retransmits = Whole(storm.overflows * 0.8);
  result.stale = Whole(storm.gave_up * 0.7);
  result.wasted_handshakes = Whole(storm.gave_up * 0.1);
  result.queue_depth_max = Whole(std::min(storm.limit + 1, storm.agents));
  result.controller_tries = 100;
  const double controller = (setting.handshakes == 0 ? 0.0042 : 0.0024) * (1 + 0.1 * noise);
  result.controller_p50 = Seconds(controller / 3);
  result.controller_p99 = Seconds(controller);
  result.timeline = Thinned(storm.moments);
  return trial;
}

Records SampleSweep(const Plan& plan) {
  Records records;
  records.plan = plan;
  for (const int backlog : plan.backlogs) {
    for (const int drain_rate : plan.drain_rates) {
      for (const int handshakes : plan.handshakes) {
        for (int run = 1; run <= plan.runs; ++run) {
          records.trials.push_back(SampleTrial(plan, {backlog, drain_rate, handshakes}, run));
        }
      }
    }
  }
  return records;
}

std::vector<Comparison> SampleComparisons(int count) {
  std::vector<Comparison> comparisons;
  for (int i = 0; i < count; ++i) {
    Plan plan = SamplePlan(400 + 300 * (i % 6), {}, {}, {});
    plan.key = i % 2 == 0 ? KeyKind::kEcdsaP256 : KeyKind::kRsa4096;
    const Setting setting = {.backlog = i % 3 == 0 ? 128 : 4096,
                             .drain_rate = i % 4 == 3 ? 300 : 0,
                             .handshakes = i % 5 == 4 ? 16 : 0};
    Comparison comparison = {.setting = setting,
                             .fleet = plan.fleet,
                             .cores = plan.cores,
                             .key = plan.key,
                             .handshake_cost = Duration::Microseconds(1'400),
                             .measured = SampleTrial(plan, setting, i).result,
                             .predicted = {}};
    const double factor = 1 + 0.24 * Noise(i, 3, 5);
    const auto scaled = [factor](const std::optional<Duration>& time) {
      return time.has_value() ? std::optional<Duration>(Seconds(time->seconds() * factor))
                              : std::nullopt;
    };
    comparison.predicted.agents = comparison.measured.agents;
    comparison.predicted.served = comparison.measured.served;
    comparison.predicted.accept_overflows = comparison.measured.accept_overflows * 9 / 10;
    comparison.predicted.half = scaled(comparison.measured.half);
    comparison.predicted.most = scaled(comparison.measured.most);
    comparison.predicted.all = scaled(comparison.measured.all);
    comparisons.push_back(comparison);
  }
  return comparisons;
}

KeptRecommendation SampleRecommendation(bool met) {
  const Plan plan = SamplePlan(1'000, {64, 512, 1'000}, {0}, {0});
  KeptRecommendation recommendation;
  recommendation.version = plan.version;
  recommendation.fleet = plan.fleet;
  recommendation.cores = plan.cores;
  recommendation.cost = Duration::Microseconds(1'428);
  recommendation.key = plan.key;
  recommendation.recovery = met ? Duration::Seconds(4) : Duration::Milliseconds(900);
  recommendation.parked = Duration::Seconds(10);
  recommendation.met = met;
  recommendation.setting.backlog = met ? 512 : 1'000;
  for (const int backlog : plan.backlogs) {
    KeptRecommendation::Simulated simulated;
    simulated.backlog = backlog;
    simulated.does_it = met && backlog >= 512;
    simulated.together = SampleTrial(plan, {.backlog = backlog}, 1).result;
    simulated.parked = SampleTrial(plan, {.backlog = backlog}, 2).result;
    if (backlog != recommendation.setting.backlog) {
      simulated.together.timeline.clear();
      simulated.parked.timeline.clear();
    }
    recommendation.simulated.push_back(std::move(simulated));
  }
  if (!met) {
    recommendation.why_not = "The CPU is the bound. An agent takes 1428 us of it, made up.";
    recommendation.remedies = {"2 cores: all are in after 720 ms, made up.",
                               "A recovery time of 1.44 s: what it takes as it is."};
    return recommendation;
  }
  recommendation.settings = {
      {"[agent] backlog = 512", "With it all are in after 1.44 s, made up."},
      {"sysctl -w net.ipv4.ip_local_port_range=\"10000 60999\"", "A connection takes a port."},
      {"LimitNOFILE=65536", "Two descriptors an agent, and the reserve."}};
  recommendation.tried = {.fleet = plan.fleet,
                          .fewer = "",
                          .all_in_time = true,
                          .storm_was_limit = false,
                          .result = SampleTrial(plan, {.backlog = 512}, 3).result};
  return recommendation;
}

std::vector<Sample> Samples() {
  std::vector<Sample> samples = {
      {"whole", {Whole()}},
      {"large", {Large()}},
      {"unfinished", {Unfinished()}},
      {"every-setting-loses", {EverySettingLoses()}},
      {"nobody-served", {NobodyServed()}},
      {"one-setting", {SampleSweep(SamplePlan(1'000, {4096}, {0}, {0}))}},
      {"hostile", {Hostile()}}};
  Records comparisons_only;
  comparisons_only.comparisons = SampleComparisons(6);
  samples.push_back({"comparisons-only", {comparisons_only}});
  Records trials_only = Whole();
  trials_only.plan.reset();
  trials_only.comparisons.clear();
  samples.push_back({"trials-only", {trials_only}});
  ReportInput& whole = samples.front().input;
  whole.recommended = {{"floodgate.toml", "[agent]\nbacklog = 1000  # made up\n"},
                       {"90-floodgate.conf", "# made up\nnet.core.somaxconn = 1000\n"}};
  whole.recommendation = SampleRecommendation(true);
  ReportInput recommendation_only;
  recommendation_only.recommended = whole.recommended;
  recommendation_only.recommendation = whole.recommendation;
  ReportInput recommendation_unmet;
  recommendation_unmet.recommendation = SampleRecommendation(false);
  samples.push_back({"recommendation-only", std::move(recommendation_only)});
  samples.push_back({"recommendation-unmet", std::move(recommendation_unmet)});
  // Something in its directory could not be read.
  samples.push_back({"unreadable", {SampleSweep(SamplePlan(1'000, {64, 4096}, {0}, {0}))}});
  samples.back().input.warnings = {
      "This is missing here, since it could not be read: recommendation.json: it is no JSON."};
  return samples;
}

}  // namespace floodgate::tune

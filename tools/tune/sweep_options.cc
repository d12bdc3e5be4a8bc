#include "tools/tune/sweep_options.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/storm/command_line.h"
#include "tools/tune/option_values.h"

namespace floodgate::tune {
namespace {

constexpr int kDrainRateMax = 1'000'000'000;
constexpr int kHandshakesMax = 1'000'000;
constexpr int kRunsMax = 1000;
constexpr size_t kTrialsMax = 10'000;
constexpr Duration kLimitMost = Duration::Seconds(86'400);

// What is read as text and then looked at together.
struct Texts {
  std::string patience = "30s";
  std::string retry = "immediate";
  std::string key = "ecdsa";
  std::string limit = "2m";
};

void RefuseTwice(const std::string& option, std::vector<int> values) {
  std::sort(values.begin(), values.end());
  const auto twice = std::adjacent_find(values.begin(), values.end());
  if (twice != values.end())
    Refuse(option, absl::StrCat(*twice, " is given twice; --runs repeats"));
}

void Interpret(const Texts& texts, SweepOptions& options) {
  Plan& plan = options.plan;
  plan.fleet.patience = ReadPatience(texts.patience);
  plan.fleet.retry = ReadRetry(texts.retry);
  plan.key = ReadKey(texts.key);
  plan.limit = ReadDuration("--limit", texts.limit, kLimitMost);
  if (plan.fleet.agents > storm::kAgentsMax) {
    Refuse("--agents", absl::StrCat("a real storm is of ", storm::kAgentsMax,
                                    " at the most; see floodgate-tune predict for more"));
  }
  RefuseTwice("--backlog", plan.backlogs);
  RefuseTwice("--drain-rate", plan.drain_rates);
  RefuseTwice("--handshakes", plan.handshakes);
  const size_t trials = plan.backlogs.size() * plan.drain_rates.size() * plan.handshakes.size() *
                        static_cast<size_t>(plan.runs);
  if (trials > kTrialsMax) {
    Refuse("sweep", absl::StrCat(trials, " trials are more than ", kTrialsMax,
                                 "; give fewer values or --runs"));
  }
}

void AddList(CLI::App& sub, const std::string& name, std::vector<int>& values, int preset,
             int least, int most, const std::string& what) {
  values = {preset};
  sub.add_option(name, values, what)
      ->type_name("N,...")
      ->delimiter(',')
      ->check(CLI::Range(least, most).description(""))
      ->capture_default_str();
}

void AddPlan(CLI::App& sub, Plan& plan) {
  AddAgents(sub, plan.fleet.agents);
  AddList(sub, "--backlog", plan.backlogs, 4096, 1, kBacklogMax, "agent.backlog");
  AddList(sub, "--drain-rate", plan.drain_rates, 0, 0, kDrainRateMax,
          "drain.rate, agents a second; 0: as fast as handshakes finish");
  AddList(sub, "--handshakes", plan.handshakes, 0, 0, kHandshakesMax,
          "limits.handshakes, at a time; 0: as floodgated chooses");
  sub.add_option("--runs", plan.runs, "Trials of each setting")
      ->type_name("K")
      ->check(CLI::Range(1, kRunsMax).description(""))
      ->capture_default_str();
  plan.cores = 0;
  sub.add_option("--cores", plan.cores,
                 "Cores of floodgated, and its workers; the storm has the others. Default: all but "
                 "one")
      ->type_name("N")
      ->check(CLI::Range(1, kCoresMax).description(""));
}

}  // namespace

void AddSweep(CLI::App& app, SweepOptions& options, std::function<void()> chosen) {
  CLI::App* sub = app.add_subcommand(
      "sweep", "Real storms against a floodgated of its own, for each combination of settings");
  const auto texts = std::make_shared<Texts>();
  AddPlan(*sub, options.plan);
  AddPatience(*sub, texts->patience);
  sub->get_option("--patience")->required(false)->capture_default_str();
  AddRetry(*sub, texts->retry);
  AddKey(*sub, texts->key, "Of floodgated's certificate");
  sub->add_option("--limit", texts->limit, "A storm ends after so long in any case")
      ->type_name(DurationType(kLimitMost))
      ->capture_default_str();
  sub->add_option("--out", options.out,
                  "Directory for what is found out; a sweep that was broken off there goes on")
      ->required()
      ->type_name("DIR");
  sub->add_option("--floodgated", options.floodgated,
                  "The program; default: beside this one, or in PATH")
      ->type_name("FILE");
  sub->add_option("--storm", options.storm, "The same of floodgate-storm")->type_name("FILE");
  AddJson(*sub, options.json);
  sub->callback([texts, &options, chosen = std::move(chosen)] {
    Interpret(*texts, options);
    chosen();
  });
}

}  // namespace floodgate::tune

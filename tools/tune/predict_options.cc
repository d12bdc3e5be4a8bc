#include "tools/tune/predict_options.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/tune/option_values.h"
#include "tools/tune/sweep.h"

namespace floodgate::tune {
namespace {

constexpr int kDefaultBacklog = 4096;
constexpr int kRateMax = 1'000'000'000;
constexpr int kHandshakesMax = 1'000'000;
constexpr Duration kLimitMost = Duration::Seconds(86'400);

// What is read as text and then looked at together.
struct Typed {
  std::string patience;
  std::string retry = "immediate";
  std::string handshake_cost;
  std::string key = "ecdsa";
  std::string limit = "10m";
  std::vector<int> backlogs;
  std::vector<int> drain_rates = {0};
  std::vector<int> handshakes = {0};
};

void Interpret(const CLI::App& sub, Typed& typed, PredictOptions& options) {
  Question& question = options.question;
  question.fleet.patience = ReadPatience(typed.patience);
  question.fleet.retry = ReadRetry(typed.retry);
  question.limit = ReadDuration("--limit", typed.limit, kLimitMost);
  const HandshakeOptions handshake = ReadHandshakeCost(sub, typed.handshake_cost, typed.key);
  options.measure = handshake.measure;
  options.key = handshake.key;
  question.cost.handshake = handshake.given;
  if (options.validate && !options.measure) {
    Refuse("--validate", "compares with this host, so it takes --handshake-cost measure");
  }
  if (!options.out.empty() && !options.validate) {
    Refuse("--out", "is where --validate keeps its comparisons; give both");
  }
  if (typed.backlogs.empty()) {
    typed.backlogs = {kDefaultBacklog};
    if (question.fleet.agents != kDefaultBacklog) {
      typed.backlogs.push_back(static_cast<int>(question.fleet.agents));
    }
  }
  options.settings = Combinations(typed.backlogs, typed.drain_rates, typed.handshakes);
}

void AddList(CLI::App& sub, const std::string& name, std::vector<int>& values, int least, int most,
             const std::string& what) {
  sub.add_option(name, values, what)
      ->type_name("N,...")
      ->delimiter(',')
      ->check(CLI::Range(least, most).description(""));
}

void AddSettings(CLI::App& sub, Typed& typed) {
  AddList(sub, "--backlog", typed.backlogs, 1, kBacklogMax,
          "agent.backlog; default: 4096, and the number of agents");
  AddList(sub, "--drain-rate", typed.drain_rates, 0, kRateMax,
          "drain.rate, agents a second; default: 0, as fast as handshakes finish");
  AddList(sub, "--handshakes", typed.handshakes, 0, kHandshakesMax,
          "limits.handshakes, at a time; default: 0, as floodgated chooses");
}

void AddValidate(CLI::App& sub, PredictOptions& options) {
  sub.add_flag("--validate", options.validate,
               "Beside it a real trial of the same on this host, and how they compare");
  sub.add_option("--out", options.out, "Append the comparisons to comparisons.jsonl there")
      ->type_name("DIR");
  AddPrograms(sub, options.bench);
}

}  // namespace

void AddPredict(CLI::App& app, PredictOptions& options, std::function<void()> chosen) {
  CLI::App* sub = app.add_subcommand(
      "predict", "How soon a fleet is connected that comes when the gate opens, simulated");
  const auto typed = std::make_shared<Typed>();
  AddAgents(*sub, options.question.fleet.agents);
  AddJson(*sub, options.json);
  AddCores(*sub, options.question.cores);
  AddSettings(*sub, *typed);
  AddSeed(*sub, options.question.seed);
  AddPatience(*sub, typed->patience);
  AddHandshakeCost(*sub, typed->handshake_cost, typed->key);
  AddRetry(*sub, typed->retry);
  sub->add_option("--limit", typed->limit, "How long is waited for the last agent, simulated time")
      ->type_name(DurationType(kLimitMost))
      ->capture_default_str();
  AddValidate(*sub, options);
  sub->callback([sub, typed, &options, chosen = std::move(chosen)] {
    Interpret(*sub, *typed, options);
    chosen();
  });
}

}  // namespace floodgate::tune

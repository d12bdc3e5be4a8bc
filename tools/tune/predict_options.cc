#include "tools/tune/predict_options.h"

#include <memory>
#include <string>
#include <utility>

#include "tools/tune/option_values.h"

namespace floodgate::tune {
namespace {

constexpr int kDefaultBacklog = 4096;
constexpr Duration kHandshakeMost = Duration::Seconds(10);
constexpr Duration kLimitMost = Duration::Seconds(86'400);

// What is read as text and then looked at together.
struct Texts {
  std::string patience;
  std::string retry = "immediate";
  std::string handshake_cost;
  std::string key = "ecdsa";
  std::string limit = "10m";
};

void Interpret(const CLI::App& sub, const Texts& texts, PredictOptions& options) {
  Question& question = options.question;
  question.patience = ReadPatience(texts.patience);
  question.retry = ReadRetry(texts.retry);
  question.limit = ReadDuration("--limit", texts.limit, kLimitMost);
  options.key = ReadKey(texts.key);
  options.measure = texts.handshake_cost == "measure";
  if (!options.measure) {
    question.handshake =
        PartsOf(ReadDuration("--handshake-cost", texts.handshake_cost, kHandshakeMost));
    if (sub.count("--key") > 0) {
      Refuse("--key", "is of --handshake-cost measure alone; leave one out");
    }
  }
  if (options.backlogs.empty()) {
    options.backlogs = {kDefaultBacklog};
    if (question.agents != kDefaultBacklog) {
      options.backlogs.push_back(static_cast<int>(question.agents));
    }
  }
}

void AddSimulated(CLI::App& sub, PredictOptions& options) {
  sub.add_option("--cores", options.question.cores, "Cores of floodgated's host, and its workers")
      ->required()
      ->type_name("N")
      ->check(CLI::Range(1, kCoresMax).description(""));
  sub.add_option("--backlog", options.backlogs,
                 "agent.backlog, one run each; default: 4096, and the number of agents")
      ->type_name("N,...")
      ->delimiter(',')
      ->check(CLI::Range(1, kBacklogMax).description(""));
  sub.add_option("--seed", options.question.seed, "Of all that is left to chance")
      ->type_name("N")
      ->capture_default_str();
}

}  // namespace

void AddPredict(CLI::App& app, PredictOptions& options, std::function<void()> chosen) {
  CLI::App* sub = app.add_subcommand(
      "predict", "How soon a fleet is connected that comes when the gate opens, simulated");
  const auto texts = std::make_shared<Texts>();
  AddAgents(*sub, options.question.agents);
  AddJson(*sub, options.json);
  AddSimulated(*sub, options);
  AddPatience(*sub, texts->patience);
  sub->add_option("--handshake-cost", texts->handshake_cost,
                  "CPU time of a TLS handshake on that host, or \"measure\": measured on this one")
      ->required()
      ->type_name("DURATION|measure");
  AddKey(*sub, texts->key, "measure: of the certificate");
  AddRetry(*sub, texts->retry);
  sub->add_option("--limit", texts->limit, "How long is waited for the last agent, simulated time")
      ->type_name("DURATION")
      ->capture_default_str();
  sub->callback([sub, texts, &options, chosen = std::move(chosen)] {
    Interpret(*sub, *texts, options);
    chosen();
  });
}

}  // namespace floodgate::tune

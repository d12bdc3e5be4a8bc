#include "tools/tune/recommend_options.h"

#include <memory>
#include <utility>

#include "tools/tune/option_values.h"

namespace floodgate::tune {
namespace {

constexpr Duration kRecoveryMost = Duration::Seconds(86'400);
constexpr Duration kParkedMost = Duration::Seconds(3600);

struct Typed {
  std::string patience;
  std::string retry = "immediate";
  std::string handshake_cost = "measure";
  std::string key = "ecdsa";
  std::string recovery;
  std::string parked = "10s";
};

void Interpret(const CLI::App& sub, const Typed& typed, RecommendOptions& options) {
  Wanted& wanted = options.wanted;
  wanted.fleet.patience = ReadPatience(typed.patience);
  wanted.fleet.retry = ReadRetry(typed.retry);
  wanted.recovery = ReadDuration("--recovery", typed.recovery, kRecoveryMost);
  wanted.parked = ReadDuration("--parked", typed.parked, kParkedMost);
  const HandshakeOptions handshake = ReadHandshakeCost(sub, typed.handshake_cost, typed.key);
  options.measure = handshake.measure;
  options.key = handshake.key;
  wanted.cost.handshake = handshake.given;
  if (options.try_out && !options.measure) {
    Refuse("--try", "tries it on this host, so it takes --handshake-cost measure");
  }
}

}  // namespace

void AddRecommend(CLI::App& app, RecommendOptions& options, std::function<void()> chosen) {
  CLI::App* sub = app.add_subcommand(
      "recommend", "The settings with which a fleet is in within a time, simulated");
  const auto typed = std::make_shared<Typed>();
  AddAgents(*sub, options.wanted.fleet.agents);
  AddJson(*sub, options.json);
  AddCores(*sub, options.wanted.cores);
  AddPatience(*sub, typed->patience);
  sub->add_option("--recovery", typed->recovery,
                  "From the opening of the gate until every agent is in")
      ->required()
      ->type_name(DurationType(kRecoveryMost));
  sub->add_option("--parked", typed->parked,
                  "How long the fleet may have waited before the gate opens")
      ->type_name(DurationType(kParkedMost))
      ->capture_default_str();
  AddHandshakeCost(*sub, typed->handshake_cost, typed->key);
  AddRetry(*sub, typed->retry);
  sub->add_flag("--unix-backend", options.wanted.unix_backend, "backend.address is a unix socket");
  AddSeed(*sub, options.wanted.seed);
  sub->add_option("--out", options.out,
                  "Write floodgate.toml, 90-floodgate.conf and recommendation.json there")
      ->type_name("DIR");
  sub->add_flag("--try", options.try_out, "Try it with a real storm on this host");
  AddPrograms(*sub, options.bench);
  sub->callback([sub, typed, &options, chosen = std::move(chosen)] {
    Interpret(*sub, *typed, options);
    chosen();
  });
}

}  // namespace floodgate::tune

// What the commands of floodgate-tune read from their options in the same way.
#ifndef FLOODGATE_TOOLS_TUNE_OPTION_VALUES_H_
#define FLOODGATE_TOOLS_TUNE_OPTION_VALUES_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "base/time.h"
#include "floodgate/backoff.h"
#include "front/self_signed.h"
#include "sim/fleet.h"
#include "tools/options/option_kinds.h"
#include "tools/tune/handshake_cost.h"
#include "tools/tune/trial.h"

namespace floodgate::tune {

inline constexpr int kBacklogMax = 1'000'000;
inline constexpr int kCoresMax = 64;

// At least a microsecond, and at most `most`.
Duration ReadDuration(const std::string& option, const std::string& text, Duration most);
// What --help says of the value of such an option: "DURATION (1us to 24h)".
std::string DurationType(Duration most);
sim::AgentPatience ReadPatience(const std::string& text);  // of --patience
RetryPolicy ReadRetry(const std::string& text);            // of --retry
KeyKind ReadKey(const std::string& text);                  // of --key; AddKey lets no other through

// --handshake-cost and --key together.
struct HandshakeOptions {
  bool measure = false;
  KeyKind key = KeyKind::kEcdsaP256;  // of what is measured
  HandshakeCost given;                // unless it is measured
};
HandshakeOptions ReadHandshakeCost(const CLI::App& sub, const std::string& cost,
                                   const std::string& key);

// --agents N, required, 1 to 1,000,000; and --json. What they set outlives the parsing.
void AddAgents(CLI::App& sub, int64_t& agents);
void AddJson(CLI::App& sub, bool& json);
// --patience, required; --retry, --key: `text` holds the default.
void AddPatience(CLI::App& sub, std::string& text);
void AddRetry(CLI::App& sub, std::string& text);
void AddKey(CLI::App& sub, std::string& text, const std::string& what);
// --handshake-cost and --key; required if `cost` has no default.
void AddHandshakeCost(CLI::App& sub, std::string& cost, std::string& key);
void AddCores(CLI::App& sub, int& cores);  // required
void AddSeed(CLI::App& sub, uint64_t& seed);
// --floodgated and --storm: the programs that trials start.
void AddPrograms(CLI::App& sub, Bench& bench);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_OPTION_VALUES_H_

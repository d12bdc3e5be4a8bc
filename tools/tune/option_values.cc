#include "tools/tune/option_values.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "core/duration.h"
#include "floodgate/backoff_text.h"
#include "tools/options/option_kinds.h"
#include "tools/sim/choices.h"
#include "tools/tune/key_names.h"

namespace floodgate::tune {
namespace {

constexpr int64_t kAgentsMax = 1'000'000;
constexpr Duration kHandshakeMost = Duration::Seconds(10);

// A microsecond is the smallest unit.
std::string UpTo(Duration most) {
  return absl::StrCat("1us to ", FormatDuration(most));
}

}  // namespace

Duration ReadDuration(const std::string& option, const std::string& text, Duration most) {
  const std::optional<Duration> duration = ParseDuration(text);
  if (!duration.has_value() || duration->ns <= 0 || *duration > most) {
    Refuse(option, absl::StrCat("\"", text, "\" is no duration of ", UpTo(most),
                                "; write whole numbers with their units, largest first: 250us, "
                                "1500ms, 2s or 1m30s"));
  }
  return *duration;
}

std::string DurationType(Duration most) {
  return absl::StrCat("DURATION (", UpTo(most), ")");
}

sim::AgentPatience ReadPatience(const std::string& text) {
  const std::optional<sim::AgentPatience> patience = sim::ParsePatience(text);
  if (!patience.has_value()) {
    Refuse(
        "--patience",
        absl::StrCat("\"", text, "\" is none; write 3s, exp:3s or 500ms/30s, each time ",
                     UpTo(kDurationMax), ", in whole numbers with their units: 1500ms, not 1.5s"));
  }
  return *patience;
}

RetryPolicy ReadRetry(const std::string& text) {
  const std::optional<RetryPolicy> retry = ParseRetryPolicy(text);
  if (!retry.has_value()) {
    Refuse("--retry", absl::StrCat("\"", text,
                                   "\" is none; write none, immediate, fixed, exponential, "
                                   "full-jitter or decorrelated-jitter"));
  }
  return *retry;
}

KeyKind ReadKey(const std::string& text) {
  const std::optional<KeyKind> key = ParseKey(text);
  if (!key.has_value()) {
    Refuse("--key", absl::StrCat("\"", text, "\" is none; write ecdsa, rsa-2048 or rsa-4096"));
  }
  return *key;
}

HandshakeOptions ReadHandshakeCost(const CLI::App& sub, const std::string& cost,
                                   const std::string& key) {
  HandshakeOptions read{.measure = cost == "measure", .key = ReadKey(key), .given = {}};
  if (read.measure) return read;
  read.given = PartsOf(ReadDuration("--handshake-cost", cost, kHandshakeMost));
  if (sub.count("--key") > 0) {
    Refuse("--key", "is of --handshake-cost measure alone; leave one out");
  }
  return read;
}

void AddAgents(CLI::App& sub, int64_t& agents) {
  sub.add_option("--agents", agents, "Agents that come at once")
      ->required()
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, kAgentsMax).description(""));
}

void AddJson(CLI::App& sub, bool& json) {
  sub.add_flag("--json", json, "Print the result as JSON");
}

void AddPatience(CLI::App& sub, std::string& text) {
  sub.add_option("--patience", text,
                 "How long an attempt may take: 3s; exp:3s, exponential with that mean; "
                 "500ms/30s, half of the agents each")
      ->required()
      ->type_name(DurationType(kDurationMax));
}

void AddRetry(CLI::App& sub, std::string& text) {
  sub.add_option("--retry", text,
                 "After a failed attempt: none, immediate, fixed, exponential, full-jitter, "
                 "decorrelated-jitter")
      ->type_name("POLICY")
      ->capture_default_str();
}

void AddKey(CLI::App& sub, std::string& text, const std::string& what) {
  sub.add_option("--key", text, what)
      ->check(CLI::IsMember({"ecdsa", "rsa-2048", "rsa-4096"}).description(""))
      ->type_name("ecdsa|rsa-2048|rsa-4096")
      ->capture_default_str();
}

void AddHandshakeCost(CLI::App& sub, std::string& cost, std::string& key) {
  CLI::Option* option =
      sub.add_option("--handshake-cost", cost,
                     "CPU time of a TLS handshake on that host, or \"measure\": what an agent "
                     "takes is measured on this one")
          ->type_name(absl::StrCat(DurationType(kHandshakeMost), "|measure"));
  if (cost.empty()) {
    option->required();
  } else {
    option->capture_default_str();
  }
  AddKey(sub, key, "measure: of the certificate");
}

void AddCores(CLI::App& sub, int& cores) {
  sub.add_option("--cores", cores, "Cores of floodgated's host, and its workers")
      ->required()
      ->type_name("N")
      ->check(CLI::Range(1, kCoresMax).description(""));
}

void AddSeed(CLI::App& sub, uint64_t& seed) {
  floodgate::AddSeed(sub, "--seed", seed, "Of all that is left to chance")->capture_default_str();
}

void AddPrograms(CLI::App& sub, Bench& bench) {
  constexpr char kWhere[] = "; default: beside this program, or in PATH";
  sub.add_option("--floodgated", bench.floodgated, absl::StrCat("floodgated's path", kWhere))
      ->type_name("FILE");
  sub.add_option("--storm", bench.storm, absl::StrCat("floodgate-storm's path", kWhere))
      ->type_name("FILE");
}

}  // namespace floodgate::tune

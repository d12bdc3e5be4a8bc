#include "tools/storm/options.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/version.h"
#include "core/duration.h"

namespace floodgate::storm {
namespace {

constexpr int kAgentsMax = 20'000;
constexpr int kSourcesMax = 65'000;

const std::map<std::string, Mode> kModes = {{"tcp", Mode::kTcp},
                                            {"hello", Mode::kHello},
                                            {"tls", Mode::kTls},
                                            {"tls-resumed", Mode::kTlsResumed},
                                            {"http", Mode::kHttp},
                                            {"https", Mode::kHttps},
                                            {"https-resumed", Mode::kHttpsResumed}};
const std::map<std::string, Retry> kRetries = {
    {"none", Retry::kNone}, {"immediate", Retry::kImmediate}, {"full-jitter", Retry::kFullJitter}};

// An option that takes a duration.
void AddDuration(CLI::App& app, const std::string& name, Duration& value, const std::string& help) {
  app.add_option_function<std::string>(
         name,
         [&value, name](const std::string& text) {
           const std::optional<Duration> duration = ParseDuration(text);
           if (!duration.has_value()) {
             throw CLI::ValidationError(
                 name, absl::StrCat("\"", text, "\" is no duration; write 250ms, 2s or 1m30s"));
           }
           value = *duration;
         },
         help)
      ->type_name("DURATION")
      ->default_str(FormatDuration(value));
}

void AddPercent(CLI::App& app, const std::string& name, int& value, const std::string& help) {
  app.add_option(name, value, help)->type_name("PERCENT")->check(CLI::Range(0, 100));
}

// "N": 127.1.0.1 and on; or a block, all of whose addresses but the first are used.
std::vector<IpAddress> ReadSources(const std::string& text) {
  IpAddress base = IpAddress::V4(0x7f010000);
  int count = 0;
  if (const std::optional<Cidr> block = Cidr::Parse(text); block && text.find('/') != text.npos) {
    base = block->base;
    const int free_bits = (base.is_v4() ? 32 : 128) - block->bits;
    count = free_bits >= 16 ? kSourcesMax : std::max((1 << free_bits) - 1, 1);
  } else if (!absl::SimpleAtoi(text, &count) || count < 1 || count > kSourcesMax) {
    throw CLI::ValidationError(
        "--sources", absl::StrCat("\"", text, "\" is neither a number from 1 to ", kSourcesMax,
                                  " nor a block such as 127.1.0.0/16"));
  }
  std::vector<IpAddress> sources;
  for (int i = 1; i <= count; ++i) {
    IpAddress address = base;
    int carry = i;
    for (size_t byte = address.bytes.size(); byte-- > 0 && carry > 0;) {
      carry += address.bytes[byte];
      address.bytes[byte] = static_cast<uint8_t>(carry);
      carry >>= 8;
    }
    sources.push_back(address);
  }
  return sources;
}

void AddLoad(CLI::App& app, Options& options) {
  app.add_option("--agents", options.agents, "Simulated agents")
      ->check(CLI::Range(1, kAgentsMax))
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--sources", [&options](const std::string& text) { options.sources = ReadSources(text); },
         "Source addresses: a number (127.1.0.1 and on) or a block of addresses of this host")
      ->type_name("N|CIDR");
  app.add_option("--rate", options.rate, "Attempts begun a second; 0 = all at once")
      ->check(CLI::Range(0.0, 1e6));
  app.add_option("--concurrency", options.concurrency, "Attempts at a time; 0 = no bound")
      ->check(CLI::Range(0, kAgentsMax));
  app.add_option("--attempts", options.attempts,
                 "Attempts in all: agents that have been served begin again until so many were "
                 "made; 0 = each agent is served once")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
  app.add_option("--mode", options.mode,
                 "What an agent does: tcp (connect), hello (one line, wait for a byte), tls and "
                 "tls-resumed (handshake), http, https and https-resumed (one request)")
      ->transform(CLI::CheckedTransformer(kModes))
      ->default_str("https");
  app.add_option_function<std::string>(
         "--hold",
         [&options](const std::string& text) {
           options.hold_until_end = text == "forever";
           const std::optional<Duration> duration = ParseDuration(text);
           if (!duration.has_value() && !options.hold_until_end) {
             throw CLI::ValidationError("--hold", "expected a duration or \"forever\"");
           }
           options.hold = duration.value_or(Duration{});
         },
         "How long a served agent stays, or \"forever\": to the end of the storm")
      ->type_name("DURATION")
      ->default_str("0s");
}

void AddPatience(CLI::App& app, Options& options) {
  AddDuration(app, "--patience", options.patience,
              "How long an attempt may take from its connect until it is served");
  AddDuration(app, "--connect-timeout", options.connect_timeout, "For the connect; 0s = patience");
  AddDuration(app, "--handshake-timeout", options.handshake_timeout,
              "For the TLS handshake; 0s = patience");
  AddDuration(app, "--first-byte-timeout", options.first_byte_timeout,
              "For the answer's first byte; 0s = patience");
  app.add_option("--retry", options.retry, "After a failure: none, immediate, full-jitter")
      ->transform(CLI::CheckedTransformer(kRetries))
      ->default_str("none");
  AddDuration(app, "--retry-base", options.retry_base, "full-jitter: longest first delay");
  AddDuration(app, "--retry-cap", options.retry_cap, "full-jitter: longest delay");
  app.add_option("--attempts-max", options.attempts_max, "Attempts of one agent; 0 = no bound")
      ->check(CLI::Range(0, 1'000'000));
  AddDuration(app, "--duration", options.duration, "The storm ends after so long in any case");
}

void AddFaults(CLI::App& app, Options& options) {
  AddPercent(app, "--give-up", options.give_up_percent, "Agents that leave while they wait");
  AddDuration(app, "--give-up-after", options.give_up_after, "When they leave");
  AddPercent(app, "--silent", options.silent_percent, "Agents that connect and say nothing");
  AddPercent(app, "--garbage", options.garbage_percent, "Agents that say garbage");
  AddPercent(app, "--reset", options.reset_percent, "Agents that reset right after connecting");
}

void AddRest(CLI::App& app, Options& options) {
  app.add_flag("--close-by-reset", options.close_by_reset,
               "Close with a reset, which leaves no port in TIME_WAIT");
  app.add_option("--server-name", options.server_name, "SNI")->capture_default_str();
  app.add_option("--tls-version", options.tls_version, "Only this TLS version")
      ->check(CLI::IsMember({"1.2", "1.3"}));
  app.add_option("--seed", options.seed, "Of all that is left to chance")->capture_default_str();
  app.add_option("--cpu", options.cpu, "Run on this core alone")->check(CLI::Range(0, 4095));
  app.add_flag("--json", options.json, "Print the results as JSON instead of a table");
  app.add_flag("--require-served", options.require_served,
               "Exit with 1 if any agent was not served");
}

}  // namespace

std::optional<Options> ReadOptions(int argc, char** argv, int* exit_code) {
  Options options;
  std::vector<std::string> targets;
  CLI::App app{
      "An agent storm: thousands of simulated agents against any TCP or TLS front end. "
      "Certificates are not verified: this is a load tool.",
      "floodgate-storm"};
  app.set_version_flag("--version", std::string("floodgate-storm ") + Version());
  app.add_option("target", targets,
                 "host:port, [v6]:port, unix:/path or unix:@name; several are "
                 "used in turn")
      ->required();
  AddLoad(app, options);
  AddPatience(app, options);
  AddFaults(app, options);
  AddRest(app, options);
  app.footer("Results are explained in docs/storm.md.\nExit: 0 ran, 1 failed, 2 bad usage.");
  try {
    app.parse(argc, argv);
    for (const std::string& target : targets) {
      absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(target);
      if (!endpoint.ok()) {
        throw CLI::ValidationError(target, std::string(endpoint.status().message()));
      }
      options.targets.push_back(*std::move(endpoint));
    }
    const int shares = options.silent_percent + options.garbage_percent + options.reset_percent;
    if (shares > 100) {
      throw CLI::ValidationError("--silent, --garbage, --reset", "are more than 100 % together");
    }
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      *exit_code = app.exit(error);
    } else {
      std::fprintf(stderr, "floodgate-storm: %s; see floodgate-storm --help\n", error.what());
      *exit_code = 2;
    }
    return std::nullopt;
  }
  return options;
}

}  // namespace floodgate::storm

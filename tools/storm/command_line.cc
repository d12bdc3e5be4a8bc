#include "tools/storm/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/version.h"
#include "core/duration.h"

namespace floodgate::storm {
namespace {

const std::map<std::string, Mode> kModes = {{"tcp", Mode::kTcp},
                                            {"wait", Mode::kWait},
                                            {"hello", Mode::kHello},
                                            {"tls", Mode::kTls},
                                            {"tls-resumed", Mode::kTlsResumed},
                                            {"http", Mode::kHttp},
                                            {"https", Mode::kHttps},
                                            {"https-resumed", Mode::kHttpsResumed}};
const std::map<std::string, Retry> kRetries = {
    {"none", Retry::kNone}, {"immediate", Retry::kImmediate}, {"full-jitter", Retry::kFullJitter}};

// It goes into a request line or a header field.
std::string CheckToken(const std::string& text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(),
                                                  [](char c) { return c > ' ' && c < 0x7f; });
  return plain ? "" : "must be printable ASCII without spaces";
}

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

void AddLoad(CLI::App& app, Options& options) {
  app.add_option("--agents", options.agents, "Simulated agents")
      ->check(CLI::Range(1, kAgentsMax))
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--sources",
         [&options](const std::string& text) {
           const absl::StatusOr<Sources> sources = Sources::Parse(text);
           if (!sources.ok()) {
             throw CLI::ValidationError("--sources", std::string(sources.status().message()));
           }
           options.sources = *sources;
         },
         "Addresses that agents come from: a number (127.1.0.1 and on) or a block of this host's "
         "own addresses, such as 127.1.0.0/16; not for unix sockets")
      ->type_name("N|CIDR");
  app.add_option("--rate", options.rate, "Attempts begun a second; 0 = all at once")
      ->check(CLI::Range(0.0, 1e6));
  app.add_option("--concurrency", options.concurrency, "Attempts at a time; 0 = no bound")
      ->check(CLI::Range(0, kAgentsMax));
  app.add_option("--attempts", options.attempts,
                 "Attempts in all: agents that have been served begin again until so many were "
                 "made; 0 = each agent is served once")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
  app.add_option(
         "--mode", options.mode,
         "What an agent does: tcp (connect), wait (connect, wait for a byte), hello (send a "
         "line, wait for a byte), tls and tls-resumed (handshake), http, https and "
         "https-resumed (one request)")
      ->transform(CLI::CheckedTransformer(kModes))
      ->default_str("https");
  app.add_option_function<std::string>(
         "--hold",
         [&options](const std::string& text) {
           options.hold_until_end = text == "forever";
           const std::optional<Duration> duration = ParseDuration(text);
           if (!duration.has_value() && !options.hold_until_end) {
             throw CLI::ValidationError("--hold",
                                        absl::StrCat("\"", text,
                                                     "\" is no duration; write 250ms, 2s, 1m30s, "
                                                     "0s or forever"));
           }
           options.hold = duration.value_or(Duration{});
         },
         "How long a served agent stays; \"forever\": until --duration is over or Ctrl-C")
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
  AddPercent(app, "--give-up", options.give_up_percent,
             "Share of agents that leave for good while they wait");
  AddDuration(app, "--give-up-after", options.give_up_after,
              "How long after the connect began they leave");
  AddPercent(app, "--silent", options.silent_percent,
             "Share of agents that connect and say nothing");
  AddPercent(app, "--garbage", options.garbage_percent,
             "Share of agents that say what is neither TLS nor HTTP");
  AddPercent(app, "--reset", options.reset_percent,
             "Share of agents that reset the connection as soon as it stands");
}

void AddRest(CLI::App& app, Options& options) {
  app.add_flag("--close-by-reset", options.close_by_reset,
               "Close with a reset, which leaves no port in TIME_WAIT");
  app.add_option("--server-name", options.server_name, "Name to ask for: SNI, and Host in HTTP")
      ->check(CheckToken, "NAME")
      ->capture_default_str();
  app.add_option("--path", options.path, "Path to ask for in HTTP")
      ->check(CheckToken, "PATH")
      ->capture_default_str();
  app.add_option("--tls-version", options.tls_version, "Only this TLS version")
      ->check(CLI::IsMember({"1.2", "1.3"}));
  app.add_option("--seed", options.seed, "Of all that is left to chance")->capture_default_str();
  app.add_option("--cpu", options.cpu, "Run on this core alone")->check(CLI::Range(0, 4095));
  auto* output = app.add_option_group("Output");
  output->add_flag_callback(
      "--table", [&options] { options.output = Output::kTable; }, "Print a table (default)");
  output->add_flag_callback(
      "--json", [&options] { options.output = Output::kJson; }, "Print JSON");
  output->add_flag_callback(
      "--quiet", [&options] { options.output = Output::kNone; }, "Print no results");
  output->require_option(0, 1);
  app.add_flag("--require-served", options.require_served,
               "Exit with 1 if an agent was not served, unless it is meant to give up or faulty");
}

void ReadTargets(const std::vector<std::string>& texts, Options& options) {
  for (const std::string& text : texts) {
    absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
    if (!endpoint.ok()) {
      throw CLI::ValidationError(text, std::string(endpoint.status().message()));
    }
    if (!endpoint->is_unix() && endpoint->port == 0) {
      throw CLI::ValidationError(text, "nobody listens on port 0; give the port");
    }
    options.targets.push_back(*std::move(endpoint));
  }
}

// What each option allows by itself may not go with the others.
void CheckTogether(const Options& options) {
  if (options.silent_percent + options.garbage_percent + options.reset_percent > 100) {
    throw CLI::ValidationError("--silent, --garbage, --reset", "are more than 100 % together");
  }
  if (options.patience.ns <= 0) {
    throw CLI::ValidationError("--patience", "0s lets nobody be served; give it some time");
  }
  if (options.duration.ns <= 0) {
    throw CLI::ValidationError("--duration", "0s is no storm; give it some time");
  }
  if (options.retry_base > options.retry_cap) {
    throw CLI::ValidationError("--retry-base", "is longer than --retry-cap");
  }
  const bool all_unix = std::all_of(options.targets.begin(), options.targets.end(),
                                    [](const Endpoint& target) { return target.is_unix(); });
  if (options.sources.count > 0 && all_unix) {
    throw CLI::ValidationError("--sources", "unix sockets have no source addresses; leave it out");
  }
}

}  // namespace

std::optional<Options> ReadCommandLine(int argc, char** argv, int* exit_code) {
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
    ReadTargets(targets, options);
    CheckTogether(options);
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

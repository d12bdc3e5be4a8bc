#include "tools/storm/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/version.h"
#include "core/duration.h"
#include "floodgate/backoff_text.h"
#include "tools/options/option_kinds.h"
#include "tools/storm/scenario.h"

namespace floodgate::storm {
namespace {

constexpr int64_t kAttemptsMax = 1'000'000'000;
constexpr double kRateMax = 1e6;
constexpr int kAttemptsOfAgentMax = 1'000'000;
constexpr int64_t kIntervalsMax = 1'000'000;
constexpr int kCpuMax = 1023;

const Choices<Mode> kModes = {{"tcp", Mode::kTcp},
                              {"wait", Mode::kWait},
                              {"hello", Mode::kHello},
                              {"tls", Mode::kTls},
                              {"tls-resumed", Mode::kTlsResumed},
                              {"http", Mode::kHttp},
                              {"https", Mode::kHttps},
                              {"https-resumed", Mode::kHttpsResumed}};
const Choices<Shape> kShapes = {{"together", Shape::kTogether},
                                {"uniform", Shape::kUniform},
                                {"poisson", Shape::kPoisson},
                                {"waves", Shape::kWaves}};
const Choices<std::string> kTlsVersions = {{"1.2", "1.2"}, {"1.3", "1.3"}};

void AddSources(CLI::App& app, Options& options) {
  const auto read = [&options](const std::string& text) {
    const absl::StatusOr<Sources> sources = Sources::Parse(text);
    if (!sources.ok()) Refuse("--sources", std::string(sources.status().message()));
    options.sources = *sources;
  };
  app.add_option_function<std::string>(
         "--sources", read,
         "Addresses that agents come from: a number (127.1.0.1 and on) or a block of this host's "
         "own addresses, such as 127.1.0.0/16; not for unix sockets")
      ->type_name("N|CIDR");
}

void AddArrivals(CLI::App& app, Options& options) {
  app.add_option_function<std::string>(
         "--arrivals",
         [&options](const std::string& text) {
           options.arrivals = ReadChoice("--arrivals", text, kShapes);
         },
         "How agents arrive, whatever becomes of those before them: together (at once), uniform, "
         "poisson or waves (--rate of them a second); retries come on top")
      ->type_name(absl::StrJoin(Words(kShapes), "|"));
  AddNumber(app, "--rate", options.rate, 0.0, kRateMax,
            "With --arrivals, agents that arrive a second; without, attempts begun a second, "
            "retries among them; 0 = as soon as an agent may begin");
  AddDuration(app, "--wave-every", options.wave_every,
              "waves: time from one to the next, each of --rate times so many agents");
}

void AddHold(CLI::App& app, Options& options) {
  const auto read = [&options](const std::string& text) {
    options.hold_until_end = text == "forever";
    const std::optional<Duration> duration = ParseDuration(text);
    if (!duration.has_value() && !options.hold_until_end) {
      Refuse("--hold",
             absl::StrCat("\"", text, "\" is no duration; write 250ms, 2s, 1m30s, 0s or forever"));
    }
    options.hold = duration.value_or(Duration{});
  };
  app.add_option_function<std::string>(
         "--hold", read,
         "How long a served agent stays; \"forever\": until --duration is over, or Ctrl-C")
      ->type_name("DURATION|forever")
      ->default_str("0s");
}

void AddStay(CLI::App& app, Options& options) {
  AddHold(app, options);
  AddDuration(
      app, "--heartbeat", options.heartbeat,
      "A served agent says something so often while it stays (http: the request; else "
      "\"ping\" and a line end), and leaves if no answer comes before the next; 0s = never");
  app.add_flag("--reconnect", options.reconnect,
               "Agents that are cut off while they stay begin again, after the first delay of "
               "--retry");
}

Choices<RetryPolicy> Retries() {
  Choices<RetryPolicy> choices;
  for (const RetryPolicyText& text : kRetryPolicies) {
    choices.emplace_back(text.name.data(), text.policy);  // Literals: they end with a null.
  }
  return choices;
}

void AddPatienceItself(CLI::App& app, Options& options) {
  const auto read = [&options](const std::string& text) {
    const absl::StatusOr<Patience> patience = Patience::Parse(text);
    if (!patience.ok()) Refuse("--patience", std::string(patience.status().message()));
    options.patience = *patience;
  };
  app.add_option_function<std::string>(
         "--patience", read,
         "How long an attempt may take from its connect until it is served: 30s; exp:1s: random, "
         "exponentially distributed, with that mean; mix:500ms,30s: each for an equal share of the "
         "agents")
      ->type_name("DURATION|exp:DURATION|mix:DURATION,...")
      ->default_str("30s");
}

void AddLoad(CLI::App& app, Options& options) {
  AddNumber(app, "--agents", options.agents, 1, kAgentsMax, "Simulated agents")
      ->capture_default_str();
  AddSources(app, options);
  AddArrivals(app, options);
  AddNumber(app, "--concurrency", options.concurrency, 0, kAgentsMax,
            "Attempts at a time; 0 = no bound");
  AddNumber(app, "--attempts", options.attempts, int64_t{0}, kAttemptsMax,
            "Attempts in all: agents that are done begin again until so many were made; 0 = each "
            "agent is served once");
  AddChoice(app, "--mode", options.mode, kModes,
            "What an agent does: tcp (connect), wait (connect, wait for a byte), hello (send a "
            "line, wait for a byte), tls and tls-resumed (handshake), http, https and "
            "https-resumed (one request)");
  AddStay(app, options);
  AddDuration(app, "--duration", options.duration, "The storm ends after so long in any case");
}

void AddPatience(CLI::App& app, Options& options) {
  AddPatienceItself(app, options);
  AddDuration(app, "--connect-timeout", options.connect_timeout, "For the connect; 0s = patience");
  AddDuration(app, "--handshake-timeout", options.handshake_timeout,
              "For the TLS handshake; 0s = patience");
  AddDuration(app, "--first-byte-timeout", options.first_byte_timeout,
              "For the answer's first byte; 0s = patience");
  static const Choices<RetryPolicy> retries = Retries();
  AddChoice(app, "--retry", options.retry, retries,
            "After a failure: none, immediate, fixed (after --retry-base), exponential (doubled "
            "each time), full-jitter (random up to that), decorrelated-jitter (random from "
            "--retry-base to three times the delay before)");
  AddDuration(app, "--retry-base", options.retry_base, "First delay, or its bound");
  AddDuration(app, "--retry-cap", options.retry_cap, "Longest delay");
  AddNumber(app, "--attempts-max", options.attempts_max, 0, kAttemptsOfAgentMax,
            "Attempts of one agent until it is served; 0 = no bound");
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
  AddPercent(app, "--slow", options.slow_percent,
             "Share of agents that send their first words (tls: the ClientHello) in ten pieces");
  AddDuration(app, "--slow-over", options.slow_over, "How long a slow agent's first words take");
}

void AddTimeline(CLI::App& app, Options& options) {
  AddDuration(app, "--interval", options.interval, "Length of a row of the timeline");
  app.add_option("--csv", options.csv, "Write the timeline there, as CSV")->type_name("FILE");
}

void AddRest(CLI::App& app, Options& options) {
  app.add_flag("--close-by-reset", options.close_by_reset,
               "Close with a reset, which leaves no port in TIME_WAIT");
  AddToken(app, "--server-name", options.server_name, "Name to ask for: SNI, and Host in HTTP");
  AddToken(app, "--path", options.path, "Path to ask for in HTTP");
  AddChoice(app, "--tls-version", options.tls_version, kTlsVersions, "Only this TLS version");
  AddSeed(app, "--seed", options.seed, "Of all that is left to chance")->capture_default_str();
  AddNumber(app, "--cpu", options.cpu, 0, kCpuMax, "Run on this core alone");
  app.add_flag_callback(
      "--table", [&options] { options.output = Output::kTable; },
      "Print the results as a table (default)");
  app.add_flag_callback(
         "--json", [&options] { options.output = Output::kJson; }, "Print the results as JSON")
      ->excludes("--table");
  app.add_flag_callback(
         "--quiet", [&options] { options.output = Output::kNone; }, "Print no results")
      ->excludes("--table", "--json");
  app.add_flag("--require-served", options.require_served,
               "Exit with 1 if an agent was not served, unless it is faulty or meant to give up");
}

void ReadTargets(const std::vector<std::string>& texts, Options& options) {
  for (const std::string& text : texts) {
    absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
    if (!endpoint.ok()) Refuse(text, std::string(endpoint.status().message()));
    if (!endpoint->is_unix() && endpoint->port == 0) {
      Refuse(text, "nobody listens on port 0; give the port");
    }
    options.targets.push_back(*std::move(endpoint));
  }
}

void CheckArrivals(const Options& options) {
  if (options.wave_every.ns <= 0) Refuse("--wave-every", "0s is no wave; give it some time");
  if (!options.arrivals.has_value()) return;
  if (options.scheduled() && options.rate <= 0) {
    Refuse("--arrivals", "needs a --rate, agents a second");
  }
  if (!options.scheduled() && options.rate > 0) {
    Refuse("--arrivals", "together and a --rate exclude each other; leave one out");
  }
  if (options.concurrency > 0) {
    Refuse("--arrivals",
           "and --concurrency exclude each other: agents arrive whatever is under "
           "way; leave one out");
  }
}

void CheckTimeline(const Options& options) {
  if (options.interval.ns <= 0) Refuse("--interval", "0s is no interval; give it some time");
  if (options.duration.ns / options.interval.ns >= kIntervalsMax) {
    Refuse("--interval", absl::StrCat("cuts --duration into more than ", kIntervalsMax,
                                      " pieces; give it more time"));
  }
}

// What each option allows by itself may not go with the others.
void CheckTogether(const Options& options) {
  if (options.silent_percent + options.garbage_percent + options.reset_percent > 100) {
    Refuse("--silent, --garbage, --reset", "are more than 100 % together");
  }
  if (options.duration.ns <= 0) Refuse("--duration", "0s is no storm; give it some time");
  if (options.retry_base > options.retry_cap) {
    Refuse("--retry-base", "is longer than --retry-cap");
  }
  CheckArrivals(options);
  CheckTimeline(options);
  const bool all_unix = std::all_of(options.targets.begin(), options.targets.end(),
                                    [](const Endpoint& target) { return target.is_unix(); });
  if (options.sources.count > 0 && all_unix) {
    Refuse("--sources", "unix sockets have no source addresses; leave it out");
  }
}

// What stands for the target while a scenario's options are tried one by one.
constexpr char kAnyTarget[] = "127.0.0.1:1";

// One reading of the command line: CLI11 keeps what it has read, so each needs a new one.
class Reading {
 public:
  Reading();
  // Arguments as of main(), without the program's name. Throws CLI::ParseError.
  void Parse(std::vector<std::string> arguments);
  // What is put together may not fit. Throws, too.
  void Check();

  bool Knows(const std::string& name) const {
    return app_.get_option_no_throw(absl::StrCat("--", name)) != nullptr;
  }
  // The last of several values counts: a command line's come after its scenario's.
  bool Has(const std::string& option) const { return app_.count(option) > 0; }
  CLI::App& app() { return app_; }
  const std::vector<std::string>& targets() const { return targets_; }
  const Options& options() const { return options_; }

 private:
  Options options_;
  std::vector<std::string> targets_;
  CLI::App app_{
      "An agent storm: thousands of simulated agents against any TCP or TLS front end. "
      "Certificates are not verified: this is a load tool.",
      "floodgate-storm"};
};

Reading::Reading() {
  app_.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app_.set_version_flag("--version", std::string("floodgate-storm ") + Version());
  app_.add_option("target", targets_,
                  "host:port, [v6]:port, unix:/path or unix:@name; several are used in turn")
      ->type_name("")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  AddLoad(app_, options_);
  AddPatience(app_, options_);
  AddFaults(app_, options_);
  AddTimeline(app_, options_);
  AddRest(app_, options_);
  app_.add_option("--scenario", options_.scenario,
                  "Take options from this TOML file first: a key is an option's name without the "
                  "dashes")
      ->type_name("FILE");
  app_.footer(
      "The figures are explained in docs/storm.md.\n"
      "Exit: 0 ran (whatever became of the agents), 1 failed, 2 bad usage.");
}

void Reading::Parse(std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end());  // As CLI11 wants them.
  app_.parse(std::move(arguments));
}

void Reading::Check() {
  if (targets_.empty()) throw CLI::RequiredError("target");
  ReadTargets(targets_, options_);
  CheckTogether(options_);
}

// Throws if the option is unknown or its value wrong by itself.
void TryAlone(const ScenarioOption& option, const Reading& known) {
  const bool ours = option.name == "target" || known.Knows(option.name);
  if (!ours || option.name == "help" || option.name == "version" || option.name == "scenario") {
    Refuse(option.place,
           absl::StrCat("there is no key \"", option.name,
                        "\"; keys are options without their dashes, such as retry-base"));
  }
  try {
    Reading().Parse({option.argument, kAnyTarget});
  } catch (const CLI::ParseError& error) {
    Refuse(option.place, error.what());
  }
}

// The arguments that the scenario stands for. The command line's own targets, and how it wants its
// output, replace the scenario's.
std::vector<std::string> ScenarioArguments(const Reading& command_line) {
  const absl::StatusOr<std::vector<ScenarioOption>> scenario =
      LoadScenario(command_line.options().scenario);
  if (!scenario.ok()) Refuse("--scenario", std::string(scenario.status().message()));
  const bool has_output =
      command_line.Has("--json") || command_line.Has("--table") || command_line.Has("--quiet");
  std::vector<std::string> arguments;
  for (const ScenarioOption& option : *scenario) {
    TryAlone(option, command_line);
    const bool output = option.name == "json" || option.name == "table" || option.name == "quiet";
    const bool replaced =
        (output && has_output) || (option.name == "target" && !command_line.targets().empty());
    if (!replaced && option.applies) arguments.push_back(option.argument);
  }
  return arguments;
}

Options Read(const std::vector<std::string>& arguments, Reading& reading) {
  reading.Parse(arguments);
  if (reading.options().scenario.empty()) {
    reading.Check();
    return reading.options();
  }
  std::vector<std::string> all = ScenarioArguments(reading);
  all.insert(all.end(), arguments.begin(), arguments.end());
  Reading together;
  together.Parse(std::move(all));
  together.Check();
  return together.options();
}

}  // namespace

std::optional<Options> ReadCommandLine(int argc, char** argv, int* exit_code) {
  Reading reading;
  try {
    return Read({argv + 1, argv + argc}, reading);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      *exit_code = reading.app().exit(error);
    } else {
      std::fprintf(stderr, "floodgate-storm: %s; see floodgate-storm --help\n", error.what());
      *exit_code = 2;
    }
    return std::nullopt;
  }
}

}  // namespace floodgate::storm

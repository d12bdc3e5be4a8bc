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

namespace floodgate::storm {
namespace {

constexpr int64_t kAttemptsMax = 1'000'000'000;
constexpr double kRateMax = 1e6;
constexpr int kAttemptsOfAgentMax = 1'000'000;
constexpr int64_t kIntervalsMax = 1'000'000;
constexpr int kCpuMax = 1023;

template <typename Value>
using Choices = std::vector<std::pair<const char*, Value>>;

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

[[noreturn]] void Refuse(const std::string& option, const std::string& why) {
  throw CLI::ValidationError(option, why);
}

template <typename Number>
CLI::Option* AddNumber(CLI::App& app, const std::string& name, Number& value, Number least,
                       Number most, const std::string& help) {
  return app.add_option(name, value, help)
      ->type_name(absl::StrCat("N (", least, " to ", most, ")"))
      ->check(CLI::Range(least, most).description(""));
}

void AddPercent(CLI::App& app, const std::string& name, int& value, const std::string& help) {
  app.add_option(name, value, help)
      ->type_name("PERCENT")
      ->check(CLI::Range(0, 100).description(""));
}

void AddDuration(CLI::App& app, const std::string& name, Duration& value, const std::string& help) {
  const auto read = [&value, name](const std::string& text) {
    const std::optional<Duration> duration = ParseDuration(text);
    if (!duration.has_value()) {
      Refuse(name, absl::StrCat("\"", text, "\" is no duration; write 250ms, 2s or 1m30s"));
    }
    value = *duration;
  };
  app.add_option_function<std::string>(name, read, help)
      ->type_name("DURATION")
      ->default_str(FormatDuration(value));
}

template <typename Value>
std::vector<std::string> Words(const Choices<Value>& choices) {
  std::vector<std::string> words;
  for (const auto& [word, choice] : choices) words.emplace_back(word);
  return words;
}

template <typename Value>
Value ReadChoice(const std::string& option, const std::string& text,
                 const Choices<Value>& choices) {
  for (const auto& [word, choice] : choices) {
    if (text == word) return choice;
  }
  Refuse(option, absl::StrCat("\"", text, "\" is none of ", absl::StrJoin(Words(choices), ", ")));
}

// An option that takes one of several words. `value` holds the default.
template <typename Value>
void AddChoice(CLI::App& app, const std::string& name, Value& value, const Choices<Value>& choices,
               const std::string& help) {
  std::string preset;
  for (const auto& [word, choice] : choices) {
    if (choice == value) preset = word;
  }
  const auto read = [&value, &choices, name](const std::string& text) {
    value = ReadChoice(name, text, choices);
  };
  app.add_option_function<std::string>(name, read, help)
      ->type_name(absl::StrJoin(Words(choices), "|"))
      ->default_str(preset);
}

// Text that goes into a request line or a header field.
void AddToken(CLI::App& app, const std::string& name, std::string& value, const std::string& help) {
  const auto check = [](const std::string& text) -> std::string {
    const bool plain = !text.empty() && std::all_of(text.begin(), text.end(),
                                                    [](char c) { return c > ' ' && c < 0x7f; });
    return plain ? "" : "must be printable ASCII without spaces";
  };
  app.add_option(name, value, help)->type_name("TEXT")->check(check, "")->capture_default_str();
}

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
  AddHold(app, options);
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
  app.add_option("--seed", options.seed, "Of all that is left to chance")
      ->type_name("N")
      ->capture_default_str();
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
                 "host:port, [v6]:port, unix:/path or unix:@name; several are used in turn")
      ->type_name("")
      ->required();
  AddLoad(app, options);
  AddPatience(app, options);
  AddFaults(app, options);
  AddTimeline(app, options);
  AddRest(app, options);
  app.footer(
      "The figures are explained in docs/storm.md.\n"
      "Exit: 0 ran (whatever became of the agents), 1 failed, 2 bad usage.");
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

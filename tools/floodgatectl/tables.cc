#include "tools/floodgatectl/tables.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace floodgate {
namespace {

using Json = nlohmann::json;
using Row = std::vector<std::string>;

// Columns as wide as they must be; all but the first `left` ones are aligned to the right.
std::string Aligned(const std::vector<Row>& rows, size_t left) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - row[i].size(), ' ');
      absl::StrAppend(&line, i == 0 ? "" : "  ", i < left ? row[i] : padding,
                      i < left ? padding : row[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

// Runs `format`, which may ask the document for members that are not there.
absl::StatusOr<std::string> Format(absl::string_view text,
                                   const std::function<std::string(const Json&)>& format) {
  try {
    return format(Json::parse(text.begin(), text.end()));
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("the answer is not what this version understands (", error.what(),
                     "); use the floodgatectl of floodgated's version, or --json"));
  }
}

std::string Joined(const Json& strings) {
  return absl::StrJoin(strings.get<std::vector<std::string>>(), ", ");
}

std::string DurationText(double seconds) {
  const auto whole = static_cast<int64_t>(seconds);
  if (seconds < 10) return absl::StrFormat("%.1f s", seconds);
  if (whole < 60) return absl::StrFormat("%d s", whole);
  if (whole < 3600) return absl::StrFormat("%d min %d s", whole / 60, whole % 60);
  if (whole < 86'400) return absl::StrFormat("%d h %d min", whole / 3600, whole / 60 % 60);
  return absl::StrFormat("%d d %d h", whole / 86'400, whole / 3600 % 24);
}

std::string HeadTable(const Json& status) {
  const Json& gate = status.at("gate");
  std::string state = absl::StrCat(gate.at("state").get<std::string>(), " since ",
                                   gate.at("since").get<std::string>());
  std::vector<Row> rows = {{"gate", state}};
  if (!gate.at("waiting_for").empty()) rows.push_back({"waits for", Joined(gate["waiting_for"])});
  if (!gate.at("opens_in_ms").is_null()) {
    rows.push_back({"opens in", DurationText(gate["opens_in_ms"].get<double>() / 1e3)});
  }
  const Json& patience = status.at("connections").at("patience_ms");
  rows.push_back({"patience", patience.is_null() ? "not known yet"
                                                 : DurationText(patience.get<double>() / 1e3)});
  rows.push_back({"floodgated", absl::StrCat(status.at("version").get<std::string>(), ", ",
                                             status.at("engine").get<std::string>(), ", up ",
                                             DurationText(status.at("uptime_s").get<double>()))});
  return Aligned(rows, 2);
}

std::string ListenersTable(const Json& status) {
  std::vector<Row> rows = {{"listener", "address", "state", "queue", "limit"}};
  for (const Json& listener : status.at("listeners")) {
    rows.push_back({listener.at("name").get<std::string>(),
                    listener.at("address").get<std::string>(),
                    listener.at("state").get<std::string>(),
                    absl::StrCat(listener.at("queue").at("depth").get<uint64_t>()),
                    absl::StrCat(listener.at("queue").at("limit").get<uint64_t>())});
  }
  return Aligned(rows, 3);
}

struct Counter {
  const char* label;
  const char* path;  // within a port's document
  bool gauge = false;
};

constexpr Counter kCounters[] = {
    {"accepted", "/connections/accepted"},
    {"waiting", "/connections/waiting", true},
    {"delayed", "/connections/delayed", true},
    {"stale", "/connections/stale"},
    {"admitted", "/connections/admitted"},
    {"in handshake", "/handshakes/in_flight", true},
    {"active", "/connections/active", true},
    {"finished", "/connections/finished"},
    {"handshakes full or resumed", "/handshakes/completed"},
    {"handshakes resumed", "/handshakes/resumed"},
    {"handshakes failed", "/handshakes/failed"},
    {"refused: source_rate", "/connections/refused/source_rate"},
    {"refused: source_connections", "/connections/refused/source_connections"},
    {"refused: connections", "/connections/refused/connections"},
    {"refused: denied", "/connections/refused/denied"},
    {"refused: overload", "/connections/refused/overload"},
    {"refused: handshake", "/connections/refused/handshake"},
    {"refused: backend", "/connections/refused/backend"},
};

// Counters of this moment, and with `earlier` how much they grow a second.
std::string CountersTable(const Json& status, const Json* earlier, double elapsed_s) {
  std::vector<Row> rows = {{"connections", "controller", "agent"}};
  if (earlier != nullptr) rows[0].insert(rows[0].end(), {"controller/s", "agent/s"});
  for (const Counter& counter : kCounters) {
    Row row = {counter.label};
    Row rates;
    for (const char* port : {"controller", "agent"}) {
      const Json::json_pointer pointer(absl::StrCat("/ports/", port, counter.path));
      const uint64_t value = status.at(pointer).get<uint64_t>();
      row.push_back(absl::StrCat(value));
      if (earlier == nullptr || counter.gauge) continue;
      const uint64_t before = earlier->at(pointer).get<uint64_t>();
      // Smaller than before: floodgated was started anew meanwhile.
      const double growth = value < before ? 0 : static_cast<double>(value - before);
      rates.push_back(absl::StrFormat("%.1f", growth / elapsed_s));
    }
    row.insert(row.end(), rates.begin(), rates.end());
    rows.push_back(std::move(row));
  }
  return Aligned(rows, 1);
}

std::string List(absl::string_view label, const Json& keys) {
  std::string text;
  for (const Json& key : keys) absl::StrAppend(&text, label, key.get<std::string>(), "\n");
  return text;
}

}  // namespace

absl::StatusOr<std::string> StatusTable(absl::string_view status_json,
                                        const std::optional<EarlierStatus>& earlier) {
  return Format(status_json, [&](const Json& status) {
    const Json before = earlier.has_value() ? Json::parse(earlier->json) : Json();
    return absl::StrCat(HeadTable(status), "\n", ListenersTable(status), "\n",
                        CountersTable(status, earlier.has_value() ? &before : nullptr,
                                      earlier.has_value() ? earlier->elapsed_s : 1));
  });
}

absl::StatusOr<std::string> PortsTable(absl::string_view ports_json) {
  return Format(ports_json, [](const Json& ports) {
    std::vector<Row> rows;
    for (const char* port : {"controller", "agent", "admin"}) {
      for (const Json& address : ports.at(port)) rows.push_back({port, address.get<std::string>()});
    }
    return Aligned(rows, 2);
  });
}

absl::StatusOr<std::string> SourcesTable(absl::string_view sources_json) {
  return Format(sources_json, [](const Json& sources) {
    std::vector<Row> rows = {{"source", "refused", "admitted", "tokens", "connections"}};
    for (const Json& source : sources.at("sources")) {
      rows.push_back({source.at("source").get<std::string>(),
                      absl::StrCat(source.at("refused").get<uint64_t>()),
                      absl::StrCat(source.at("admitted").get<uint64_t>()),
                      absl::StrFormat("%.1f", source.at("tokens").get<double>()),
                      absl::StrCat(source.at("connections").get<uint64_t>())});
    }
    return Aligned(rows, 1);
  });
}

absl::StatusOr<std::string> ReloadTable(absl::string_view reload_json) {
  return Format(reload_json, [](const Json& reload) {
    const std::string text = absl::StrCat(List("applied: ", reload.at("applied")),
                                          List("needs a restart: ", reload.at("restart_needed")));
    return text.empty() ? std::string("nothing has changed\n") : text;
  });
}

absl::StatusOr<std::string> GateLine(absl::string_view gate_json) {
  return Format(gate_json, [](const Json& gate) {
    return absl::StrCat("gate ", gate.at("gate").get<std::string>(), "\n");
  });
}

std::string ErrorText(int status, absl::string_view error_json) {
  const absl::StatusOr<std::string> text = Format(error_json, [](const Json& error) {
    std::string line = absl::StrCat(error.at("error").get<std::string>(), "; ",
                                    error.at("remedy").get<std::string>());
    for (const Json& fault : error.value("faults", Json::array())) {
      absl::StrAppend(&line, "\n  ", fault.get<std::string>());
    }
    return line;
  });
  if (text.ok()) return *text;
  return absl::StrCat("the answer has HTTP status ", status,
                      "; is that address floodgated's admin.listen?");
}

absl::StatusOr<WaitOutcome> ReadWaitOutcome(absl::string_view status_json) {
  WaitOutcome outcome;
  const absl::StatusOr<std::string> read = Format(status_json, [&](const Json& status) {
    outcome.reached = status.at("wait").at("reached").get<bool>();
    outcome.gate = status.at("gate").at("state").get<std::string>();
    outcome.waiting_for = Joined(status.at("gate").at("waiting_for"));
    return std::string();
  });
  if (!read.ok()) return read.status();
  return outcome;
}

}  // namespace floodgate

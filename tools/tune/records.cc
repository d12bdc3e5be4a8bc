#include "tools/tune/records.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/fd.h"
#include "tools/tune/json_fields.h"
#include "tools/tune/key_names.h"
#include "tools/tune/result_json.h"
#include "tools/tune/text_file.h"

namespace floodgate::tune {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kTrials[] = "trials.jsonl";
constexpr char kComparisons[] = "comparisons.jsonl";
constexpr Duration kSecond = Duration::Seconds(1);
constexpr Duration kMicrosecond = Duration::Microseconds(1);
constexpr int64_t kIntMost = std::numeric_limits<int>::max();

// --- Writing

// Cuts off what follows the last newline: the beginning of a line that a crash ended.
absl::Status CutTail(int fd, const std::string& path) {
  off_t end = ::lseek(fd, 0, SEEK_END);
  if (end < 0) return Unusable(path, "read");
  const off_t size = end;
  for (; end > 0; --end) {
    char last = 0;
    if (::pread(fd, &last, 1, end - 1) != 1) return Unusable(path, "read");
    if (last == '\n') break;
  }
  if (end != size && ::ftruncate(fd, end) != 0) return Unusable(path, "written");
  return absl::OkStatus();
}

absl::Status WriteAll(int fd, absl::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Unusable(path, "written");
    text.remove_prefix(static_cast<size_t>(written));
  }
  return ::fsync(fd) == 0 ? absl::OkStatus() : Unusable(path, "written");
}

absl::Status AppendLine(const std::string& directory, const char* name, const Json& json) {
  const std::string path = absl::StrCat(directory, "/", name);
  const OwnedFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!fd.valid()) return Unusable(path, "written");
  if (absl::Status status = CutTail(fd.get(), path); !status.ok()) return status;
  constexpr auto kReplace = Json::error_handler_t::replace;  // bytes that are not UTF-8
  return WriteAll(fd.get(), json.dump(-1, ' ', false, kReplace) + "\n", path);
}

Json ToJson(const Plan& plan) {
  Json json = tune::ToJson(plan.fleet);
  json.update({{"cores", plan.cores},
               {"key", KeyName(plan.key)},
               {"limit_s", plan.limit.seconds()},
               {"backlogs", plan.backlogs},
               {"drain_rates", plan.drain_rates},
               {"handshakes", plan.handshakes},
               {"runs", plan.runs},
               {"version", plan.version},
               {"kernel", plan.kernel},
               {"processor", plan.processor},
               {"started", plan.started},
               {"somaxconn", plan.somaxconn},
               {"host_cores", plan.host_cores}});
  return json;
}

// --- Reading

std::vector<int> NumbersOf(JsonFields& fields, const char* key, int least) {
  const nlohmann::json& values = fields.Any(key);
  std::vector<int> numbers;
  bool good = values.is_array() && !values.empty();
  for (size_t i = 0; good && i < values.size(); ++i) {
    good = values[i].is_number_unsigned() && values[i].get<uint64_t>() <= uint64_t{kIntMost} &&
           values[i].get<int>() >= least;
    if (good) numbers.push_back(values[i].get<int>());
  }
  if (!good) fields.Fail(key, absl::StrCat("an array of whole numbers from ", least, " on"));
  return numbers;
}

KeyKind KeyOf(JsonFields& fields) {
  const std::optional<KeyKind> key = ParseKey(fields.Text("key"));
  if (!key.has_value()) fields.Fail("key", "ecdsa, rsa-2048 or rsa-4096");
  return key.value_or(KeyKind::kEcdsaP256);
}

absl::Status ReadPlan(const nlohmann::json& json, Plan& plan) {
  const absl::StatusOr<Fleet> fleet = FleetOf(json);
  if (!fleet.ok()) return fleet.status();
  JsonFields fields(json);
  plan.fleet = *fleet;
  plan.cores = static_cast<int>(fields.Whole("cores", 1, kIntMost));
  plan.key = KeyOf(fields);
  plan.limit = fields.Time("limit_s", kSecond);
  plan.backlogs = NumbersOf(fields, "backlogs", 1);
  plan.drain_rates = NumbersOf(fields, "drain_rates", 0);
  plan.handshakes = NumbersOf(fields, "handshakes", 0);
  plan.runs = static_cast<int>(fields.Whole("runs", 1, kIntMost));
  plan.version = fields.Text("version");
  plan.kernel = fields.Text("kernel");
  plan.processor = fields.Text("processor");
  plan.started = fields.Text("started");
  plan.somaxconn = fields.Whole("somaxconn", 0, std::numeric_limits<int64_t>::max());
  plan.host_cores = static_cast<int>(fields.Whole("host_cores", 0, kIntMost));
  return fields.status();
}

absl::Status ReadTrial(const nlohmann::json& json, Trial& trial) {
  const absl::StatusOr<Setting> setting = SettingOf(json);
  if (!setting.ok()) return setting.status();
  JsonFields fields(json);
  trial.setting = *setting;
  trial.run = static_cast<int>(fields.Whole("run", 1, kIntMost));
  if (!fields.status().ok()) return fields.status();
  absl::StatusOr<TrialResult> result = ResultOf(json);
  if (!result.ok()) return result.status();
  trial.result = *std::move(result);
  return absl::OkStatus();
}

absl::Status ReadComparison(const nlohmann::json& json, Comparison& comparison) {
  JsonFields fields(json);
  const absl::StatusOr<Setting> setting = SettingOf(json);
  if (!setting.ok()) return setting.status();
  const absl::StatusOr<Fleet> fleet = FleetOf(json);
  if (!fleet.ok()) return fleet.status();
  comparison.setting = *setting;
  comparison.fleet = *fleet;
  comparison.cores = static_cast<int>(fields.Whole("cores", 1, kIntMost));
  comparison.key = KeyOf(fields);
  comparison.handshake_cost = fields.Time("handshake_cost_us", kMicrosecond);
  const nlohmann::json& measured = fields.Any("measured");
  const nlohmann::json& predicted = fields.Any("predicted");
  if (!fields.status().ok()) return fields.status();
  absl::StatusOr<TrialResult> result = ResultOf(measured);
  if (!result.ok()) return result.status();
  comparison.measured = *std::move(result);
  result = ResultOf(predicted);
  if (!result.ok()) return result.status();
  comparison.predicted = *std::move(result);
  return absl::OkStatus();
}

// `line` is an object of one key, `kind`, whose value is then given to `read`.
absl::Status ReadKind(const nlohmann::json& line, const char* kind,
                      const std::function<absl::Status(const nlohmann::json&)>& read) {
  if (line.is_object() && line.size() == 1 && line.contains(kind)) return read(line.at(kind));
  return absl::InvalidArgumentError(absl::StrCat("the line must be {\"", kind, "\": {...}}"));
}

absl::Status ReadTrialsLine(const nlohmann::json& line, Records& records) {
  if (!records.plan.has_value()) {
    Plan plan;
    absl::Status status = ReadKind(
        line, "plan", [&plan](const nlohmann::json& json) { return ReadPlan(json, plan); });
    if (status.ok()) records.plan = std::move(plan);
    return status;
  }
  Trial trial;
  absl::Status status = ReadKind(
      line, "trial", [&trial](const nlohmann::json& json) { return ReadTrial(json, trial); });
  if (status.ok()) records.trials.push_back(std::move(trial));
  return status;
}

absl::Status ReadComparisonsLine(const nlohmann::json& line, Records& records) {
  Comparison comparison;
  absl::Status status = ReadKind(line, "comparison", [&comparison](const nlohmann::json& json) {
    return ReadComparison(json, comparison);
  });
  if (status.ok()) records.comparisons.push_back(std::move(comparison));
  return status;
}

absl::Status ReadLines(const std::string& path,
                       const std::function<absl::Status(const nlohmann::json&)>& read) {
  const absl::StatusOr<std::optional<std::string>> whole = ReadTextFile(path);
  if (!whole.ok()) return whole.status();
  const std::string text = whole->value_or("");
  size_t begin = 0;
  int number = 0;
  for (size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    ++number;
    const nlohmann::json line =
        nlohmann::json::parse(text.begin() + static_cast<std::ptrdiff_t>(begin),
                              text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    const absl::Status status =
        line.is_discarded() ? absl::InvalidArgumentError("the line is no JSON") : read(line);
    if (status.ok()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(path, ":", number, ": ", std::string(status.message()),
                     "; mend or remove the line, or use another directory"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Records> ReadRecords(const std::string& directory) {
  Records records;
  absl::Status status =
      ReadLines(absl::StrCat(directory, "/", kTrials),
                [&records](const nlohmann::json& line) { return ReadTrialsLine(line, records); });
  if (!status.ok()) return status;
  status = ReadLines(
      absl::StrCat(directory, "/", kComparisons),
      [&records](const nlohmann::json& line) { return ReadComparisonsLine(line, records); });
  if (!status.ok()) return status;
  return records;
}

absl::Status AppendPlan(const std::string& directory, const Plan& plan) {
  return AppendLine(directory, kTrials, {{"plan", ToJson(plan)}});
}

absl::Status AppendTrial(const std::string& directory, const Trial& trial) {
  Json json = ToJson(trial.setting);
  json["run"] = trial.run;
  json.update(ToJson(trial.result));
  return AppendLine(directory, kTrials, {{"trial", std::move(json)}});
}

absl::Status AppendComparison(const std::string& directory, const Comparison& comparison) {
  Json json = ToJson(comparison.setting);
  json.update(ToJson(comparison.fleet));
  json["cores"] = comparison.cores;
  json["key"] = KeyName(comparison.key);
  json["handshake_cost_us"] = static_cast<double>(comparison.handshake_cost.ns) / 1e3;
  json["measured"] = ToJson(comparison.measured);
  json["predicted"] = ToJson(comparison.predicted);
  return AppendLine(directory, kComparisons, {{"comparison", std::move(json)}});
}

}  // namespace floodgate::tune

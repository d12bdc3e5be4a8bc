#include "tools/tune/json_fields.h"

#include <cmath>

#include "absl/strings/str_cat.h"

namespace floodgate::tune {
namespace {

constexpr double kHundredYearsNs = 100.0 * 365 * 86'400 * 1e9;

const nlohmann::json& Nothing() {
  static const nlohmann::json* nothing = new nlohmann::json();
  return *nothing;
}

}  // namespace

void JsonFields::Fail(const char* key, const std::string& what) {
  if (!status_.ok()) return;
  status_ = absl::InvalidArgumentError(absl::StrCat("\"", key, "\" must be ", what));
}

const nlohmann::json& JsonFields::Any(const char* key) {
  if (object_.is_object()) {
    const auto found = object_.find(key);
    if (found != object_.end()) return *found;
  }
  Fail(key, "there");
  return Nothing();
}

int64_t JsonFields::Whole(const char* key, int64_t least, int64_t most) {
  const nlohmann::json& value = Any(key);
  const bool fits = value.is_number_unsigned()
                        ? value.get<uint64_t>() <= static_cast<uint64_t>(most)
                        : value.is_number_integer() && value.get<int64_t>() <= most;
  if (fits && value.get<int64_t>() >= least) return value.get<int64_t>();
  Fail(key, absl::StrCat("a whole number from ", least, " to ", most));
  return least;
}

double JsonFields::Number(const char* key) {
  const nlohmann::json& value = Any(key);
  if (value.is_number()) return value.get<double>();
  Fail(key, "a number");
  return 0;
}

std::optional<uint64_t> JsonFields::CountOrNull(const char* key) {
  if (!status_.ok() || Any(key).is_null()) return std::nullopt;
  return Count(key);
}

std::optional<double> JsonFields::NumberOrNull(const char* key) {
  if (!status_.ok() || Any(key).is_null()) return std::nullopt;
  return Number(key);
}

bool JsonFields::Flag(const char* key) {
  const nlohmann::json& value = Any(key);
  if (value.is_boolean()) return value.get<bool>();
  Fail(key, "true or false");
  return false;
}

const nlohmann::json& JsonFields::Array(const char* key) {
  const nlohmann::json& value = Any(key);
  if (value.is_array()) return value;
  Fail(key, "an array");
  return Nothing();
}

std::string JsonFields::Text(const char* key) {
  const nlohmann::json& value = Any(key);
  if (value.is_string()) return value.get<std::string>();
  Fail(key, "a text");
  return "";
}

Duration JsonFields::Time(const char* key, Duration unit) {
  const nlohmann::json& value = Any(key);
  const double ns = value.is_number() ? value.get<double>() * static_cast<double>(unit.ns) : -1;
  if (ns >= 0 && ns < kHundredYearsNs) return Duration::Nanoseconds(std::llround(ns));
  Fail(key, "a time that is not negative");
  return {};
}

std::optional<Duration> JsonFields::TimeOrNull(const char* key, Duration unit) {
  if (!status_.ok() || Any(key).is_null()) return std::nullopt;
  return Time(key, unit);
}

}  // namespace floodgate::tune

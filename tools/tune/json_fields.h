// Reading the fields of a JSON object one after the other: the first that is not as it must be is
// the error, and what is read after it is empty.
#ifndef FLOODGATE_TOOLS_TUNE_JSON_FIELDS_H_
#define FLOODGATE_TOOLS_TUNE_JSON_FIELDS_H_

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "base/time.h"

namespace floodgate::tune {

class JsonFields {
 public:
  // `object` must outlive this.
  explicit JsonFields(const nlohmann::json& object) : object_(object) {}

  // A whole number within these bounds.
  int64_t Whole(const char* key, int64_t least, int64_t most);
  uint64_t Count(const char* key) {
    return static_cast<uint64_t>(Whole(key, 0, std::numeric_limits<int64_t>::max()));
  }
  // The same, or null.
  std::optional<uint64_t> CountOrNull(const char* key);
  double Number(const char* key);
  std::optional<double> NumberOrNull(const char* key);
  bool Flag(const char* key);  // true or false
  std::string Text(const char* key);
  // A number of `unit`, of less than a hundred years and not negative.
  Duration Time(const char* key, Duration unit);
  // The same, or null.
  std::optional<Duration> TimeOrNull(const char* key, Duration unit);
  // An array.
  const nlohmann::json& Array(const char* key);
  // The value itself, of any kind; null if there is none, which is an error.
  const nlohmann::json& Any(const char* key);

  // The value of `key` is wrong: `what` says what it must be. The first error stays.
  void Fail(const char* key, const std::string& what);
  // InvalidArgument with the first error.
  const absl::Status& status() const { return status_; }

 private:
  const nlohmann::json& object_;
  absl::Status status_;
};

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_JSON_FIELDS_H_

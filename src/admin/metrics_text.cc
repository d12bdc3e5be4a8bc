#include "admin/metrics_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace floodgate {
namespace {

// The shortest decimal that reads back as the same double, whatever the locale.
std::string Number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char buffer[32];
  const bool whole = std::floor(value) == value && std::fabs(value) < 1e15;
  const std::to_chars_result result =
      whole ? std::to_chars(buffer, buffer + sizeof(buffer), static_cast<int64_t>(value))
            : std::to_chars(buffer, buffer + sizeof(buffer), value);
  return {buffer, result.ptr};
}

}  // namespace

void MetricsWriter::Family(absl::string_view name, absl::string_view type, absl::string_view help) {
  family_ = std::string(name);
  const std::string escaped = absl::StrReplaceAll(help, {{"\\", "\\\\"}, {"\n", "\\n"}});
  absl::StrAppend(&text_, "# HELP ", name, " ", escaped, "\n# TYPE ", name, " ", type, "\n");
}

void MetricsWriter::Sample(const Labels& labels, double value) {
  Line("", labels, value);
}

void MetricsWriter::Histogram(const HistogramSnapshot& histogram) {
  uint64_t cumulative = 0;
  for (size_t i = 0; i < histogram.upper_bounds_s.size(); ++i) {
    if (i < histogram.counts.size()) cumulative += histogram.counts[i];
    Line("_bucket", {{"le", Number(histogram.upper_bounds_s[i])}}, static_cast<double>(cumulative));
  }
  // +Inf and _count are the same number by definition. Buckets and count are read one after the
  // other while they grow, so neither may be below the last bucket.
  if (histogram.counts.size() > histogram.upper_bounds_s.size()) {
    cumulative += histogram.counts.back();
  }
  const auto count = static_cast<double>(std::max(cumulative, histogram.count));
  Line("_bucket", {{"le", "+Inf"}}, count);
  Line("_sum", {}, histogram.sum_s);
  Line("_count", {}, count);
}

void MetricsWriter::Line(absl::string_view suffix, const Labels& labels, double value) {
  absl::StrAppend(&text_, family_, suffix);
  for (size_t i = 0; i < labels.size(); ++i) {
    const std::string escaped =
        absl::StrReplaceAll(labels[i].second, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}});
    absl::StrAppend(&text_, i == 0 ? "{" : ",", labels[i].first, "=\"", escaped, "\"");
  }
  absl::StrAppend(&text_, labels.empty() ? "" : "}", " ", Number(value), "\n");
}

}  // namespace floodgate

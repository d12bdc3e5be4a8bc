// Writes the Prometheus text format: the grammar, not the metrics.
#ifndef FLOODGATE_ADMIN_METRICS_TEXT_H_
#define FLOODGATE_ADMIN_METRICS_TEXT_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "front/snapshot.h"

namespace floodgate {

// Appends families to one text. REQUIRES: names and label names match [a-zA-Z_][a-zA-Z0-9_]*, each
// family is begun once, and the samples of a family follow it at once. Label values may hold
// anything.
class MetricsWriter {
 public:
  using Labels = std::vector<std::pair<absl::string_view, absl::string_view>>;

  // HELP and TYPE of the family that the next samples belong to. `type`: counter, gauge, histogram.
  void Family(absl::string_view name, absl::string_view type, absl::string_view help);
  // One sample of the family begun last. `value` is written so that reading it gives the same
  // double again; counters are exact up to 2^53.
  void Sample(const Labels& labels, double value);
  // All samples of the histogram family begun last.
  void Histogram(const HistogramSnapshot& histogram);

  std::string Take() { return std::move(text_); }

 private:
  void Line(absl::string_view suffix, const Labels& labels, double value);

  std::string text_;
  std::string family_;
};

}  // namespace floodgate

#endif  // FLOODGATE_ADMIN_METRICS_TEXT_H_

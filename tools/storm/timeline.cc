#include "tools/storm/timeline.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace floodgate::storm {
namespace {

// Nearest rank, of at least one sample; the order of the samples is lost.
Duration Percentile(std::vector<int64_t>& samples, size_t percent) {
  const size_t rank = (samples.size() * percent + 99) / 100;
  const auto at = samples.begin() + static_cast<std::ptrdiff_t>(std::max<size_t>(rank, 1) - 1);
  std::nth_element(samples.begin(), at, samples.end());
  return {*at};
}

template <auto Member>
std::optional<double> Count(const TimelineRow& row) {
  return static_cast<double>(row.*Member);
}

template <auto Member>
std::optional<double> Milliseconds(const TimelineRow& row) {
  if (row.served == 0) return std::nullopt;
  return static_cast<double>((row.*Member).ns) / 1e6;
}

}  // namespace

uint64_t& TimelineRow::Ended(Outcome outcome) {
  switch (outcome) {
    case Outcome::kServed:
      return served;
    case Outcome::kRefused:
      return refused;
    case Outcome::kResetBeforeTls:
    case Outcome::kResetInHandshake:
    case Outcome::kResetBeforeAnswer:
      return reset;
    case Outcome::kClosedBeforeTls:
    case Outcome::kClosedInHandshake:
    case Outcome::kClosedBeforeAnswer:
      return closed;
    case Outcome::kConnectTimeout:
    case Outcome::kHandshakeTimeout:
    case Outcome::kFirstByteTimeout:
    case Outcome::kPatienceInConnect:
    case Outcome::kPatienceInHandshake:
    case Outcome::kPatienceInAnswer:
    case Outcome::kGaveUp:
      return ended_by_patience;
    default:
      return other;
  }
}

TimelineRow& Timeline::At(Duration elapsed, int64_t open) {
  while (elapsed >= row_.start + interval_) Close(open);
  return row_;
}

void Timeline::Served(Duration latency) {
  latencies_ns_.push_back(latency.ns);
}

void Timeline::Close(int64_t open) {
  row_.open = open;
  if (!latencies_ns_.empty()) {
    row_.served_p50 = Percentile(latencies_ns_, 50);
    row_.served_p99 = Percentile(latencies_ns_, 99);
    latencies_ns_.clear();
  }
  rows_.push_back(row_);
  const Duration next = row_.start + interval_;
  row_ = {};
  row_.start = next;
}

std::vector<TimelineRow> Timeline::Finish(Duration elapsed, int64_t open) {
  At(elapsed, open);
  Close(open);
  return std::move(rows_);
}

const std::vector<TimelineColumn>& TimelineColumns() {
  static const std::vector<TimelineColumn> columns = {
      {"t_s", false, [](const TimelineRow& row) { return std::optional(row.start.seconds()); }},
      {"arrived", true, Count<&TimelineRow::arrived>},
      {"attempts", true, Count<&TimelineRow::attempts>},
      {"connected", true, Count<&TimelineRow::connected>},
      {"served", true, Count<&TimelineRow::served>},
      {"ended_by_patience", true, Count<&TimelineRow::ended_by_patience>},
      {"reset", true, Count<&TimelineRow::reset>},
      {"closed", true, Count<&TimelineRow::closed>},
      {"refused", true, Count<&TimelineRow::refused>},
      {"other", true, Count<&TimelineRow::other>},
      {"cut_off", true, Count<&TimelineRow::cut_off>},
      {"open", true, Count<&TimelineRow::open>},
      {"served_p50_ms", false, Milliseconds<&TimelineRow::served_p50>},
      {"served_p99_ms", false, Milliseconds<&TimelineRow::served_p99>},
  };
  return columns;
}

std::string TimelineCsv(const std::vector<TimelineRow>& rows) {
  std::string text;
  for (const TimelineColumn& column : TimelineColumns()) {
    absl::StrAppend(&text, text.empty() ? "" : ",", column.name);
  }
  text += '\n';
  for (const TimelineRow& row : rows) {
    const char* separator = "";
    for (const TimelineColumn& column : TimelineColumns()) {
      absl::StrAppend(&text, separator);
      // 15 digits: whole numbers stay whole, and times are exact to the nanosecond.
      const std::optional<double> value = column.value(row);
      if (value.has_value()) absl::StrAppendFormat(&text, "%.15g", *value);
      separator = ",";
    }
    text += '\n';
  }
  return text;
}

}  // namespace floodgate::storm

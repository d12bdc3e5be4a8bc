// Predictions against measurements.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_SCATTER_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_SCATTER_H_

#include <optional>
#include <vector>

#include "tools/tune/records.h"
#include "tools/tune/report/svg.h"

namespace floodgate::tune {

// What a prediction may be off by, as a share of the measurement.
inline constexpr double kBand = 0.2;

// Of the time to 99 per cent: predicted over measured, less 1; -0.1: predicted 10 % too soon.
// nullopt: one of them is missing, or nothing was measured.
std::optional<double> ErrorOf(const Comparison& comparison);
bool InBand(const Comparison& comparison);  // |error| <= kBand; false without an error

// Time to 99 per cent, each comparison that has both as a point with its number (the first is 1).
// nullopt: there is none.
std::optional<Figure> ScatterPlot(const std::vector<Comparison>& comparisons);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_SCATTER_H_

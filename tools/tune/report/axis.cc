#include "tools/tune/report/axis.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "absl/strings/str_format.h"
#include "tools/tune/report/text.h"

namespace floodgate::tune {
namespace {

constexpr size_t kTicksMax = 7;
constexpr double kRounding = 1e-9;  // what arithmetic may lose, as a share
constexpr std::array<double, 3> kRound = {1, 2, 5};

std::string Label(double value) {
  if (value == 0) return "0";
  if (value >= 1 && std::fabs(value - std::round(value)) < kRounding * value) {
    return CountText(static_cast<int64_t>(std::llround(value)));
  }
  return absl::StrFormat("%g", value);
}

// The round numbers from the last at or below `least` to the first at or above `most`.
std::vector<double> RoundNumbers(double least, double most) {
  std::vector<double> numbers;
  const int first = static_cast<int>(std::floor(std::log10(least))) - 1;
  const int last = static_cast<int>(std::ceil(std::log10(most))) + 1;
  for (int power = first; power <= last; ++power) {
    for (const double round : kRound) {
      const double number = round * std::pow(10, power);
      if (number <= least * (1 + kRounding)) numbers.clear();
      numbers.push_back(number);
      if (numbers.size() > 1 && number >= most * (1 - kRounding)) return numbers;
    }
  }
  return numbers;
}

}  // namespace

double Axis::At(double value) const {
  if (logarithmic) {
    if (value <= least) return 0;
    return std::min(1.0, std::log(value / least) / std::log(most / least));
  }
  return std::clamp((value - least) / (most - least), 0.0, 1.0);
}

Axis LinearAxis(double most) {
  if (most <= 0) most = 1;
  double step = 1;
  int steps = 1;
  const int power = static_cast<int>(std::floor(std::log10(most))) - 1;
  // The finest step that needs few enough ticks.
  for (int i = 0; i < 9; ++i) {
    step = kRound.at(static_cast<size_t>(i % 3)) * std::pow(10, power + i / 3);
    steps = static_cast<int>(std::ceil(most / step * (1 - kRounding)));
    if (steps <= 5) break;
  }
  Axis axis = {.least = 0, .most = step * steps, .logarithmic = false, .ticks = {}};
  for (int i = 0; i <= steps; ++i) axis.ticks.push_back({step * i, Label(step * i)});
  return axis;
}

Axis LogarithmicAxis(double least, double most) {
  std::vector<double> numbers = RoundNumbers(least, most);
  Axis axis = {.least = numbers.front(), .most = numbers.back(), .logarithmic = true, .ticks = {}};
  if (numbers.size() > kTicksMax) {
    std::erase_if(numbers, [](double number) {
      const double power = std::log10(number);
      return std::fabs(power - std::round(power)) > kRounding;
    });
  }
  const size_t every = (numbers.size() + kTicksMax - 1) / kTicksMax;
  for (size_t i = 0; i < numbers.size(); i += every) {
    axis.ticks.push_back({numbers[i], Label(numbers[i])});
  }
  return axis;
}

}  // namespace floodgate::tune

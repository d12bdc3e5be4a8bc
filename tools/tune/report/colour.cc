#include "tools/tune/report/colour.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "absl/strings/str_format.h"

namespace floodgate::tune {
namespace {

// cividis at even steps, backwards.
constexpr std::array<Colour, 9> kSequence = {{{254, 232, 56},
                                              {222, 199, 83},
                                              {187, 173, 108},
                                              {155, 147, 118},
                                              {124, 123, 120},
                                              {98, 99, 108},
                                              {66, 78, 107},
                                              {22, 56, 109},
                                              {0, 34, 78}}};
constexpr Colour kBlack = {0, 0, 0}, kWhite = {255, 255, 255};

uint8_t Between(uint8_t from, uint8_t to, double share) {
  return static_cast<uint8_t>(std::lround(from + (to - from) * share));
}

double Linear(uint8_t channel) {
  const double value = channel / 255.0;
  return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
}

double Luminance(const Colour& colour) {
  return 0.2126 * Linear(colour.red) + 0.7152 * Linear(colour.green) + 0.0722 * Linear(colour.blue);
}

}  // namespace

std::string Colour::Text() const {
  return absl::StrFormat("#%02x%02x%02x", red, green, blue);
}

Colour SequenceAt(double share) {
  const double place = std::clamp(share, 0.0, 1.0) * (kSequence.size() - 1);
  const size_t index = std::min(static_cast<size_t>(place), kSequence.size() - 2);
  const Colour& from = kSequence.at(index);
  const Colour& to = kSequence.at(index + 1);
  const double rest = place - static_cast<double>(index);
  return {Between(from.red, to.red, rest), Between(from.green, to.green, rest),
          Between(from.blue, to.blue, rest)};
}

Colour InkOn(const Colour& ground) {
  return Contrast(kBlack, ground) >= Contrast(kWhite, ground) ? kBlack : kWhite;
}

double Contrast(const Colour& a, const Colour& b) {
  const double first = Luminance(a);
  const double second = Luminance(b);
  return (std::max(first, second) + 0.05) / (std::min(first, second) + 0.05);
}

}  // namespace floodgate::tune

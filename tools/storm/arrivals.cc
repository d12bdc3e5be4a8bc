#include "tools/storm/arrivals.h"

#include <algorithm>
#include <cmath>

#include "tools/storm/chance.h"

namespace floodgate::storm {

Arrivals::Arrivals(Shape shape, double per_second, Duration wave_every, uint64_t seed)
    : shape_(shape), per_second_(per_second), wave_every_(wave_every), prng_(seed) {
  if (shape == Shape::kPoisson) Pop();  // The first comes after a gap, too.
}

void Arrivals::Pop() {
  ++number_;
  const auto number = static_cast<double>(number_);
  switch (shape_) {
    case Shape::kTogether:
      return;
    case Shape::kUniform:
      // From the number, not by adding: a rounded gap would drift.
      next_ = {std::llround(number * 1e9 / per_second_)};
      return;
    case Shape::kPoisson:
      next_ = next_ + Exponential({std::llround(1e9 / per_second_)}, prng_);
      return;
    case Shape::kWaves: {
      const double wave = std::max(1.0, per_second_ * wave_every_.seconds());
      next_ = {std::llround(std::floor(number / wave) * wave * 1e9 / per_second_)};
      return;
    }
  }
}

}  // namespace floodgate::storm

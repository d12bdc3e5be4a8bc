// The colours of a heat map.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_COLOUR_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_COLOUR_H_

#include <cstdint>
#include <string>

namespace floodgate::tune {

struct Colour {
  uint8_t red = 0, green = 0, blue = 0;

  std::string Text() const;  // "#0a1b2c"
};

// A sequence that people read the same with any kind of colour blindness, and in print: its
// lightness falls steadily from 0 (light yellow) to 1 (dark blue). After cividis: Nuñez, Anderton,
// Renslow, "Optimizing colormaps with consideration for color vision deficiency", 2018.
Colour SequenceAt(double share);

// Black or white, whichever is read better on it: a contrast of 4.5 and more.
Colour InkOn(const Colour& ground);

// WCAG's contrast ratio of two colours, 1 to 21.
double Contrast(const Colour& a, const Colour& b);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_COLOUR_H_

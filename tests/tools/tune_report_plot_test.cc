// The pieces that the report's pictures and texts are made of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tools/tune/report/axis.h"
#include "tools/tune/report/colour.h"
#include "tools/tune/report/svg.h"
#include "tools/tune/report/text.h"

namespace floodgate::tune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Labels(const Axis& axis) {
  std::vector<std::string> labels;
  for (const Tick& tick : axis.ticks) labels.push_back(tick.label);
  return labels;
}

TEST(LinearAxisTest, HasRoundTicksFromZeroOn) {
  EXPECT_THAT(Labels(LinearAxis(1'000)), ElementsAre("0", "200", "400", "600", "800", "1,000"));
  EXPECT_THAT(Labels(LinearAxis(1.43)), ElementsAre("0", "0.5", "1", "1.5"));
  EXPECT_THAT(Labels(LinearAxis(41)), ElementsAre("0", "10", "20", "30", "40", "50"));
  EXPECT_THAT(Labels(LinearAxis(0.0042)),
              ElementsAre("0", "0.001", "0.002", "0.003", "0.004", "0.005"));
}

TEST(LinearAxisTest, OfNothingIsUsableStill) {
  const Axis axis = LinearAxis(0);
  EXPECT_GT(axis.most, axis.least);
  EXPECT_EQ(axis.At(0), 0);
}

TEST(AxisTest, HoldsEveryMagnitudeWithFewTicks) {
  for (double most = 1e-4; most < 1e9; most *= 1.37) {
    const Axis linear = LinearAxis(most);
    EXPECT_GE(linear.most, most * (1 - 1e-9));
    EXPECT_LE(linear.most, most * 2.5);
    EXPECT_GE(linear.ticks.size(), 3U) << most;
    EXPECT_LE(linear.ticks.size(), 7U) << most;
    for (const double ratio : {1.0, 1.5, 7.0, 90.0, 1e3, 1e9}) {
      const Axis axis = LogarithmicAxis(most / ratio, most);
      EXPECT_LE(axis.least, most / ratio * (1 + 1e-9));
      EXPECT_GE(axis.most, most * (1 - 1e-9));
      EXPECT_LT(axis.least, axis.most);
      EXPECT_GE(axis.ticks.size(), 2U) << most << " " << ratio;
      EXPECT_LE(axis.ticks.size(), 7U) << most << " " << ratio;
    }
  }
}

TEST(LogarithmicAxisTest, HasRoundTicks) {
  EXPECT_THAT(Labels(LogarithmicAxis(0.13, 3.1)), ElementsAre("0.1", "0.2", "0.5", "1", "2", "5"));
  EXPECT_THAT(Labels(LogarithmicAxis(0.05, 3'000)), ElementsAre("0.1", "1", "10", "100", "1,000"));
}

TEST(AxisTest, PutsValuesInTheirPlaceAndWhatIsBeyondAtTheEnd) {
  const Axis linear = LinearAxis(10);
  EXPECT_DOUBLE_EQ(linear.At(5), 0.5);
  EXPECT_EQ(linear.At(-1), 0);
  EXPECT_EQ(linear.At(99), 1);
  const Axis logarithmic = LogarithmicAxis(0.1, 10);
  EXPECT_DOUBLE_EQ(logarithmic.At(1), 0.5);
  EXPECT_EQ(logarithmic.At(0), 0);
  EXPECT_EQ(logarithmic.At(1e6), 1);
}

TEST(ColourTest, TheSequenceDarkensSteadilyAndTextOnItCanBeRead) {
  const Colour black;
  double before = 22;
  for (int i = 0; i <= 100; ++i) {
    const Colour colour = SequenceAt(i / 100.0);
    const double light = Contrast(colour, black);
    EXPECT_LE(light, before) << i;
    EXPECT_GE(Contrast(InkOn(colour), colour), 4.5) << i;
    before = light;
  }
  EXPECT_GT(Contrast(SequenceAt(0), SequenceAt(1)), 10);
  EXPECT_EQ(SequenceAt(-3).Text(), SequenceAt(0).Text());
  EXPECT_EQ((Colour{255, 0, 10}.Text()), "#ff000a");
}

TEST(EscapeTest, WritesMarksAsReferences) {
  EXPECT_EQ(Escape("<a b=\"c\">&'"), "&lt;a b=&quot;c&quot;&gt;&amp;&#39;");
}

TEST(EscapeTest, KeepsTextAndReplacesWhatXmlMayNotHold) {
  EXPECT_EQ(Escape("Ü – 漢 😀\n\t"), "Ü – 漢 😀\n\t");
  EXPECT_EQ(Escape(std::string("a\0b\x1b\x7f", 5)), "a\uFFFDb\uFFFD\uFFFD");
  EXPECT_EQ(Escape("\xff"), "\uFFFD");
  EXPECT_EQ(Escape("\xc3"), "\uFFFD");                                // cut off
  EXPECT_EQ(Escape("\xc0\xaf"), "\uFFFD\uFFFD");                      // overlong
  EXPECT_EQ(Escape("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD");            // a surrogate
  EXPECT_EQ(Escape("\xef\xbf\xbf"), "\uFFFD\uFFFD\uFFFD");            // U+FFFF
  EXPECT_EQ(Escape("\xf5\x80\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");  // beyond U+10FFFF
}

TEST(ProseTest, KeepsNumbersWithTheirUnitsAndMarksCode) {
  EXPECT_EQ(Prose("in 1.4–1.5 s, 99 % <b>"), "in 1.4–\u20601.5\u00A0s, 99\u00A0% &lt;b&gt;");
  EXPECT_EQ(Prose("3 settings, 3 msec"), "3 settings, 3 msec");
  EXPECT_EQ(Prose("run `a --b 5 s`."), "run <code>a --b 5 s</code>.");
  EXPECT_EQ(Prose(""), "");
}

TEST(TextTest, MinutesAreOfRfc3339) {
  EXPECT_EQ(MinuteText("2026-01-02T03:04:05Z"), "2026-01-02 03:04 UTC");
  EXPECT_EQ(MinuteText("yesterday"), "yesterday");
}

TEST(TextTest, RangesHaveOneUnit) {
  const auto range = [](std::optional<Duration> least, std::optional<Duration> most) {
    return RangeText({.least = least, .median = least, .most = most});
  };
  EXPECT_EQ(range(Duration::Milliseconds(900), Duration::Milliseconds(1'610)), "0.90–1.61 s");
  EXPECT_EQ(range(Duration::Milliseconds(1'401), Duration::Milliseconds(1'402)), "1.40 s");
  EXPECT_EQ(range(Duration::Milliseconds(1'400), std::nullopt), "1.40 s to never");
  EXPECT_EQ(range(std::nullopt, std::nullopt), "never");
}

TEST(SvgTest, HasTitleAndDescriptionEscaped) {
  Svg svg("a", 100, 50.126, "T < U", "D & E");
  svg.Text({1, 2.5}, "<x>", "class=\"label\"");
  const Figure figure = std::move(svg).Finish();
  EXPECT_THAT(figure.svg, HasSubstr("viewBox=\"0 0 100 50.13\""));
  EXPECT_THAT(figure.svg, HasSubstr("<title id=\"a-title\">T &lt; U</title>"));
  EXPECT_THAT(figure.svg, HasSubstr("<desc id=\"a-description\">D &amp; E</desc>"));
  EXPECT_THAT(figure.svg, HasSubstr("<text x=\"1\" y=\"2.5\" class=\"label\">&lt;x&gt;</text>"));
}

TEST(SvgTest, NumbersAreShort) {
  EXPECT_EQ(NumberText(12), "12");
  EXPECT_EQ(NumberText(0.5), "0.5");
  EXPECT_EQ(NumberText(-0.001), "0");
  EXPECT_EQ(NumberText(100), "100");
  EXPECT_EQ(NumberText(1.0 / 3), "0.33");
}

}  // namespace
}  // namespace floodgate::tune

#include "tools/tune/report/style.h"

#include <cstddef>

#include "absl/strings/str_cat.h"

namespace floodgate::tune {
namespace {

constexpr char kPlotStyle[] = R"(
:root { color-scheme: light dark; --ground: #ffffff; --panel: #f3f5f8; --ink: #16191d;
  --muted: #545c66; --rule: #dde1e6; --axis: #78818c; --best: #0060a8; --default: #b04300;
  --worst: #7b3fa0; --band: #d7e7f5; --good: #17672e; --bad: #a4161a; --ring: #d6006c; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14171b; --panel: #1e2329; --ink: #e9ecf0; --muted: #a6afba; --rule: #31373f;
    --axis: #7d8794; --best: #6cb6ff; --default: #ff9e57; --worst: #cfa3f5; --band: #1f3a52;
    --good: #6fd58b; --bad: #ff8f8f; --ring: #ff5cae; }
}
.plot { display: block; font-family: system-ui, "DejaVu Sans", sans-serif; font-size: 13px; }
.plot text { fill: var(--ink); }
.plot text[fill="#000000"] { fill: #000000; }
.plot text[fill="#ffffff"] { fill: #ffffff; }
.plot .heading { font-size: 14px; font-weight: 600; }
.plot .value { font-size: 14px; font-weight: 600; }
.plot .small { font-size: 12px; }
.plot .strong { font-weight: 600; }
.plot .middle { text-anchor: middle; }
.plot .end { text-anchor: end; }
.plot text.muted { fill: var(--muted); }
.plot .grid { stroke: var(--rule); stroke-width: 1; }
.plot .axis { stroke: var(--axis); stroke-width: 1.5; }
.plot .line { fill: none; stroke-width: 2.4; stroke-linejoin: round; }
.plot .best { stroke: var(--best); }
.plot .default { stroke: var(--default); stroke-dasharray: 7 4; }
.plot .worst { stroke: var(--worst); stroke-dasharray: 2 3.5; }
.plot .same { stroke: var(--muted); stroke-width: 1.5; }
.plot .band { fill: var(--band); }
.plot .band-key { stroke: var(--band); stroke-width: 13; }
.plot .mark { stroke: var(--ground); stroke-width: 1; }
.plot .inside { fill: var(--best); }
.plot .outside { fill: var(--default); }
.plot .leader { stroke: var(--axis); stroke-width: 1; }
.plot .number-ground { fill: var(--ground); opacity: 0.8; }
.plot .absent { fill: none; stroke: var(--axis); stroke-dasharray: 4 4; }
.plot .never { fill: var(--panel); stroke: var(--axis); }
.plot .ring-ground { fill: none; stroke: var(--ground); stroke-width: 6; }
.plot .ring { fill: none; stroke: var(--ring); stroke-width: 3; }
)";

constexpr char kPageStyle[] = R"(
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); line-height: 1.5;
  font-family: system-ui, "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
main, header { max-width: 74rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 1.75rem; }
h1 { font-size: 1.15rem; margin: 0; font-weight: 600; color: var(--muted); }
header p { margin: 0.2rem 0 0; color: var(--muted); max-width: none; }
h2 { font-size: 1.3rem; margin: 2.75rem 0 0.5rem; line-height: 1.25; }
h3 { font-size: 1.02rem; margin: 1.5rem 0 0.4rem; }
p, ul, ol { margin: 0.5rem 0; max-width: 46rem; }
ul, ol { padding-left: 1.3rem; }
li { margin: 0.25rem 0; }
code, pre { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 0.92em; }
li code { white-space: nowrap; }
.headline { font-size: 1.55rem; line-height: 1.3; font-weight: 600; margin: 0.9rem 0 1rem;
  max-width: 52rem; padding-left: 0.9rem; border-left: 0.35rem solid var(--good); }
.headline.bad { border-color: var(--bad); }
.headline.unknown { border-color: var(--axis); }
.tiles { display: flex; flex-wrap: wrap; gap: 0.75rem; margin: 1rem 0; padding: 0; }
.tiles div { background: var(--panel); border-radius: 0.5rem; padding: 0.6rem 0.9rem;
  flex: 1 1 9rem; max-width: 16rem; }
.tiles dt { font-size: 0.85rem; color: var(--muted); }
.tiles dd { margin: 0; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.columns { display: grid; gap: 0 2.5rem; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr)); }
.cautions { background: var(--panel); border-radius: 0.5rem; padding: 0.7rem 1rem;
  margin: 1.25rem 0 0; border-left: 0.35rem solid var(--default); max-width: 52rem; }
.cautions p { margin: 0.2rem 0; }
.file { margin: 0.9rem 0; }
.file figcaption { font-size: 0.9rem; color: var(--muted); }
pre { background: var(--panel); border-radius: 0.5rem; padding: 0.8rem 1rem; margin: 0.25rem 0 0;
  overflow-x: auto; white-space: pre-wrap; max-width: 46rem; }
.figures { display: grid; gap: 2rem 2.5rem; margin: 1.25rem 0; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr)); }
.figures figure { margin: 0; min-width: 0; }
.figures svg { width: 100%; height: auto; }
.figures .wide { grid-column: 1 / -1; }
.scroll { overflow-x: auto; margin: 1rem 0; }
.scroll:focus-visible { outline: 2px solid var(--best); outline-offset: 2px; }
table { border-collapse: collapse; font-size: 0.86rem; font-variant-numeric: tabular-nums;
  overflow-wrap: normal; }
caption { text-align: left; color: var(--muted); padding-bottom: 0.4rem; }
th, td { padding: 0.32rem 0.42rem; text-align: right; border-bottom: 1px solid var(--rule);
  white-space: nowrap; vertical-align: top; }
th { font-weight: 600; }
thead th { vertical-align: bottom; border-bottom: 2px solid var(--axis); }
th:first-child, td:first-child { padding-left: 0; }
.left, thead th.left { text-align: left; }
td.wide { white-space: normal; min-width: 18rem; text-align: left; }
tr.best-row th, tr.best-row td { background: var(--panel); }
.bad-cell { color: var(--bad); font-weight: 600; }
.note { color: var(--muted); font-size: 0.9rem; font-weight: 400; }
td .note { display: block; font-size: 0.92em; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1.5rem; margin: 0.8rem 0; }
.facts dt { color: var(--muted); }
.facts dd { margin: 0; }
.reasons { margin: 0.8rem 0; max-width: 46rem; }
.reasons dt { font-weight: 600; margin-top: 0.7rem; }
.reasons dd { margin: 0.1rem 0 0; }
footer { max-width: 74rem; margin: 3rem auto 0; padding: 1rem 1.25rem 2rem; color: var(--muted);
  font-size: 0.9rem; }
@media (max-width: 36rem) {
  .headline { font-size: 1.25rem; }
  .facts { grid-template-columns: 1fr; gap: 0; }
  .facts dd { margin-bottom: 0.5rem; }
}
@media print {
  :root { color-scheme: light; --ground: #ffffff; --panel: #f3f5f8; --ink: #000000;
    --muted: #444444; --rule: #cccccc; --axis: #666666; --best: #0060a8; --default: #b04300;
    --worst: #7b3fa0; --band: #d7e7f5; --good: #17672e; --bad: #a4161a; --ring: #d6006c; }
  body { font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main, header, footer { max-width: none; padding: 0; }
  figure, .tiles, .cautions, pre, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; }
  table { font-size: 6.5pt; }
  th, td { padding: 0.15rem 0.2rem; }
  .figures { grid-template-columns: 1fr 1fr; gap: 1rem 1.5rem; }
  td.wide { min-width: 0; }
  .figures figure { max-width: 17cm; }
}
)";

}  // namespace

absl::string_view PlotStyle() {
  return kPlotStyle;
}

absl::string_view PageStyle() {
  return kPageStyle;
}

std::string StandaloneSvg(const Figure& figure) {
  const size_t head = figure.svg.find('>') + 1;
  return absl::StrCat(figure.svg.substr(0, head), "\n<style>", PlotStyle(),
                      "</style>\n<rect width=\"100%\" height=\"100%\" fill=\"var(--ground)\"/>",
                      figure.svg.substr(head));
}

}  // namespace floodgate::tune

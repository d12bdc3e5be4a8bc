// What `floodgate-tune recommend` has found, as the report shows it.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_RECOMMENDATION_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_RECOMMENDATION_H_

#include <string>

#include "tools/tune/recommendation_file.h"
#include "tools/tune/report/html_page.h"

namespace floodgate::tune {

// One sentence: what to set, and what comes of it in the simulation; or that nothing does it.
std::string RecommendationHeadline(const KeptRecommendation& recommendation);

// Its settings with their reasons, what was simulated, its pictures if there is a timeline, and
// what a real storm made of it.
void RecommendationSection(const KeptRecommendation& recommendation, HtmlPage& page);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_RECOMMENDATION_H_

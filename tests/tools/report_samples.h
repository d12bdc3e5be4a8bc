// Records that are made up, with the shapes that real ones have: for looking at the report, and for
// its tests. No figure of them was ever measured.
#ifndef FLOODGATE_TESTS_TOOLS_REPORT_SAMPLES_H_
#define FLOODGATE_TESTS_TOOLS_REPORT_SAMPLES_H_

#include <string>
#include <vector>

#include "tools/tune/report/page.h"

namespace floodgate::tune {

// A plan of `agents` agents over these values, three runs each, with a host made up.
Plan SamplePlan(int64_t agents, std::vector<int> backlogs, std::vector<int> drain_rates,
                std::vector<int> handshakes);

// A trial as it might have gone: agents that find the queue full come again after 1, 3, 7 s; those
// whose patience is over begin anew; the rate and the capacity (700 a second) bound the draining.
// The same arguments give the same trial.
Trial SampleTrial(const Plan& plan, const Setting& setting, int run);

// Every trial of the plan.
Records SampleSweep(const Plan& plan);

// Comparisons whose predictions are off by up to a quarter.
std::vector<Comparison> SampleComparisons(int count);

// For a fleet of 1,000: the backlog of 512 that does it, or why none does. The file that says so,
// as the report reads it.
KeptRecommendation SampleRecommendation(bool met);

struct Sample {
  std::string name;  // "whole"
  ReportInput input;
};

// Every kind of report that there is: whole ones and those of which parts are missing.
std::vector<Sample> Samples();

}  // namespace floodgate::tune

#endif  // FLOODGATE_TESTS_TOOLS_REPORT_SAMPLES_H_

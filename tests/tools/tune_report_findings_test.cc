// What the report says of a sweep: the sentences that a person acts on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "tools/tune/report/findings.h"
#include "tools/tune/report/line_plot.h"
#include "tools/tune/report/losses.h"
#include "tools/tune/report/scatter.h"
#include "tools/tune/report/unfinished.h"

namespace floodgate::tune {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr uint64_t kAgents = 1'000;

TrialResult Result(std::optional<int64_t> most_ms, uint64_t served = kAgents) {
  TrialResult result;
  result.agents = kAgents;
  result.served = served;
  if (most_ms.has_value()) {
    result.half = Duration::Milliseconds(*most_ms / 2);
    result.most = Duration::Milliseconds(*most_ms);
    result.all = Duration::Milliseconds(*most_ms + 50);
  }
  result.controller_tries = 240;
  result.controller_p99 = Duration::Milliseconds(3);
  return result;
}

// Records, their ranking and what is found in them, which points into it.
class Case {
 public:
  explicit Case(std::vector<Trial> trials) {
    records.plan.emplace();
    records.plan->runs = 1;
    records.plan->host_cores = 2;
    records.trials = std::move(trials);
  }

  const Findings& Look() {
    summaries_ = OutcomesOf(records.trials);
    Rank(summaries_);
    findings_ = Find(records, summaries_);
    return findings_;
  }

  Records records;

 private:
  std::vector<SettingOutcome> summaries_;
  Findings findings_;
};

std::string Joined(const std::vector<std::string>& sentences) {
  return absl::StrJoin(sentences, "\n");
}

TEST(FindingsTest, SaysWhatToSetAndWhatComesOfIt) {
  Case sweep({{{.backlog = 1024}, 1, Result(1'420)}, {{.backlog = 16}, 1, Result(14'200)}});
  const Findings& findings = sweep.Look();
  EXPECT_EQ(findings.verdict, Findings::Verdict::kAllIn);
  EXPECT_EQ(findings.headline,
            "Set agent.backlog = 1024: all 1,000 agents were in, 99 % of them after 1.42 s.");
  EXPECT_THAT(Joined(findings.reasons),
              AllOf(HasSubstr("it is the fastest; the next one, backlog 16, takes 14.2 s"),
                    HasSubstr("defaults (backlog 4,096) were not tried"),
                    HasSubstr("the controller port answered 99 % of 240 tries within 3.00 ms.")));
}

TEST(FindingsTest, GivesTheLinesToWrite) {
  Case sweep({{{.backlog = 1024, .drain_rate = 500, .handshakes = 16}, 1, Result(2'000)}});
  sweep.records.plan->somaxconn = 512;
  const Findings& findings = sweep.Look();
  ASSERT_EQ(findings.to_set.size(), 2U);
  EXPECT_EQ(findings.to_set[0].file, "floodgate.toml");
  EXPECT_EQ(findings.to_set[0].lines,
            "[agent]\nbacklog = 1024\n\n[drain]\nrate = 500\n\n[limits]\nhandshakes = 16\n");
  EXPECT_EQ(findings.to_set[1].lines, "net.core.somaxconn = 1024\n");
  EXPECT_THAT(findings.steps[0], HasSubstr("must be 1,024 or more (here it was 512)"));
}

// The host may need it for another service.
TEST(FindingsTest, NeverLowersSomaxconn) {
  Case sweep({{{.backlog = 1024}, 1, Result(2'000)}});
  sweep.records.plan->somaxconn = 4096;
  const Findings& findings = sweep.Look();
  ASSERT_EQ(findings.to_set.size(), 1U);
  EXPECT_EQ(findings.to_set[0].file, "floodgate.toml");
}

TEST(FindingsTest, TellsWhatTheLosersShare) {
  Case sweep({{{.backlog = 4096, .drain_rate = 0}, 1, Result(1'400)},
              {{.backlog = 4096, .drain_rate = 500}, 1, Result(2'000)},
              {{.backlog = 16, .drain_rate = 0}, 1, Result(std::nullopt, 700)},
              {{.backlog = 16, .drain_rate = 500}, 1, Result(std::nullopt, 600)}});
  sweep.records.trials[3].result.accept_overflows = 2'130;
  EXPECT_EQ(sweep.Look().losses[0],
            "2 of 4 settings lost agents, up to 400 of 1,000: all those with backlog 16, and no "
            "others. In the worst, backlog 16, drain rate 500/s, the queue was full 2,130 times.");
  EXPECT_THAT(sweep.Look().losses.back(), HasSubstr("comes again after 1, 2, 3 … s"));
}

TEST(FindingsTest, NamesTheLosersIfTheyShareNothing) {
  Case sweep({{{.backlog = 4096, .drain_rate = 0}, 1, Result(1'400)},
              {{.backlog = 4096, .drain_rate = 500}, 1, Result(2'000, 990)},
              {{.backlog = 16, .drain_rate = 0}, 1, Result(2'000, 980)},
              {{.backlog = 16, .drain_rate = 500}, 1, Result(2'000)}});
  EXPECT_EQ(sweep.Look().losses[0],
            "2 of 4 settings lost agents, up to 20 of 1,000: backlog 16; backlog 4,096, drain rate "
            "500/s.");
}

TEST(FindingsTest, TellsWhatCostsTimeOnly) {
  Case sweep({{{.backlog = 4096}, 1, Result(1'400)},
              {{.backlog = 4096, .drain_rate = 100}, 1, Result(9'900)}});
  const Findings& findings = sweep.Look();
  EXPECT_EQ(findings.headline,
            "Keep floodgated's defaults: all 1,000 agents were in, 99 % of them after 1.40 s.");
  EXPECT_THAT(
      findings.losses,
      ElementsAre("None of the 2 settings lost an agent.",
                  "What costs most time without losing anybody is backlog 4,096, drain rate "
                  "100/s: 9.90 s, 7.1 times as long; 1,000 agents at 100 a second take 10.0 "
                  "s."));
  ASSERT_EQ(findings.variations.size(), 1U);
  EXPECT_EQ(findings.variations[0].what, "drain rate 100");
  EXPECT_EQ(findings.variations[0].effect,
            "7.1 times as long: 1,000 agents at 100 a second take 10.0 s");
}

// Of fewer than a hundred tries, or agents, nothing is told by the hundred; of more runs than one
// it is told that the time is a median.
TEST(FindingsTest, ClaimsNoMoreTriesThanThereWere) {
  const auto reasons = [](const std::vector<std::optional<uint64_t>>& tries) {
    std::vector<Trial> trials;
    for (const std::optional<uint64_t>& of_run : tries) {
      TrialResult result = Result(1'000);
      result.controller_tries = of_run;
      if (of_run == 0) result.controller_p99.reset();
      trials.push_back({{}, static_cast<int>(trials.size()) + 1, result});
    }
    return Joined(Case(trials).Look().reasons);
  };
  EXPECT_THAT(reasons({3}),
              HasSubstr("the controller port answered each of 3 tries within 3.00 ms."));
  EXPECT_THAT(reasons({1}), HasSubstr("the controller port answered the one try within 3.00 ms."));
  EXPECT_THAT(reasons({100}), HasSubstr("answered 99 % of 100 tries within 3.00 ms."));
  EXPECT_THAT(reasons({3, 5}), HasSubstr("answered the tries within 3.00 ms (median of 2 runs of 3 "
                                         "to 5 tries each)."));
  EXPECT_THAT(reasons({120, 120}), HasSubstr("answered 99 % of the tries within 3.00 ms (median of "
                                             "2 runs of 120 tries each)."));
  EXPECT_THAT(reasons({50, 120}),
              HasSubstr("99 % of the tries, all of fewer than a hundred, within"));
  EXPECT_THAT(reasons({3, 0}), HasSubstr("each of 3 tries within 3.00 ms; 1 run has no such time"));
  EXPECT_THAT(reasons({std::nullopt}), HasSubstr("the controller port's p99 was 3.00 ms."));
  for (const std::string& text : {reasons({3}), reasons({3, 5}), reasons({std::nullopt})}) {
    EXPECT_THAT(text, Not(HasSubstr("of 100")));
    EXPECT_THAT(text, Not(HasSubstr("99 % of")));
  }
}

TEST(FindingsTest, OfFewAgentsNothingIsToldByTheHundred) {
  TrialResult result = Result(1'000);
  result.agents = result.served = 99;
  Case few({{{}, 1, result}});
  EXPECT_THAT(few.Look().headline, HasSubstr("all 99 agents were in after 1.05 s."));
  EXPECT_EQ(few.Look().reasons[0],
            "In its one run half of the agents were in after 500 ms, all after 1.05 s.");
  Case runs({{{}, 1, Result(1'000)}, {{}, 2, Result(1'100)}});
  EXPECT_EQ(runs.Look().reasons[0],
            "In 2 runs half of the agents were in after 500–550 ms, 99 % after 1.00–1.10 s, all "
            "after 1.05–1.15 s.");
}

TEST(FindingsTest, WhatCostsMostTimeIsTheWorstOfTheCharts) {
  // As fast within 5 %, so the ranking goes by the controller port: the slowest is not its last.
  std::vector<Trial> trials = {{{.backlog = 4096}, 1, Result(1'400)},
                               {{.backlog = 16}, 1, Result(9'900)},
                               {{.backlog = 64}, 1, Result(9'800)}};
  trials[2].result.controller_p99 = Duration::Milliseconds(90);
  for (Trial& trial : trials) {
    trial.result.timeline = {{.at = Duration::Seconds(1), .queue_depth = 1, .served = 1},
                             {.at = Duration::Seconds(2), .queue_depth = 2, .served = 1'000}};
  }
  std::vector<SettingOutcome> summaries = OutcomesOf(trials);
  Rank(summaries);
  ASSERT_EQ(summaries.back().setting.backlog, 64);
  Case sweep(trials);
  EXPECT_THAT(sweep.Look().losses,
              ElementsAre("None of the 3 settings lost an agent.",
                          "What costs most time without losing anybody is backlog 16: 9.90 s, 7.1 "
                          "times as long."));
  const std::vector<Shown> shown = ShownTrials(trials, summaries);
  ASSERT_EQ(shown.size(), 2U);
  EXPECT_EQ(shown.back().role, "worst");
  EXPECT_EQ(shown.back().summary->setting.backlog, 16);
}

TEST(FindingsTest, NamesTheSlowestEvenIfItLosesAgents) {
  const std::string slower = "What costs most time without losing anybody is backlog 64: 9.90 s, ";
  Case sweep({{{.backlog = 4096}, 1, Result(1'400)},
              {{.backlog = 64}, 1, Result(9'900)},
              {{.backlog = 16}, 1, Result(14'000, 995)}});
  EXPECT_THAT(
      Joined(sweep.Look().losses),
      AllOf(HasSubstr("What costs most time of all is backlog 16: 14.0 s, 10 times as long; "
                      "it loses agents, too.\n"),
            HasSubstr(slower)));
  sweep.records.trials.push_back({{.backlog = 8}, 1, Result(std::nullopt, 400)});
  EXPECT_THAT(
      Joined(sweep.Look().losses),
      AllOf(HasSubstr("With backlog 8 99 % of the agents were never in.\n"), HasSubstr(slower)));
  sweep.records.trials.push_back({{.backlog = 4}, 1, Result(std::nullopt, 300)});
  EXPECT_THAT(Joined(sweep.Look().losses),
              HasSubstr("With 2 settings 99 % of the agents were never in."));
}

TEST(FindingsTest, OneIsOne) {
  TrialResult worst = Result(9'000, 999);
  worst.agents = 1'000;
  EXPECT_EQ(Case({{{}, 1, worst}}).Look().losses[0],
            "In its worst run 1 agent of 1,000 was not served.");
  SettingOutcome best;
  SettingOutcome one;
  best.agents = one.agents = 1;
  one.accept_overflows = one.gave_up = 1;
  EXPECT_EQ(CauseOf(one, best),
            "the queue was full 1 time; 1 attempt ended because the agent's patience was over");
  one.accept_overflows = one.gave_up = 0;
  one.syn_retransmits = one.wasted_handshakes = 1;
  EXPECT_EQ(CauseOf(one, best),
            "1 SYN was sent again; 1 handshake was begun for agents that were not served");
}

TEST(FindingsTest, VariationsDifferFromTheBestInOneThing) {
  Case sweep({{{.backlog = 512, .drain_rate = 0, .handshakes = 0}, 1, Result(1'000)},
              {{.backlog = 512, .drain_rate = 0, .handshakes = 8}, 1, Result(1'200)},
              {{.backlog = 64, .drain_rate = 0, .handshakes = 0}, 1, Result(3'000, 999)},
              {{.backlog = 64, .drain_rate = 0, .handshakes = 8}, 1, Result(3'000)}});
  const Findings& findings = sweep.Look();
  ASSERT_EQ(findings.variations.size(), 2U);
  EXPECT_EQ(findings.variations[0].what, "backlog 64");
  EXPECT_EQ(findings.variations[0].effect, "1 not in, 3.0 times as long");
  EXPECT_EQ(findings.variations[1].what, "handshakes at a time 8");
}

TEST(FindingsTest, SaysWhyOfThoseThatAreAsFast) {
  std::vector<Trial> trials = {{{.backlog = 512}, 1, Result(1'000)},
                               {{.backlog = 4096}, 1, Result(990)}};
  EXPECT_THAT(Joined(Case(trials).Look().reasons),
              HasSubstr("2 settings lost nobody and are as fast, within 5 %; of these it needs the "
                        "smallest backlog."));
  trials[0].result.controller_p99 = Duration::Milliseconds(9);
  EXPECT_THAT(Joined(Case(trials).Look().reasons),
              AllOf(HasSubstr("it disturbs the controller port least"),
                    HasSubstr("These are floodgated's defaults.")));
}

TEST(FindingsTest, SaysThatNoSettingIsGoodEnough) {
  Case sweep({{{.backlog = 64}, 1, Result(std::nullopt, 900)},
              {{.backlog = 16}, 1, Result(std::nullopt, 400)}});
  const Findings& findings = sweep.Look();
  EXPECT_EQ(findings.verdict, Findings::Verdict::kSomeLost);
  EXPECT_THAT(findings.headline,
              AllOf(HasSubstr("No setting that was tried let all agents in"),
                    HasSubstr("backlog 64"), HasSubstr("left 100 agents of 1,000 out")));
  EXPECT_THAT(findings.reasons[0], HasSubstr("100 agents of 1,000 were not in when the trial"));
  EXPECT_THAT(findings.losses[0], HasSubstr("All 2 settings lost agents, up to 600 of 1,000."));
  EXPECT_THAT(Joined(findings.steps), HasSubstr("That is not enough"));
}

TEST(FindingsTest, ProposesNothingIfNobodyWasServed) {
  Case sweep({{{.backlog = 64}, 1, Result(std::nullopt, 0)},
              {{.backlog = 16}, 1, Result(std::nullopt, 0)}});
  const Findings& findings = sweep.Look();
  EXPECT_EQ(findings.verdict, Findings::Verdict::kNobodyServed);
  EXPECT_THAT(findings.headline, HasSubstr("no matter of the queue"));
  EXPECT_THAT(findings.to_set, IsEmpty());
  EXPECT_THAT(Joined(findings.steps), HasSubstr("floodgate-tune audit"));
}

TEST(FindingsTest, OneSettingIsNoChoice) {
  Case sweep({{{}, 1, Result(1'000)}});
  const Findings& findings = sweep.Look();
  EXPECT_THAT(findings.headline, HasSubstr("With the one setting that was tried"));
  EXPECT_THAT(findings.losses, ElementsAre("No agent was lost."));
  EXPECT_THAT(findings.variations, IsEmpty());
}

TEST(FindingsTest, OneAgentIsOneAgent) {
  TrialResult result = Result(5);
  result.agents = result.served = 1;
  EXPECT_THAT(Case({{{}, 1, result}}).Look().headline,
              HasSubstr("the agent was in after 55.0 ms."));
}

TEST(FindingsTest, CautionsWhereTheFiguresAreWeak) {
  Case sweep({{{.backlog = 4096}, 1, Result(1'000)}, {{.backlog = 8192}, 1, Result(1'000)}});
  EXPECT_THAT(Joined(sweep.Look().cautions),
              AllOf(HasSubstr("One run is no sample"), Not(HasSubstr("somaxconn")),
                    Not(HasSubstr("not finished")), Not(HasSubstr("slowed it down"))));
  Plan& plan = *sweep.records.plan;
  plan.backlogs = {4096, 8192};
  plan.drain_rates = plan.handshakes = {0};
  plan.runs = 2;
  plan.somaxconn = 4096;
  plan.host_cores = 1;
  sweep.records.trials[1].result.storm_cpu_share = 0.95;
  EXPECT_THAT(Joined(sweep.Look().cautions),
              AllOf(HasSubstr("somaxconn of this host is 4,096 and has cut every greater backlog"),
                    HasSubstr("2 trials are missing"), HasSubstr("slowed it down"),
                    HasSubstr("In 1 of 2 trials the agents needed nearly all")));
  sweep.records.trials.push_back({{.backlog = 4096}, 2, Result(1'500)});
  sweep.records.trials.push_back({{.backlog = 8192}, 2, Result(1'600)});
  EXPECT_THAT(Joined(sweep.Look().cautions),
              AllOf(HasSubstr("The runs of the best setting differ (1.00–1.50 s)"),
                    Not(HasSubstr("not finished")), Not(HasSubstr("no sample"))));
}

TEST(UnfinishedTest, TellsEachSettingOfThePlanThatLacksRuns) {
  Records records;
  EXPECT_EQ(TrialsMissing(records), 0);
  records.plan.emplace();
  records.plan->backlogs = {16, 64};
  records.plan->drain_rates = {0};
  records.plan->handshakes = {0};
  records.plan->runs = 3;
  records.trials = {{{.backlog = 16}, 1, Result(1)}, {{.backlog = 16}, 2, Result(1)}};
  const std::vector<Unfinished> unfinished = UnfinishedOf(records);
  ASSERT_EQ(unfinished.size(), 2U);
  EXPECT_EQ(unfinished[0].runs, 1);
  EXPECT_EQ(unfinished[1].setting.backlog, 64);
  EXPECT_EQ(unfinished[1].runs, 3);
  EXPECT_EQ(TrialsMissing(records), 4);
}

Comparison Compare(std::optional<int64_t> measured_ms, std::optional<int64_t> predicted_ms) {
  Comparison comparison;
  comparison.measured = Result(measured_ms);
  comparison.predicted = Result(predicted_ms);
  return comparison;
}

TEST(PredictionTest, TheBandIsTwentyPerCentOfTheMeasurement) {
  EXPECT_NEAR(*ErrorOf(Compare(1'000, 900)), -0.1, 1e-9);
  EXPECT_TRUE(InBand(Compare(1'000, 800)));
  EXPECT_TRUE(InBand(Compare(1'000, 1'200)));
  EXPECT_FALSE(InBand(Compare(1'000, 799)));
  EXPECT_FALSE(InBand(Compare(1'000, 1'201)));
  EXPECT_FALSE(InBand(Compare(std::nullopt, 1'000)));
  EXPECT_FALSE(InBand(Compare(1'000, std::nullopt)));
  EXPECT_EQ(ErrorOf(Compare(0, 10)), std::nullopt);
}

TEST(PredictionTest, SaysHowManyAreRightAndTheGreatestError) {
  EXPECT_EQ(PredictionSentence({}), "");
  EXPECT_EQ(PredictionSentence({Compare(1'000, 1'000)}),
            "1 of 1 prediction of the time to 99 % is within 20 % of the measurement.");
  EXPECT_EQ(PredictionSentence({Compare(1'000, 1'100), Compare(1'000, 700), Compare(1'000, 1'010)}),
            "2 of 3 predictions of the time to 99 % are within 20 % of the measurement; the "
            "greatest error is 30 % too soon.");
}

TEST(PredictionTest, ThereIsNoPlotWithoutAPoint) {
  EXPECT_EQ(ScatterPlot({Compare(std::nullopt, 1'000)}), std::nullopt);
  EXPECT_TRUE(ScatterPlot({Compare(1'000, 1'000)}).has_value());
}

}  // namespace
}  // namespace floodgate::tune

// What `floodgate-tune recommend` was asked.
#ifndef FLOODGATE_TOOLS_TUNE_RECOMMEND_OPTIONS_H_
#define FLOODGATE_TOOLS_TUNE_RECOMMEND_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "front/self_signed.h"
#include "tools/tune/recommend.h"
#include "tools/tune/trial.h"

namespace floodgate::tune {

struct RecommendOptions {
  Wanted wanted;        // all but the costs, if they are measured
  bool measure = true;  // the cost of an agent, with a certificate of
  KeyKind key = KeyKind::kEcdsaP256;
  std::string out;       // a directory for the files; "": none are written
  bool try_out = false;  // with a real storm; then `measure` holds
  Bench bench;           // the paths of the programs, if they were given
  bool json = false;
};

// Adds the command; see AddPredict.
void AddRecommend(CLI::App& app, RecommendOptions& options, std::function<void()> chosen);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_RECOMMEND_OPTIONS_H_

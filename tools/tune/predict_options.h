// What `floodgate-tune predict` was asked.
#ifndef FLOODGATE_TOOLS_TUNE_PREDICT_OPTIONS_H_
#define FLOODGATE_TOOLS_TUNE_PREDICT_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "front/self_signed.h"
#include "tools/tune/predict.h"

namespace floodgate::tune {

struct PredictOptions {
  Question question;     // all but the handshake, if that is measured
  bool measure = false;  // the handshake's cost, with a certificate of
  KeyKind key = KeyKind::kEcdsaP256;
  // A run for each; never empty. Every combination of what --backlog, --drain-rate and --handshakes
  // list.
  std::vector<Setting> settings;
  bool validate = false;  // beside a real trial of each; then `measure` holds
  std::string out;        // a directory for the comparisons; "": they are not kept
  Bench bench;            // the paths of the programs, if they were given
  bool json = false;
};

// Adds the command. `options` outlives the parsing; `chosen` is called when this command was asked
// for and its options are whole.
void AddPredict(CLI::App& app, PredictOptions& options, std::function<void()> chosen);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_PREDICT_OPTIONS_H_

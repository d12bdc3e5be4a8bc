// What `floodgate-tune sweep` was asked.
#ifndef FLOODGATE_TOOLS_TUNE_SWEEP_OPTIONS_H_
#define FLOODGATE_TOOLS_TUNE_SWEEP_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "tools/tune/records.h"

namespace floodgate::tune {

struct SweepOptions {
  Plan plan;               // but for what it says of this host; cores 0: all but one
  std::string out;         // directory
  std::string floodgated;  // path; empty: it is looked for
  std::string storm;       // path; empty: it is looked for
  bool json = false;
};

// Adds the command. `options` outlives the parsing; `chosen` is called when this command was asked
// for and its options are whole.
void AddSweep(CLI::App& app, SweepOptions& options, std::function<void()> chosen);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_SWEEP_OPTIONS_H_

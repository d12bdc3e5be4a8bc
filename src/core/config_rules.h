// What options must be to each other.
#ifndef FLOODGATE_CORE_CONFIG_RULES_H_
#define FLOODGATE_CORE_CONFIG_RULES_H_

#include <string>
#include <vector>

#include "core/options.h"

namespace floodgate {

struct RuleFault {
  std::string key;  // the option to change
  std::string problem;
  std::string remedy;
  // Other options, and sections that are absent, on which it rests: if one of these is not what was
  // meant, neither is this.
  std::vector<std::string> involved;
};

// Every rule that `options`, each in its own range, break together.
std::vector<RuleFault> BrokenRules(const Options& options);

}  // namespace floodgate

#endif  // FLOODGATE_CORE_CONFIG_RULES_H_

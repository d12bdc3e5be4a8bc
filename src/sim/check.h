// The bug search: the real daemon on the fake kernel, under clients, faults and operators that a
// seed draws, judged by an oracle; and, with a mutant, the test of that judge.
#ifndef FLOODGATE_SIM_CHECK_H_
#define FLOODGATE_SIM_CHECK_H_

#include <cstdint>
#include <functional>
#include <string>

#include "sim/mutants.h"

namespace floodgate::sim {

struct CheckResult {
  uint64_t seed = 0;
  std::string rule;  // that was broken; empty: none
  std::string text;  // when, and how
  uint64_t digest = 0;
  // What has happened in all.
  uint64_t events = 0;
  uint64_t attempts = 0;
  uint64_t taken = 0;
  uint64_t admitted = 0;
  bool failed() const { return !rule.empty(); }
};

// `mutant` null: the daemon as it is. `trace` is given what happens, a line at a time. Several may
// run at the same time.
CheckResult RunCheck(uint64_t seed, const Mutant* mutant = nullptr,
                     std::function<void(const std::string&)> trace = nullptr);

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_CHECK_H_

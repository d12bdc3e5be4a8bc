// What a checked run has found wrong, and what it tells on the way.
#ifndef FLOODGATE_SIM_VERDICT_H_
#define FLOODGATE_SIM_VERDICT_H_

#include <functional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "sim/world.h"

namespace floodgate::sim {

// The first fault alone counts: what follows it may follow from it. One run, one thread.
class Verdict {
 public:
  // `trace` is given one line at a time; empty: nothing is told.
  Verdict(const World& world, std::function<void(const std::string&)> trace)
      : world_(world), trace_(std::move(trace)) {}

  // `rule` is one of the names that oracle.h and ledger.h list. The pieces of text are put together
  // only if they are needed.
  template <typename... Pieces>
  void Fail(absl::string_view rule, const Pieces&... pieces) {
    if (failed()) return;
    rule_ = std::string(rule);
    text_ = absl::StrCat(Time(), " ", rule, ": ", pieces...);
    if (trace_) trace_(text_);
  }
  bool failed() const { return !rule_.empty(); }
  const std::string& rule() const { return rule_; }
  // "1.234567s waiting: 5 wait, 4 may"
  const std::string& text() const { return text_; }

  template <typename... Pieces>
  void Tell(absl::string_view who, const Pieces&... pieces) {
    if (trace_) trace_(absl::StrCat(Time(), " ", who, " ", pieces...));
  }

 private:
  std::string Time() const {
    const int64_t us = world_.now().ns / 1000;
    return absl::StrFormat("%d.%06ds", us / 1'000'000, us % 1'000'000);
  }

  const World& world_;
  std::function<void(const std::string&)> trace_;
  std::string rule_;
  std::string text_;
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_VERDICT_H_

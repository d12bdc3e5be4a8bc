// Finds the sources that were refused most, reading the table in small pieces, so that the
// gatekeeper is never held up by a million of them.
#ifndef FLOODGATE_FRONT_SOURCES_REPORT_H_
#define FLOODGATE_FRONT_SOURCES_REPORT_H_

#include <cstddef>
#include <functional>
#include <vector>

#include "core/admission.h"
#include "front/snapshot.h"

namespace floodgate {

class SourcesReport {
 public:
  using Callback = std::function<void(std::vector<SourceSnapshot>)>;

  SourcesReport(size_t count, Callback callback) : count_(count), callback_(std::move(callback)) {}

  // Reads the next piece. True: it was the last, and the callback has been called.
  bool Advance(const Admission& admission, Instant now);

 private:
  static constexpr size_t kSlotsPerPiece = 8192;

  size_t count_;
  Callback callback_;
  size_t cursor_ = 0;
  std::vector<SourceSnapshot> best_;  // a heap, the least refused at its front
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_SOURCES_REPORT_H_

#include "front/backend_trouble.h"

#include "absl/strings/str_cat.h"

namespace floodgate {

void BackendTrouble::Failed(absl::string_view why, Instant now) {
  uint64_t untold = 0;
  {
    const std::scoped_lock lock(mutex_);
    if (now < next_at_) {
      ++untold_;
      return;
    }
    next_at_ = now + kSilence;
    untold = std::exchange(untold_, 0);
  }
  std::string text = absl::StrCat(address_, " cannot be reached: ", why,
                                  "; is the controller up, and is this its backend.address?");
  if (untold > 0) absl::StrAppend(&text, " ", untold, " more failed since the last such line");
  log_.Write(Severity::kWarn, "backend", text);
}

}  // namespace floodgate

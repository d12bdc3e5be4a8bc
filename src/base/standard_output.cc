#include "base/standard_output.h"

#include <cstdio>

namespace floodgate {

absl::Status WriteStandardOutput(absl::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  return FlushStandardOutput();
}

absl::Status FlushStandardOutput() {
  // The mark of an error stays until somebody takes it off, and nobody does.
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return absl::OkStatus();
  return absl::UnavailableError("cannot write to standard output; is there room on its device?");
}

}  // namespace floodgate

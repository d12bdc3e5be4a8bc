#include "tools/tune/console.h"

#include <cstdio>
#include <string>

#include "base/standard_output.h"

namespace floodgate::tune {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "floodgate-tune: %s\n", std::string(status.message()).c_str());
  return 1;
}

int FailOrInterrupted(const absl::Status& status, const Interrupt& interrupt) {
  const int failed = Fail(status);
  return absl::IsCancelled(status) ? interrupt.exit_status() : failed;
}

void Remark(absl::string_view text) {
  std::fprintf(stderr, "floodgate-tune: %s\n", std::string(text).c_str());
}

absl::Status Print(absl::string_view text) {
  return WriteStandardOutput(text);
}

}  // namespace floodgate::tune

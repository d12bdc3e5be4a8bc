#include "tools/tune/console.h"

#include <cstdio>
#include <string>

namespace floodgate::tune {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "floodgate-tune: %s\n", std::string(status.message()).c_str());
  return 1;
}

void Remark(absl::string_view text) {
  std::fprintf(stderr, "floodgate-tune: %s\n", std::string(text).c_str());
}

absl::Status Print(absl::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (written && std::fflush(stdout) == 0) return absl::OkStatus();
  return absl::UnavailableError("cannot write to standard output; is there room on its device?");
}

}  // namespace floodgate::tune

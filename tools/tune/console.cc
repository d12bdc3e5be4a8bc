#include "tools/tune/console.h"

#include <cstdio>
#include <string>

#include "base/standard_output.h"

namespace floodgate::tune {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "floodgate-tune: %s\n", std::string(status.message()).c_str());
  return 1;
}

void Remark(absl::string_view text) {
  std::fprintf(stderr, "floodgate-tune: %s\n", std::string(text).c_str());
}

absl::Status Print(absl::string_view text) {
  return WriteStandardOutput(text);
}

}  // namespace floodgate::tune

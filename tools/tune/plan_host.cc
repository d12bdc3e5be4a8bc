#include "tools/tune/plan_host.h"

#include <sys/utsname.h>

#include <ctime>
#include <fstream>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "base/version.h"
#include "io/socket.h"
#include "tools/tune/child.h"

namespace floodgate::tune {
namespace {

std::string Kernel() {
  utsname names{};
  return ::uname(&names) == 0 ? std::string(names.release) : "";
}

// The first "model name" of /proc/cpuinfo.
std::string Processor() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || !absl::StartsWith(line, "model name")) continue;
    return std::string(absl::StripAsciiWhitespace(absl::string_view(line).substr(colon + 1)));
  }
  return "";
}

std::string NowText() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  const size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, length};
}

}  // namespace

void DescribeHost(Plan& plan) {
  plan.version = Version();
  plan.kernel = Kernel();
  plan.processor = Processor();
  plan.started = NowText();
  plan.somaxconn = SomaxConn().value_or(0);
  plan.host_cores = static_cast<int>(OwnCores().size());
}

}  // namespace floodgate::tune

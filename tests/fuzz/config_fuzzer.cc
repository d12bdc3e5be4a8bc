// Whatever text a configuration is: reading it ends, faults are single lines that say what would be
// right, and what is accepted can be written and read back the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "core/config.h"

// The input is the file; lines behind the first NUL byte are settings of the command line.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> sets;
  if (const size_t nul = text.find('\0'); nul != std::string::npos) {
    std::string rest = text.substr(nul + 1);
    text.resize(nul);
    for (size_t end = rest.find('\n'); end != std::string::npos && sets.size() < 8;
         end = rest.find('\n')) {
      sets.push_back(rest.substr(0, end));
      rest.erase(0, end + 1);
    }
    sets.push_back(rest);
  }
  const floodgate::ConfigResult read = floodgate::ReadConfig(text, "fuzz", sets);
  for (const floodgate::ConfigFault& fault : read.faults) {
    FG_CHECK(!fault.problem.empty());
    FG_CHECK(!fault.remedy.empty());
    FG_CHECK(fault.ToString().find('\n') == std::string::npos);
  }
  if (!read.faults.empty()) return 0;
  const std::string written = floodgate::WriteConfig(read.options);
  const floodgate::ConfigResult again = floodgate::ReadConfig(written, "written", {});
  FG_CHECK(again.faults.empty());
  FG_CHECK(again.options == read.options);
  FG_CHECK(floodgate::Compare(again.options, read.options).empty());
  FG_CHECK(floodgate::WriteConfig(again.options) == written);
  return 0;
}

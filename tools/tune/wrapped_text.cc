#include "tools/tune/wrapped_text.h"

#include <sstream>

#include "absl/strings/str_cat.h"

namespace floodgate::tune {
namespace {

constexpr size_t kWidth = 100;

}  // namespace

std::string Wrapped(const std::string& text, absl::string_view prefix) {
  std::istringstream words(text);
  std::string word, line, all;
  while (words >> word) {
    if (!line.empty() && prefix.size() + line.size() + 1 + word.size() > kWidth) {
      absl::StrAppend(&all, prefix, line, "\n");
      line.clear();
    }
    absl::StrAppend(&line, line.empty() ? "" : " ", word);
  }
  return absl::StrCat(all, prefix, line, "\n");
}

}  // namespace floodgate::tune

// Prose in lines of a page's width.
#ifndef FLOODGATE_TOOLS_TUNE_WRAPPED_TEXT_H_
#define FLOODGATE_TOOLS_TUNE_WRAPPED_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace floodgate::tune {

// The words of `text` in lines of at most 100 characters (a longer word has a line of its own),
// each begun by `prefix` and ended by a newline.
std::string Wrapped(const std::string& text, absl::string_view prefix);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_WRAPPED_TEXT_H_

#include "io/errno_text.h"

#include <cstring>

#include "absl/strings/str_cat.h"

namespace floodgate {

std::string ErrnoText(int error) {
  // Both are glibc's thread-safe forms; a number that is no errno has a description but no name.
  const char* description = strerrordesc_np(error);
  const char* name = strerrorname_np(error);
  if (description == nullptr || name == nullptr) return absl::StrCat("error ", error);
  return absl::StrCat(description, " (", name, ")");
}

}  // namespace floodgate

#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace floodgate {

void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "floodgate: internal error: %s:%d: this must hold and does not: %s\n", file,
               line, condition);
  std::abort();
}

}  // namespace floodgate

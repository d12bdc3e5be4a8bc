#include "base/version.h"

namespace floodgate {

const char* Version() {
  return FLOODGATE_VERSION;
}

}  // namespace floodgate

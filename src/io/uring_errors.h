// Why io_uring cannot be used, in an operator's words.
#ifndef FLOODGATE_IO_URING_ERRORS_H_
#define FLOODGATE_IO_URING_ERRORS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace floodgate {

// Unavailable: "`call` failed: ERRNO; what is probably the cause and what would change it".
// `error` is positive.
absl::Status UringError(absl::string_view call, int error);

}  // namespace floodgate

#endif  // FLOODGATE_IO_URING_ERRORS_H_

// The ranges of KernelOptions, checked.
#ifndef FLOODGATE_IO_OPTIONS_CHECK_H_
#define FLOODGATE_IO_OPTIONS_CHECK_H_

#include "absl/status/status.h"
#include "io/kernel_options.h"

namespace floodgate {

// OK, or InvalidArgument that names the option, its value and the range.
absl::Status CheckKernelOptions(const KernelOptions& options);

}  // namespace floodgate

#endif  // FLOODGATE_IO_OPTIONS_CHECK_H_

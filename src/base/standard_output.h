// Standard output of the programs. What cannot be written there (a full disk) is a failure of the
// program, and never lost in silence.
#ifndef FLOODGATE_BASE_STANDARD_OUTPUT_H_
#define FLOODGATE_BASE_STANDARD_OUTPUT_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace floodgate {

// Writes `text`, at once. Unavailable: standard output takes no more; the message is for people.
absl::Status WriteStandardOutput(absl::string_view text);

// Whether all has arrived that was written there by whatever means since the program began; to be
// called at its end. Unavailable: as above.
absl::Status FlushStandardOutput();

}  // namespace floodgate

#endif  // FLOODGATE_BASE_STANDARD_OUTPUT_H_

// What every command of floodgate-tune says in the same way.
#ifndef FLOODGATE_TOOLS_TUNE_CONSOLE_H_
#define FLOODGATE_TOOLS_TUNE_CONSOLE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tools/tune/interrupt.h"

namespace floodgate::tune {

// Tells it on standard error. The exit status of a command that failed: 1.
int Fail(const absl::Status& status);

// The same, but that of `interrupt` if that is what ended it (Cancelled).
int FailOrInterrupted(const absl::Status& status, const Interrupt& interrupt);

// A line on standard error that is no error.
void Remark(absl::string_view text);

// To standard output, at once. Unavailable: it takes no more.
absl::Status Print(absl::string_view text);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_CONSOLE_H_

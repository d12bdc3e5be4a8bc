// Where the programs are that floodgate-tune starts.
#ifndef FLOODGATE_TOOLS_TUNE_PROGRAMS_H_
#define FLOODGATE_TOOLS_TUNE_PROGRAMS_H_

#include <string>

#include "absl/status/statusor.h"

namespace floodgate::tune {

// `given` if it is not empty (the value of the option `option`), else the first file `name` that
// may be run: beside this program's own, then in the directories of PATH. NotFound: the message
// says where it was looked for, and that `option` tells it.
absl::StatusOr<std::string> FindProgram(const std::string& name, const std::string& option,
                                        const std::string& given);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_PROGRAMS_H_

// errno values in words.
#ifndef FLOODGATE_IO_ERRNO_TEXT_H_
#define FLOODGATE_IO_ERRNO_TEXT_H_

#include <string>

namespace floodgate {

// "Connection refused (ECONNREFUSED)". Thread-safe. `error` is positive.
std::string ErrnoText(int error);

}  // namespace floodgate

#endif  // FLOODGATE_IO_ERRNO_TEXT_H_

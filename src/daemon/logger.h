// The log of the programs: one line an event on standard error, as text or as JSON.
#ifndef FLOODGATE_DAEMON_LOGGER_H_
#define FLOODGATE_DAEMON_LOGGER_H_

#include <memory>

#include "base/log.h"
#include "core/options.h"

namespace floodgate {

// A thread-safe log to standard error. Text: "2026-01-02T03:04:05.678Z info gate: open". JSON: an
// object a line with time, level, event and message.
class Logger : public Log {
 public:
  static std::unique_ptr<Logger> Create(LogFormat format, LogLevel level);
  // From now on; also while other threads write.
  virtual void SetLevel(LogLevel level) = 0;
};

}  // namespace floodgate

#endif  // FLOODGATE_DAEMON_LOGGER_H_

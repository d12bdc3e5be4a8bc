// Where rare events are told. The loops write one line for what an operator must know (the gate
// moved, a listener paused) and count the rest; nothing logs per connection above kDebug.
#ifndef FLOODGATE_BASE_LOG_H_
#define FLOODGATE_BASE_LOG_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace floodgate {

enum class Severity : uint8_t { kTrace, kDebug, kInfo, kWarn, kError };

// Thread-safe. Write() may take a lock and a system call: keep it off the way of a connection.
class Log {
 public:
  virtual ~Log() = default;
  // Ask first where making the text costs something.
  virtual bool Enabled(Severity severity) const = 0;
  // `event` is a short stable name for machines ("gate", "listener"); `text` is for people: one
  // line.
  virtual void Write(Severity severity, absl::string_view event, absl::string_view text) = 0;
};

// Swallows everything; for tests and benchmarks.
class NullLog final : public Log {
 public:
  bool Enabled(Severity) const override { return false; }
  void Write(Severity, absl::string_view, absl::string_view) override {}
};

}  // namespace floodgate

#endif  // FLOODGATE_BASE_LOG_H_

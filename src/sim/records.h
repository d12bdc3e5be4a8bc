// The framing that scripted TLS and the agents share instead of TLS: a type, a length, a payload.
// Enough for everything that a front end does with TLS without reading it: handshakes that need
// several flights, tickets, application data in pieces, close_notify.
#ifndef FLOODGATE_SIM_RECORDS_H_
#define FLOODGATE_SIM_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace floodgate::sim {

enum class RecordType : uint8_t {
  kClientHello = 1,
  kServerFlight,
  kClientFinish,
  kTicket,
  kData,
  kCloseNotify,
  kAlert,
};

inline constexpr size_t kRecordHeaderBytes = 3;  // the type and two bytes of length, big-endian
inline constexpr size_t kRecordPayloadMaxBytes = 16384;  // as TLS has it (RFC 8446 section 5.1)

// Appends `payload` as records of `type`, as many as it takes; an empty one is one record.
void AppendRecords(RecordType type, absl::string_view payload, std::string& out);

// Takes records off the front of a stream.
class RecordReader {
 public:
  struct Record {
    RecordType type = RecordType::kAlert;
    absl::string_view payload = {};  // within the stream
  };
  enum class Result : uint8_t { kRecord, kIncomplete, kInvalid };

  // `stream` outlives the reader and what it gives out.
  explicit RecordReader(absl::string_view stream) : rest_(stream) {}

  Result Next(Record& record);
  // What has not been taken.
  absl::string_view rest() const { return rest_; }

 private:
  absl::string_view rest_;
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_RECORDS_H_

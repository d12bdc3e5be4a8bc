#include "sim/records.h"

namespace floodgate::sim {
namespace {

uint8_t ByteAt(absl::string_view text, size_t index) {
  return static_cast<uint8_t>(text[index]);
}

}  // namespace

void AppendRecords(RecordType type, absl::string_view payload, std::string& out) {
  do {
    const absl::string_view piece = payload.substr(0, kRecordPayloadMaxBytes);
    payload.remove_prefix(piece.size());
    out.push_back(static_cast<char>(type));
    out.push_back(static_cast<char>(piece.size() >> 8));
    out.push_back(static_cast<char>(piece.size() & 0xff));
    out.append(piece.data(), piece.size());
  } while (!payload.empty());
}

RecordReader::Result RecordReader::Next(Record& record) {
  if (rest_.empty()) return Result::kIncomplete;
  const uint8_t type = ByteAt(rest_, 0);
  if (type < static_cast<uint8_t>(RecordType::kClientHello) ||
      type > static_cast<uint8_t>(RecordType::kAlert)) {
    return Result::kInvalid;
  }
  if (rest_.size() < kRecordHeaderBytes) return Result::kIncomplete;
  const size_t size = (size_t{ByteAt(rest_, 1)} << 8) | ByteAt(rest_, 2);
  if (size > kRecordPayloadMaxBytes) return Result::kInvalid;
  if (rest_.size() < kRecordHeaderBytes + size) return Result::kIncomplete;
  record = {.type = static_cast<RecordType>(type),
            .payload = rest_.substr(kRecordHeaderBytes, size)};
  rest_.remove_prefix(kRecordHeaderBytes + size);
  return Result::kRecord;
}

}  // namespace floodgate::sim

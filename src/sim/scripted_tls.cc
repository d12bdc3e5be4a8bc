#include "sim/scripted_tls.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "sim/records.h"

namespace floodgate::sim {

struct ScriptedTlsContext::Shared {
  TlsCosts costs;
  TlsSizes sizes;
  Charge charge;
};

class ScriptedTlsContext::Session final : public TlsSession {
 public:
  explicit Session(std::shared_ptr<const Shared> shared) : shared_(std::move(shared)) {
    facts_.version = "TLSv1.3";
  }

  TlsState Receive(absl::Span<const std::byte> in, ByteSink& plain, ByteSink& cipher) override;
  bool Send(absl::Span<const std::byte> plain, ByteSink& cipher) override;
  void Close(ByteSink& cipher) override;
  const TlsFacts& facts() const override { return facts_; }
  std::string error() const override { return error_; }

 private:
  // What the client has to send next.
  enum class Next : uint8_t { kHello, kFinish, kData };

  // Takes one record. False: it does not belong here.
  bool Take(const RecordReader::Record& record, ByteSink& plain, ByteSink& cipher);
  TlsState Fail(ByteSink& cipher);
  static void Write(RecordType type, absl::string_view payload, ByteSink& out);

  std::shared_ptr<const Shared> shared_;
  std::string input_;  // the beginning of a record
  TlsFacts facts_;
  std::string error_;
  TlsState state_ = TlsState::kHandshaking;
  Next next_ = Next::kHello;
};

void ScriptedTlsContext::Session::Write(RecordType type, absl::string_view payload, ByteSink& out) {
  std::string records;
  AppendRecords(type, payload, records);
  out.Append(AsBytes(records));
}

TlsState ScriptedTlsContext::Session::Receive(absl::Span<const std::byte> in, ByteSink& plain,
                                              ByteSink& cipher) {
  if (state_ == TlsState::kFailed) return state_;
  absl::StrAppend(&input_, AsText(in));
  RecordReader reader(input_);
  RecordReader::Record record;
  RecordReader::Result result = RecordReader::Result::kIncomplete;
  while ((result = reader.Next(record)) == RecordReader::Result::kRecord) {
    if (!Take(record, plain, cipher)) return Fail(cipher);
  }
  if (result == RecordReader::Result::kInvalid) return Fail(cipher);
  input_.erase(0, input_.size() - reader.rest().size());
  return state_;
}

bool ScriptedTlsContext::Session::Take(const RecordReader::Record& record, ByteSink& plain,
                                       ByteSink& cipher) {
  if (state_ == TlsState::kPeerClosed) return false;
  if (next_ == Next::kHello) {
    if (record.type != RecordType::kClientHello) return false;
    shared_->charge(Step::kHello, shared_->costs.hello);
    Write(RecordType::kServerFlight, std::string(shared_->sizes.flight, 'f'), cipher);
    next_ = Next::kFinish;
    return true;
  }
  if (next_ == Next::kFinish) {
    if (record.type != RecordType::kClientFinish) return false;
    shared_->charge(Step::kFinish, shared_->costs.finish);
    Write(RecordType::kTicket, std::string(shared_->sizes.ticket, 't'), cipher);
    next_ = Next::kData;
    state_ = TlsState::kEstablished;
    return true;
  }
  shared_->charge(Step::kRecord, shared_->costs.record);
  if (record.type == RecordType::kCloseNotify) {
    state_ = TlsState::kPeerClosed;
    return true;
  }
  if (record.type != RecordType::kData) return false;
  plain.Append(AsBytes(record.payload));
  return true;
}

TlsState ScriptedTlsContext::Session::Fail(ByteSink& cipher) {
  error_ = "not what the script expects";
  Write(RecordType::kAlert, "", cipher);
  return state_ = TlsState::kFailed;
}

bool ScriptedTlsContext::Session::Send(absl::Span<const std::byte> plain, ByteSink& cipher) {
  if (plain.empty()) return state_ != TlsState::kFailed;
  if (state_ == TlsState::kFailed || next_ != Next::kData) return false;
  shared_->charge(Step::kRecord, shared_->costs.record);
  Write(RecordType::kData, AsText(plain), cipher);
  return true;
}

void ScriptedTlsContext::Session::Close(ByteSink& cipher) {
  if (state_ == TlsState::kFailed || next_ != Next::kData) return;
  Write(RecordType::kCloseNotify, "", cipher);
}

ScriptedTlsContext::ScriptedTlsContext(const TlsCosts& costs, const TlsSizes& sizes, Charge charge)
    : shared_(std::make_shared<const Shared>(
          Shared{.costs = costs, .sizes = sizes, .charge = std::move(charge)})) {}

std::unique_ptr<TlsSession> ScriptedTlsContext::NewSession(bool /*controller*/) {
  return std::make_unique<Session>(shared_);
}

}  // namespace floodgate::sim

// What clients and backends have said to each other, kept by both ends, so that each can tell
// whether what comes out of the front end has been put in. Rules: "relay", "early", "header".
#ifndef FLOODGATE_SIM_LEDGER_H_
#define FLOODGATE_SIM_LEDGER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/ip.h"
#include "sim/verdict.h"

namespace floodgate::sim {

// One attempt of a client. Its request begins with its number.
struct Exchange {
  PeerAddress client = {};
  size_t request_bytes = 0;  // in all; at least kNumberBytes
  size_t answer_bytes = 0;
  size_t request_sent = 0;
  size_t request_got = 0;
  size_t answer_sent = 0;
  size_t answer_got = 0;
  bool may_speak = false;     // the client has done all that its handshake asks of it
  bool client_ended = false;  // it has sent FIN or close_notify, or has closed, or has left
  bool backend_ended = false;
  bool backend_clean = false;  // with a FIN
  bool cut = false;            // the client has left with a part of its request unsent
};

class Ledger {
 public:
  static constexpr size_t kNumberBytes = 8;

  explicit Ledger(Verdict& verdict) : verdict_(verdict) {}

  // The number of a new exchange, never 0.
  uint64_t Begin(const PeerAddress& client, size_t request_bytes, size_t answer_bytes);
  Exchange& At(uint64_t number) { return exchanges_[number - 1]; }

  // Bytes [from, from + size) of a stream: every one of them depends on its place and on the
  // exchange.
  static std::string Request(uint64_t number, size_t from, size_t size);
  static std::string Answer(uint64_t number, size_t from, size_t size);

  // The backend reads the number off the first bytes of a request; 0 (and a fault): there is none.
  uint64_t NumberOf(absl::string_view request);
  // The PROXY header says that the exchange comes from there.
  void CheckHeader(uint64_t number, const PeerAddress& source);

  // The backend has received further bytes of a request, or its end.
  void BackendGot(uint64_t number, absl::string_view bytes);
  void BackendGotEnd(uint64_t number);
  // The client has received further bytes of an answer, or its clean end.
  void ClientGot(uint64_t number, absl::string_view bytes);
  void ClientGotEnd(uint64_t number);

 private:
  Verdict& verdict_;
  std::vector<Exchange> exchanges_;
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_LEDGER_H_

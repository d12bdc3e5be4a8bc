#include "sim/ledger.h"

#include <algorithm>
#include <cstring>

#include "base/prng.h"

namespace floodgate::sim {
namespace {

// Byte `at` of the stream that `key` names.
char ByteAt(uint64_t key, size_t at) {
  const uint64_t word = Prng::Mix(key + (at >> 3));
  return static_cast<char>(word >> ((at & 7) * 8));
}

std::string Stream(uint64_t key, size_t from, size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = ByteAt(key, from + i);
  return bytes;
}

uint64_t KeyOf(uint64_t number, bool answer) {
  return Prng::Mix(number * 2 + (answer ? 1 : 0));
}

size_t FirstDifference(absl::string_view a, absl::string_view b) {
  const size_t size = std::min(a.size(), b.size());
  for (size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return i;
  }
  return size;
}

}  // namespace

uint64_t Ledger::Begin(const PeerAddress& client, size_t request_bytes, size_t answer_bytes) {
  exchanges_.push_back({.client = client,
                        .request_bytes = std::max(request_bytes, kNumberBytes),
                        .answer_bytes = answer_bytes});
  return exchanges_.size();
}

std::string Ledger::Request(uint64_t number, size_t from, size_t size) {
  std::string bytes = Stream(KeyOf(number, /*answer=*/false), from, size);
  for (size_t i = from; i < std::min(from + size, kNumberBytes); ++i) {
    bytes[i - from] = static_cast<char>(number >> (8 * i));
  }
  return bytes;
}

std::string Ledger::Answer(uint64_t number, size_t from, size_t size) {
  return Stream(KeyOf(number, /*answer=*/true), from, size);
}

uint64_t Ledger::NumberOf(absl::string_view request) {
  uint64_t number = 0;
  for (size_t i = 0; i < kNumberBytes; ++i) {
    number |= uint64_t{static_cast<uint8_t>(request[i])} << (8 * i);
  }
  if (number > 0 && number <= exchanges_.size()) return number;
  verdict_.Fail("relay", "the backend got a request that nobody sent");
  return 0;
}

void Ledger::CheckHeader(uint64_t number, const PeerAddress& source) {
  const PeerAddress& client = At(number).client;
  if (source == client) return;
  verdict_.Fail("header", "exchange ", number, " comes from ", client.ToString(),
                " and its PROXY header says ", source.ToString());
}

void Ledger::BackendGot(uint64_t number, absl::string_view bytes) {
  Exchange& exchange = At(number);
  if (!exchange.may_speak) {
    verdict_.Fail("early", "the backend got bytes of exchange ", number,
                  " before its handshake was done");
  }
  const std::string sent = Request(number, exchange.request_got, bytes.size());
  const size_t same = FirstDifference(sent, bytes);
  exchange.request_got += same;
  if (same < bytes.size() || exchange.request_got > exchange.request_sent) {
    verdict_.Fail("relay", "request ", number, " differs behind ", exchange.request_got, " bytes");
  }
}

void Ledger::BackendGotEnd(uint64_t number) {
  const Exchange& exchange = At(number);
  if (exchange.backend_ended) return;  // Nobody has to tell it the rest.
  if (!exchange.client_ended) {
    verdict_.Fail("relay", "request ", number, " has ended, but not at its client");
  } else if (!exchange.cut && exchange.request_got < exchange.request_sent) {
    verdict_.Fail("relay", "request ", number, " ends after ", exchange.request_got, " of ",
                  exchange.request_sent, " bytes");
  }
}

void Ledger::ClientGot(uint64_t number, absl::string_view bytes) {
  Exchange& exchange = At(number);
  const std::string sent = Answer(number, exchange.answer_got, bytes.size());
  const size_t same = FirstDifference(sent, bytes);
  exchange.answer_got += same;
  if (same < bytes.size() || exchange.answer_got > exchange.answer_sent) {
    verdict_.Fail("relay", "answer ", number, " differs behind ", exchange.answer_got, " bytes");
  }
}

void Ledger::ClientGotEnd(uint64_t number) {
  const Exchange& exchange = At(number);
  if (!exchange.backend_clean) {
    verdict_.Fail("relay", "answer ", number, " has ended, but not at its backend");
  } else if (exchange.answer_got < exchange.answer_sent) {
    verdict_.Fail("relay", "answer ", number, " ends after ", exchange.answer_got, " of ",
                  exchange.answer_sent, " bytes");
  }
}

}  // namespace floodgate::sim

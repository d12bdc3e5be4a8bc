// The keys of TLS session tickets (RFC 5077, RFC 8446 section 4.6.1): shared by all workers, so
// that a client resumes whichever of them it meets, and rotated, so that a stolen key opens little.
#ifndef FLOODGATE_FRONT_TICKET_KEYS_H_
#define FLOODGATE_FRONT_TICKET_KEYS_H_

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace floodgate {

struct TicketKey {
  std::array<uint8_t, 16> name;  // sent in the clear in each ticket
  std::array<uint8_t, 32> encryption;
  std::array<uint8_t, 32> authentication;
};

// Thread-safe.
class TicketKeys {
 public:
  // Newest first, never empty. The first makes tickets; the others open those made before.
  using Snapshot = std::shared_ptr<const std::vector<TicketKey>>;

  // Unavailable: no randomness.
  static absl::StatusOr<std::shared_ptr<TicketKeys>> Create();

  Snapshot Current() const;
  // A new key for tickets from now on; those of the last two are still accepted, and replaced when
  // used.
  absl::Status Rotate();

 private:
  static constexpr size_t kKeptMax = 3;

  TicketKeys() = default;

  mutable std::mutex mutex_;
  Snapshot keys_;  // under mutex_
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_TICKET_KEYS_H_

#include "front/ticket_keys.h"

#include <openssl/rand.h>

#include <algorithm>
#include <utility>

namespace floodgate {

absl::StatusOr<std::shared_ptr<TicketKeys>> TicketKeys::Create() {
  std::shared_ptr<TicketKeys> keys(new TicketKeys);
  if (absl::Status status = keys->Rotate(); !status.ok()) return status;
  return keys;
}

TicketKeys::Snapshot TicketKeys::Current() const {
  const std::scoped_lock lock(mutex_);
  return keys_;
}

absl::Status TicketKeys::Rotate() {
  TicketKey fresh;
  const bool random =
      RAND_bytes(fresh.name.data(), static_cast<int>(fresh.name.size())) == 1 &&
      RAND_priv_bytes(fresh.encryption.data(), static_cast<int>(fresh.encryption.size())) == 1 &&
      RAND_priv_bytes(fresh.authentication.data(), static_cast<int>(fresh.authentication.size())) ==
          1;
  if (!random) return absl::UnavailableError("OpenSSL has no randomness for session ticket keys");
  auto keys = std::make_shared<std::vector<TicketKey>>(1, fresh);
  const std::scoped_lock lock(mutex_);
  if (keys_ != nullptr) keys->insert(keys->end(), keys_->begin(), keys_->end());
  if (keys->size() > kKeptMax) keys->resize(kKeptMax);
  keys_ = std::move(keys);
  return absl::OkStatus();
}

}  // namespace floodgate

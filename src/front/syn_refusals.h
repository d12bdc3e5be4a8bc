// Which sources the network stack shall refuse by itself: those that hammer far beyond their limit.
#ifndef FLOODGATE_FRONT_SYN_REFUSALS_H_
#define FLOODGATE_FRONT_SYN_REFUSALS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "base/ip.h"
#include "base/time.h"
#include "io/syn_refuser.h"

namespace floodgate {

// A source whose bucket is empty cannot be admitted before its next token is due, whatever it does:
// until then its SYNs need not become connections. So a source that was reset kResetsBefore times
// within kWindow is refused at the SYN until that token is due, kRefusedMax at the longest, and
// again for each further reset while it goes on. Its limit stays the same, to the token.
// One thread: the gatekeeper's.
class SynRefusals {
 public:
  static constexpr uint32_t kResetsBefore = 256;
  static constexpr Duration kWindow = Duration::Seconds(1);
  // So that counters, and other limits after a reload, are not far behind.
  static constexpr Duration kRefusedMax = Duration::Seconds(1);
  // A token due sooner is not worth the calls.
  static constexpr Duration kRefusedMin = Duration::Milliseconds(5);

  // Told how many SYNs of a source were refused, when that has ended.
  using OnRefused = std::function<void(const IpAddress& source, uint64_t count)>;

  // A null refuser never refuses anybody. `may_refuse`: whether that would hit none but those whom
  // the source's limit is for.
  SynRefusals(std::unique_ptr<SynRefuser> refuser,
              std::function<bool(const IpAddress& source)> may_refuse, OnRefused on_refused)
      : refuser_(std::move(refuser)),
        may_refuse_(std::move(may_refuse)),
        on_refused_(std::move(on_refused)) {}

  // A connection of `source` was reset for its rate; the source cannot be admitted before `due`.
  void OnReset(const IpAddress& source, Instant due, Instant now);
  // Ends what is due. To be called at NextDeadline() or later.
  void Advance(Instant now);
  Instant NextDeadline() const;
  // Ends all.
  void EndAll();
  // Other sources from now on. REQUIRES: EndAll was called since the last OnReset.
  void SetPrefixes(int v4_bits, int v6_bits);

  size_t refused_now() const { return ends_.size(); }

 private:
  // Sources whose resets are counted at a time; of more, those that come first in a window.
  static constexpr size_t kCountedMax = 4096;

  void End(const IpAddress& source);

  std::unique_ptr<SynRefuser> refuser_;
  std::function<bool(const IpAddress&)> may_refuse_;
  OnRefused on_refused_;
  absl::btree_map<IpAddress, uint32_t> resets_;  // of this window
  Instant window_end_;
  absl::btree_set<IpAddress> refused_;                   // now
  absl::btree_set<std::pair<Instant, IpAddress>> ends_;  // of these
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_SYN_REFUSALS_H_

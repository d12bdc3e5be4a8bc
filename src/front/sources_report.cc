#include "front/sources_report.h"

#include <algorithm>

namespace floodgate {
namespace {

bool RefusedMore(const SourceSnapshot& a, const SourceSnapshot& b) {
  return a.refused > b.refused;
}

}  // namespace

bool SourcesReport::Advance(const Admission& admission, Instant now) {
  const SourceTable& table = admission.table();
  cursor_ = table.Scan(cursor_, kSlotsPerPiece, [&](const SourceTable::Row& row) {
    if (best_.size() == count_ && row.refused <= best_.front().refused) return;
    if (best_.size() == count_) {
      std::pop_heap(best_.begin(), best_.end(), RefusedMore);
      best_.pop_back();
    }
    SourceSnapshot found;
    found.source = admission.BlockOf(row.source).ToString();
    found.admitted = row.admitted;
    found.refused = row.refused;
    found.tokens = admission.TokensOf(row, now);
    found.connections = static_cast<uint32_t>(admission.ConnectionsOf(row.source));
    best_.push_back(std::move(found));
    std::push_heap(best_.begin(), best_.end(), RefusedMore);
  });
  if (cursor_ < table.slots()) return false;
  std::sort_heap(best_.begin(), best_.end(), RefusedMore);
  callback_(std::move(best_));
  return true;
}

}  // namespace floodgate

#include "server/exchange/seller_quota.h"

#include <string_view>

#include "server/exchange/access.h"
#include "server/exchange/stored_record.h"

namespace coalition::exchange {

absl::Status SellerQuota::Take(const Draft& draft) {
  const auto seller = SellerOfRecordKey(draft.record_key);
  if (!seller || seller->seller_id.empty()) return absl::OkStatus();
  const auto [found, is_new] = held_.try_emplace(SellerPrefix(seller->platform, seller->seller_id));
  Held& held = found->second;
  // Of a seller that the filter does not know there is no report and no outcome; its notices are too few to
  // matter.
  const bool unknown = draft.seller_hash && !room_.filter->MayContain(*draft.seller_hash);
  if (is_new && !unknown) {
    if (absl::Status status = Count(found->first, &held); !status.ok()) return status;
  }
  const bool outcome = draft.header.record_class == v1::RECORD_CLASS_TAKEDOWN_OUTCOME;
  int64_t& count = outcome ? held.outcomes : held.others;
  const int max = outcome ? room_.options.outcomes_per_seller_max : room_.options.records_per_seller_max;
  if (count >= max) {
    return OverLimit(outcome ? "outcomes_per_seller" : "records_per_seller", max,
                     "you have as many records about this seller as a member may have");
  }
  ++count;
  return absl::OkStatus();
}

absl::Status SellerQuota::Count(const std::string& prefix, Held* held) const {
  return FromStore(room_.store.ScanEach(
      prefix, PrefixEnd(prefix), room_.store.Head(),
      [this, held](std::string_view, std::string_view value, store::Revision) {
        const auto stored = ParseStoredRecord(value);
        if (!stored || stored->header.contributor() != contributor_.member ||
            !stored->header.LiveAt(contributor_.now_s())) {
          return true;
        }
        const bool outcome = stored->header.record_class() == v1::RECORD_CLASS_TAKEDOWN_OUTCOME;
        ++(outcome ? held->outcomes : held->others);
        return true;
      }));
}

}  // namespace coalition::exchange

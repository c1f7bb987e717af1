#include "server/exchange/seller_quota.h"

#include <string_view>
#include <utility>

#include "server/exchange/access.h"
#include "server/exchange/stored_record.h"

namespace coalition::exchange {
namespace {

// Of one commit's removals, but for those about the last seller: thousands of records with few grants.
constexpr size_t kRemovalBytesMax = size_t{1} << 20;

}  // namespace

absl::Status SellerQuota::Take(const Draft& draft) {
  const auto seller = SellerOfRecordKey(draft.record_key);
  if (!seller || seller->token.empty()) return absl::OkStatus();
  const auto [found, is_new] = held_.try_emplace(SellerPrefix(seller->platform, seller->token));
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

absl::Status SellerQuota::Count(const std::string& prefix, Held* held) {
  // An import of many sellers whose records have all expired must not hold up everybody's commits: what is
  // over this is not removed, and counts as held.
  const bool removes = removal_bytes_ < kRemovalBytesMax;
  return FromStore(room_.store.ScanEach(
      prefix, PrefixEnd(prefix), room_.store.Head(),
      [this, held, removes](std::string_view key, std::string_view value, store::Revision revision) {
        const auto stored = ParseStoredRecord(value);
        if (!stored || stored->header.contributor() != contributor_.member) return true;
        if (!stored->header.LiveAt(contributor_.now_s()) && removes) {
          Expired expired{std::string(key), revision, {}};
          // What is damaged stays.
          const TakingBack how = GoneAt(stored->header.expire_time_s());
          if (!AppendRemoval(*room_.keys.contents, key, *stored, how, &expired.removal).ok()) return true;
          removal_bytes_ += BytesOf(expired.removal);
          expired_.push_back(std::move(expired));
          return true;
        }
        const bool outcome = stored->header.record_class() == v1::RECORD_CLASS_TAKEDOWN_OUTCOME;
        ++(outcome ? held->outcomes : held->others);
        return true;
      }));
}

void SellerQuota::AppendReads(std::vector<std::string>* reads) const {
  for (const Expired& expired : expired_) reads->push_back(expired.record_key);
}

// Only what is still as it was found: a revision that was judged before the record expired may have been
// committed since, and given it a longer life, and another commit may have removed it.
void SellerQuota::AppendRemovals(std::span<const std::optional<store::Version>> values,
                                 std::vector<store::Write>* writes) const {
  values = values.last(expired_.size());
  for (size_t i = 0; i < expired_.size(); ++i) {
    if (!values[i].has_value() || values[i]->revision != expired_[i].revision) continue;
    writes->insert(writes->end(), expired_[i].removal.begin(), expired_[i].removal.end());
  }
}

}  // namespace coalition::exchange

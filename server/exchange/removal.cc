#include "server/exchange/removal.h"

#include "server/exchange/draft.h"
#include "server/exchange/edit.h"
#include "server/exchange/field_checker.h"
#include "server/membership/actor.h"

namespace coalition::exchange {

void Removal::AppendTo(store::Revision revision, uint32_t place, std::vector<store::Write>* to) const {
  to->insert(to->end(), writes.begin(), writes.end());
  if (clearance_prefix.empty()) return;
  to->push_back({clearance_prefix + EncodePosition({revision, place}), std::string(id.begin(), id.end())});
}

size_t Removal::bytes() const { return BytesOf(writes) + clearance_prefix.size(); }

absl::StatusOr<Removal> RemovalOf(const contents::ContentKeys& contents, const std::string& record_key,
                                  const StoredRecordView& stored, const TakingBack& how,
                                  std::string_view field) {
  const bool clears = how.kind == v1::RETRACTION_KIND_CLEARED;
  const v1::RecordClass record_class = stored.header.record_class();
  if (clears && record_class == v1::RECORD_CLASS_OPINION) {
    FieldViolations violations;
    violations.Add(field, "is an opinion, which clears nobody: revise or withdraw it");
    return violations.ToStatus();
  }
  Removal removal;
  absl::Status status = AppendRemoval(contents, record_key, stored, how, &removal.writes);
  if (!status.ok()) return status;
  removal.id = *IdOfRecordKey(record_key);
  if (clears && record_class == v1::RECORD_CLASS_OFFENDER_REPORT) {
    const auto seller = SellerOfRecordKey(record_key);
    removal.clearance_prefix = ClearancePrefix(seller->platform, seller->token);
  }
  return removal;
}

FieldViolations WrongWithClearance(v1::ClearanceGrounds grounds, const std::string& comment) {
  FieldChecker checker(0);
  if (grounds == v1::CLEARANCE_GROUNDS_UNSPECIFIED || !v1::ClearanceGrounds_IsValid(grounds)) {
    checker.Add({"grounds"}, "is missing or unknown: say why the record was wrong");
  }
  CheckWords("comment", comment, &checker);
  return checker.violations();
}

TakingBack ClearedBy(const identity::Caller& caller, int64_t now_s, v1::ClearanceGrounds grounds,
                     const std::string& comment) {
  return {v1::RETRACTION_KIND_CLEARED, now_s, grounds, comment, membership::NameOf(caller)};
}

}  // namespace coalition::exchange

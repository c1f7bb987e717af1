#include "server/watch/record_disclosures.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "common/errors.h"
#include "common/ids.h"
#include "server/exchange/access.h"
#include "server/watch/owned_record.h"

namespace coalition::watch {
namespace {

v1::RecordDisclosure DisclosureTo(const policy::State& state, const ledger::ShownTo& one) {
  v1::RecordDisclosure disclosure;
  if (const policy::MemberState* member = state.member(one.member); member != nullptr) {
    disclosure.set_kind(member->kind);
    disclosure.set_member(NameToContributors(state, *member));
  }
  *disclosure.mutable_first_day() = DayOf(one.shown.first_time_s());
  for (const std::string_view name : state.view_names().NamesOf(one.shown.first_view_ids())) {
    disclosure.add_views(std::string(name));
  }
  return disclosure;
}

// By what is told and nothing else: the order of members that are not named must not tell which they are.
bool ComesBefore(const v1::RecordDisclosure& a, const v1::RecordDisclosure& b) {
  if (a.first_day().seconds() != b.first_day().seconds()) {
    return a.first_day().seconds() < b.first_day().seconds();
  }
  if (a.kind() != b.kind()) return a.kind() < b.kind();
  if (a.member() != b.member()) return a.member() < b.member();
  return std::lexicographical_compare(a.views().begin(), a.views().end(), b.views().begin(), b.views().end());
}

// True also of what can't be read, or is not known.
absl::StatusOr<bool> MayBeOpinion(const exchange::Reader& reader, const exchange::RecordId& id) {
  const auto found = reader.FindUnjudged(id);
  if (absl::IsDataLoss(found.status())) return true;
  if (!found.ok()) return found.status();
  if (found->has_value()) return (*found)->stored.header.record_class() == v1::RECORD_CLASS_OPINION;
  const auto taken_back = exchange::FindTakenBack(reader.store(), id, reader.at());
  if (absl::IsDataLoss(taken_back.status())) return true;
  if (!taken_back.ok()) return taken_back.status();
  if (!taken_back->has_value()) return true;
  // Of an opinion the header is always kept.
  const auto header = policy::HeaderView::Parse((*taken_back)->header());
  return header && header->subject().has_value();
}

}  // namespace

absl::Status RecordDisclosures::List(const exchange::CallContext& context,
                                     const v1::ListDisclosuresRequest& request,
                                     v1::ListDisclosuresResponse* response) const {
  if (absl::Status may = exchange::CheckMayRead(context); !may.ok()) return may;
  FieldViolations violations;
  const auto text = ParseRecordName(request.record());
  if (!violations.Check("record", text.status())) return violations.ToStatus();
  const policy::State& state = context.snapshot->policy_state();
  const exchange::Reader reader(
      store_, keys_, {state, context.at, context.caller.member_number, context.now_s(), context.watch});
  const auto owned = FindOwned(reader, *RecordIdToBytes(*text));
  if (!owned.ok()) return owned.status();
  const auto told = ToldOf(reader, shown_, *owned);
  if (!told.ok()) return told.status();
  std::vector<v1::RecordDisclosure> disclosures;
  for (const ledger::ShownTo& one : *told) disclosures.push_back(DisclosureTo(state, one));
  std::sort(disclosures.begin(), disclosures.end(), ComesBefore);
  for (v1::RecordDisclosure& one : disclosures) *response->add_disclosures() = std::move(one);
  return absl::OkStatus();
}

absl::StatusOr<bool> NamesAnOpinion(const exchange::Reader& reader, const v1::LedgerDisclosure& disclosure) {
  for (const v1::LedgerShown& shown : disclosure.shown()) {
    for (const std::string& name : shown.records()) {
      const auto text = ParseRecordName(name);
      const auto id = text.ok() ? RecordIdToBytes(*text) : std::nullopt;
      if (!id) return true;
      const absl::StatusOr<bool> opinion = MayBeOpinion(reader, *id);
      if (!opinion.ok() || *opinion) return opinion;
    }
  }
  return false;
}

absl::StatusOr<bool> RecordDisclosures::NamesAnOpinion(const exchange::CallContext& context,
                                                       const v1::LedgerDisclosure& disclosure) const {
  const exchange::Reader reader(store_, keys_,
                                {context.snapshot->policy_state(), context.at, context.caller.member_number,
                                 context.now_s(), context.watch});
  return watch::NamesAnOpinion(reader, disclosure);
}

}  // namespace coalition::watch

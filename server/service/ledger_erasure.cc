#include "server/service/ledger_erasure.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/ledger_leaf.h"
#include "server/exchange/access.h"
#include "server/exchange/erasure_request.h"
#include "server/exchange/field_checker.h"
#include "server/exchange/take_back_batch.h"
#include "server/membership/acts.h"
#include "server/service/acting.h"

namespace coalition::service {
namespace {

absl::StatusOr<std::vector<ledger::EntryPlace>> PlacesOf(const v1::EraseLedgerEntriesRequest& asked) {
  if (asked.names_size() > LedgerErasure::kNamesMax) {
    return exchange::OverLimit("entries_per_erasure", LedgerErasure::kNamesMax,
                               "too many entries in one call");
  }
  std::vector<ledger::EntryPlace> places;
  exchange::FieldChecker checker(0);
  if (asked.names().empty()) checker.Add({"names"}, "are missing: name entries");
  std::map<ledger::EntryPlace, int> first_with;
  for (int i = 0; i < asked.names_size(); ++i) {
    const std::string field = exchange::FieldOfName(i);
    const auto place = ledger::ParseEntryName(asked.names(i));
    if (!checker.violations().Check(field, place.status())) continue;
    const auto [first, is_new] = first_with.try_emplace(*place, i);
    if (is_new) {
      places.push_back(*place);
    } else {
      checker.violations().Add(field,
                               "is named twice, by " + exchange::FieldOfName(first->second) + " first");
    }
  }
  exchange::CheckErasure(asked.grounds(), asked.reference(), &checker);
  if (absl::Status status = checker.ToStatus(); !status.ok()) return status;
  return places;
}

// Which ones it does not say: that there is an entry is not everybody's to know.
membership::Act ActOf(const v1::EraseLedgerEntriesRequest& asked, size_t entries) {
  const char* const done = asked.validate_only() ? " looked at, to be erased " : " erased ";
  return {"ledgerEntries",
          absl::StrCat(entries, done, exchange::ErasedWhy(asked.grounds(), asked.reference()))};
}

}  // namespace

absl::Status LedgerErasure::AddAct(const exchange::CallContext& context,
                                   const v1::EraseLedgerEntriesRequest& asked, size_t entries,
                                   store::Revision revision, std::vector<store::Write>* writes) const {
  const auto newest = directory_.Current();
  const membership::Actor actor{context.caller, *newest, context.now_ns};
  absl::Status may = membership::CheckMayChange(*newest, actor, v1::ROLE_COALITION_ADMIN);
  if (!may.ok()) return may;
  membership::AddActs({ActOf(asked, entries)}, actor, revision, newest->policy_state().epoch(), writes);
  return absl::OkStatus();
}

absl::Status LedgerErasure::EraseLedgerEntries(const exchange::CallContext& context,
                                               const v1::EraseLedgerEntriesRequest& asked,
                                               v1::EraseLedgerEntriesResponse* answer) const {
  absl::Status may =
      membership::CheckMayChange(*context.snapshot, ActorOf(context), v1::ROLE_COALITION_ADMIN);
  if (!may.ok()) return may;
  const auto places = PlacesOf(asked);
  if (!places.ok()) return places.status();
  const auto add_act = [&](size_t entries, store::Revision revision, std::vector<store::Write>* writes) {
    return AddAct(context, asked, entries, revision, writes);
  };
  const auto erased =
      asked.validate_only() ? eraser_.Look(*places, add_act) : eraser_.Erase(*places, add_act);
  if (absl::IsNotFound(erased.status())) return NotFound();
  if (absl::IsFailedPrecondition(erased.status()) &&
      GetErrorReason(erased.status()) == v1::ERROR_REASON_UNSPECIFIED) {
    return Error(v1::ERROR_REASON_STATE_CONFLICT, std::string(erased.status().message()), {{"state", "ACT"}});
  }
  if (!erased.ok()) {
    return asked.validate_only() ? exchange::FromStore(erased.status())
                                 : exchange::CutShort("entries", erased.status());
  }
  for (const ledger::ErasedEntry& entry : *erased) {
    v1::ErasedLedgerEntry& one = *answer->add_entries();
    one.set_name(ledger::FormatEntryName(entry.place));
    one.set_erased_before(entry.erased_before);
  }
  answer->set_ledger_contents_sha256(std::string(Bytes(keys_digest_())));
  return absl::OkStatus();
}

std::vector<Route> LedgerErasure::Routes() const {
  return {{Method::kEraseLedgerEntries, ServeOnWorker(this, &LedgerErasure::EraseLedgerEntries)}};
}

}  // namespace coalition::service

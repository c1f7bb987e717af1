#include "server/ledger/opening.h"

#include <algorithm>
#include <string>

#include "common/ids.h"
#include "common/policy/limits.h"

namespace coalition::ledger {
namespace {

template <class Numbers>
bool Names(const Numbers& parties, uint32_t member) {
  return std::any_of(parties.begin(), parties.end(),
                     [member](uint32_t party) { return party == member || party == kEverybody; });
}

bool AuditorsOpen(const v1::PolicyLimits& limits, v1::LedgerEntryKind kind) {
  switch (kind) {
    case v1::LEDGER_ENTRY_KIND_ACT:
    case v1::LEDGER_ENTRY_KIND_REFUSALS:
      return true;
    case v1::LEDGER_ENTRY_KIND_DISCLOSURE:
    case v1::LEDGER_ENTRY_KIND_FIRST_SHOWINGS:
      return limits.auditors_open_disclosures();
    default:
      return false;
  }
}

void OpenPart(const EntryPart& opened, v1::LedgerPart* part) {
  part->set_salt(opened.salt);
  part->set_content(opened.content);
}

}  // namespace

v1::LedgerEntryKind KindOf(const v1::LedgerContent& content) {
  switch (content.content_case()) {
    case v1::LedgerContent::kDisclosure:
      return v1::LEDGER_ENTRY_KIND_DISCLOSURE;
    case v1::LedgerContent::kFirstShowings:
      return v1::LEDGER_ENTRY_KIND_FIRST_SHOWINGS;
    case v1::LedgerContent::kAct:
      return v1::LEDGER_ENTRY_KIND_ACT;
    case v1::LedgerContent::kRefusals:
      return v1::LEDGER_ENTRY_KIND_REFUSALS;
    case v1::LedgerContent::CONTENT_NOT_SET:
      break;
  }
  return v1::LEDGER_ENTRY_KIND_UNSPECIFIED;
}

Opening OpeningFor(const EntryAsker& asker, const storage::v1::StoredLedgerEntry& entry,
                   const v1::LedgerContent& content) {
  const v1::PolicyLimits& limits = asker.state.policy().limits();
  const v1::LedgerEntryKind kind = KindOf(content);
  if (asker.audits && AuditorsOpen(limits, kind)) return {true, true};
  if (kind == v1::LEDGER_ENTRY_KIND_UNSPECIFIED || !Names(entry.parties(), asker.member)) return {};
  const Opening opening{true, Names(entry.full_parties(), asker.member)};
  if (kind != v1::LEDGER_ENTRY_KIND_FIRST_SHOWINGS) return opening;
  const v1::LedgerFirstShowings& first = content.first_showings();
  if (policy::IsShowingSealed(limits, first.member_kind(), first.day().seconds(), asker.now_s)) return {};
  return {true, opening.reserved && !policy::IsShownByKind(limits, first.member_kind())};
}

v1::LedgerEntry Opened(const SealedEntry& sealed, const std::optional<EntryParts>& parts, Opening opening) {
  v1::LedgerEntry entry;
  entry.set_name(FormatEntryName(sealed.place));
  if (parts) {
    OpenPart(parts->open, entry.mutable_open());
  } else {
    entry.mutable_open()->set_commitment(sealed.entry.open());
  }
  if (parts && opening.reserved) {
    OpenPart(parts->reserved, entry.mutable_reserved());
  } else {
    entry.mutable_reserved()->set_commitment(sealed.entry.reserved());
  }
  return entry;
}

}  // namespace coalition::ledger

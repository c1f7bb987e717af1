#include "server/service/ledger_service.h"

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/strings/numbers.h"
#include "common/errors.h"
#include "common/hash.h"
#include "common/ids.h"
#include "common/strings.h"
#include "server/exchange/access.h"
#include "server/exchange/field_checker.h"
#include "server/ledger/refusals.h"
#include "server/membership/actor.h"

namespace coalition::service {
namespace {

using exchange::CallContext;

ledger::EntryAsker AskerOf(const CallContext& context) {
  return {context.snapshot->policy_state(), context.caller.member_number, exchange::IsAuditor(context),
          context.now_s()};
}

// Whose entries are asked for.
absl::StatusOr<std::vector<uint32_t>> PartiesOf(const CallContext& context, const std::string& member) {
  std::vector<uint32_t> parties = {context.caller.member_number, ledger::kEverybody};
  const bool audits = exchange::IsAuditor(context);
  if (member.empty()) {
    if (audits) parties.push_back(ledger::kAuditors);
    return parties;
  }
  const auto id = ParseMemberName(member);
  FieldViolations violations;
  if (!violations.Check("member", id.status())) return violations.ToStatus();
  if (*id == context.caller.member) return std::vector{context.caller.member_number};
  if (!audits) return membership::RoleMissing("AUDITOR", "only auditors ask for other members' entries");
  const policy::MemberState* found = context.snapshot->policy_state().FindMember(*id);
  if (found == nullptr) return NotFound();
  return std::vector{found->number};
}

// Whom and which question a token is for: all of it but how much is asked for at once.
std::string BindingOf(const CallContext& context, v1::ListLedgerEntriesRequest asked) {
  asked.clear_page_size();
  asked.clear_page_token();
  const Sha256Digest digest = Sha256(asked.SerializeAsString());
  std::string binding = PageQuery(context, Method::kListLedgerEntries);
  binding += '/';
  binding += Bytes(digest);
  return binding;
}

// All tokens have one length.
std::string TokenOf(ledger::EntryPlace place) { return ByDigits(place.tick) + ByDigits(place.slot); }

std::optional<ledger::EntryPlace> PlaceOfToken(std::string_view token) {
  constexpr size_t kDigits = 20;
  ledger::EntryPlace place;
  if (token.size() != 2 * kDigits || !absl::SimpleAtoi(Absl(token.substr(0, kDigits)), &place.tick) ||
      !absl::SimpleAtoi(Absl(token.substr(kDigits)), &place.slot)) {
    return std::nullopt;
  }
  return place;
}

// The first whole one that is not before it: ticks have no finer times.
int64_t ToMs(const google::protobuf::Timestamp& time) {
  constexpr int32_t kNsPerMs = 1'000'000;
  return time.seconds() * 1000 + (time.nanos() + kNsPerMs - 1) / kNsPerMs;
}

template <class Hashes>
void AddHashes(const std::vector<Sha256Digest>& hashes, Hashes* to) {
  for (const Sha256Digest& hash : hashes) to->Add(std::string(Bytes(hash)));
}

absl::Status CheckSizes(int64_t old_size, int64_t new_size, int64_t newest) {
  FieldViolations violations;
  const std::string too_large = "is more than the log has: " + std::to_string(newest);
  if (old_size < 1) violations.Add("old_size", "must be at least 1");
  if (old_size > newest) violations.Add("old_size", too_large);
  if (new_size != 0 && new_size < old_size) violations.Add("new_size", "must be 0 or at least old_size");
  if (new_size > newest) violations.Add("new_size", too_large);
  return violations.ToStatus();
}

}  // namespace

absl::Status LedgerService::GetCheckpoint(const CallContext&, const v1::GetCheckpointRequest&,
                                          v1::GetCheckpointResponse* answer) const {
  answer->set_note(entries_.Newest().note);
  return absl::OkStatus();
}

absl::Status LedgerService::GetConsistencyProof(const CallContext&,
                                                const v1::GetConsistencyProofRequest& asked,
                                                v1::GetConsistencyProofResponse* answer) const {
  const ledger::Checkpoint newest = entries_.Newest();
  const auto size = static_cast<int64_t>(newest.size);
  if (absl::Status status = CheckSizes(asked.old_size(), asked.new_size(), size); !status.ok()) return status;
  const int64_t new_size = asked.new_size() == 0 ? size : asked.new_size();
  const auto hashes =
      entries_.ConsistencyPath(static_cast<uint64_t>(asked.old_size()), static_cast<uint64_t>(new_size));
  if (!hashes.ok()) return exchange::FromStore(hashes.status());
  answer->set_new_size(new_size);
  AddHashes(*hashes, answer->mutable_hashes());
  answer->set_note(newest.note);
  return absl::OkStatus();
}

absl::StatusOr<ledger::EntryQuery> LedgerService::ReadQuery(const CallContext& context,
                                                            const v1::ListLedgerEntriesRequest& asked,
                                                            const std::string& binding) const {
  ledger::EntryQuery query;
  FieldViolations violations;
  for (int i = 0; i < asked.kinds_size(); ++i) {
    const v1::LedgerEntryKind kind = asked.kinds(i);
    if (kind == v1::LEDGER_ENTRY_KIND_UNSPECIFIED || !v1::LedgerEntryKind_IsValid(kind)) {
      violations.Add("kinds[" + std::to_string(i) + "]", "no such kind of entry");
    }
    query.kinds.push_back(kind);
  }
  exchange::CheckTimestamp("from", asked.has_from(), asked.from(), &violations);
  exchange::CheckTimestamp("before", asked.has_before(), asked.before(), &violations);
  if (absl::Status status = violations.ToStatus(); !status.ok()) return status;
  if (asked.has_from()) query.from_ms = ToMs(asked.from());
  if (asked.has_before()) query.before_ms = ToMs(asked.before());
  query.with_proofs = asked.with_proofs();
  auto parties = PartiesOf(context, asked.member());
  if (!parties.ok()) return parties.status();
  query.parties = *std::move(parties);
  const auto page = ReadPage(sealer_, pages_, binding, asked);
  if (!page.ok()) return page.status();
  query.count = page->count;
  if (page->last.empty()) return query;
  query.after = PlaceOfToken(page->last);
  if (!query.after) return PageTokenInvalid();
  return query;
}

absl::Status LedgerService::ListLedgerEntries(const CallContext& context,
                                              const v1::ListLedgerEntriesRequest& asked,
                                              v1::ListLedgerEntriesResponse* answer) const {
  if (absl::Status may = exchange::CheckMayReadOrAudit(context); !may.ok()) return may;
  const std::string binding = BindingOf(context, asked);
  const auto query = ReadQuery(context, asked, binding);
  if (!query.ok()) return query.status();
  auto page = entries_.List(AskerOf(context), *query, [&context] {
    return context.watch == nullptr ? absl::OkStatus() : context.watch->Look();
  });
  if (!page.ok()) return exchange::FromStore(page.status());
  for (v1::LedgerEntry& entry : page->entries) {
    const absl::StatusOr<bool> withheld = IsWithheld(context, entry);
    if (!withheld.ok()) return withheld.status();
    if (!*withheld) *answer->add_entries() = std::move(entry);
  }
  if (page->last) answer->set_next_page_token(sealer_.Seal(TokenOf(*page->last), binding));
  return absl::OkStatus();
}

absl::Status LedgerService::GetLedgerEntry(const CallContext& context, const v1::GetLedgerEntryRequest& asked,
                                           v1::GetLedgerEntryResponse* answer) const {
  if (absl::Status may = exchange::CheckMayReadOrAudit(context); !may.ok()) return may;
  FieldViolations violations;
  const auto place = ledger::ParseEntryName(asked.name());
  if (!violations.Check("name", place.status())) return violations.ToStatus();
  auto entry = entries_.Find(AskerOf(context), *place);
  if (!entry.ok()) return exchange::FromStore(entry.status());
  const absl::StatusOr<bool> withheld = IsWithheld(context, *entry);
  if (!withheld.ok()) return withheld.status();
  if (*withheld) return NotFound();
  *answer->mutable_entry() = *std::move(entry);
  return absl::OkStatus();
}

absl::StatusOr<bool> LedgerService::IsWithheld(const CallContext& context,
                                               const v1::LedgerEntry& entry) const {
  v1::LedgerContent content;
  if (!content.ParseFromString(entry.open().content()) || !content.has_disclosure()) return false;
  const bool audits = exchange::IsAuditor(context) &&
                      context.snapshot->policy_state().policy().limits().auditors_open_disclosures();
  if (audits) return false;
  return disclosures_.NamesAnOpinion(context, content.disclosure());
}

absl::Status LedgerService::AddCosignature(const CallContext&, const v1::AddCosignatureRequest& asked,
                                           v1::AddCosignatureResponse*) const {
  const absl::Status added = add_cosignature_(asked.note());
  if (!absl::IsInvalidArgument(added)) return exchange::FromStore(added);
  FieldViolations violations;
  violations.Check("note", added);
  return violations.ToStatus();
}

std::vector<Route> LedgerService::Routes() const {
  return {
      {Method::kGetCheckpoint, ServeInPlace(this, &LedgerService::GetCheckpoint)},
      {Method::kGetConsistencyProof, ServeOnWorker(this, &LedgerService::GetConsistencyProof)},
      {Method::kListLedgerEntries, ServeOnWorker(this, &LedgerService::ListLedgerEntries)},
      {Method::kGetLedgerEntry, ServeOnWorker(this, &LedgerService::GetLedgerEntry)},
      {Method::kListDisclosures, ServeOnWorker(&disclosures_, &watch::RecordDisclosures::List)},
      {Method::kAddCosignature, ServeOnWorker(this, &LedgerService::AddCosignature)},
  };
}

}  // namespace coalition::service

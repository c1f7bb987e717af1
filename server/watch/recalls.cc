#include "server/watch/recalls.h"

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "common/errors.h"
#include "common/ids.h"
#include "common/policy/decide.h"
#include "server/exchange/access.h"
#include "server/exchange/reader.h"
#include "server/watch/owned_record.h"
#include "server/watch/recall_kind.h"

namespace coalition::watch {
namespace {

using exchange::CallContext;
using exchange::Reader;

// Also who is suspended or has left: it is to undo what it was shown.
absl::Status CheckMayDealWithRecalls(const CallContext& context) {
  const policy::MemberState* member = context.snapshot->policy_state().member(context.caller.member_number);
  const bool was_let_in = member != nullptr && member->standing != v1::STANDING_APPLICANT &&
                          member->standing != v1::STANDING_UNSPECIFIED;
  if (!was_let_in) return membership::NotActive(*context.snapshot);
  return context.caller.roles.Has(v1::ROLE_READER) ? absl::OkStatus() : membership::RoleMissing("READER");
}

std::string BindingOf(const CallContext& context) {
  return "ListRecalls/" + std::to_string(context.caller.member_number);
}

absl::StatusOr<std::vector<ledger::Recall>> CheckRecalls(const v1::AcknowledgeRecallsRequest& request,
                                                         int max) {
  if (request.recalls_size() > max) {
    return exchange::OverLimit("recalls_per_acknowledgement", max, "too many recalls in one call");
  }
  std::vector<ledger::Recall> recalls;
  absl::flat_hash_set<ledger::RecordIdBytes> met;
  FieldViolations violations;
  for (int i = 0; i < request.recalls_size(); ++i) {
    const v1::Retraction& given = request.recalls(i);
    const std::string path = "recalls[" + std::to_string(i) + "]";
    const auto text = ParseRecordName(given.name());
    if (!violations.Check(path + ".name", text.status())) continue;
    const ledger::RecordIdBytes id = *RecordIdToBytes(*text);
    if (given.kind() != v1::RETRACTION_KIND_GONE && given.kind() != v1::RETRACTION_KIND_CLEARED) {
      violations.Add(path + ".kind", "must be GONE or CLEARED");
    } else if (!met.insert(id).second) {
      violations.Add(path + ".name", "is named twice");
    } else {
      recalls.push_back({id, given.kind()});
    }
  }
  if (absl::Status status = violations.ToStatus(); !status.ok()) return status;
  return recalls;
}

v1::RecallState StateOf(const storage::v1::StoredShown& shown, bool sees, v1::RetractionKind kind) {
  if (sees) return v1::RECALL_STATE_SHOWN;
  if (ledger::IsAcknowledged(shown, kind)) return v1::RECALL_STATE_ACKNOWLEDGED;
  // Acknowledged as gone, and cleared since: of that it was not told.
  const bool told = shown.told_time_s() != 0 && shown.acknowledged_time_s() == 0;
  return told ? v1::RECALL_STATE_TOLD : v1::RECALL_STATE_NOT_TOLD;
}

// Those who have to be waited for first.
int RankOf(v1::RecallState state) {
  switch (state) {
    case v1::RECALL_STATE_NOT_TOLD:
      return 0;
    case v1::RECALL_STATE_TOLD:
      return 1;
    case v1::RECALL_STATE_SHOWN:
      return 2;
    default:
      return 3;
  }
}

v1::RecallRecipient RecipientOf(const policy::State& state, const ledger::ShownTo& one, bool sees,
                                v1::RetractionKind kind) {
  v1::RecallRecipient recipient;
  if (const policy::MemberState* member = state.member(one.member); member != nullptr) {
    recipient.set_kind(member->kind);
    recipient.set_member(NameToContributors(state, *member));
  }
  *recipient.mutable_first_shown_day() = DayOf(one.shown.first_time_s());
  for (const std::string_view name : state.view_names().NamesOf(one.shown.first_view_ids())) {
    recipient.add_views(std::string(name));
  }
  recipient.set_state(StateOf(one.shown, sees, kind));
  if (sees) return recipient;
  if (recipient.state() == v1::RECALL_STATE_NOT_TOLD) return recipient;
  *recipient.mutable_told_day() = DayOf(one.shown.told_time_s());
  if (recipient.state() == v1::RECALL_STATE_ACKNOWLEDGED) {
    *recipient.mutable_acknowledged_day() = DayOf(one.shown.acknowledged_time_s());
  }
  return recipient;
}

}  // namespace

Recalls::Recalls(const store::Store& store, const exchange::ExchangeKeys& keys, ledger::ShownLog& shown,
                 const Sealer& page_tokens, const RecallLimits& limits)
    : store_(store), keys_(keys), shown_(shown), page_tokens_(page_tokens), limits_(limits) {}

absl::StatusOr<v1::RetractionKind> Recalls::KindFor(const CallContext& context,
                                                    const ledger::RecordIdBytes& record) const {
  const Reader reader(store_, keys_,
                      {context.snapshot->policy_state(), context.at, context.caller.member_number,
                       context.now_s(), context.watch});
  const auto seen = reader.FindById(record);
  if (!seen.ok()) return seen.status();
  if (seen->has_value()) return v1::RETRACTION_KIND_UNSPECIFIED;
  return RecallKindOf(store_, record, context.at);
}

absl::Status Recalls::List(const CallContext& context, const v1::ListRecallsRequest& request,
                           v1::ListRecallsResponse* response) const {
  if (absl::Status may = CheckMayDealWithRecalls(context); !may.ok()) return may;
  FieldViolations violations;
  if (request.page_size() < 0) violations.Add("page_size", "must not be negative");
  if (absl::Status status = violations.ToStatus(); !status.ok()) return status;
  std::string from;
  if (!request.page_token().empty()) {
    auto opened = page_tokens_.Open(request.page_token(), BindingOf(context));
    if (!opened.ok()) return PageTokenInvalid();
    from = *std::move(opened);
  }
  const uint32_t member = context.caller.member_number;
  const int size = request.page_size() == 0 ? limits_.page_size_default : request.page_size();
  const auto count = static_cast<size_t>(std::min(size, limits_.page_size_max));
  const auto page = shown_.WhatWasShown(member, from, count, context.at);
  if (!page.ok()) return exchange::FromStore(page.status());
  std::vector<ledger::Recall> told;
  for (const ledger::ShownRecord& one : page->records) {
    const auto kind = KindFor(context, one.record);
    if (!kind.ok()) return kind.status();
    if (*kind == v1::RETRACTION_KIND_UNSPECIFIED || ledger::IsAcknowledged(one.shown, *kind)) continue;
    v1::Retraction* recall = response->add_recalls();
    recall->set_name(exchange::NameOf(one.record));
    recall->set_kind(*kind);
    if (one.shown.told_time_s() == 0 || one.shown.acknowledged_time_s() != 0)
      told.push_back({one.record, *kind});
  }
  if (!page->next.empty()) response->set_next_page_token(page_tokens_.Seal(page->next, BindingOf(context)));
  shown_.Told(member, told, context.now_s());
  return absl::OkStatus();
}

void Recalls::Acknowledge(const CallContext& context, const v1::AcknowledgeRecallsRequest& request,
                          std::function<void(absl::StatusOr<v1::AcknowledgeRecallsResponse>)> done) const {
  if (absl::Status may = CheckMayDealWithRecalls(context); !may.ok()) return done(may);
  auto recalls = CheckRecalls(request, limits_.recalls_per_acknowledgement);
  if (!recalls.ok()) return done(recalls.status());
  // Most of what is named at random was never shown, and costs a look at its row alone.
  const auto rows = shown_.RowsOf(context.caller.member_number, *recalls, context.at);
  if (!rows.ok()) return done(exchange::FromStore(rows.status()));
  std::vector<ledger::Recall> outstanding;
  for (size_t i = 0; i < recalls->size(); ++i) {
    ledger::Recall& recall = (*recalls)[i];
    if (!(*rows)[i] || ledger::IsAcknowledged(*(*rows)[i], recall.kind)) continue;
    const auto kind = KindFor(context, recall.record);
    if (!kind.ok()) return done(kind.status());
    if (*kind == v1::RETRACTION_KIND_UNSPECIFIED) continue;
    // Nobody acknowledges beforehand.
    if (*kind != v1::RETRACTION_KIND_CLEARED) recall.kind = v1::RETRACTION_KIND_GONE;
    outstanding.push_back(recall);
  }
  shown_.Acknowledged(context.caller.member_number, std::move(outstanding),
                      ledger::ShownLog::Acknowledging::kGoneNow, context.now_s(),
                      [done = std::move(done)](const absl::Status& status) {
                        if (!status.ok()) return done(exchange::FromStore(status));
                        done(v1::AcknowledgeRecallsResponse());
                      });
}

absl::Status Recalls::Status(const CallContext& context, const v1::GetRecallStatusRequest& request,
                             v1::GetRecallStatusResponse* response) const {
  if (absl::Status may = exchange::CheckMayRead(context); !may.ok()) return may;
  FieldViolations violations;
  const auto text = ParseRecordName(request.name());
  if (!violations.Check("name", text.status())) return violations.ToStatus();
  const exchange::RecordId id = *RecordIdToBytes(*text);
  const policy::State& state = context.snapshot->policy_state();
  const Reader reader(store_, keys_,
                      {state, context.at, context.caller.member_number, context.now_s(), context.watch});
  const auto owned = FindOwned(reader, id);
  if (!owned.ok()) return owned.status();
  std::optional<int64_t> taken_back_s;
  if (owned->taken_back && !owned->found) {
    taken_back_s = owned->taken_back->time_s();
    response->set_kind(owned->taken_back->kind());
  } else if (const auto& header = owned->found->stored.header; !header.LiveAt(context.now_s())) {
    taken_back_s = header.expire_time_s();  // not yet removed
    response->set_kind(v1::RETRACTION_KIND_GONE);
  }
  if (taken_back_s) response->mutable_taken_back_time()->set_seconds(*taken_back_s);
  const auto told = ToldOf(reader, shown_, *owned);
  if (!told.ok()) return told.status();
  for (const ledger::ShownTo& one : *told) {
    const bool sees =
        !taken_back_s &&
        policy::Decide(state, one.member, owned->found->stored.header, context.now_s()).visible();
    *response->add_recipients() = RecipientOf(state, one, sees, response->kind());
  }
  std::sort(response->mutable_recipients()->begin(), response->mutable_recipients()->end(),
            [](const v1::RecallRecipient& a, const v1::RecallRecipient& b) {
              return std::forward_as_tuple(RankOf(a.state()), a.member(), a.kind()) <
                     std::forward_as_tuple(RankOf(b.state()), b.member(), b.kind());
            });
  return absl::OkStatus();
}

}  // namespace coalition::watch

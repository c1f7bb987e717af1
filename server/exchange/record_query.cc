#include "server/exchange/record_query.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/ids.h"
#include "common/seller.h"

namespace coalition::exchange {
namespace {

constexpr int kFilterClassesMax = 16;
constexpr int kFilterStatesMax = 16;
// A member's name, or a token in its place.
constexpr size_t kContributorBytesMax = 128;

void CheckFilterSeller(v1::Seller* seller, FieldViolations* violations) {
  if (seller->seller_id().empty()) {
    auto platform = NormalizePlatform(seller->platform());
    if (violations->Check("filter.seller", platform.status())) seller->set_platform(*std::move(platform));
    return;
  }
  auto key = NormalizeSeller(seller->platform(), seller->seller_id());
  if (!violations->Check("filter.seller", key.status())) return;
  seller->set_platform(std::move(key->platform));
  seller->set_seller_id(std::move(key->seller_id));
}

bool AtOrAfter(const google::protobuf::Timestamp& a, const google::protobuf::Timestamp& b) {
  return std::pair(a.seconds(), a.nanos()) >= std::pair(b.seconds(), b.nanos());
}

bool RefersTo(const v1::Record& shown, const std::string& target) {
  switch (shown.payload_case()) {
    case v1::Record::kTakedownNotice:
      return shown.takedown_notice().report() == target;
    case v1::Record::kTakedownOutcome:
      return shown.takedown_outcome().notice() == target || shown.takedown_outcome().report() == target;
    case v1::Record::kOpinion:
      return shown.opinion().subject() == target;
    default:
      return false;
  }
}

// Whether it is one of them; none means all.
bool IsAmong(const google::protobuf::RepeatedField<int>& asked, int value) {
  return asked.empty() || std::find(asked.begin(), asked.end(), value) != asked.end();
}

// Whether the record as the asker sees it meets the filter.
bool Matches(const v1::RecordFilter& filter, const SeenRecord& seen, const v1::Record& shown) {
  if (filter.has_seller()) {
    if (shown.seller().platform() != filter.seller().platform()) return false;
    if (!filter.seller().seller_id().empty() && (shown.seller().seller_id() != filter.seller().seller_id() ||
                                                 !ShowsSeller(shown.record_class(), seen.decision.view))) {
      return false;
    }
  }
  if (!IsAmong(filter.states(), shown.state())) return false;
  if (!filter.contributor().empty() && shown.contributor() != filter.contributor()) return false;
  if ((filter.has_created_from() || filter.has_created_before()) && !shown.has_create_time()) return false;
  if (filter.has_created_from() && !AtOrAfter(shown.create_time(), filter.created_from())) return false;
  if (filter.has_created_before() && AtOrAfter(shown.create_time(), filter.created_before())) return false;
  // The caller's own, whatever a view shows it of others'.
  if (!filter.external_id().empty() &&
      (!seen.decision.owner || shown.external_id() != filter.external_id())) {
    return false;
  }
  return filter.refers_to().empty() || RefersTo(shown, filter.refers_to());
}

using Sources = std::vector<std::unique_ptr<RowSource>>;

// The asker's own records and those that were granted to what it is or was.
Sources AudienceSources(const Reader& reader, std::optional<Position> after) {
  const Asker& asker = reader.asker();
  Sources sources;
  const auto add = [&](std::string prefix) {
    sources.push_back(IndexRows(reader.store(), reader.at(), std::move(prefix), after));
  };
  add(OwnerPrefix(asker.member));
  const policy::MemberState* member = asker.state.member(asker.member);
  if (member == nullptr || member->standing != v1::STANDING_ACTIVE) return sources;
  add(AudiencePrefix(policy::SubjectKind::kMember, asker.member));
  for (const policy::GroupHeld& group : member->groups) {
    add(AudiencePrefix(policy::SubjectKind::kGroup, group.group));
  }
  add(AudiencePrefix(policy::SubjectKind::kKind, static_cast<uint32_t>(member->kind)));
  add(AudiencePrefix(policy::SubjectKind::kEveryone, 0));
  return sources;
}

absl::StatusOr<std::vector<Row>> RowsOfSeller(const Reader& reader, const v1::Seller& seller) {
  std::vector<Row> rows;
  const std::string token = reader.contents().SellerToken(seller.platform(), seller.seller_id());
  const std::string prefix = SellerPrefix(seller.platform(), token);
  const absl::Status scanned =
      ScanPrefix(reader.store(), reader.asker(), prefix, [&](std::string_view key, std::string_view value) {
        const auto stored = ParseStoredRecord(value);
        if (stored && Judge(reader.asker(), stored->header).visible()) {
          rows.push_back({stored->position(), std::string(key)});
        }
      });
  if (!scanned.ok()) return scanned;
  return rows;
}

absl::StatusOr<std::vector<Row>> RowsOfExternalId(const Reader& reader, const std::string& external_id) {
  auto seen = reader.FindByExternalId(external_id);
  if (!seen.ok()) return seen.status();
  std::vector<Row> rows;
  if (seen->has_value()) rows.push_back({(*seen)->stored.position(), std::move((*seen)->key)});
  return rows;
}

}  // namespace

RecordQuery CheckFilter(const v1::RecordFilter& asked, FieldViolations* violations) {
  RecordQuery query{asked, std::nullopt};
  v1::RecordFilter& filter = query.filter;
  filter.DiscardUnknownFields();
  if (filter.record_classes_size() > kFilterClassesMax) {
    violations->Add("filter.record_classes", "more classes than there are");
  }
  for (const int of : filter.record_classes()) {
    if (of == v1::RECORD_CLASS_UNSPECIFIED || !v1::RecordClass_IsValid(of)) {
      violations->Add("filter.record_classes", "no such class");
    }
  }
  if (filter.states_size() > kFilterStatesMax) violations->Add("filter.states", "more states than there are");
  for (const int state : filter.states()) {
    if (state == v1::RECORD_STATE_UNSPECIFIED || !v1::RecordState_IsValid(state)) {
      violations->Add("filter.states", "no such state");
    }
  }
  if (filter.has_seller()) CheckFilterSeller(filter.mutable_seller(), violations);
  // Also "members/~…": a contributor that is shown as a token.
  if (!filter.contributor().empty() &&
      (!filter.contributor().starts_with("members/") || filter.contributor().size() > kContributorBytesMax)) {
    violations->Add("filter.contributor", "must be members/{member}");
  }
  CheckTimestamp("filter.created_from", filter.has_created_from(), filter.created_from(), violations);
  CheckTimestamp("filter.created_before", filter.has_created_before(), filter.created_before(), violations);
  if (!filter.external_id().empty()) {
    violations->Check("filter.external_id", CheckExternalId(filter.external_id()));
  }
  if (!filter.refers_to().empty()) {
    const auto id = ParseRecordName(filter.refers_to());
    if (violations->Check("filter.refers_to", id.status())) query.refers_to = RecordIdToBytes(*id);
  }
  return query;
}

absl::StatusOr<std::unique_ptr<RowSource>> RowsFor(const Reader& reader, const RecordQuery& query,
                                                   std::optional<Position> after) {
  const v1::RecordFilter& filter = query.filter;
  if (!filter.external_id().empty()) {
    auto rows = RowsOfExternalId(reader, filter.external_id());
    if (!rows.ok()) return rows.status();
    return TheseRows(*std::move(rows), after);
  }
  if (filter.has_seller() && !filter.seller().seller_id().empty()) {
    auto rows = RowsOfSeller(reader, filter.seller());
    if (!rows.ok()) return rows.status();
    return TheseRows(*std::move(rows), after);
  }
  if (query.refers_to) {
    Sources sources;
    for (const v1::RecordClass of :
         {v1::RECORD_CLASS_TAKEDOWN_NOTICE, v1::RECORD_CLASS_TAKEDOWN_OUTCOME, v1::RECORD_CLASS_OPINION}) {
      sources.push_back(
          IndexRows(reader.store(), reader.at(), BackReferencePrefix(*query.refers_to, of), after));
    }
    return MergedRows(std::move(sources));
  }
  return MergedRows(AudienceSources(reader, after));
}

absl::StatusOr<bool> ShowIfMatches(const Reader& reader, const RecordQuery& query, const SeenRecord& seen,
                                   v1::Record* shown, ledger::Disclosure* disclosure) {
  if (!IsAmong(query.filter.record_classes(), seen.stored.header.record_class())) return false;
  const size_t before = disclosure->records.size();
  const absl::Status status = reader.Show(seen, shown, disclosure);
  if (!status.ok() && !absl::IsNotFound(status)) return status;
  if (status.ok() && Matches(query.filter, seen, *shown)) return true;
  disclosure->records.resize(before);
  return false;
}

bool CouldMatch(const Reader& reader, const RecordQuery& query, const SeenRecord& seen) {
  const v1::RecordFilter& filter = query.filter;
  const policy::HeaderView& header = seen.stored.header;
  const policy::View& view = seen.decision.view;
  if (!IsAmong(filter.record_classes(), header.record_class())) return false;
  const bool contested = header.state() == policy::Lifecycle::kContested;
  if (!IsAmong(filter.states(), contested ? v1::RECORD_STATE_CONTESTED : v1::RECORD_STATE_ACTIVE))
    return false;
  if (!filter.external_id().empty() && !seen.decision.owner) return false;
  if (!filter.has_seller()) return true;
  const auto seller = SellerOfRecordKey(seen.key);
  if (!seller || seller->platform != filter.seller().platform()) return false;
  if (filter.seller().seller_id().empty()) return ShowsPlatform(header.record_class(), view);
  return ShowsSeller(header.record_class(), view) &&
         seller->token ==
             reader.contents().SellerToken(filter.seller().platform(), filter.seller().seller_id());
}

}  // namespace coalition::exchange

#include "server/exchange/list.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/errors.h"
#include "common/ids.h"
#include "common/seller.h"
#include "server/exchange/access.h"
#include "server/exchange/field_checker.h"
#include "server/exchange/page_token.h"
#include "server/exchange/row_source.h"

namespace coalition::exchange {
namespace {

// Visible records looked at for one page. A filter that matches next to nothing gets a short or empty page
// and a token to go on with, instead of holding a thread. Hidden records do not count.
constexpr int kVisibleRowsPerPage = 20'000;
constexpr int kFilterClassesMax = 16;
// Of the records on one page, serialised: below the message that a client takes by default, and what a client
// that does not read can make the server hold. A page has at least one record.
constexpr size_t kPageBytesMax = size_t{1} << 20;

// A checked request.
struct Query {
  v1::RecordFilter filter;  // normalised
  std::optional<RecordId> refers_to;
  int page_size = 0;
  std::optional<Position> after;
};

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

void CheckFilter(Query* query, FieldViolations* violations) {
  v1::RecordFilter& filter = query->filter;
  if (filter.record_classes_size() > kFilterClassesMax) {
    violations->Add("filter.record_classes", "more classes than there are");
  }
  for (const int of : filter.record_classes()) {
    if (of == v1::RECORD_CLASS_UNSPECIFIED || !v1::RecordClass_IsValid(of)) {
      violations->Add("filter.record_classes", "no such class");
    }
  }
  if (filter.has_seller()) CheckFilterSeller(filter.mutable_seller(), violations);
  // Also "members/~…": a contributor that is shown as a token.
  if (!filter.contributor().empty() && !filter.contributor().starts_with("members/")) {
    violations->Add("filter.contributor", "must be members/{member}");
  }
  CheckTimestamp("filter.created_from", filter.has_created_from(), filter.created_from(), violations);
  CheckTimestamp("filter.created_before", filter.has_created_before(), filter.created_before(), violations);
  if (!filter.external_id().empty()) {
    violations->Check("filter.external_id", CheckExternalId(filter.external_id()));
  }
  if (!filter.refers_to().empty()) {
    const auto id = ParseRecordName(filter.refers_to());
    if (violations->Check("filter.refers_to", id.status())) query->refers_to = RecordIdToBytes(*id);
  }
}

absl::StatusOr<Query> CheckRequest(const Reader& reader, const ExchangeOptions& options,
                                   const Sealer& page_tokens, const v1::ListRecordsRequest& request) {
  Query query;
  query.filter = request.filter();
  FieldViolations violations;
  CheckFilter(&query, &violations);
  if (request.page_size() < 0) violations.Add("page_size", "must not be negative");
  if (absl::Status status = violations.ToStatus(); !status.ok()) return status;
  query.page_size = request.page_size() == 0 ? options.page_size_default : request.page_size();
  query.page_size = std::min(query.page_size, options.page_size_max);
  if (!request.page_token().empty()) {
    auto after = ReadPageToken(page_tokens, reader.asker().member, request.filter(), request.page_token());
    if (!after.ok()) return after.status();
    query.after = *after;
  }
  return query;
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

// Whether the record as the asker sees it meets the filter.
bool Matches(const v1::RecordFilter& filter, const SeenRecord& seen, const v1::Record& shown) {
  if (filter.has_seller()) {
    if (shown.seller().platform() != filter.seller().platform()) return false;
    if (!filter.seller().seller_id().empty() && (shown.seller().seller_id() != filter.seller().seller_id() ||
                                                 !ShowsSeller(shown.record_class(), seen.decision.view))) {
      return false;
    }
  }
  if (!filter.contributor().empty() && shown.contributor() != filter.contributor()) return false;
  if ((filter.has_created_from() || filter.has_created_before()) && !shown.has_create_time()) return false;
  if (filter.has_created_from() && !AtOrAfter(shown.create_time(), filter.created_from())) return false;
  if (filter.has_created_before() && AtOrAfter(shown.create_time(), filter.created_before())) return false;
  if (!filter.external_id().empty() && shown.external_id() != filter.external_id()) return false;
  return filter.refers_to().empty() || RefersTo(shown, filter.refers_to());
}

bool ClassMatches(const v1::RecordFilter& filter, v1::RecordClass record_class) {
  return filter.record_classes().empty() ||
         std::find(filter.record_classes().begin(), filter.record_classes().end(), record_class) !=
             filter.record_classes().end();
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
  const std::string prefix = SellerPrefix(seller.platform(), seller.seller_id());
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

// The narrowest source that holds all that can match.
absl::StatusOr<std::unique_ptr<RowSource>> SourceFor(const Reader& reader, const Query& query) {
  const v1::RecordFilter& filter = query.filter;
  if (!filter.external_id().empty()) {
    auto rows = RowsOfExternalId(reader, filter.external_id());
    if (!rows.ok()) return rows.status();
    return TheseRows(*std::move(rows), query.after);
  }
  if (filter.has_seller() && !filter.seller().seller_id().empty()) {
    auto rows = RowsOfSeller(reader, filter.seller());
    if (!rows.ok()) return rows.status();
    return TheseRows(*std::move(rows), query.after);
  }
  if (query.refers_to) {
    Sources sources;
    for (const v1::RecordClass of :
         {v1::RECORD_CLASS_TAKEDOWN_NOTICE, v1::RECORD_CLASS_TAKEDOWN_OUTCOME, v1::RECORD_CLASS_OPINION}) {
      sources.push_back(
          IndexRows(reader.store(), reader.at(), BackReferencePrefix(*query.refers_to, of), query.after));
    }
    return MergedRows(std::move(sources));
  }
  return MergedRows(AudienceSources(reader, query.after));
}

enum class Examined { kHidden, kOther, kMatch };

// Judges one row and, if it is a match, fills `shown`; notes in `disclosure` only what matches.
absl::StatusOr<Examined> Examine(const Reader& reader, const v1::RecordFilter& filter, std::string record_key,
                                 v1::Record* shown, ledger::Disclosure* disclosure) {
  auto seen = reader.FindByKey(std::move(record_key));
  if (!seen.ok()) return seen.status();
  if (!seen->has_value()) return Examined::kHidden;
  if (!ClassMatches(filter, (*seen)->stored.header.record_class())) return Examined::kOther;
  const size_t before = disclosure->records.size();
  if (absl::Status status = reader.Show(**seen, shown, disclosure); !status.ok()) return status;
  if (Matches(filter, **seen, *shown)) return Examined::kMatch;
  disclosure->records.resize(before);
  return Examined::kOther;
}

}  // namespace

absl::Status ListRecords(const Reader& reader, const ExchangeOptions& options, const Sealer& page_tokens,
                         const v1::ListRecordsRequest& request, v1::ListRecordsResponse* response,
                         ledger::Disclosure* disclosure) {
  const auto query = CheckRequest(reader, options, page_tokens, request);
  if (!query.ok()) return query.status();
  auto rows = SourceFor(reader, *query);
  if (!rows.ok()) return rows.status();
  Position last;
  size_t bytes = 0;
  for (int visible = 0;;) {
    auto row = (*rows)->Next();
    if (!row.ok()) return row.status();
    if (!row->has_value()) return absl::OkStatus();
    if (absl::Status watched = reader.asker().Look(); !watched.ok()) return watched;
    const Position position = (*row)->position;
    v1::Record shown;
    ledger::Disclosure shown_here;
    const auto examined = Examine(reader, query->filter, std::move((*row)->record_key), &shown, &shown_here);
    if (!examined.ok()) return examined.status();
    if (*examined == Examined::kHidden) continue;
    const bool match = *examined == Examined::kMatch;
    if (match) bytes += shown.ByteSizeLong();
    const bool page_full = match && (response->records_size() == query->page_size ||
                                     (bytes > kPageBytesMax && response->records_size() > 0));
    if (page_full || visible == kVisibleRowsPerPage) {
      // That there is a next page tells of this record.
      disclosure->records.insert(disclosure->records.end(), shown_here.records.begin(),
                                 shown_here.records.end());
      response->set_next_page_token(
          MakePageToken(page_tokens, reader.asker().member, request.filter(), last));
      return absl::OkStatus();
    }
    ++visible;
    last = position;
    if (!match) continue;
    *response->add_records() = std::move(shown);
    disclosure->records.insert(disclosure->records.end(), shown_here.records.begin(),
                               shown_here.records.end());
  }
}

}  // namespace coalition::exchange

#include "server/exchange/list.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/errors.h"
#include "server/exchange/access.h"
#include "server/exchange/field_checker.h"
#include "server/exchange/page_token.h"
#include "server/exchange/record_query.h"
#include "server/exchange/row_source.h"

namespace coalition::exchange {
namespace {

// Visible records looked at for one page. A filter that matches next to nothing gets a short or empty page
// and a token to go on with, instead of holding a thread. Hidden records do not count.
constexpr int kVisibleRowsPerPage = 20'000;
// Of the records on one page, serialised: below the message that a client takes by default, and what a client
// that does not read can make the server hold. A page has at least one record.
constexpr size_t kPageBytesMax = size_t{1} << 20;

struct Query {
  RecordQuery records;
  int page_size = 0;
  std::optional<Position> after;
};

absl::StatusOr<Query> CheckRequest(const Reader& reader, const ExchangeOptions& options,
                                   const Sealer& page_tokens, const v1::ListRecordsRequest& request) {
  Query query;
  FieldViolations violations;
  query.records = CheckFilter(request.filter(), &violations);
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

}  // namespace

absl::Status ListRecords(const Reader& reader, const ExchangeOptions& options, const Sealer& page_tokens,
                         const v1::ListRecordsRequest& request, v1::ListRecordsResponse* response,
                         ledger::Disclosure* disclosure) {
  const auto query = CheckRequest(reader, options, page_tokens, request);
  if (!query.ok()) return query.status();
  auto rows = RowsFor(reader, query->records, query->after);
  if (!rows.ok()) return rows.status();
  Position last;
  size_t bytes = 0;
  for (int visible = 0;;) {
    auto row = (*rows)->Next();
    if (!row.ok()) return row.status();
    if (!row->has_value()) return absl::OkStatus();
    if (absl::Status watched = reader.asker().Look(); !watched.ok()) return watched;
    const Position position = (*row)->position;
    const auto seen = reader.FindByKey(std::move((*row)->record_key));
    if (!seen.ok()) return seen.status();
    if (!seen->has_value()) continue;
    v1::Record shown;
    ledger::Disclosure shown_here;
    const auto matches = ShowIfMatches(reader, query->records, **seen, &shown, &shown_here);
    if (!matches.ok()) return matches.status();
    const bool match = *matches;
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

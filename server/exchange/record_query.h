// Which records are asked for: checked, found by the narrowest index, and matched as the asker sees them.
#pragma once

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "coalition/v1/exchange_service.pb.h"
#include "server/exchange/field_checker.h"
#include "server/exchange/reader.h"
#include "server/exchange/row_source.h"

namespace coalition::exchange {

// A checked filter.
struct RecordQuery {
  v1::RecordFilter filter;  // normalised
  std::optional<RecordId> refers_to;
};

// Adds what is wrong with `filter` to `violations`, under "filter.…".
RecordQuery CheckFilter(const v1::RecordFilter& filter, FieldViolations* violations);

// Rows among which are all that the reader's asker may see and that can match, in listing order: those below
// `after` if it is set. The reader must outlive them.
absl::StatusOr<std::unique_ptr<RowSource>> RowsFor(const Reader& reader, const RecordQuery& query,
                                                   std::optional<Position> after);

// Whether the record as the asker sees it matches: a field that is hidden from it matches nothing. If so,
// fills `shown` and notes in `disclosure` what that shows; if not, `disclosure` is as it was. What was erased
// meanwhile matches nothing.
absl::StatusOr<bool> ShowIfMatches(const Reader& reader, const RecordQuery& query, const SeenRecord& seen,
                                   v1::Record* shown, ledger::Disclosure* disclosure);
// Of a record that is erased: whether it could have matched, by what is left of it. True also where that does
// not say.
bool CouldMatch(const Reader& reader, const RecordQuery& query, const SeenRecord& seen);

}  // namespace coalition::exchange

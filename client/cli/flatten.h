// Messages as cells of tables and CSV.
#pragma once

#include <string>
#include <vector>

#include "client/cli/output.h"
#include "coalition/v1/exchange_service.pb.h"
#include "coalition/v1/record.pb.h"

namespace coalition::cli {

// One row for each record: record, class, seller, contributor, label, state, created, view, summary.
// `summary` is the one line that tells most about the payload. Lists inside a cell are separated by "; ".
const std::vector<std::string>& RecordColumns();
std::vector<std::string> RecordCells(const v1::Record& record);

// Everything that a record holds, as names and values; also the columns of `record get -o csv`: those of
// RecordColumns but the summary, then external_id, permitted_action, updated, expires, etag, disputed,
// grants, exclusions, audiences (the named ones among them), contested, lapses (while it is not confirmed),
// confirmed, confirm_grounds, cleared_before, and one column for each payload field that has a value, named
// by its path ("offender_report.rights"). Parts of a list are separated by "; ", messages in a list are JSON.
Facts RecordFacts(const v1::Record& record);

}  // namespace coalition::cli

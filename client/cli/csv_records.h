// CSV of reports and notices, as people keep them in spreadsheets.
#pragma once

#include <memory>

#include "client/cli/import_source.h"

namespace coalition::cli {

// Columns, found by name, in any order; all but platform and seller_id may be missing. A cell may be empty.
// Lists are separated by ";". Values are written as in the flags of `coalition report` and `coalition
// notice`.
//
//   class                  report (default) or notice
//   platform, seller_id    e.g. bazaar.example, shop-4711
//   external_id            your own id
//   label, permitted_action, expire_time
//   grants, exclusions     lists, e.g. "kind:brand=full;member:bazaar=notice"
//   listings               list of URLs or listing ids
//   rights                 list of OFFICE:NUMBER or TYPE:OFFICE:NUMBER; a notice has one
//   comment
//   of reports alone: infringement_types (list), evidence (list of TYPE[:sha256:HEX[:REFERENCE]]),
//   seller_display_name,
//     seller_storefront_url, product_category, case_type, grounds_code, first_observed_time,
//     last_observed_time, human_reviewed (true, false), legal_basis, correction_contact
//   of notices alone: requested_action, whole_account (true, false), deadline_time, report (records/…)
//
// A header with another column is refused: a misspelt "exclusions" must not be passed over.
std::unique_ptr<RowMapper> MakeCsvRecordMapper();

}  // namespace coalition::cli

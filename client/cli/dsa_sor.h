// Rows of the EU DSA Transparency Database's daily dumps as takedown outcomes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/cli/import_source.h"
#include "client/cli/seller_map.h"

namespace coalition::cli {

struct DsaOptions {
  // Name of the platform in the dump, in lower case -> host name, e.g. "bazaar" -> "bazaar.example". Rows of
  // other platforms are skipped.
  std::map<std::string, std::string> platforms;
  // May be null: outcomes then name no seller and are never screened.
  std::shared_ptr<const SellerMap> sellers;
};

// For https://transparency.dsa.ec.europa.eu daily dumps ("full"), with the header of 2024 or of July 2025 and
// after: columns are found by name, in any order; columns that are not known are passed over with one
// warning. Lists are JSON arrays of strings, or plain text; times are UTC.
//
// A row is rejected when: its uuid is not one; it has none of the four decisions; a date is not one; a list
// is not one; a text is over the official limit (500 characters, explanations 2,000, decision_facts 5,000);
// or it is not UTF-8.
//
// external_id is the statement's uuid, so that a second import changes nothing. action_taken, which a
// statement does not have, follows from the decisions:
//   YES      content removed or disabled; account suspended or terminated; service suspended or terminated in
//   whole PARTIAL  any other restriction alone: demoted, labelled, age-restricted, interaction restricted,
//   payment, part of the service
// never NO: a statement is only made where something was done.
std::unique_ptr<RowMapper> MakeDsaMapper(DsaOptions options);

// The derivation above. For tests.
v1::ActionTaken DeriveActionTaken(const v1::TakedownOutcome& outcome);

}  // namespace coalition::cli

// Values as people write them in flags and in columns of CSV, and back. Errors are INVALID_ARGUMENT and name
// what would be right. Every function is thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "coalition/v1/exchange_service.pb.h"
#include "coalition/v1/record.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace coalition::cli {

// "PLATFORM/SELLER", normalised. The seller's id may hold slashes itself.
absl::StatusOr<v1::Seller> ParseSeller(std::string_view text);
// "PLATFORM/SELLER" or "PLATFORM".
absl::StatusOr<v1::Seller> ParseSellerOrPlatform(std::string_view text);
std::string SellerText(const v1::Seller& seller);

// red, amber-strict, amber, green, clear; any case, '_' for '-', "TLP:" before it.
absl::StatusOr<v1::Label> ParseLabel(std::string_view text);
// none, contact-for-instruction, internally-visible-actions, externally-visible-indirect-actions,
// externally-visible-direct-actions.
absl::StatusOr<v1::PermittedAction> ParsePermittedAction(std::string_view text);
// report, notice, outcome, opinion; also the enum's names.
absl::StatusOr<v1::RecordClass> ParseRecordClass(std::string_view text);
// active, contested.
absl::StatusOr<v1::RecordState> ParseRecordState(std::string_view text);
// yes, no, partial.
absl::StatusOr<v1::ActionTaken> ParseActionTaken(std::string_view text);
// pending, upheld, rejected.
absl::StatusOr<v1::AppealResult> ParseAppealResult(std::string_view text);
// confirmed, seen-here, disputed, false-positive, outdated.
absl::StatusOr<v1::OpinionVerdict> ParseOpinionVerdict(std::string_view text);

// "member:bazaar", "group:watch", "kind:brand", "everyone".
absl::StatusOr<v1::Subject> ParseSubject(std::string_view text);
std::string SubjectText(const v1::Subject& subject);
// A subject, "=", and the view: "kind:brand=full". Without "=", the view is "full".
absl::StatusOr<v1::Grant> ParseGrant(std::string_view text);
std::string GrantText(const v1::Grant& grant);

// trademark, design, copyright, patent, geographic-indications, trade-secret, inauthentic-listings,
// inauthentic-accounts; or a DSA keyword as it is, KEYWORD_….
absl::StatusOr<std::string> ParseInfringement(std::string_view text);
// "OFFICE:NUMBER", or "TYPE:OFFICE:NUMBER" with a type of trademark, design, copyright, patent,
// geographic-indication. Without a type, the one that goes with `infringement` (a keyword; may be empty),
// else TRADEMARK.
absl::StatusOr<v1::Right> ParseRight(std::string_view text, std::string_view infringement);
// "TYPE", "TYPE:sha256:HEX" or "TYPE:sha256:HEX:REFERENCE".
absl::StatusOr<v1::Evidence> ParseEvidence(std::string_view text);
// A URL, or the platform's id of the listing.
v1::Listing ParseListing(std::string_view text);

// RFC 3339 ("2026-03-01T12:00:00Z"), "2026-03-01 12:00:00" or "2026-03-01", UTC where no offset is given.
absl::StatusOr<google::protobuf::Timestamp> ParseTime(std::string_view text);
// "2026-03-01T12:00:00Z", to the second; empty for no time.
std::string TimeText(const google::protobuf::Timestamp& time);

// "records/ID" or "ID".
absl::StatusOr<std::string> ParseRecord(std::string_view text);
// "members/ID" or "ID".
absl::StatusOr<std::string> ParseMember(std::string_view text);

// "audiences/ID", "members/ID/audiences/ID" or "ID", which is the coalition's.
absl::StatusOr<std::string> ParseAudience(std::string_view text);

// The enum's name without its prefix, in lower case with '-': LABEL_AMBER_STRICT gives "amber-strict". A
// verdict has spaces: "not listed".
std::string LabelText(v1::Label label);
std::string ClassText(v1::RecordClass record_class);
std::string VerdictText(v1::Verdict verdict);
std::string KindText(v1::MemberKind kind);
std::string EnumText(std::string_view name, std::string_view prefix);
// The other way: "Amber-Strict" gives "AMBER_STRICT".
std::string EnumName(std::string_view text);

// The parts between `separator`, white space around them removed, empty ones left out.
std::vector<std::string> SplitList(std::string_view text, char separator);

}  // namespace coalition::cli

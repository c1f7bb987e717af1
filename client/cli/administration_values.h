// What people write about members, credentials and proposals. Errors are INVALID_ARGUMENT and name what would
// be right. Every function is thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "coalition/v1/member.pb.h"
#include "coalition/v1/membership_service.pb.h"
#include "common/ids.h"

namespace coalition::cli {

// "members/M/credentials/C", or "C" of `member` (a name; may be empty: then only the first).
absl::StatusOr<std::string> ParseCredential(std::string_view text, std::string_view member);
// "groups/ID" or "ID".
absl::StatusOr<std::string> ParseGroup(std::string_view text);
// "platforms/ID" or "ID".
absl::StatusOr<std::string> ParsePlatform(std::string_view text);
// "proposals/7" or "7".
absl::StatusOr<std::string> ParseProposal(std::string_view text);

// brand, marketplace, …
absl::StatusOr<v1::MemberKind> ParseKind(std::string_view text);
// investigation, security-incident, …
absl::StatusOr<v1::StandingReason> ParseStandingReason(std::string_view text);
// key-compromise, superseded, …
absl::StatusOr<v1::RevocationReason> ParseRevocationReason(std::string_view text);
// reader, contributor, member-admin, coalition-admin, auditor; each may itself be a list with commas.
absl::StatusOr<std::vector<v1::Role>> ParseRoles(const std::vector<std::string>& texts);

// 64 hex digits in any case, also in groups with ':' or white space between; in lower case.
absl::StatusOr<std::string> ParseFingerprint(std::string_view text);
// "90s", "15m", "12h", "14d", "2w": a whole number of them, in seconds. "0" is 0.
absl::StatusOr<int64_t> ParseDuration(std::string_view text);

}  // namespace coalition::cli

#include "client/cli/administration_values.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/cli/enum_values.h"
#include "common/hash.h"
#include "common/strings.h"

namespace coalition::cli {
namespace {

// `text` with `prefix` before it, unless it is there.
std::string Prefixed(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix) ? std::string(text) : absl::StrCat(Absl(prefix), Absl(text));
}

}  // namespace

absl::StatusOr<std::string> ParseCredential(std::string_view text, std::string_view member) {
  const bool whole = text.find('/') != std::string_view::npos || member.empty();
  const std::string name =
      whole ? std::string(text) : absl::StrCat(Absl(member), "/credentials/", Absl(text));
  const absl::StatusOr<CredentialName> parsed = ParseCredentialName(name);
  if (!parsed.ok()) return NotAValue(text, "a credential", std::string(parsed.status().message()));
  if (!member.empty() && FormatMemberName(parsed->member) != member) {
    return absl::InvalidArgumentError(absl::StrCat(Quoted(text), " is no credential of ", Absl(member)));
  }
  return name;
}

absl::StatusOr<std::string> ParseGroup(std::string_view text) {
  const std::string name = Prefixed(text, "groups/");
  const absl::StatusOr<std::string> id = ParseGroupName(name);
  if (!id.ok()) return NotAValue(text, "a group", std::string(id.status().message()));
  return name;
}

absl::StatusOr<std::string> ParsePlatform(std::string_view text) {
  const std::string name = Prefixed(text, "platforms/");
  const absl::StatusOr<std::string> id = ParsePlatformName(name);
  if (!id.ok()) return NotAValue(text, "a platform", std::string(id.status().message()));
  return name;
}

absl::StatusOr<std::string> ParseProposal(std::string_view text) {
  constexpr std::string_view kPrefix = "proposals/";
  std::string_view digits = text;
  if (digits.starts_with(kPrefix)) digits.remove_prefix(kPrefix.size());
  int64_t number = 0;
  if (!absl::SimpleAtoi(Absl(digits), &number) || number < 1) {
    return NotAValue(text, "a proposal", "write its number, e.g. 7 or proposals/7");
  }
  return absl::StrCat(Absl(kPrefix), number);
}

absl::StatusOr<v1::MemberKind> ParseKind(std::string_view text) {
  return ParseEnum<v1::MemberKind>(text, "MEMBER_KIND_", "a kind of member");
}

absl::StatusOr<v1::StandingReason> ParseStandingReason(std::string_view text) {
  return ParseEnum<v1::StandingReason>(text, "STANDING_REASON_", "a reason");
}

absl::StatusOr<v1::RevocationReason> ParseRevocationReason(std::string_view text) {
  return ParseEnum<v1::RevocationReason>(text, "REVOCATION_REASON_", "a reason");
}

absl::StatusOr<std::vector<v1::Role>> ParseRoles(const std::vector<std::string>& texts) {
  std::vector<v1::Role> roles;
  for (const std::string& text : texts) {
    for (const std::string& word : SplitList(text, ',')) {
      const absl::StatusOr<v1::Role> role = ParseEnum<v1::Role>(word, "ROLE_", "a role");
      if (!role.ok()) return role.status();
      if (std::find(roles.begin(), roles.end(), *role) == roles.end()) roles.push_back(*role);
    }
  }
  return roles;
}

absl::StatusOr<std::string> ParseFingerprint(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != ':' && !absl::ascii_isspace(static_cast<unsigned char>(c))) digits += c;
  }
  const std::optional<std::string> bytes = HexDecode(digits);
  if (!bytes.has_value() || bytes->size() != Sha256Digest().size()) {
    return NotAValue(text, "the SHA-256 of a public key", "write its 64 hex digits");
  }
  return HexEncode(*bytes);
}

absl::StatusOr<int64_t> ParseDuration(std::string_view text) {
  if (text == "0") return 0;
  constexpr std::pair<char, int64_t> kUnits[] = {
      {'s', 1}, {'m', 60}, {'h', 3'600}, {'d', 86'400}, {'w', 604'800}};
  constexpr int64_t kMost = 100LL * 366 * 86'400;
  for (const auto& [letter, seconds] : kUnits) {
    int64_t number = 0;
    if (text.empty() || text.back() != letter) continue;
    if (!absl::SimpleAtoi(Absl(text.substr(0, text.size() - 1)), &number)) break;
    if (number < 0 || number > kMost / seconds) break;
    return number * seconds;
  }
  return NotAValue(text, "a time span", "write a whole number with s, m, h, d or w, e.g. 14d");
}

}  // namespace coalition::cli

#include "common/ids.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "common/hash.h"
#include "common/strings.h"

namespace coalition {
namespace {

constexpr size_t kRecordIdCharacters = 26;

constexpr bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool IsIdCharacter(char c) { return IsLower(c) || (c >= '0' && c <= '9') || c == '-'; }

std::string Join(std::string_view collection, std::string_view id) {
  std::string name;
  name.reserve(collection.size() + id.size());
  name.append(collection).append(id);
  return name;
}

absl::Status NotAName(std::string_view name, std::string_view pattern) {
  return absl::InvalidArgumentError(absl::StrCat(name.empty() ? "is empty" : Quoted(name) + " is not a name",
                                                 ": expected ", Absl(pattern)));
}

// The id after `collection`, not yet checked.
absl::StatusOr<std::string_view> After(std::string_view name, std::string_view collection,
                                       std::string_view pattern) {
  if (!name.starts_with(collection)) return NotAName(name, pattern);
  return name.substr(collection.size());
}

absl::StatusOr<std::string> ParseIdName(std::string_view name, std::string_view collection,
                                        std::string_view pattern) {
  absl::StatusOr<std::string_view> id = After(name, collection, pattern);
  if (!id.ok()) return id.status();
  if (!IsId(*id)) return NotAName(name, pattern);
  return std::string(*id);
}

constexpr std::string_view kMember = "members/";
constexpr std::string_view kGroup = "groups/";
constexpr std::string_view kCredential = "/credentials/";
constexpr std::string_view kPlatform = "platforms/";
constexpr std::string_view kRecord = "records/";

}  // namespace

bool IsId(std::string_view id) {
  return !id.empty() && id.size() <= kIdBytesMax && IsLower(id[0]) &&
         std::all_of(id.begin(), id.end(), IsIdCharacter);
}

absl::Status CheckId(std::string_view id, std::string_view what) {
  if (IsId(id)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(Absl(what), " ", id.empty() ? "is empty" : Quoted(id) + " is not an id",
                   ": expected a lower-case letter, then at most 62 lower-case letters, digits and hyphens"));
}

bool IsPlatformId(std::string_view id) {
  if (id.empty() || id.size() > kPlatformBytesMax) return false;
  bool label_empty = true;
  for (const char c : id) {
    if (c == '.') {
      if (label_empty) return false;
      label_empty = true;
    } else if (IsIdCharacter(c)) {
      label_empty = false;
    } else {
      return false;
    }
  }
  return !label_empty;
}

absl::Status CheckPlatformId(std::string_view id) {
  if (IsPlatformId(id)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "platform ", id.empty() ? "is empty" : Quoted(id) + " is not a host name",
      ": expected at most 253 lower-case letters, digits, dots and hyphens, such as bazaar.example"));
}

std::optional<std::array<uint8_t, kRecordIdBytes>> RecordIdToBytes(std::string_view id) {
  if (id.size() != kRecordIdCharacters) return std::nullopt;
  const std::optional<std::string> decoded = Base32Decode(id);
  if (!decoded || decoded->size() != kRecordIdBytes) return std::nullopt;
  std::array<uint8_t, kRecordIdBytes> bytes;
  std::copy(decoded->begin(), decoded->end(), bytes.begin());
  return bytes;
}

std::string RecordIdFromBytes(std::string_view bytes) { return Base32Encode(bytes); }

bool IsRecordId(std::string_view id) { return RecordIdToBytes(id).has_value(); }

std::string NewRecordId(Random& random) {
  std::array<uint8_t, kRecordIdBytes> bytes;
  random.Fill(bytes);
  return Base32Encode(Bytes(bytes));
}

absl::StatusOr<std::string> ParseMemberName(std::string_view name) {
  return ParseIdName(name, kMember, "members/{member}");
}

absl::StatusOr<std::string> ParseGroupName(std::string_view name) {
  return ParseIdName(name, kGroup, "groups/{group}");
}

absl::StatusOr<CredentialName> ParseCredentialName(std::string_view name) {
  constexpr std::string_view kPattern = "members/{member}/credentials/{credential}";
  absl::StatusOr<std::string_view> rest = After(name, kMember, kPattern);
  if (!rest.ok()) return rest.status();
  const size_t slash = rest->find('/');
  if (slash == std::string_view::npos) return NotAName(name, kPattern);
  const std::string_view member = rest->substr(0, slash);
  const std::string_view tail = rest->substr(slash);
  if (!tail.starts_with(kCredential) || !IsId(member)) return NotAName(name, kPattern);
  const std::string_view credential = tail.substr(kCredential.size());
  if (!IsId(credential)) return NotAName(name, kPattern);
  return CredentialName{.member = std::string(member), .credential = std::string(credential)};
}

absl::StatusOr<std::string> ParsePlatformName(std::string_view name) {
  constexpr std::string_view kPattern = "platforms/{host name}";
  absl::StatusOr<std::string_view> id = After(name, kPlatform, kPattern);
  if (!id.ok()) return id.status();
  if (!IsPlatformId(*id)) return NotAName(name, kPattern);
  return std::string(*id);
}

absl::StatusOr<std::string> ParseRecordName(std::string_view name) {
  constexpr std::string_view kPattern = "records/{26 characters of a-z and 2-7}";
  absl::StatusOr<std::string_view> id = After(name, kRecord, kPattern);
  if (!id.ok()) return id.status();
  if (!IsRecordId(*id)) return NotAName(name, kPattern);
  return std::string(*id);
}

std::string FormatMemberName(std::string_view member) { return Join(kMember, member); }
std::string FormatGroupName(std::string_view group) { return Join(kGroup, group); }
std::string FormatCredentialName(std::string_view member, std::string_view credential) {
  return Join(Join(kMember, member), Join(kCredential, credential));
}
std::string FormatPlatformName(std::string_view platform) { return Join(kPlatform, platform); }
std::string FormatRecordName(std::string_view record) { return Join(kRecord, record); }

}  // namespace coalition

// Resource names (https://google.aip.dev/122) and the ids in them. Every function is thread-safe. Refusals
// are INVALID_ARGUMENT with a message that says what is wrong and what a right name looks like, fit for a
// field violation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/random.h"

namespace coalition {

inline constexpr size_t kIdBytesMax = 63;
inline constexpr size_t kPlatformBytesMax = 253;
inline constexpr size_t kRecordIdBytes = 16;  // of randomness; 26 characters of base 32

// Ids of members, groups and credentials: [a-z][a-z0-9-]{0,62}. `what` begins the message, e.g. "member id".
absl::Status CheckId(std::string_view id, std::string_view what);
bool IsId(std::string_view id);

// A host name in lower case: at most 253 bytes of [a-z0-9.-], no empty label.
absl::Status CheckPlatformId(std::string_view id);
bool IsPlatformId(std::string_view id);

// 26 characters: base 32 in lower case (RFC 4648, no padding) of 16 bytes. Only the canonical spelling is
// one.
bool IsRecordId(std::string_view id);
std::string NewRecordId(Random& random);
// For stored keys, which hold the 16 bytes. nullopt: not a record id.
std::optional<std::array<uint8_t, kRecordIdBytes>> RecordIdToBytes(std::string_view id);
// `bytes` must be 16 bytes; other lengths give a text that IsRecordId refuses.
std::string RecordIdFromBytes(std::string_view bytes);

struct CredentialName {
  std::string member;
  std::string credential;
  friend bool operator==(const CredentialName&, const CredentialName&) = default;
};

// From names to ids: "members/aurore" gives "aurore".
absl::StatusOr<std::string> ParseMemberName(std::string_view name);
absl::StatusOr<std::string> ParseGroupName(std::string_view name);
absl::StatusOr<CredentialName> ParseCredentialName(std::string_view name);  // members/{m}/credentials/{c}
absl::StatusOr<std::string> ParsePlatformName(std::string_view name);
absl::StatusOr<std::string> ParseRecordName(std::string_view name);

// From ids to names. The ids are not checked.
std::string FormatMemberName(std::string_view member);
std::string FormatGroupName(std::string_view group);
std::string FormatCredentialName(std::string_view member, std::string_view credential);
std::string FormatPlatformName(std::string_view platform);
std::string FormatRecordName(std::string_view record);

}  // namespace coalition

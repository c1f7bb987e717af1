// Where records and their indexes lie in the store. The forms are durable: never change one, add another.
//
//   r platform 0 seller 0 id             decision header, ordinal, verdict, sealed record (stored_record.h).
//                                        All of a seller's lie together; `seller` is empty for an outcome
//                                        that names the platform alone
//   i id                                 the record's key, also of one that was removed
//   x member external_id                 StoredExternalId
//   p keyed hash of `seller`             empty: feeds the presence filter; written once for each seller
//   a subject kind, subject id, position the record's key; one for each subject that a grant names
//   o member, position                   the record's key; the contributor's own records
//   b target id, class, position         the key of the record, of that class, that refers to the target
//   t id                                 StoredTakenBack (taken_back.h), kept for good
//   c platform 0 seller 0 position       the id of a report about the seller that was cleared; the position
//                                        is that of the clearance
//   q member, method, request_id         StoredRequest
//   d member                             StoredDepartureProgress
//   e expire_time_s, id                  the record's key: what expires when
//   k name                               facts about this room's data, e.g. under which key sellers are
//                                        hashed
//   z id                                 empty: an erasure that is not finished (erasures.h)
//
// A seller and an external_id stand in keys by their pseudonyms (contents/contents.h): keys stay when
// contents are erased, and get into files that nothing is ever removed from.
//
// The store keeps `h` (store/history.h), the membership room `m/`, the ledger `l` and `u` (ledger/keys.h).
//
// Integers are big-endian, ids their 16 bytes. Platforms and pseudonyms hold no zero byte. A position is
// inverted, so that key order is newest first.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "coalition/v1/record.pb.h"
#include "common/policy/header.h"
#include "server/contents/contents.h"

namespace coalition::exchange {

using RecordId = policy::RecordIdBytes;

// Where a record stands in every listing, fixed at its creation: the revision, then the place within the
// commit.
struct Position {
  uint64_t made = 0;
  uint32_t ordinal = 0;
  friend auto operator<=>(const Position&,
                          const Position&) = default;  // NOLINT(modernize-use-nullptr): its zero
};

inline constexpr size_t kPositionBytes = 12;

// Bytes whose order is newest first.
std::string EncodePosition(Position position);
// nullopt: not kPositionBytes long.
std::optional<Position> DecodePosition(std::string_view bytes);

// The methods whose request_ids are remembered. Durable: never renumber.
enum class Method : uint8_t { kCreate = 1, kRevise = 2, kWithdraw = 3, kClear = 4, kConfirm = 5 };

// A seller as keys have it. The views look into one.
struct SellerInKey {
  std::string_view platform;
  std::string_view token;  // ContentKeys::SellerToken
  friend bool operator==(const SellerInKey&, const SellerInKey&) = default;
};

std::string SellerPrefix(std::string_view platform, std::string_view seller_token);
std::string RecordKey(std::string_view platform, std::string_view seller_token, const RecordId& id);
// Parts of a record's key; nullopt: it is none. The views look into the key.
std::optional<RecordId> IdOfRecordKey(std::string_view record_key);
std::optional<SellerInKey> SellerOfRecordKey(std::string_view record_key);
// The key of another record of the same seller, as an opinion's subject is.
std::string SiblingKey(std::string_view record_key, const RecordId& id);

std::string IdKey(const RecordId& id);
// `external_id` as the member says it.
std::string ExternalIdKey(const contents::ContentKeys& contents, uint32_t member,
                          std::string_view external_id);
std::string PresenceKey(uint64_t seller_hash);
std::optional<uint64_t> HashOfPresenceKey(std::string_view key);
std::string AudiencePrefix(policy::SubjectKind kind, uint32_t id);
std::string OwnerPrefix(uint32_t member);
// Of all classes.
std::string BackReferencesPrefix(const RecordId& target);
std::string BackReferencePrefix(const RecordId& target, v1::RecordClass record_class);
// The clearances of a seller begin with it.
std::string ClearancePrefix(std::string_view platform, std::string_view seller_token);
// nullopt: it is no key of one. The view looks into the key.
std::optional<SellerInKey> SellerOfClearanceKey(std::string_view key);
std::string DepartureKey(uint32_t member);
std::string RequestKey(uint32_t member, Method method, std::string_view request_id);

// An entry of the expiry index. Times are Unix seconds, not negative.
struct Expiring {
  int64_t expire_time_s = 0;
  RecordId id{};
  friend bool operator==(const Expiring&, const Expiring&) = default;
};
std::string ExpiryKey(int64_t expire_time_s, const RecordId& id);
// The entries of that second begin with it; those of earlier ones come before it.
std::string ExpiryPrefix(int64_t expire_time_s);
// nullopt: it is no key of an entry.
std::optional<Expiring> ParseExpiryKey(std::string_view key);

inline constexpr std::string_view kRecordsPrefix = "r";
inline constexpr std::string_view kPresencePrefix = "p";
inline constexpr std::string_view kClearancesPrefix = "c";
inline constexpr std::string_view kIdsPrefix = "i";
inline constexpr std::string_view kExpiryPrefix = "e";
inline constexpr std::string_view kAudiencesPrefix = "a";
inline constexpr std::string_view kBackReferencesPrefix = "b";
inline constexpr std::string_view kExternalIdsPrefix = "x";
inline constexpr std::string_view kOwnersPrefix = "o";
// HMAC of a constant under the key that sellers are hashed with: a store opened with another key must be
// hashed anew.
inline constexpr std::string_view kSellerHashCheckKey = "kseller_hash";
// Empty: every record has its entry in the expiry index. Not there: the store is of a version without one.
inline constexpr std::string_view kExpiryIndexKey = "kexpiry_index";
// In which form contents are kept. Not there: in clear, by a version that could not erase them.
inline constexpr std::string_view kContentsFormKey = "kcontents";
// Its value.
std::string ContentsFact(const contents::ContentKeys& contents);
// FAILED_PRECONDITION: of another form, or made with other files of keys.
absl::Status CheckContentsFact(const contents::ContentKeys& contents, std::string_view value);

// The smallest key above all that begin with `prefix`; empty: there is none.
std::string PrefixEnd(std::string_view prefix);

}  // namespace coalition::exchange

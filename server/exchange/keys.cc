#include "server/exchange/keys.h"

#include <algorithm>

#include "common/big_endian.h"
#include "server/store/prefix.h"

namespace coalition::exchange {
namespace {

constexpr std::string_view kContentsForm = "1";

void AppendId(const RecordId& id, std::string* to) { to->append(id.begin(), id.end()); }

void AppendSeller(std::string_view platform, std::string_view seller_token, std::string* to) {
  to->append(platform);
  to->push_back('\0');
  to->append(seller_token);
  to->push_back('\0');
}

// Of what AppendSeller appends, but for its last byte.
std::optional<SellerInKey> ParseSeller(std::string_view seller) {
  const size_t zero = seller.find('\0');
  if (zero == std::string_view::npos) return std::nullopt;
  return SellerInKey{seller.substr(0, zero), seller.substr(zero + 1)};
}

}  // namespace

std::string EncodePosition(Position position) {
  std::string bytes;
  AppendBigEndian(~position.made, &bytes);
  AppendBigEndian(~position.ordinal, &bytes);
  return bytes;
}

std::optional<Position> DecodePosition(std::string_view bytes) {
  if (bytes.size() != kPositionBytes) return std::nullopt;
  return Position{~ReadBigEndian<uint64_t>(bytes), ~ReadBigEndian<uint32_t>(bytes.substr(8))};
}

std::string SellerPrefix(std::string_view platform, std::string_view seller_token) {
  std::string key;
  key.reserve(3 + platform.size() + seller_token.size() + sizeof(RecordId));
  key += kRecordsPrefix;
  AppendSeller(platform, seller_token, &key);
  return key;
}

std::string RecordKey(std::string_view platform, std::string_view seller_token, const RecordId& id) {
  std::string key = SellerPrefix(platform, seller_token);
  AppendId(id, &key);
  return key;
}

std::optional<RecordId> IdOfRecordKey(std::string_view record_key) {
  RecordId id;
  if (record_key.size() < id.size() + 3 || record_key.front() != kRecordsPrefix.front()) return std::nullopt;
  const std::string_view bytes = record_key.substr(record_key.size() - id.size());
  std::copy(bytes.begin(), bytes.end(), id.begin());
  return id;
}

std::optional<SellerInKey> SellerOfRecordKey(std::string_view record_key) {
  if (!IdOfRecordKey(record_key)) return std::nullopt;
  return ParseSeller(record_key.substr(1, record_key.size() - 2 - sizeof(RecordId)));
}

std::string SiblingKey(std::string_view record_key, const RecordId& id) {
  std::string key(record_key.substr(0, record_key.size() - id.size()));
  AppendId(id, &key);
  return key;
}

std::string IdKey(const RecordId& id) {
  std::string key(kIdsPrefix);
  AppendId(id, &key);
  return key;
}

std::string ExternalIdKey(const contents::ContentKeys& contents, uint32_t member,
                          std::string_view external_id) {
  std::string key(kExternalIdsPrefix);
  AppendBigEndian(member, &key);
  key += contents.ExternalIdToken(member, external_id);
  return key;
}

std::string PresenceKey(uint64_t seller_hash) {
  std::string key(kPresencePrefix);
  AppendBigEndian(seller_hash, &key);
  return key;
}

std::optional<uint64_t> HashOfPresenceKey(std::string_view key) {
  if (key.size() != kPresencePrefix.size() + sizeof(uint64_t)) return std::nullopt;
  return ReadBigEndian<uint64_t>(key.substr(kPresencePrefix.size()));
}

std::string AudiencePrefix(policy::SubjectKind kind, uint32_t id) {
  std::string key(kAudiencesPrefix);
  key.push_back(static_cast<char>(kind));
  AppendBigEndian(id, &key);
  return key;
}

std::string OwnerPrefix(uint32_t member) {
  std::string key(kOwnersPrefix);
  AppendBigEndian(member, &key);
  return key;
}

std::string BackReferencesPrefix(const RecordId& target) {
  std::string key(kBackReferencesPrefix);
  AppendId(target, &key);
  return key;
}

std::string BackReferencePrefix(const RecordId& target, v1::RecordClass record_class) {
  std::string key = BackReferencesPrefix(target);
  key.push_back(static_cast<char>(record_class));
  return key;
}

std::string ClearancePrefix(std::string_view platform, std::string_view seller_token) {
  std::string key(kClearancesPrefix);
  AppendSeller(platform, seller_token, &key);
  return key;
}

std::optional<SellerInKey> SellerOfClearanceKey(std::string_view key) {
  constexpr size_t kAround = kClearancesPrefix.size() + 1 + kPositionBytes;
  if (key.size() <= kAround || !key.starts_with(kClearancesPrefix)) return std::nullopt;
  return ParseSeller(key.substr(kClearancesPrefix.size(), key.size() - kAround));
}

std::string DepartureKey(uint32_t member) {
  std::string key = "d";
  AppendBigEndian(member, &key);
  return key;
}

std::string RequestKey(uint32_t member, Method method, std::string_view request_id) {
  std::string key = "q";
  AppendBigEndian(member, &key);
  key.push_back(static_cast<char>(method));
  key += request_id;
  return key;
}

std::string ExpiryPrefix(int64_t expire_time_s) {
  std::string key(kExpiryPrefix);
  AppendBigEndian(static_cast<uint64_t>(expire_time_s), &key);
  return key;
}

std::string ExpiryKey(int64_t expire_time_s, const RecordId& id) {
  std::string key = ExpiryPrefix(expire_time_s);
  AppendId(id, &key);
  return key;
}

std::optional<Expiring> ParseExpiryKey(std::string_view key) {
  Expiring entry;
  constexpr size_t kIdAt = kExpiryPrefix.size() + sizeof(uint64_t);
  if (key.size() != kIdAt + entry.id.size() || !key.starts_with(kExpiryPrefix)) return std::nullopt;
  entry.expire_time_s = static_cast<int64_t>(ReadBigEndian<uint64_t>(key.substr(kExpiryPrefix.size())));
  std::copy(key.begin() + kIdAt, key.end(), entry.id.begin());
  return entry;
}

std::string ContentsFact(const contents::ContentKeys& contents) {
  return std::string(kContentsForm) + contents.Mark();
}

absl::Status CheckContentsFact(const contents::ContentKeys& contents, std::string_view value) {
  if (!value.starts_with(kContentsForm)) {
    return absl::FailedPreconditionError(
        "the store's contents are of a form that this version does not know");
  }
  return contents.CheckMark(value.substr(kContentsForm.size()));
}

std::string PrefixEnd(std::string_view prefix) { return store::PrefixEnd(prefix); }

}  // namespace coalition::exchange

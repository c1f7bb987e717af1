#include "server/ledger/entry.h"

#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "common/big_endian.h"
#include "common/ledger_leaf.h"
#include "common/random.h"

namespace coalition::ledger {
namespace {

using storage::v1::StoredLedgerEntry;

// What is sealed: both salts, how long the reserved content is, that, and the open content.
constexpr size_t kSaltsBytes = 2 * kPartSaltBytes;
constexpr size_t kHeadBytes = kSaltsBytes + sizeof(uint32_t);

std::string WhatStaysOf(const v1::LedgerContent& content) {
  v1::LedgerContent stays;
  switch (content.content_case()) {
    case v1::LedgerContent::kDisclosure:
      stays.mutable_disclosure();
      break;
    case v1::LedgerContent::kFirstShowings:
      *stays.mutable_first_showings()->mutable_day() = content.first_showings().day();
      stays.mutable_first_showings()->set_member_kind(content.first_showings().member_kind());
      break;
    case v1::LedgerContent::kAct:
      stays.mutable_act();
      break;
    case v1::LedgerContent::kRefusals:
      stays.mutable_refusals();
      break;
    case v1::LedgerContent::CONTENT_NOT_SET:
      break;
  }
  return stays.SerializeAsString();
}

std::string BoundTo(const StoredLedgerEntry& entry) { return entry.open() + entry.reserved(); }

}  // namespace

StoredLedgerEntry MakeEntry(const EntryKeys& keys, int64_t time_ns, const v1::LedgerContent& content,
                            const v1::LedgerReserved& reserved) {
  // Drawn at once.
  std::array<uint8_t, kSaltsBytes + EntryKeys::kChanceBytes> chance;
  PagedRandom().Fill(chance);
  const std::string_view salts = Bytes(chance).substr(0, kSaltsBytes);
  const size_t reserved_bytes = reserved.ByteSizeLong();
  std::string contents;
  contents.reserve(kHeadBytes + reserved_bytes + content.ByteSizeLong());
  contents = salts;
  AppendBigEndian(static_cast<uint32_t>(reserved_bytes), &contents);
  reserved.AppendToString(&contents);
  content.AppendToString(&contents);
  const std::string_view parts = std::string_view(contents).substr(kHeadBytes);
  StoredLedgerEntry entry;
  entry.set_open(
      std::string(Bytes(CommitmentOf(salts.substr(0, kPartSaltBytes), parts.substr(reserved_bytes)))));
  entry.set_reserved(
      std::string(Bytes(CommitmentOf(salts.substr(kPartSaltBytes), parts.substr(0, reserved_bytes)))));
  entry.set_known(WhatStaysOf(content));
  EntryKeys::Sealed sealed =
      keys.Seal(time_ns, std::span(chance).last<EntryKeys::kChanceBytes>(), contents, BoundTo(entry));
  entry.set_key(sealed.key);
  entry.set_sealed(std::move(sealed.bytes));
  return entry;
}

size_t BytesOf(const std::vector<store::Write>& writes) {
  size_t bytes = 0;
  for (const store::Write& write : writes)
    bytes += write.key.size() + (write.value ? write.value->size() : 0);
  return bytes;
}

store::Write EntryWrite(EntryId id, const StoredLedgerEntry& entry) {
  return {EntryKey(id), entry.SerializeAsString()};
}

bool IsWhole(const StoredLedgerEntry& entry) { return ContentOf(entry).has_value(); }

Sha256Digest LeafHashOf(const StoredLedgerEntry& entry) {
  return EntryLeafHash(DigestAt(entry.open(), 0), DigestAt(entry.reserved(), 0));
}

StoredLedgerEntry Ended(const StoredLedgerEntry& entry) {
  StoredLedgerEntry ended = entry;
  ended.clear_sealed();
  ended.clear_first_showings();
  ended.clear_shown_day();
  ended.clear_full_parties();
  return ended;
}

bool HasEnded(const StoredLedgerEntry& entry) { return entry.sealed().empty(); }

std::optional<v1::LedgerContent> ContentOf(const StoredLedgerEntry& entry) {
  if (!ToDigest(entry.open()) || !ToDigest(entry.reserved())) return std::nullopt;
  std::optional<v1::LedgerContent> content(std::in_place);
  if (!content->ParseFromString(entry.known())) return std::nullopt;
  return content;
}

absl::StatusOr<std::optional<EntryParts>> PartsOf(const EntryKeys& keys, const StoredLedgerEntry& entry) {
  std::optional<EntryParts> parts;
  if (HasEnded(entry)) return parts;
  auto opened = keys.Open(entry.key(), entry.sealed(), BoundTo(entry));
  if (!opened.ok()) return opened.status();
  if (!*opened) return parts;
  std::string_view contents = **opened;
  const size_t reserved_bytes =
      contents.size() < kHeadBytes ? 0 : ReadBigEndian<uint32_t>(contents.substr(kSaltsBytes));
  if (contents.size() < kHeadBytes + reserved_bytes)
    return absl::DataLossError("what an entry of the ledger says is not whole");
  parts.emplace();
  parts->open.salt = contents.substr(0, kPartSaltBytes);
  parts->reserved.salt = contents.substr(kPartSaltBytes, kPartSaltBytes);
  contents.remove_prefix(kHeadBytes);
  parts->reserved.content = contents.substr(0, reserved_bytes);
  parts->open.content = contents.substr(reserved_bytes);
  return parts;
}

}  // namespace coalition::ledger

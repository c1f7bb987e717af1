#include "server/ledger/entry.h"

#include <string_view>
#include <utility>

#include "common/ledger_leaf.h"
#include "common/random.h"

namespace coalition::ledger {
namespace {

using storage::v1::StoredLedgerEntry;
using storage::v1::StoredLedgerPart;

// nullopt: its contents have not ended.
std::optional<Sha256Digest> KeptCommitment(const StoredLedgerPart& part) {
  if (!part.salt().empty()) return std::nullopt;
  return ToDigest(std::string_view(part.content()).substr(0, sizeof(Sha256Digest)));
}

v1::LedgerContent WhatStaysOf(const v1::LedgerContent& content) {
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
  return stays;
}

}  // namespace

std::string NewSalt() { return SystemRandom().Bytes(kPartSaltBytes); }

storage::v1::StoredLedgerEntry MakeEntry(const v1::LedgerContent& content,
                                         const v1::LedgerReserved& reserved) {
  storage::v1::StoredLedgerEntry entry;
  entry.mutable_open()->set_salt(NewSalt());
  content.SerializeToString(entry.mutable_open()->mutable_content());
  entry.mutable_reserved()->set_salt(NewSalt());
  reserved.SerializeToString(entry.mutable_reserved()->mutable_content());
  return entry;
}

size_t BytesOf(const std::vector<store::Write>& writes) {
  size_t bytes = 0;
  for (const store::Write& write : writes)
    bytes += write.key.size() + (write.value ? write.value->size() : 0);
  return bytes;
}

store::Write EntryWrite(EntryId id, const storage::v1::StoredLedgerEntry& entry) {
  return {EntryKey(id), entry.SerializeAsString()};
}

Sha256Digest CommitmentTo(const StoredLedgerPart& part) {
  const std::optional<Sha256Digest> kept = KeptCommitment(part);
  return kept ? *kept : CommitmentOf(part.salt(), part.content());
}

Sha256Digest LeafHashOf(const storage::v1::StoredLedgerEntry& entry) {
  return EntryLeafHash(CommitmentTo(entry.open()), CommitmentTo(entry.reserved()));
}

StoredLedgerEntry Ended(const StoredLedgerEntry& entry, const v1::LedgerContent& content) {
  StoredLedgerEntry ended;
  std::string& open = *ended.mutable_open()->mutable_content();
  open = Bytes(CommitmentTo(entry.open()));
  open += WhatStaysOf(content).SerializeAsString();
  ended.mutable_reserved()->set_content(std::string(Bytes(CommitmentTo(entry.reserved()))));
  *ended.mutable_parties() = entry.parties();
  return ended;
}

bool HasEnded(const StoredLedgerEntry& entry) { return entry.open().salt().empty(); }

std::optional<v1::LedgerContent> ContentOf(const StoredLedgerEntry& entry) {
  std::string_view bytes = entry.open().content();
  if (HasEnded(entry)) {
    if (!KeptCommitment(entry.open()) || !KeptCommitment(entry.reserved())) return std::nullopt;
    bytes.remove_prefix(sizeof(Sha256Digest));
  }
  std::optional<v1::LedgerContent> content(std::in_place);
  if (!content->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
  return content;
}

}  // namespace coalition::ledger

#include "server/ledger/entry.h"

#include "common/ledger_leaf.h"
#include "common/random.h"

namespace coalition::ledger {
namespace {

Sha256Digest CommitmentTo(const storage::v1::StoredLedgerPart& part) {
  return CommitmentOf(part.salt(), part.content());
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

store::Write EntryWrite(EntryId id, const storage::v1::StoredLedgerEntry& entry) {
  return {EntryKey(id), entry.SerializeAsString()};
}

Sha256Digest LeafHashOf(const storage::v1::StoredLedgerEntry& entry) {
  return EntryLeafHash(CommitmentTo(entry.open()), CommitmentTo(entry.reserved()));
}

}  // namespace coalition::ledger

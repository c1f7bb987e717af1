// Entries as they are written: with the act, in the same commit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coalition/storage/v1/ledger.pb.h"
#include "coalition/v1/ledger_service.pb.h"
#include "common/hash.h"
#include "server/ledger/keys.h"
#include "server/store/store.h"

namespace coalition::ledger {

// kPartSaltBytes random bytes. Of the process's own source of chance, which must not be steered: who knows a
// salt can guess what was committed to. Does not block.
std::string NewSalt();

// An entry of `content`, and of `reserved` for fewer, each under a new salt.
storage::v1::StoredLedgerEntry MakeEntry(const v1::LedgerContent& content,
                                         const v1::LedgerReserved& reserved = {});

// About what the writes take, for the lane's limits.
size_t BytesOf(const std::vector<store::Write>& writes);

store::Write EntryWrite(EntryId id, const storage::v1::StoredLedgerEntry& entry);

// What a part is committed to by, also where its contents have ended.
Sha256Digest CommitmentTo(const storage::v1::StoredLedgerPart& part);
// As StoredLedgerEntry's leaf in the tree of its tick.
Sha256Digest LeafHashOf(const storage::v1::StoredLedgerEntry& entry);

// An entry whose contents and salts are gone, of which the hashes stay. The form is durable: a part without a
// salt has its commitment as content. Behind that of the open part stands a LedgerContent with what it takes
// to know who may open the entry: its kind, and of first showings the day and the kind of member. Nobody is
// shown that.
storage::v1::StoredLedgerEntry Ended(const storage::v1::StoredLedgerEntry& entry,
                                     const v1::LedgerContent& content);
bool HasEnded(const storage::v1::StoredLedgerEntry& entry);
// The open part's, or what is left of it. nullopt: the entry is damaged.
std::optional<v1::LedgerContent> ContentOf(const storage::v1::StoredLedgerEntry& entry);

}  // namespace coalition::ledger

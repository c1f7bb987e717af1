// Entries as they are written: with the act, in the same commit.
#pragma once

#include <cstdint>
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

store::Write EntryWrite(EntryId id, const storage::v1::StoredLedgerEntry& entry);

// As StoredLedgerEntry's leaf in the tree of its tick.
Sha256Digest LeafHashOf(const storage::v1::StoredLedgerEntry& entry);

}  // namespace coalition::ledger

// Entries as they are written: with the act, in the same commit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coalition/storage/v1/ledger.pb.h"
#include "coalition/v1/ledger_service.pb.h"
#include "common/hash.h"
#include "server/ledger/entry_keys.h"
#include "server/ledger/keys.h"
#include "server/store/store.h"

namespace coalition::ledger {

// An entry of `content`, and of `reserved` for fewer, each under a new salt of kPartSaltBytes; sealed with a
// key of the day of `time_ns`. Salts are of the process's own source of chance, which must not be steered:
// who knows a salt can guess what was committed to. Does not block.
storage::v1::StoredLedgerEntry MakeEntry(const EntryKeys& keys, int64_t time_ns,
                                         const v1::LedgerContent& content,
                                         const v1::LedgerReserved& reserved = {});

// About what the writes take, for the lane's limits.
size_t BytesOf(const std::vector<store::Write>& writes);

store::Write EntryWrite(EntryId id, const storage::v1::StoredLedgerEntry& entry);

// Whether both commitments are there, and what stays known of its open part.
bool IsWhole(const storage::v1::StoredLedgerEntry& entry);
// As StoredLedgerEntry's leaf in the tree of its tick. Of a whole entry.
Sha256Digest LeafHashOf(const storage::v1::StoredLedgerEntry& entry);

// An entry whose contents and salts are gone, of which the hashes stay, and what it takes to know who may
// open it: its kind, and of first showings the day and the kind of member.
storage::v1::StoredLedgerEntry Ended(const storage::v1::StoredLedgerEntry& entry);
// By its row. Where its key is destroyed it has ended, too, which PartsOf tells.
bool HasEnded(const storage::v1::StoredLedgerEntry& entry);
// What stays known of the open part when it has ended, which is enough for OpeningFor. nullopt: the entry is
// damaged.
std::optional<v1::LedgerContent> ContentOf(const storage::v1::StoredLedgerEntry& entry);

struct EntryPart {
  std::string salt;
  std::string content;
};
struct EntryParts {
  EntryPart open;      // of a LedgerContent
  EntryPart reserved;  // of a LedgerReserved
};
// nullopt: they have ended, or their key is destroyed. DATA_LOSS: the entry is damaged.
absl::StatusOr<std::optional<EntryParts>> PartsOf(const EntryKeys& keys,
                                                  const storage::v1::StoredLedgerEntry& entry);

}  // namespace coalition::ledger

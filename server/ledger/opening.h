// Who may open which part of an entry. Every function is thread-safe.
#pragma once

#include <cstdint>
#include <optional>

#include "coalition/storage/v1/ledger.pb.h"
#include "coalition/v1/ledger_service.pb.h"
#include "common/policy/state.h"
#include "server/ledger/entry.h"
#include "server/ledger/log_reader.h"

namespace coalition::ledger {

// On whose behalf entries are read, by which state of the coalition, at what time.
struct EntryAsker {
  const policy::State& state;  // must outlive the asker
  uint32_t member = 0;
  bool audits = false;
  int64_t now_s = 0;
};

// `reserved` only with `open`. Neither: for the asker there is no such entry.
struct Opening {
  bool open = false;
  bool reserved = false;
  friend bool operator==(const Opening&, const Opening&) = default;
};

// `content`: as ContentOf(entry). An entry is its parties', as far as it says. Of first showings
// whoever was not shown them itself, so the contributor, is not told the member where the policy in force has
// members of that kind told by their kind alone, and knows nothing while the policy seals them. An auditor
// opens acts and refusals of anybody, and the others where the policy says so. What is of no kind that this
// build knows, nobody opens.
Opening OpeningFor(const EntryAsker& asker, const storage::v1::StoredLedgerEntry& entry,
                   const v1::LedgerContent& content);

// UNSPECIFIED: of no kind that this build knows.
v1::LedgerEntryKind KindOf(const v1::LedgerContent& content);

// The entry as far as it is opened: of the open part salt and content, of the reserved one the commitment at
// least. Of one whose contents have ended both commitments and nothing else. `parts`: as PartsOf(entry).
v1::LedgerEntry Opened(const SealedEntry& sealed, const std::optional<EntryParts>& parts, Opening opening);

}  // namespace coalition::ledger

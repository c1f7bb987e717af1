// What was written since the last tick: read back from the store, checked and hashed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "coalition/storage/v1/ledger.pb.h"
#include "common/hash.h"
#include "server/ledger/keys.h"
#include "server/store/store.h"

namespace coalition::ledger {

// First showings of a call, for the entries of the day.
struct CallShowings {
  uint32_t member = 0;  // who was shown them
  int64_t day = 0;      // days since 1970-01-01, UTC
  std::vector<storage::v1::StoredFirstShowing> showings;
};

struct UnsealedEntry {
  EntryId id;
  Sha256Digest leaf{};
  std::vector<uint32_t> parties;  // ascending, each once
  CallShowings first;             // without showings: none
};

// Of a row, whose contents have not ended: what it says stays sealed. nullopt: it is damaged.
std::optional<UnsealedEntry> CheckEntry(std::string_view key, std::string_view value);

struct Unsealed {
  std::vector<UnsealedEntry> entries;  // in the order of their ids
  // All entries up to this revision are among them.
  store::Revision last_revision = 0;
};

// About what the rows of a tick take that seal so much. A tick of more is too large for one commit.
inline constexpr size_t kTickBytesMax = size_t{12} << 20;

// The entries of revisions after `after` and up to `at`, and of those of so many revisions from the first on
// that their tick has about `bytes_max` bytes; of at least one revision. DATA_LOSS, naming the entry: one of
// them is damaged; nothing behind it may be sealed. And the store's errors.
absl::StatusOr<Unsealed> ReadUnsealed(const store::Store& store, store::Revision after, store::Revision at,
                                      size_t bytes_max = kTickBytesMax);

}  // namespace coalition::ledger

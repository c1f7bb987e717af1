// What is left to do of erasures. Whoever erases records takes them back and writes, in the same commit, a
// row `z id` for each, then destroys their keys, and then removes these rows. So where a crash, or a disk
// that refuses, comes in between, nobody is shown them any more, and the row says what is missing.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "server/contents/contents.h"
#include "server/exchange/keys.h"
#include "server/store/store.h"

namespace coalition::exchange {

// Every function is thread-safe.

inline constexpr std::string_view kErasuresPrefix = "z";
// Of an empty row: the record is taken back and marked as erased, and its key is to be destroyed.
std::string ErasureKey(const RecordId& id);
// nullopt: it is no such key.
std::optional<RecordId> IdOfErasureKey(std::string_view key);

// Removes the rows of those of these records that have one, whose keys are destroyed.
store::Commit EndOfErasures(std::span<const RecordId> ids);

// Finishes what was begun, before anybody is served: destroys the keys of all rows `z`, and of `known` (what
// the journal of denials says was erased) where a copy of the keys from before was put back; then removes the
// rows. How many keys were still there. May be repeated. Blocks. Errors: the store's, and those of
// ContentKeys::Erase.
absl::StatusOr<size_t> FinishErasures(store::Store& store, contents::ContentKeys& contents,
                                      std::span<const RecordId> known);

// A record, not among `erased`, whose contents lie under the same key as those of `id`, which would be lost
// with them: of ten million about one erasure in thirty million finds one. nullopt: there is none. Errors:
// the store's.
absl::StatusOr<std::optional<RecordId>> SharingKey(const store::Store& store, const RecordId& id,
                                                   const absl::flat_hash_set<RecordId>& erased,
                                                   store::Revision at);

}  // namespace coalition::exchange

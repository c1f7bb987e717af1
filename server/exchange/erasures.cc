#include "server/exchange/erasures.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "absl/status/status.h"

namespace coalition::exchange {
namespace {

// Of a record's id: what its key is found by.
constexpr size_t kKeyedBytes = contents::ContentKeys::kTreeBits / 8;
static_assert(contents::ContentKeys::kTreeBits % 8 == 0 && kKeyedBytes <= sizeof(RecordId));
// Of one commit.
constexpr size_t kRowsAtOnce = 1'000;

std::optional<RecordId> IdBehind(std::string_view prefix, std::string_view key) {
  RecordId id;
  if (key.size() != prefix.size() + id.size() || !key.starts_with(prefix)) return std::nullopt;
  std::copy(key.begin() + static_cast<std::ptrdiff_t>(prefix.size()), key.end(), id.begin());
  return id;
}

absl::StatusOr<std::vector<RecordId>> Begun(const store::Store& store) {
  std::vector<RecordId> ids;
  const absl::Status scanned =
      store.ScanEach(kErasuresPrefix, PrefixEnd(kErasuresPrefix), store.Head(),
                     [&ids](std::string_view key, std::string_view, store::Revision) {
                       if (const auto id = IdOfErasureKey(key)) ids.push_back(*id);
                       return true;
                     });
  if (!scanned.ok()) return scanned;
  return ids;
}

}  // namespace

std::string ErasureKey(const RecordId& id) {
  std::string key(kErasuresPrefix);
  key.append(id.begin(), id.end());
  return key;
}

std::optional<RecordId> IdOfErasureKey(std::string_view key) { return IdBehind(kErasuresPrefix, key); }

store::Commit EndOfErasures(std::span<const RecordId> ids) {
  store::Commit commit;
  commit.reads.reserve(ids.size());
  for (const RecordId& id : ids) commit.reads.push_back(ErasureKey(id));
  commit.build = [keys = commit.reads](store::Revision,
                                       std::span<const std::optional<store::Version>> values) {
    std::vector<store::Write> writes;
    for (size_t i = 0; i < keys.size(); ++i) {
      if (values[i].has_value()) writes.push_back({keys[i], std::nullopt});
    }
    return absl::StatusOr<std::vector<store::Write>>(std::move(writes));
  };
  return commit;
}

absl::StatusOr<size_t> FinishErasures(store::Store& store, contents::ContentKeys& contents,
                                      std::span<const RecordId> known) {
  const auto begun = Begun(store);
  if (!begun.ok()) return begun.status();
  std::vector<RecordId> left;
  for (const std::span<const RecordId> ids : {known, std::span<const RecordId>(*begun)}) {
    std::copy_if(ids.begin(), ids.end(), std::back_inserter(left),
                 [&contents](const RecordId& id) { return !contents.IsErased(id); });
  }
  std::sort(left.begin(), left.end());
  left.erase(std::unique(left.begin(), left.end()), left.end());
  if (!left.empty()) {
    if (absl::Status erased = contents.Erase(left); !erased.ok()) return erased;
  }
  const std::span<const RecordId> rows(*begun);
  for (size_t from = 0; from < rows.size(); from += kRowsAtOnce) {
    const store::Commit end = EndOfErasures(rows.subspan(from, std::min(kRowsAtOnce, rows.size() - from)));
    const auto ended = store.CommitAll(std::span(&end, 1));
    if (!ended[0].ok()) return ended[0].status();
  }
  return left.size();
}

absl::StatusOr<std::optional<RecordId>> SharingKey(const store::Store& store, const RecordId& id,
                                                   const absl::flat_hash_set<RecordId>& erased,
                                                   store::Revision at) {
  const std::string prefix = IdKey(id).substr(0, kIdsPrefix.size() + kKeyedBytes);
  std::optional<RecordId> other;
  const absl::Status scanned = store.ScanEach(prefix, PrefixEnd(prefix), at,
                                              [&](std::string_view key, std::string_view, store::Revision) {
                                                const auto found = IdBehind(kIdsPrefix, key);
                                                if (found && !erased.contains(*found)) other = found;
                                                return !other.has_value();
                                              });
  if (!scanned.ok()) return scanned;
  return other;
}

}  // namespace coalition::exchange

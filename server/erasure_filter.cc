#include "server/erasure_filter.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "coalition/storage/v1/storage.pb.h"
#include "common/ids.h"
#include "server/exchange/draft.h"
#include "server/exchange/keys.h"
#include "server/exchange/stored_record.h"
#include "server/exchange/taken_back.h"
#include "server/store/commit_writes.h"

namespace coalition::server {
namespace {

using exchange::RecordId;
using Writes = std::vector<store::Write>;

// Of one commit.
constexpr size_t kRemovalsAtOnce = 1'000;
// Rows whose value is the key of a record that is found by them.
constexpr std::string_view kIndexes[] = {exchange::kAudiencesPrefix, exchange::kBackReferencesPrefix,
                                         exchange::kExpiryPrefix, exchange::kOwnersPrefix};

bool IsOfIndex(std::string_view key) {
  return std::any_of(std::begin(kIndexes), std::end(kIndexes),
                     [key](std::string_view prefix) { return key.starts_with(prefix); });
}

}  // namespace

std::optional<std::string> ErasureFilter::Take(std::string_view key, std::string_view value) {
  std::optional<std::string> kept(value);
  if (key.starts_with(exchange::kRecordsPrefix)) {
    const auto id = exchange::IdOfRecordKey(key);
    return id && contents_.IsErased(*id) ? TakeRecord(*id, key, value) : kept;
  }
  if (IsOfIndex(key)) {
    const auto id = exchange::IdOfRecordKey(value);
    return id && contents_.IsErased(*id) ? std::nullopt : kept;
  }
  if (key.starts_with(exchange::kExternalIdsPrefix)) {
    storage::v1::StoredExternalId entry;
    const auto id = entry.ParseFromString(*kept) ? RecordIdToBytes(entry.record_id()) : std::nullopt;
    // Taken for good, by a record that is not there.
    if (id && contents_.IsErased(*id)) return exchange::ExternalIdEntry(*id, "");
    return kept;
  }
  const auto id = exchange::IdOfTakenBackKey(key);
  storage::v1::StoredTakenBack how;
  if (!id || !contents_.IsErased(*id) || !how.ParseFromString(*kept)) return kept;
  said_.insert(*id);
  return exchange::ErasedWrite(*id, std::move(how)).value;
}

std::optional<std::string> ErasureFilter::TakeRecord(const RecordId& id, std::string_view key,
                                                     std::string_view value) {
  exchange::Removal removal;
  removal.id = id;
  const exchange::TakingBack how = HowOf(id);
  if (const auto stored = exchange::ParseStoredRecord(value)) {
    removal.writes.push_back(exchange::TakenBackWrite(contents_, id, stored->header, how));
    const auto seller = exchange::SellerOfRecordKey(key);
    if (how.kind == v1::RETRACTION_KIND_CLEARED && seller &&
        stored->header.record_class() == v1::RECORD_CLASS_OFFENDER_REPORT) {
      removal.clearance_prefix = exchange::ClearancePrefix(seller->platform, seller->token);
    }
  } else {
    storage::v1::StoredTakenBack unknown;
    unknown.set_kind(v1::RETRACTION_KIND_GONE);
    unknown.set_time_s(how.time_s);
    removal.writes.push_back(exchange::ErasedWrite(id, std::move(unknown)));
  }
  gone_.insert_or_assign(id, std::move(removal));
  return std::nullopt;
}

exchange::TakingBack ErasureFilter::HowOf(const RecordId& id) const {
  exchange::TakingBack how = exchange::GoneAt(now_s_);
  const auto known = denied_.records.find(std::string(id.begin(), id.end()));
  if (known != denied_.records.end() && known->second.kind() != v1::RETRACTION_KIND_UNSPECIFIED) {
    how.kind = known->second.kind();
    how.time_s = known->second.time_s();
    how.grounds = known->second.grounds();
  }
  how.erased = true;
  return how;
}

std::vector<exchange::Removal> ErasureFilter::Missing() const {
  std::vector<exchange::Removal> missing;
  for (const auto& [id, removal] : gone_) {
    if (!said_.contains(id)) missing.push_back(removal);
  }
  return missing;
}

absl::Status CommitRemovals(store::Store& store, std::vector<exchange::Removal> removals) {
  const std::span<const exchange::Removal> all(removals);
  for (size_t from = 0; from < all.size(); from += kRemovalsAtOnce) {
    const auto part = all.subspan(from, std::min(kRemovalsAtOnce, all.size() - from));
    store::Commit commit;
    commit.build = [part](store::Revision revision, std::span<const std::optional<store::Version>>) {
      Writes writes;
      uint32_t place = 0;
      for (const exchange::Removal& removal : part) removal.AppendTo(revision, place++, &writes);
      return absl::StatusOr<Writes>(std::move(writes));
    };
    const auto made = store.CommitAll(std::span(&commit, 1));
    if (!made[0].ok()) return made[0].status();
  }
  return absl::OkStatus();
}

absl::Status LeaveOutErased(const contents::ContentKeys& contents, const denials::Denied& denied,
                            int64_t now_s, store::Store& store) {
  ErasureFilter filter(contents, denied, now_s);
  Writes writes;
  const auto visit = [&](std::string_view key, std::string_view value, store::Revision) {
    std::optional<std::string> becomes = filter.Take(key, value);
    if (!becomes || *becomes != value) writes.push_back({std::string(key), std::move(becomes)});
    return true;
  };
  if (absl::Status read = store.ScanEach({}, {}, store.Head(), visit); !read.ok()) return read;
  // First how they were taken back: whoever is told that one is gone is told how.
  if (absl::Status said = CommitRemovals(store, filter.Missing()); !said.ok()) return said;
  Writes part;
  for (store::Write& write : writes) {
    part.push_back(std::move(write));
    if (part.size() < kRemovalsAtOnce) continue;
    if (const auto made = store::CommitWrites(store, std::exchange(part, {})); !made.ok())
      return made.status();
  }
  return store::CommitWrites(store, std::move(part)).status();
}

}  // namespace coalition::server

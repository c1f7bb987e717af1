#include "server/denials/replay.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/policy/transfer.h"
#include "common/timestamp.h"
#include "server/exchange/access.h"
#include "server/exchange/draft.h"
#include "server/exchange/keys.h"
#include "server/exchange/removal.h"
#include "server/exchange/stored_record.h"
#include "server/store/commit_writes.h"

namespace coalition::denials {
namespace {

using storage::v1::DeniedRecord;
using Writes = std::vector<store::Write>;

constexpr size_t kExclusionsMax = 255;
constexpr size_t kRowBytesMax = size_t{8} << 20;  // of one commit
constexpr int64_t kSecondNs = 1'000'000'000;

// One record of the store and what is to be denied of it.
struct Target {
  std::string key;
  store::Version version;
  const DeniedRecord* denied = nullptr;
};

// What both let happen. nullopt: nothing that can be said.
std::optional<policy::Header> Meet(policy::Header kept, const policy::Header& denied) {
  const bool live =
      denied.state == policy::Lifecycle::kActive || denied.state == policy::Lifecycle::kContested;
  if (!live || denied.contributor != kept.contributor) return std::nullopt;
  if (denied.state == policy::Lifecycle::kContested) kept.state = denied.state;
  kept.label = std::min(kept.label, denied.label);
  kept.permitted_action = std::min(kept.permitted_action, denied.permitted_action);
  kept.expire_time_s = std::min(kept.expire_time_s, denied.expire_time_s);
  std::vector<policy::HeaderGrant> grants;
  for (policy::HeaderGrant grant : kept.grants) {
    const auto same = std::find_if(denied.grants.begin(), denied.grants.end(), [&grant](const auto& other) {
      return other.kind == grant.kind && other.id == grant.id && other.view == grant.view;
    });
    if (same == denied.grants.end()) continue;
    grant.attached = std::max(grant.attached, same->attached);
    grants.push_back(grant);
  }
  kept.grants = std::move(grants);
  for (const policy::HeaderExclusion& exclusion : denied.exclusions) {
    if (std::find(kept.exclusions.begin(), kept.exclusions.end(), exclusion) == kept.exclusions.end())
      kept.exclusions.push_back(exclusion);
  }
  if (kept.exclusions.size() > kExclusionsMax) return std::nullopt;
  return kept;
}

// What the record says of itself, as its header then is: so that its next revision loses nothing of it.
void Narrow(const policy::State& state, const policy::Header& before, const policy::Header& header,
            int64_t now_ns, v1::Record* record) {
  record->set_label(header.label);
  record->set_permitted_action(header.permitted_action);
  if (header.grants != before.grants || header.exclusions != before.exclusions)
    *record->mutable_audience() = policy::AudienceOf(state, header);
  if (header.state == policy::Lifecycle::kContested) {
    v1::Contest& contest = *record->mutable_contest();
    if (before.state != header.state) {
      contest.Clear();
      *contest.mutable_contest_time() = ToTimestamp(now_ns);
    }
    contest.mutable_lapse_time()->set_seconds(header.expire_time_s);
  } else if (header.expire_time_s != before.expire_time_s) {
    record->mutable_expire_time()->set_seconds(header.expire_time_s);
  }
  *record->mutable_update_time() = ToTimestamp(exchange::NextUpdateNs(record->update_time(), now_ns));
}

// The writes of the narrower form. Empty: it is narrow enough.
absl::StatusOr<Writes> NarrowedForm(const Target& target, const exchange::StoredRecordView& stored,
                                    const policy::Header& header, const policy::State& state,
                                    const contents::ContentKeys& contents, int64_t now_ns) {
  Writes writes;
  const policy::Header before = stored.header.ToHeader();
  if (header == before) return writes;
  const auto id = exchange::IdOfRecordKey(target.key);
  if (!id) return exchange::Corrupt();
  auto record = exchange::OpenMessage(contents, *id, stored);
  if (!record.ok()) return record.status();
  if (!record->has_value()) return writes;  // erased: nobody is shown it
  const auto references = exchange::ReferencesOf(**record);
  Narrow(state, before, header, now_ns, &**record);
  exchange::AppendForm(
      target.key, exchange::SealStoredRecord(contents, *id, header, stored.ordinal, stored.verdict, **record),
      before.expire_time_s, header.expire_time_s, &writes);
  auto left = exchange::IndexPrefixes(before, references), stay = exchange::IndexPrefixes(header, references);
  std::sort(left.begin(), left.end());
  std::sort(stay.begin(), stay.end());
  std::vector<std::string> gone;
  std::set_difference(left.begin(), left.end(), stay.begin(), stay.end(), std::back_inserter(gone));
  const std::string position = exchange::EncodePosition(stored.position());
  for (const std::string& prefix : gone) writes.push_back({prefix + position, std::nullopt});
  return writes;
}

exchange::TakingBack HowOf(const DeniedRecord& denied, int64_t now_ns) {
  if (denied.header().empty()) {
    return {.kind = denied.kind(),
            .time_s = denied.time_s(),
            .grounds = denied.grounds(),
            .erased = denied.erased()};
  }
  return exchange::GoneAt(now_ns / kSecondNs);
}

// nullopt: the store has no such record.
absl::StatusOr<std::optional<Target>> Find(const DeniedRecord& denied, const store::Store& store) {
  const std::string id_key = std::string(exchange::kIdsPrefix) + denied.id();
  const auto place = store.Read(std::span(&id_key, 1), store.Head());
  if (!place.ok()) return place.status();
  if (!place->front()) return std::optional<Target>();
  const std::string& key = place->front()->value;
  auto row = store.Read(std::span(&key, 1), store.Head());
  if (!row.ok()) return row.status();
  if (!row->front()) return std::optional<Target>();
  return std::optional<Target>({key, *std::move(row->front()), &denied});
}

// Commits what was collected at a size that nobody waits long for; whatever is left at the end.
class Replay {
 public:
  Replay(const policy::State& state, const contents::ContentKeys& contents, int64_t now_ns,
         store::Store& store, Replayed* done)
      : state_(state), contents_(contents), now_ns_(now_ns), store_(store), done_(*done) {}

  absl::Status Deny(const DeniedRecord& denied, const IsOlder& is_older) {
    const auto target = Find(denied, store_);
    if (!target.ok()) return target.status();
    if (!*target || !is_older(denied.revision(), (*target)->version.revision)) return absl::OkStatus();
    const auto stored = exchange::ParseStoredRecord((*target)->version.value);
    if (!stored) return absl::OkStatus();  // nobody is shown it
    std::optional<policy::Header> header;
    if (const auto said = policy::HeaderView::Parse(denied.header()); said)
      header = Meet(stored->header.ToHeader(), said->ToHeader());
    absl::Status added = header ? AddForm(**target, *stored, *header) : AddRemoval(**target, *stored);
    if (added.ok() && bytes_ >= exchange::kBatchBytesMax) added = Commit();
    return added;
  }

  absl::Status Commit() {
    store::Commit commit;
    commit.build = [this](store::Revision revision, std::span<const std::optional<store::Version>>) {
      Writes writes = forms_;
      uint32_t place = 0;
      for (const exchange::Removal& removal : removals_) removal.AppendTo(revision, place++, &writes);
      return absl::StatusOr<Writes>(std::move(writes));
    };
    const auto made = store_.CommitAll(std::span(&commit, 1));
    forms_.clear();
    removals_.clear();
    bytes_ = 0;
    return made[0].status();
  }

 private:
  absl::Status AddForm(const Target& target, const exchange::StoredRecordView& stored,
                       const policy::Header& header) {
    auto writes = NarrowedForm(target, stored, header, state_, contents_, now_ns_);
    if (!writes.ok()) return writes.status();
    if (writes->empty()) return absl::OkStatus();
    bytes_ += exchange::BytesOf(*writes);
    std::move(writes->begin(), writes->end(), std::back_inserter(forms_));
    ++done_.narrowed;
    return absl::OkStatus();
  }

  absl::Status AddRemoval(const Target& target, const exchange::StoredRecordView& stored) {
    auto removal = exchange::RemovalOf(contents_, target.key, stored, HowOf(*target.denied, now_ns_), "name");
    if (!removal.ok()) return removal.status();
    bytes_ += removal->bytes();
    removals_.push_back(*std::move(removal));
    ++done_.taken_back;
    return absl::OkStatus();
  }

  const policy::State& state_;
  const contents::ContentKeys& contents_;
  const int64_t now_ns_;
  store::Store& store_;
  Replayed& done_;
  Writes forms_;
  std::vector<exchange::Removal> removals_;
  size_t bytes_ = 0;
};

}  // namespace

absl::Status ReplayRows(const Denied& denied, const IsOlder& is_older, store::Store& store, Replayed* done) {
  std::vector<std::string> keys;
  keys.reserve(denied.rows.size());
  for (const auto& [key, row] : denied.rows) keys.push_back(key);
  const auto stored = store.Read(keys, store.Head());
  if (!stored.ok()) return stored.status();
  Writes writes;
  size_t bytes = 0, next = 0;
  for (const auto& [key, row] : denied.rows) {
    const auto& has = (*stored)[next++];
    if (!is_older(row.revision(), has ? has->revision : 0)) continue;
    writes.push_back({key, row.removed() ? std::nullopt : std::optional(row.value())});
    bytes += key.size() + row.value().size();
    ++done->rows;
    if (bytes < kRowBytesMax) continue;
    if (const auto made = store::CommitWrites(store, std::exchange(writes, {})); !made.ok())
      return made.status();
    bytes = 0;
  }
  return store::CommitWrites(store, std::move(writes)).status();
}

absl::Status ReplayRecords(const Denied& denied, const IsOlder& is_older, const policy::State& state,
                           const contents::ContentKeys& contents, int64_t now_ns, store::Store& store,
                           Replayed* done) {
  Replay replay(state, contents, now_ns, store, done);
  for (const auto& [id, record] : denied.records) {
    if (absl::Status again = replay.Deny(record, is_older); !again.ok()) return again;
  }
  return replay.Commit();
}

}  // namespace coalition::denials

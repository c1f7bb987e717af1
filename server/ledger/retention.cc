#include "server/ledger/retention.h"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/ledger/entry.h"
#include "server/ledger/lane_commit.h"
#include "server/store/prefix.h"

namespace coalition::ledger {
namespace {

using storage::v1::StoredLedgerEntry;
using Values = std::span<const std::optional<store::Version>>;

constexpr int64_t kDayMs = 86'400'000;
// What is due is looked for so often: it takes some dozen reads.
constexpr int64_t kLookEveryMs = 60'000;

absl::Status Damaged(EntryId id) {
  return absl::DataLossError(absl::StrCat("the ledger is damaged: entry ", id.place, " of revision ",
                                          id.revision, " is not whole, and its contents can't end"));
}

}  // namespace

absl::StatusOr<StoredLedgerEntry> EndedOnDisk(const EntryKeys& keys, const ReceiverOpens& receiver_opens,
                                              const StoredLedgerEntry& entry) {
  const std::optional<v1::LedgerContent> known = ContentOf(entry);
  if (!known) return absl::DataLossError("an entry of the ledger is not whole");
  StoredLedgerEntry ended = Ended(entry);
  if (HasEnded(entry) || !known->has_disclosure() || !receiver_opens) return ended;
  const absl::StatusOr<std::optional<EntryParts>> parts = PartsOf(keys, entry);
  if (!parts.ok()) return parts.status();
  bool receiver_stays = false;
  if (*parts) {
    v1::LedgerContent content;
    if (!content.ParseFromString((*parts)->open.content))
      return absl::DataLossError("what an entry of the ledger says is not whole");
    const absl::StatusOr<bool> opens = receiver_opens(content.disclosure());
    if (!opens.ok()) return opens.status();
    receiver_stays = *opens;
  }
  if (!receiver_stays) ended.clear_parties();
  return ended;
}

absl::StatusOr<bool> Retention::Step(int64_t now_ms, int64_t days_done, uint64_t size) {
  if (options_.keep.count() == 0) return false;
  const int64_t keep_ms = std::chrono::milliseconds(options_.keep).count();
  absl::StatusOr<bool> more = Continue(std::min(now_ms - keep_ms, (days_done + 1) * kDayMs), size);
  if (!more.ok()) ended_.reset();
  return more;
}

absl::StatusOr<bool> Retention::Continue(int64_t before_ms, uint64_t size) {
  if (!ended_) {
    if (absl::Status loaded = Load(); !loaded.ok()) return loaded;
  }
  if (*ended_ >= due_) {
    if (looked_ms_ && before_ms < *looked_ms_ + kLookEveryMs) return false;
    const absl::StatusOr<store::Revision> due = DueBefore(before_ms, size);
    if (!due.ok()) return due.status();
    due_ = *due;
    looked_ms_ = before_ms;
  }
  if (*ended_ < due_) {
    if (absl::Status status = EndSome(); !status.ok()) return status;
    if (*ended_ < due_) return true;
  }
  if (absl::Status status = DestroyKeys(before_ms); !status.ok()) return status;
  return false;
}

absl::Status Retention::DestroyKeys(int64_t before_ms) {
  // The day before is left to entries that were written late, or by a call that had begun on it.
  int64_t day = before_ms / kDayMs - 1;
  absl::Status damaged;
  absl::Status read =
      store_.ScanEach(EntriesFrom(*ended_ + 1), store::PrefixEnd(kEntriesPrefix), store_.Head(),
                      [&](std::string_view key, std::string_view value, store::Revision) {
                        StoredLedgerEntry first;
                        if (!first.ParseFromArray(value.data(), static_cast<int>(value.size())))
                          damaged = Damaged(IdOfEntryKey(key).value_or(EntryId{}));
                        day = std::min(day, EntryKeys::DayOf(first.key()));
                        return false;
                      });
  read.Update(damaged);
  return read.ok() ? keys_->DestroyDaysBefore(day) : read;
}

absl::Status Retention::Load() {
  const std::string key(kEndedKey);
  const auto rows = store_.Read(std::span(&key, 1), store_.Head());
  if (!rows.ok()) return rows.status();
  written_ = 0;
  if (rows->front()) {
    const std::optional<store::Revision> revision = RevisionOfEndedValue(rows->front()->value);
    if (!revision) {
      return absl::DataLossError("the ledger is damaged: how far its contents have ended is not whole");
    }
    written_ = *revision;
  }
  ended_ = written_;
  return absl::OkStatus();
}

absl::StatusOr<store::Revision> Retention::DueBefore(int64_t time_ms, uint64_t size) const {
  const absl::StatusOr<uint64_t> first = log_.FirstTickFrom(time_ms, size);
  if (!first.ok()) return first.status();
  if (*first == 0) return store::Revision{0};
  const auto tick = log_.FindTick(*first - 1);
  if (!tick.ok()) return tick.status();
  if (!*tick)
    return absl::DataLossError(absl::StrCat("the ledger is damaged: tick ", *first - 1, " is gone"));
  return (*tick)->last_revision();
}

absl::Status Retention::EndSome() {
  const absl::StatusOr<Batch> batch = NextBatch();
  if (!batch.ok()) return batch.status();
  std::vector<store::Write> writes;
  for (const auto& [id, entry] : batch->entries) {
    if (HasEnded(entry)) continue;
    const absl::StatusOr<StoredLedgerEntry> ended = EndedOnDisk(*keys_, options_.receiver_opens, entry);
    if (absl::IsDataLoss(ended.status())) return Damaged(id);
    if (!ended.ok()) return ended.status();
    writes.push_back(EntryWrite(id, *ended));
  }
  if (!writes.empty()) {
    if (absl::Status committed = Commit(std::move(writes), batch->last); !committed.ok()) return committed;
  }
  ended_ = batch->last;
  return absl::OkStatus();
}

absl::StatusOr<Retention::Batch> Retention::NextBatch() const {
  Batch batch;
  batch.last = due_;
  size_t bytes = 0;
  absl::Status damaged;
  absl::Status read =
      store_.ScanEach(EntriesFrom(*ended_ + 1), EntriesFrom(due_ + 1), store_.Head(),
                      [&](std::string_view key, std::string_view value, store::Revision) {
                        const std::optional<EntryId> id = IdOfEntryKey(key);
                        StoredLedgerEntry entry;
                        if (!id || !entry.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
                          damaged = Damaged(id.value_or(EntryId{}));
                          return false;
                        }
                        const bool full = batch.entries.size() >= kEndedEntriesMax || bytes >= kEndedBytesMax;
                        if (full && batch.entries.back().first.revision != id->revision) {
                          batch.last = batch.entries.back().first.revision;
                          return false;
                        }
                        bytes += value.size();
                        batch.entries.emplace_back(*id, std::move(entry));
                        return true;
                      });
  read.Update(damaged);
  if (!read.ok()) return read;
  return batch;
}

absl::Status Retention::Commit(std::vector<store::Write> writes, store::Revision last) {
  writes.push_back({std::string(kEndedKey), EndedValue(last)});
  const size_t bytes = BytesOf(writes);
  store::Commit commit;
  commit.reads.emplace_back(kEndedKey);
  commit.build = [this, &writes](store::Revision,
                                 Values values) -> absl::StatusOr<std::vector<store::Write>> {
    const bool mine = values[0] ? values[0]->value == EndedValue(written_) : written_ == 0;
    if (!mine) {
      return absl::FailedPreconditionError(
          "somebody else ends the contents of entries: two servers are at one store");
    }
    return writes;
  };
  absl::Status committed = CommitAndWait(lane_, std::move(commit), bytes).status();
  if (committed.ok()) written_ = last;
  return committed;
}

}  // namespace coalition::ledger

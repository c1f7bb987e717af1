#include "server/ledger/shown_log.h"

#include <algorithm>
#include <span>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "common/mutex.h"
#include "server/store/prefix.h"

namespace coalition::ledger {
namespace {

using storage::v1::StoredShown;
using Values = std::span<const std::optional<store::Version>>;

// About what one pair writes: a key and a value, here and in the log of changes.
constexpr size_t kPairBytes = 96;
// Pairs of one commit, so that nobody who commits beside it waits long.
constexpr size_t kPairsPerCommit = 500;

std::string MemberPrefix(uint32_t member) {
  std::string key(kShownPrefix);
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(member >> shift));
  return key;
}

std::string RowKey(uint32_t member, const RecordIdBytes& record) {
  std::string key = MemberPrefix(member);
  key.append(reinterpret_cast<const char*>(record.data()), record.size());
  return key;
}

using Records = std::shared_ptr<const std::vector<RecordIdBytes>>;

template <class Item>
Records RecordsOf(const std::vector<Item>& items) {
  std::vector<RecordIdBytes> records;
  records.reserve(items.size());
  for (const Item& item : items) records.push_back(item.record);
  return std::make_shared<const std::vector<RecordIdBytes>>(std::move(records));
}

// Nothing was said of it since it was shown.
bool IsOutstanding(const StoredShown& row) {
  return row.told_time_s() == 0 && row.acknowledged_time_s() == 0;
}

absl::Status Damaged() { return absl::DataLossError("a row of who was shown what does not parse"); }

// One commit of many that answer together. Thread-safe.
class Together {
 public:
  Together(size_t parts, std::function<void(absl::Status)> done) : left_(parts), done_(std::move(done)) {}
  void Done(const absl::Status& status) {
    bool last = false;
    {
      const MutexLock lock(mutex_);
      status_.Update(status);
      last = --left_ == 0;
    }
    if (last && done_) done_(status_);
  }

 private:
  Mutex mutex_;
  size_t left_;
  absl::Status status_;
  const std::function<void(absl::Status)> done_;
};

// Changes the rows of these records and this member, a bounded number in each commit. `change` judges the row
// that there is (nullptr: none), and answers the one to be written, if any. `done` may be null.
using ChangeRow = std::function<std::optional<StoredShown>(size_t index, const StoredShown* row)>;

void ChangeRows(store::CommitLane& lane, uint32_t member, const Records& records,
                const std::shared_ptr<const ChangeRow>& change, std::function<void(absl::Status)> done) {
  const size_t parts = (records->size() + kPairsPerCommit - 1) / kPairsPerCommit;
  if (parts == 0) {
    if (done) done(absl::OkStatus());
    return;
  }
  const auto together = std::make_shared<Together>(parts, std::move(done));
  for (size_t begin = 0; begin < records->size(); begin += kPairsPerCommit) {
    const size_t end = std::min(records->size(), begin + kPairsPerCommit);
    store::Commit commit;
    for (size_t i = begin; i < end; ++i) commit.reads.push_back(RowKey(member, (*records)[i]));
    commit.build = [=](store::Revision, Values values) -> absl::StatusOr<std::vector<store::Write>> {
      std::vector<store::Write> writes;
      for (size_t i = begin; i < end; ++i) {
        const std::optional<store::Version>& value = values[i - begin];
        StoredShown row;
        if (value && !row.ParseFromString(value->value)) return Damaged();
        const std::optional<StoredShown> next = (*change)(i, value ? &row : nullptr);
        if (next) writes.push_back({RowKey(member, (*records)[i]), next->SerializeAsString()});
      }
      return writes;
    };
    lane.Submit(
        std::move(commit),
        [together](const absl::StatusOr<store::Revision>& revision) { together->Done(revision.status()); },
        (end - begin) * kPairBytes, member | kNotesLine);
  }
}

// Each record once: one commit writes a row once. Responses that are acknowledged together may have recalled
// one several times.
std::vector<Recall> LastOfEach(const std::vector<Recall>& recalls) {
  std::vector<Recall> last;
  absl::flat_hash_map<RecordIdBytes, size_t> met;
  for (const Recall& one : recalls) {
    const auto [found, is_new] = met.emplace(one.record, last.size());
    is_new ? last.push_back(one) : static_cast<void>(last[found->second] = one);
  }
  return last;
}

}  // namespace

std::string ShownKey(const ShownId& id) { return RowKey(id.member, id.record); }

std::optional<ShownId> IdOfShownKey(std::string_view key) {
  ShownId id;
  constexpr size_t kMemberBytes = 4;
  const size_t record_at = kShownPrefix.size() + kMemberBytes;
  if (key.size() != record_at + id.record.size() || !key.starts_with(kShownPrefix)) return std::nullopt;
  for (size_t i = kShownPrefix.size(); i < record_at; ++i)
    id.member = id.member << 8 | static_cast<uint8_t>(key[i]);
  std::copy(key.begin() + static_cast<ptrdiff_t>(record_at), key.end(), id.record.begin());
  return id;
}

bool IsAcknowledged(const StoredShown& shown, v1::RetractionKind kind) {
  return shown.acknowledged_time_s() != 0 &&
         (kind != v1::RETRACTION_KIND_CLEARED || shown.acknowledged_kind() == v1::RETRACTION_KIND_CLEARED);
}

void ShownLog::Record(Disclosure disclosure, std::function<void(absl::Status)> recorded) {
  const std::vector<Unknown> unknown = UnknownOf(disclosure);
  const auto shared = std::make_shared<const Disclosure>(std::move(disclosure));
  const auto mine = std::make_shared<KeptTogether>();
  absl::flat_hash_set<std::shared_ptr<KeptTogether>> awaited = {mine};
  std::vector<Unknown> to_keep;
  for (const Unknown& one : unknown) {
    auto other = known_.Begin({one.record.record, shared->member}, mine);
    other == nullptr ? to_keep.push_back(one) : static_cast<void>(awaited.insert(std::move(other)));
  }
  std::function<void(const absl::Status&)> kept = [this, shared, recorded](const absl::Status& status) {
    status.ok() ? next_.Record(*shared, recorded) : recorded(status);
  };
  // Others may wait for the same: in turn, not all where the last of it is kept.
  if (awaited.size() > 1) {
    kept = [this, member = shared->member, kept](const absl::Status& status) {
      run_later_(member, [kept, status] { kept(status); });
    };
  }
  const auto together = std::make_shared<Together>(awaited.size(), std::move(kept));
  Keep(*shared, to_keep, mine);
  for (const auto& one : awaited) one->Await([together](const absl::Status& s) { together->Done(s); });
}

std::vector<ShownLog::Unknown> ShownLog::UnknownOf(const Disclosure& disclosure) {
  std::vector<Unknown> unknown;
  absl::flat_hash_set<RecordIdBytes> met;
  for (const DisclosedRecord& one : disclosure.records) {
    // Without a view nothing of it was shown: an auditor was told who sees it.
    if (one.view_ids == 0) continue;
    const auto changed = known_.Misses({one.record, disclosure.member});
    if (changed && met.insert(one.record).second) unknown.push_back({one, *changed});
  }
  return unknown;
}

void ShownLog::Keep(const Disclosure& disclosure, const std::vector<Unknown>& records,
                    const std::shared_ptr<KeptTogether>& mine) {
  const uint32_t member = disclosure.member;
  const auto end = [this, records, mine, member](const absl::Status& status) {
    for (const Unknown& one : records) {
      known_.End({one.record.record, member}, status.ok() ? std::optional(one.changed_before) : std::nullopt);
    }
    mine->End(status);
  };
  auto missing = MissingOf(disclosure, records);
  if (!missing.ok()) return end(missing.status());
  const bool again = !missing->shown_before->empty();
  const auto all = std::make_shared<Together>(again ? 2 : 1, end);
  const auto one_done = [all](const absl::Status& status) { all->Done(status); };
  entries_.Append(disclosure, missing->first_showings, std::move(missing->rows), one_done);
  if (again) ShowAgain(member, missing->shown_before, one_done);
}

void ShownLog::ShowAgain(uint32_t member, const Records& records,
                         const std::function<void(const absl::Status&)>& done) {
  const auto change =
      std::make_shared<const ChangeRow>([](size_t, const StoredShown* row) -> std::optional<StoredShown> {
        if (row == nullptr || IsOutstanding(*row)) return std::nullopt;
        StoredShown next;
        next.set_first_time_s(row->first_time_s());
        next.set_first_view_ids(row->first_view_ids());
        return next;
      });
  ChangeRows(lane_, member, records, change, [this, member, done](const absl::Status& status) {
    run_later_(member, [done, status] { done(status); });
  });
}

absl::StatusOr<ShownLog::Missing> ShownLog::MissingOf(const Disclosure& disclosure,
                                                      const std::vector<Unknown>& records) {
  std::vector<std::string> keys;
  keys.reserve(records.size());
  for (const Unknown& one : records) keys.push_back(RowKey(disclosure.member, one.record.record));
  // Nobody else begins these rows now: what is absent stays so until it is written here.
  const auto rows = store_.Read(keys, store_.Head());
  if (!rows.ok()) return rows.status();
  Missing missing;
  std::vector<RecordIdBytes> shown_before;
  StoredShown first;
  first.set_first_time_s(disclosure.time_ns / 1'000'000'000);
  for (size_t i = 0; i < records.size(); ++i) {
    const DisclosedRecord& record = records[i].record;
    if (!(*rows)[i]) {
      first.set_first_view_ids(record.view_ids);
      missing.rows.push_back({std::move(keys[i]), first.SerializeAsString()});
      missing.first_showings.push_back(record);
      continue;
    }
    StoredShown row;
    if (!row.ParseFromString((*rows)[i]->value)) return Damaged();
    // While the row is being changed, what was read is not to be relied on.
    const bool kept =
        IsOutstanding(row) && known_.Add({record.record, disclosure.member}, records[i].changed_before);
    if (!kept) shown_before.push_back(record.record);
  }
  missing.shown_before = std::make_shared<const std::vector<RecordIdBytes>>(std::move(shown_before));
  return missing;
}

void ShownLog::Told(uint32_t member, const std::vector<Recall>& recalls, int64_t time_s) {
  const auto ids = RecordsOf(recalls);
  for (const RecordIdBytes& record : *ids) known_.BeginChange({record, member});
  const auto change = std::make_shared<const ChangeRow>(
      [time_s, recalls](size_t i, const StoredShown* row) -> std::optional<StoredShown> {
        // Whoever has dealt with it as gone is now told that it was wrong.
        const bool anew =
            row != nullptr && row->acknowledged_time_s() != 0 && !IsAcknowledged(*row, recalls[i].kind);
        if (row == nullptr || (row->told_time_s() != 0 && !anew)) return std::nullopt;
        StoredShown next = *row;
        next.set_told_time_s(time_s);
        next.clear_acknowledged_time_s();
        next.clear_acknowledged_kind();
        return next;
      });
  ChangeRows(lane_, member, ids, change, [this, ids, member](const absl::Status&) {
    for (const RecordIdBytes& record : *ids) known_.EndChange({record, member});
  });
}

void ShownLog::Acknowledged(uint32_t member, std::vector<Recall> recalls, Acknowledging of, int64_t time_s,
                            std::function<void(absl::Status)> done) {
  recalls = LastOfEach(recalls);
  const auto ids = RecordsOf(recalls);
  for (const RecordIdBytes& record : *ids) known_.BeginChange({record, member});
  const auto change =
      std::make_shared<const ChangeRow>([time_s, of, recalls = std::move(recalls)](
                                            size_t i, const StoredShown* row) -> std::optional<StoredShown> {
        if (row == nullptr || IsAcknowledged(*row, recalls[i].kind)) return std::nullopt;
        if (of == Acknowledging::kTold && row->told_time_s() == 0) return std::nullopt;
        StoredShown next = *row;
        if (next.told_time_s() == 0) next.set_told_time_s(time_s);
        next.set_acknowledged_time_s(time_s);
        next.set_acknowledged_kind(recalls[i].kind);
        return next;
      });
  ChangeRows(lane_, member, ids, change, [this, ids, member, done = std::move(done)](const absl::Status& s) {
    for (const RecordIdBytes& record : *ids) known_.EndChange({record, member});
    if (done) done(s);
  });
}

absl::StatusOr<std::vector<std::optional<StoredShown>>> ShownLog::RowsOf(uint32_t member,
                                                                         const std::vector<Recall>& recalls,
                                                                         store::Revision at) const {
  std::vector<std::string> keys;
  keys.reserve(recalls.size());
  for (const Recall& recall : recalls) keys.push_back(RowKey(member, recall.record));
  const auto read = store_.Read(keys, at);
  if (!read.ok()) return read.status();
  std::vector<std::optional<StoredShown>> rows(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if ((*read)[i] && !rows[i].emplace().ParseFromString((*read)[i]->value)) return Damaged();
  }
  return rows;
}

absl::StatusOr<std::vector<ShownTo>> ShownLog::WhoWasShown(const RecordIdBytes& record, uint32_t members,
                                                           store::Revision at) const {
  std::vector<std::string> keys;
  keys.reserve(members);
  for (uint32_t member = 1; member <= members; ++member) keys.push_back(RowKey(member, record));
  const auto rows = store_.Read(keys, at);
  if (!rows.ok()) return rows.status();
  std::vector<ShownTo> all;
  for (uint32_t member = 1; member <= members; ++member) {
    const auto& row = (*rows)[member - 1];
    if (!row) continue;
    ShownTo& one = all.emplace_back();
    one.member = member;
    if (!one.shown.ParseFromString(row->value)) return Damaged();
  }
  return all;
}

absl::StatusOr<ShownLog::Page> ShownLog::WhatWasShown(uint32_t member, std::string_view from, size_t count,
                                                      store::Revision at) const {
  const std::string prefix = MemberPrefix(member);
  auto listed = store_.Scan(prefix + std::string(from), store::PrefixEnd(prefix), at, {.items = count});
  if (!listed.ok()) return listed.status();
  Page page;
  if (listed->next) page.next = listed->next->substr(prefix.size());
  for (const store::Entry& entry : listed->items) {
    ShownRecord& one = page.records.emplace_back();
    if (entry.key.size() != prefix.size() + one.record.size()) return Damaged();
    std::copy(entry.key.begin() + static_cast<ptrdiff_t>(prefix.size()), entry.key.end(), one.record.begin());
    if (!one.shown.ParseFromString(entry.version.value)) return Damaged();
  }
  return page;
}

}  // namespace coalition::ledger

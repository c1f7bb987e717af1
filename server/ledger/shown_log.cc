#include "server/ledger/shown_log.h"

#include <algorithm>
#include <span>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "common/mutex.h"
#include "server/store/prefix.h"

namespace coalition::ledger {
namespace {

using storage::v1::StoredShown;
using Values = std::span<const std::optional<store::Version>>;

constexpr char kShownPrefix = 's';
constexpr char kMemberPrefix = 'u';
constexpr size_t kMemberBytes = 4;
// About what one pair writes: two keys, and a value.
constexpr size_t kPairBytes = 128;
// A line of the lane beside the member's own: what it reads does not wait behind what it writes.
constexpr uint32_t kOwnLine = uint32_t{1} << 31;
// Pairs of one commit, so that nobody who commits beside it waits long.
constexpr size_t kPairsPerCommit = 500;

void AppendMember(uint32_t member, std::string* key) {
  for (int shift = 24; shift >= 0; shift -= 8) key->push_back(static_cast<char>(member >> shift));
}

void AppendRecord(const RecordIdBytes& record, std::string* key) {
  key->append(reinterpret_cast<const char*>(record.data()), record.size());
}

std::string ShownPrefix(const RecordIdBytes& record) {
  std::string key(1, kShownPrefix);
  AppendRecord(record, &key);
  return key;
}

std::string ShownKey(const RecordIdBytes& record, uint32_t member) {
  std::string key = ShownPrefix(record);
  AppendMember(member, &key);
  return key;
}

std::string MemberPrefix(uint32_t member) {
  std::string key(1, kMemberPrefix);
  AppendMember(member, &key);
  return key;
}

std::string MemberKey(uint32_t member, const RecordIdBytes& record) {
  std::string key = MemberPrefix(member);
  AppendRecord(record, &key);
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
    for (size_t i = begin; i < end; ++i) commit.reads.push_back(ShownKey((*records)[i], member));
    commit.build = [=](store::Revision, Values values) -> absl::StatusOr<std::vector<store::Write>> {
      std::vector<store::Write> writes;
      for (size_t i = begin; i < end; ++i) {
        const std::optional<store::Version>& value = values[i - begin];
        StoredShown row;
        if (value && !row.ParseFromString(value->value)) return Damaged();
        const std::optional<StoredShown> next = (*change)(i, value ? &row : nullptr);
        if (!next) continue;
        writes.push_back({ShownKey((*records)[i], member), next->SerializeAsString()});
        if (!value) writes.push_back({MemberKey(member, (*records)[i]), std::string()});
      }
      return writes;
    };
    lane.Submit(
        std::move(commit),
        [together](const absl::StatusOr<store::Revision>& revision) { together->Done(revision.status()); },
        (end - begin) * kPairBytes, member | kOwnLine);
  }
}

}  // namespace

bool IsAcknowledged(const StoredShown& shown, v1::RetractionKind kind) {
  return shown.acknowledged_time_s() != 0 &&
         (kind != v1::RETRACTION_KIND_CLEARED || shown.acknowledged_kind() == v1::RETRACTION_KIND_CLEARED);
}

ShownLog::ShownLog(store::Store& store, store::CommitLane& lane, DisclosureLog& next, RunLater run_later)
    : store_(store), lane_(lane), next_(next), run_later_(std::move(run_later)) {}
void ShownLog::Record(Disclosure disclosure, std::function<void(absl::Status)> recorded) {
  absl::StatusOr<std::vector<DisclosedRecord>> fresh = FreshOf(disclosure);
  if (!fresh.ok()) return recorded(fresh.status());
  if (fresh->empty()) return next_.Record(std::move(disclosure), std::move(recorded));
  const auto shared = std::make_shared<const Disclosure>(std::move(disclosure));
  const auto mine = std::make_shared<KeptTogether>();
  absl::flat_hash_set<std::shared_ptr<KeptTogether>> awaited = {mine};
  std::vector<DisclosedRecord> to_keep;
  for (const DisclosedRecord& one : *fresh) {
    auto other = known_.Begin({one.record, shared->member}, mine);
    other == nullptr ? to_keep.push_back(one) : static_cast<void>(awaited.insert(std::move(other)));
  }
  const auto together =
      std::make_shared<Together>(awaited.size(), [this, shared, recorded](const absl::Status& status) {
        run_later_(shared->member, [this, shared, recorded, status] {
          status.ok() ? next_.Record(*shared, recorded) : recorded(status);
        });
      });
  for (const auto& one : awaited) one->Await([together](const absl::Status& s) { together->Done(s); });
  Keep(shared, std::move(to_keep), mine);
}

absl::StatusOr<std::vector<DisclosedRecord>> ShownLog::FreshOf(const Disclosure& disclosure) {
  struct Unknown {
    DisclosedRecord record;
    uint64_t changed;
  };
  std::vector<Unknown> unknown;
  std::vector<std::string> keys;
  absl::flat_hash_set<RecordIdBytes> met;
  for (const DisclosedRecord& one : disclosure.records) {
    // Without a view nothing of it was shown: an auditor was told who sees it.
    if (one.view_ids == 0) continue;
    const auto changed = known_.Misses({one.record, disclosure.member});
    if (!changed || !met.insert(one.record).second) continue;
    unknown.push_back({one, *changed});
    keys.push_back(ShownKey(one.record, disclosure.member));
  }
  std::vector<DisclosedRecord> fresh;
  if (unknown.empty()) return fresh;
  const auto rows = store_.Read(keys, store_.Head());
  if (!rows.ok()) return rows.status();
  for (size_t i = 0; i < unknown.size(); ++i) {
    StoredShown row;
    if ((*rows)[i] && !row.ParseFromString((*rows)[i]->value)) return Damaged();
    const bool kept = (*rows)[i] && IsOutstanding(row) &&
                      known_.Add({unknown[i].record.record, disclosure.member}, unknown[i].changed);
    if (!kept) fresh.push_back(unknown[i].record);
  }
  return fresh;
}

void ShownLog::Keep(const std::shared_ptr<const Disclosure>& disclosure, std::vector<DisclosedRecord> fresh,
                    const std::shared_ptr<KeptTogether>& mine) {
  const auto ids = RecordsOf(fresh);
  const auto change = std::make_shared<const ChangeRow>(
      [disclosure, fresh = std::move(fresh)](size_t i, const StoredShown* row) -> std::optional<StoredShown> {
        if (row != nullptr && IsOutstanding(*row)) return std::nullopt;
        StoredShown next;
        next.set_first_time_s(row != nullptr ? row->first_time_s() : disclosure->time_ns / 1'000'000'000);
        next.set_first_view_ids(row != nullptr ? row->first_view_ids() : fresh[i].view_ids);
        return next;
      });
  ChangeRows(lane_, disclosure->member, ids, change,
             [this, member = disclosure->member, ids, mine](const absl::Status& status) {
               for (const RecordIdBytes& record : *ids) known_.End({record, member}, status.ok());
               mine->End(status);
             });
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
  for (const Recall& recall : recalls) keys.push_back(ShownKey(recall.record, member));
  const auto read = store_.Read(keys, at);
  if (!read.ok()) return read.status();
  std::vector<std::optional<StoredShown>> rows(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if ((*read)[i] && !rows[i].emplace().ParseFromString((*read)[i]->value)) return Damaged();
  }
  return rows;
}

absl::StatusOr<std::vector<ShownTo>> ShownLog::WhoWasShown(const RecordIdBytes& record,
                                                           store::Revision at) const {
  const std::string prefix = ShownPrefix(record);
  std::vector<ShownTo> all;
  absl::Status parsed;
  const absl::Status scanned = store_.ScanEach(
      prefix, store::PrefixEnd(prefix), at,
      [&](std::string_view key, std::string_view value, store::Revision) {
        ShownTo one;
        for (const char byte : key.substr(prefix.size()))
          one.member = one.member << 8 | static_cast<unsigned char>(byte);
        const bool whole = key.size() == prefix.size() + kMemberBytes &&
                           one.shown.ParseFromArray(value.data(), static_cast<int>(value.size()));
        if (!whole) parsed = Damaged();
        all.push_back(std::move(one));
        return whole;
      });
  if (!scanned.ok()) return scanned;
  if (!parsed.ok()) return parsed;
  return all;
}

absl::StatusOr<ShownLog::Page> ShownLog::WhatWasShown(uint32_t member, std::string_view from, size_t count,
                                                      store::Revision at) const {
  const std::string prefix = MemberPrefix(member);
  auto listed = store_.Scan(prefix + std::string(from), store::PrefixEnd(prefix), at, {.items = count});
  if (!listed.ok()) return listed.status();
  Page page;
  if (listed->next) page.next = listed->next->substr(prefix.size());
  std::vector<std::string> keys;
  for (const store::Entry& entry : listed->items) {
    if (entry.key.size() != prefix.size() + sizeof(RecordIdBytes)) return Damaged();
    ShownRecord one;
    std::copy_n(entry.key.begin() + static_cast<ptrdiff_t>(prefix.size()), one.record.size(),
                one.record.begin());
    keys.push_back(ShownKey(one.record, member));
    page.records.push_back(std::move(one));
  }
  const auto rows = store_.Read(keys, at);
  if (!rows.ok()) return rows.status();
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!(*rows)[i] || !page.records[i].shown.ParseFromString((*rows)[i]->value)) return Damaged();
  }
  return page;
}

}  // namespace coalition::ledger

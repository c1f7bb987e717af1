#include "server/ledger/days.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coalition/v1/ledger_service.pb.h"
#include "common/big_endian.h"
#include "common/timestamp.h"
#include "server/ledger/entry.h"
#include "server/ledger/keys.h"
#include "server/ledger/lane_commit.h"
#include "server/store/prefix.h"

namespace coalition::ledger {
namespace {

using storage::v1::StoredFirstShowing;
using storage::v1::StoredFirstShowings;
using storage::v1::StoredLedgerDay;
using storage::v1::StoredTickShowings;
using Values = std::span<const std::optional<store::Version>>;

constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kDayNs = kDayMs * 1'000'000;
// What is listed, and what is used by one commit, so that neither it nor the next tick waits long.
constexpr size_t kListedBytesMax = size_t{4} << 20;
constexpr size_t kUsedBytesMax = size_t{640} << 10;
constexpr size_t kUsedRowsMax = 500;
// Of one row, which may be of all that a tick holds: an entry for each takes some 300 bytes.
constexpr size_t kUsedShowingsMax = 20'000;

absl::Status DamagedRow() {
  return absl::DataLossError("the ledger is damaged: a row of the first showings of a day is not whole");
}

absl::Status UsedByOther() {
  return absl::FailedPreconditionError(
      "somebody else makes the entries of days: two servers are at one store");
}

template <class T>
void Shuffle(Random& random, std::vector<T>* items) {
  const std::string chance = random.Bytes(items->size() * sizeof(uint64_t));
  for (size_t i = items->size(); i > 1; --i) {
    const uint64_t number =
        ReadBigEndian<uint64_t>(std::string_view(chance).substr((i - 1) * sizeof(uint64_t)));
    std::swap((*items)[i - 1], (*items)[number % i]);
  }
}

}  // namespace

int64_t DayOf(int64_t time_ms) { return time_ms / kDayMs; }

std::vector<store::Write> ShowingsRows(uint64_t tick, const std::vector<UnsealedEntry>& entries) {
  // By day and contributor, then by member.
  std::map<std::pair<int64_t, uint32_t>, std::map<uint32_t, StoredFirstShowings>> rows;
  for (const UnsealedEntry& entry : entries) {
    for (const StoredFirstShowing& showing : entry.first.showings) {
      StoredFirstShowings& of = rows[{entry.first.day, showing.contributor()}][entry.first.member];
      of.set_member(entry.first.member);
      StoredFirstShowing* kept = of.add_showings();
      *kept = showing;
      kept->clear_contributor();  // is in the key
    }
  }
  std::vector<store::Write> writes;
  for (auto& [group, members] : rows) {
    StoredTickShowings row;
    for (auto& [member, showings] : members) *row.add_members() = std::move(showings);
    writes.push_back(
        {ShowingsKey(static_cast<uint32_t>(group.first), group.second, tick), row.SerializeAsString()});
  }
  return writes;
}

std::optional<int64_t> FirstDayOf(const std::vector<UnsealedEntry>& entries) {
  std::optional<int64_t> first;
  for (const UnsealedEntry& entry : entries) {
    if (!entry.first.showings.empty()) first = std::min(first.value_or(entry.first.day), entry.first.day);
  }
  return first;
}

Days::Days(store::Store& store, store::CommitLane& lane, Random& random, MemberFacts facts)
    : store_(store), lane_(lane), random_(random), facts_(std::move(facts)) {}

absl::Status Days::Load(bool log_is_empty) {
  const std::string key(kDayKey);
  const auto rows = store_.Read(std::span(&key, 1), store_.Head());
  if (!rows.ok()) return rows.status();
  if (!rows->front() && log_is_empty) return absl::OkStatus();
  StoredLedgerDay row;
  if (!rows->front() || !row.ParseFromString(rows->front()->value)) {
    return absl::DataLossError("the ledger is damaged: how far its days are done is missing or not whole");
  }
  SetDone(row.days_done());
  return absl::OkStatus();
}

std::optional<int64_t> Days::DoneWith(int64_t day, std::optional<int64_t> first_showing) const {
  const int64_t before = std::min(day, first_showing.value_or(day)) - 1;
  if (!days_done_) return before;
  if (!first_showing || *first_showing > *days_done_) return std::nullopt;
  return *first_showing - 1;
}

store::Write Days::DoneWrite(int64_t days_done) {
  StoredLedgerDay row;
  row.set_days_done(days_done);
  return {std::string(kDayKey), row.SerializeAsString()};
}

void Days::SetDone(int64_t days_done) {
  days_done_ = days_done;
  StartAgain();
}

void Days::StartAgain() {
  from_ = DayPrefix(static_cast<uint32_t>(*days_done_ + 1));
  group_.reset();
}

void Days::TickWritten(std::optional<int64_t> days_done, std::optional<int64_t> first_showing) {
  if (days_done) {
    SetDone(*days_done);
  } else if (first_showing && *first_showing < today_) {
    // A row of a day that is being worked on, perhaps behind the place that is reached.
    StartAgain();
  }
}

absl::StatusOr<bool> Days::Step(int64_t today) {
  today_ = today;
  if (!days_done_ || *days_done_ >= today - 1) return false;
  absl::StatusOr<bool> more = Continue(today);
  if (!more.ok()) group_.reset();
  return more;
}

absl::StatusOr<bool> Days::Continue(int64_t today) {
  absl::Status status;
  if (!group_) {
    status = FindGroup(today);
  } else if (!group_->listed) {
    status = ListRows();
  } else {
    status = MakeEntries();
  }
  if (!status.ok()) return status;
  return group_.has_value() || *days_done_ < today - 1;
}

absl::Status Days::FindGroup(int64_t today) {
  std::string first;
  absl::Status read = store_.ScanEach(from_, DayPrefix(static_cast<uint32_t>(today)), store_.Head(),
                                      [&](std::string_view key, std::string_view, store::Revision) {
                                        first = key;
                                        return false;
                                      });
  if (!read.ok()) return read;
  if (first.empty()) return Advance(today - 1);
  const std::optional<ShowingsId> id = IdOfShowingsKey(first);
  if (!id) return DamagedRow();
  if (int64_t{id->day} - 1 > *days_done_) {
    if (absl::Status advanced = Advance(int64_t{id->day} - 1); !advanced.ok()) return advanced;
  }
  Group& group = group_.emplace(Group());
  group.day = id->day;
  group.contributor = id->contributor;
  group.from = std::move(first);
  group.end = store::PrefixEnd(ShowingsPrefix(id->day, id->contributor));
  return absl::OkStatus();
}

absl::Status Days::Advance(int64_t days_done) {
  const std::string before = DoneWrite(*days_done_).value.value();
  store::Commit commit;
  commit.reads.emplace_back(kDayKey);
  commit.build = [&](store::Revision, Values values) -> absl::StatusOr<std::vector<store::Write>> {
    if (!values[0] || values[0]->value != before) {
      return UsedByOther();
    }
    return std::vector<store::Write>{DoneWrite(days_done)};
  };
  const auto revision = CommitAndWait(lane_, std::move(commit), before.size());
  if (revision.ok()) SetDone(days_done);
  return revision.status();
}

absl::Status Days::ListRows() {
  size_t bytes = 0;
  std::string next;
  absl::Status damaged;
  absl::Status read = store_.ScanEach(group_->from, group_->end, store_.Head(),
                                      [&](std::string_view key, std::string_view value, store::Revision) {
                                        if (bytes >= kListedBytesMax) {
                                          next = key;
                                          return false;
                                        }
                                        bytes += value.size();
                                        const std::optional<ShowingsId> id = IdOfShowingsKey(key);
                                        if (!id) {
                                          damaged = DamagedRow();
                                          return false;
                                        }
                                        group_->rows.push_back({id->tick, value.size()});
                                        return true;
                                      });
  read.Update(damaged);
  if (!read.ok()) return read;
  group_->listed = next.empty();
  group_->from = std::move(next);
  if (group_->listed) Shuffle(random_, &group_->rows);
  return absl::OkStatus();
}

std::vector<std::string> Days::NextRows() const {
  std::vector<std::string> keys;
  size_t bytes = 0;
  for (auto row = group_->rows.rbegin(); row != group_->rows.rend(); ++row) {
    bytes += row->bytes;
    if (!keys.empty() && (bytes > kUsedBytesMax || keys.size() == kUsedRowsMax)) break;
    keys.push_back(ShowingsKey(group_->day, group_->contributor, row->tick));
  }
  return keys;
}

absl::Status Days::MakeEntries() {
  std::vector<std::string> keys = NextRows();
  std::optional<std::string> left;
  absl::StatusOr<ByMember> showings = ShowingsIn(keys, &left);
  if (!showings.ok()) return showings.status();
  absl::StatusOr<std::vector<std::string>> entries = EntriesOf(*std::move(showings));
  if (!entries.ok()) return entries.status();
  size_t bytes = 0;
  for (const std::string& entry : *entries) bytes += entry.size();
  store::Commit commit;
  commit.reads = keys;
  commit.build = [&](store::Revision revision, Values values) -> absl::StatusOr<std::vector<store::Write>> {
    std::vector<store::Write> writes;
    for (size_t i = 0; i < keys.size(); ++i) {
      if (!values[i]) return UsedByOther();
      writes.push_back({keys[i], left});
    }
    uint32_t place = 0;
    for (const std::string& entry : *entries) writes.push_back({EntryKey({revision, place++}), entry});
    return writes;
  };
  const auto revision = CommitAndWait(lane_, std::move(commit), bytes);
  if (!revision.ok()) return revision.status();
  if (left) {
    group_->rows.back().bytes = left->size();
    return absl::OkStatus();
  }
  group_->rows.resize(group_->rows.size() - keys.size());
  if (group_->rows.empty()) {
    from_ = group_->end;
    group_.reset();
  }
  return absl::OkStatus();
}

absl::StatusOr<Days::ByMember> Days::ShowingsIn(const std::vector<std::string>& rows,
                                                std::optional<std::string>* left) const {
  const auto read = store_.Read(rows, store_.Head());
  if (!read.ok()) return read.status();
  std::vector<std::pair<uint32_t, StoredFirstShowing>> all;
  for (const std::optional<store::Version>& value : *read) {
    StoredTickShowings row;
    if (!value) return UsedByOther();
    if (!row.ParseFromString(value->value)) return DamagedRow();
    for (StoredFirstShowings& of : *row.mutable_members()) {
      for (StoredFirstShowing& showing : *of.mutable_showings())
        all.emplace_back(of.member(), std::move(showing));
    }
  }
  const bool in_parts = rows.size() == 1 && all.size() > kUsedShowingsMax;
  // By chance, so that what is in one commit does not tell which of them are of one member.
  if (in_parts) Shuffle(random_, &all);
  const size_t count = in_parts ? kUsedShowingsMax : all.size();
  ByMember used;
  for (size_t i = 0; i < count; ++i) used[all[i].first].push_back(std::move(all[i].second));
  if (!in_parts) return used;
  ByMember others;
  for (size_t i = count; i < all.size(); ++i) others[all[i].first].push_back(std::move(all[i].second));
  StoredTickShowings row;
  for (auto& [member, showings] : others) {
    StoredFirstShowings& of = *row.add_members();
    of.set_member(member);
    for (StoredFirstShowing& showing : showings) *of.add_showings() = std::move(showing);
  }
  *left = row.SerializeAsString();
  return used;
}

absl::StatusOr<std::vector<std::string>> Days::EntriesOf(ByMember&& by_member) const {
  for (auto& [member, showings] : by_member) {
    std::vector<StoredFirstShowing> told;
    for (StoredFirstShowing& showing : showings) {
      const absl::StatusOr<bool> may_tell = MayTell(member, showing);
      if (!may_tell.ok()) return may_tell.status();
      if (*may_tell) told.push_back(std::move(showing));
    }
    showings = std::move(told);
  }
  std::vector<std::string> entries;
  for (auto& [member, showings] : by_member) {
    Shuffle(random_, &showings);
    // Of a member that is not named, two records in one entry would be known to have been shown to the same.
    const size_t most = facts_.by_kind && facts_.by_kind(facts_.kind(member)) ? 1 : kRecordsPerDayEntry;
    for (size_t begin = 0; begin < showings.size(); begin += most) {
      const size_t count = std::min(most, showings.size() - begin);
      entries.push_back(EntryOf(member, std::span(showings).subspan(begin, count)).SerializeAsString());
    }
  }
  Shuffle(random_, &entries);
  return entries;
}

absl::StatusOr<bool> Days::MayTell(uint32_t member, const StoredFirstShowing& showing) const {
  if (!facts_.may_tell) return true;
  policy::RecordIdBytes id{};
  if (showing.record().size() != id.size()) return DamagedRow();
  std::copy(showing.record().begin(), showing.record().end(), id.begin());
  return facts_.may_tell(group_->contributor, member, id);
}

storage::v1::StoredLedgerEntry Days::EntryOf(uint32_t member,
                                             std::span<const StoredFirstShowing> showings) const {
  v1::LedgerContent content;
  v1::LedgerFirstShowings& of = *content.mutable_first_showings();
  of.set_contributor(facts_.names.member(group_->contributor));
  *of.mutable_day() = ToTimestamp(int64_t{group_->day} * kDayNs);
  of.set_member_kind(facts_.kind(member));
  ShownByViews shown(facts_.names, of.mutable_shown());
  for (const StoredFirstShowing& showing : showings) shown.Add(showing.record(), showing.view_ids());
  v1::LedgerReserved reserved;
  reserved.set_member(facts_.names.member(member));
  storage::v1::StoredLedgerEntry entry = MakeEntry(*facts_.names.keys, today_ * kDayNs, content, reserved);
  // The contributor alone: the member has its own entries, and its view may have hidden whose records they
  // are.
  entry.add_parties(group_->contributor);
  entry.add_full_parties(group_->contributor);
  return entry;
}

}  // namespace coalition::ledger

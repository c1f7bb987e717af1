#include "server/ledger/entry_log.h"

#include <algorithm>
#include <iterator>

#include "absl/container/flat_hash_set.h"
#include "common/ids.h"
#include "common/timestamp.h"
#include "server/ledger/days.h"

namespace coalition::ledger {
namespace {

constexpr int64_t kMsNs = 1'000'000;
// To wake a thread for each answer costs more than to send it, and would have the lane wait for its turn.
constexpr size_t kAnswersAtOnce = 16;
// About a record's name, and that it was shown for the first time.
constexpr size_t kRecordBytes = 96;

using ShownSo = std::pair<policy::RecordIdBytes, policy::ViewSet>;

std::string_view BytesOf(const policy::RecordIdBytes& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

std::vector<DisclosedRecord> EachOnce(const std::vector<DisclosedRecord>& records) {
  if (records.size() < 2) return records;
  std::vector<DisclosedRecord> once;
  absl::flat_hash_set<ShownSo> met;
  for (const DisclosedRecord& one : records) {
    if (met.emplace(one.record, one.view_ids).second) once.push_back(one);
  }
  return once;
}

// An opinion withholds an entry from its receiver (ADR 0016).
bool MayJoin(const std::vector<DisclosedRecord>& records) {
  return records.size() <= EntryLog::kAnswerRecordsMax &&
         std::all_of(records.begin(), records.end(), [](const DisclosedRecord& one) {
           return one.record_class != v1::RECORD_CLASS_UNSPECIFIED &&
                  one.record_class != v1::RECORD_CLASS_OPINION;
         });
}

// Each once, with how many answers showed it.
void AddShown(const std::vector<DisclosedRecord>& records, const Names& names, v1::LedgerDisclosure* to) {
  ShownByViews shown(names, to->mutable_shown());
  if (records.size() == 1) return shown.Add(BytesOf(records[0].record), records[0].view_ids, 1);
  absl::flat_hash_map<ShownSo, int32_t> answers;
  for (const DisclosedRecord& one : records) ++answers[{one.record, one.view_ids}];
  for (const DisclosedRecord& one : records) {
    const int32_t of_it = std::exchange(answers[{one.record, one.view_ids}], 0);
    if (of_it > 0) shown.Add(BytesOf(one.record), one.view_ids, of_it);
  }
}

template <class T>
void MoveBehind(std::vector<T>&& from, std::vector<T>* to) {
  to->insert(to->end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

void ShownByViews::Add(std::string_view record, policy::ViewSet views, int32_t answers) {
  v1::LedgerShown*& shown = by_views_[{views, answers}];
  if (shown == nullptr) {
    shown = to_.Add();
    shown->set_answers(answers);
    for (std::string& name : names_.views(views)) shown->add_views(std::move(name));
  }
  shown->add_records(FormatRecordName(RecordIdFromBytes(record)));
}

void EntryLog::Append(const Disclosure& disclosure, const std::vector<DisclosedRecord>& first_showings,
                      std::vector<store::Write> beside, std::function<void(absl::Status)> done) {
  const Scope scope{disclosure.member, std::string(disclosure.credential), std::string(disclosure.method),
                    disclosure.epoch,  disclosure.state_revision,          DayOf(disclosure.time_ns / kMsNs)};
  const auto gathered = std::make_shared<Gathered>();
  gathered->time_ns = disclosure.time_ns;
  gathered->records = EachOnce(disclosure.records);
  gathered->first_showings = first_showings;
  gathered->beside = std::move(beside);
  gathered->done.push_back(std::move(done));
  const bool may_join = MayJoin(gathered->records);
  if (may_join && Join(scope, *gathered)) return;
  // By the caller, since the lane is one thread for everybody; in vain if another answer comes.
  std::string value = EntryOf(scope, *gathered).SerializeAsString();
  const size_t bytes = ledger::BytesOf(gathered->beside) + value.size();
  if (may_join) {
    const MutexLock lock(mutex_);
    open_[scope] = gathered;
  }
  lane_.SubmitWrites(
      [this, scope, gathered, value = std::move(value)](store::Revision revision, uint32_t place) {
        Close(scope, *gathered);
        std::vector<store::Write> writes = gathered->beside;
        writes.push_back({EntryKey({revision, place}),
                          gathered->answers == 1 ? value : EntryOf(scope, *gathered).SerializeAsString()});
        return writes;
      },
      [this, scope, gathered](const absl::StatusOr<store::Revision>& revision) {
        Answer(scope, gathered, revision.status());
      },
      bytes, disclosure.member | kNotesLine);
}

bool EntryLog::Join(const Scope& scope, Gathered& one) {
  const MutexLock lock(mutex_);
  const auto open = open_.find(scope);
  if (open == open_.end()) return false;
  Gathered& gathered = *open->second;
  if (gathered.records.size() + one.records.size() > kJoinedRecordsMax) return false;
  const size_t bytes = ledger::BytesOf(one.beside) + one.records.size() * kRecordBytes;
  if (joined_bytes_ + bytes > kJoinedBytesMax) return false;
  joined_bytes_ += bytes;
  gathered.joined_bytes += bytes;
  ++gathered.answers;
  gathered.time_ns = std::min(gathered.time_ns, one.time_ns);
  MoveBehind(std::move(one.records), &gathered.records);
  MoveBehind(std::move(one.first_showings), &gathered.first_showings);
  MoveBehind(std::move(one.beside), &gathered.beside);
  MoveBehind(std::move(one.done), &gathered.done);
  return true;
}

void EntryLog::Close(const Scope& scope, const Gathered& gathered) {
  const MutexLock lock(mutex_);
  const auto open = open_.find(scope);
  if (open != open_.end() && open->second.get() == &gathered) open_.erase(open);
}

void EntryLog::Answer(const Scope& scope, const std::shared_ptr<Gathered>& gathered,
                      const absl::Status& status) {
  Close(scope, *gathered);
  {
    const MutexLock lock(mutex_);
    joined_bytes_ -= gathered->joined_bytes;
  }
  if (status.ok()) appended_.fetch_add(1, std::memory_order_relaxed);
  const size_t answers = gathered->done.size();
  for (size_t begin = 0; begin < answers; begin += kAnswersAtOnce) {
    const size_t end = std::min(answers, begin + kAnswersAtOnce);
    run_later_(scope.member, [gathered, status, begin, end] {
      // Each is let go as soon as it is answered.
      for (size_t i = begin; i < end; ++i) std::exchange(gathered->done[i], nullptr)(status);
    });
  }
}

storage::v1::StoredLedgerEntry EntryLog::EntryOf(const Scope& scope, const Gathered& gathered) const {
  v1::LedgerContent content;
  v1::LedgerDisclosure& of = *content.mutable_disclosure();
  of.set_member(names_.member(scope.member));
  of.set_credential(of.member() + "/credentials/" + scope.credential);
  of.set_method(scope.method);
  of.set_epoch(static_cast<int64_t>(scope.epoch));
  *of.mutable_time() = ToTimestamp(gathered.time_ns);
  AddShown(gathered.records, names_, &of);
  storage::v1::StoredLedgerEntry entry = MakeEntry(*names_.keys, gathered.time_ns, content);
  entry.add_parties(scope.member);
  entry.add_full_parties(scope.member);
  if (!gathered.first_showings.empty()) entry.set_shown_day(static_cast<uint32_t>(scope.day));
  for (const DisclosedRecord& one : gathered.first_showings) {
    storage::v1::StoredFirstShowing& first = *entry.add_first_showings();
    first.set_contributor(one.contributor);
    first.set_record(std::string(BytesOf(one.record)));
    first.set_view_ids(one.view_ids);
  }
  return entry;
}

}  // namespace coalition::ledger

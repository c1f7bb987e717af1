#include "server/ledger/entry_log.h"

#include <memory>
#include <span>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "common/ids.h"
#include "common/timestamp.h"
#include "server/ledger/days.h"

namespace coalition::ledger {
namespace {

constexpr int64_t kMsNs = 1'000'000;

std::string_view BytesOf(const policy::RecordIdBytes& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

// Each record once for each set of views.
void AddShown(const std::vector<DisclosedRecord>& records, const Names& names, v1::LedgerDisclosure* to) {
  ShownByViews shown(names, to->mutable_shown());
  absl::flat_hash_set<std::pair<policy::RecordIdBytes, policy::ViewSet>> met;
  for (const DisclosedRecord& one : records) {
    if (records.size() > 1 && !met.emplace(one.record, one.view_ids).second) continue;
    shown.Add(BytesOf(one.record), one.view_ids);
  }
}

// For its receiver. `first_showings`: what of it the member was never shown before.
storage::v1::StoredLedgerEntry DisclosureEntry(const Disclosure& disclosure, const Names& names,
                                               const std::vector<DisclosedRecord>& first_showings) {
  v1::LedgerContent content;
  v1::LedgerDisclosure& of = *content.mutable_disclosure();
  of.set_member(names.member(disclosure.member));
  of.set_credential(of.member() + "/credentials/" + std::string(disclosure.credential));
  of.set_method(std::string(disclosure.method));
  of.set_epoch(static_cast<int64_t>(disclosure.epoch));
  *of.mutable_time() = ToTimestamp(disclosure.time_ns);
  AddShown(disclosure.records, names, &of);
  storage::v1::StoredLedgerEntry entry = MakeEntry(*names.keys, disclosure.time_ns, content);
  entry.add_parties(disclosure.member);
  entry.add_full_parties(disclosure.member);
  if (!first_showings.empty()) entry.set_shown_day(static_cast<uint32_t>(DayOf(disclosure.time_ns / kMsNs)));
  for (const DisclosedRecord& one : first_showings) {
    storage::v1::StoredFirstShowing& first = *entry.add_first_showings();
    first.set_contributor(one.contributor);
    first.set_record(std::string(BytesOf(one.record)));
    first.set_view_ids(one.view_ids);
  }
  return entry;
}

}  // namespace

void ShownByViews::Add(std::string_view record, policy::ViewSet views) {
  v1::LedgerShown*& shown = by_views_[views];
  if (shown == nullptr) {
    shown = to_.Add();
    for (std::string& name : names_.views(views)) shown->add_views(std::move(name));
  }
  shown->add_records(FormatRecordName(RecordIdFromBytes(record)));
}

void EntryLog::Append(const Disclosure& disclosure, const std::vector<DisclosedRecord>& first_showings,
                      std::vector<store::Write> beside, std::function<void(absl::Status)> done) {
  std::string value = DisclosureEntry(disclosure, names_, first_showings).SerializeAsString();
  const size_t bytes = BytesOf(beside) + value.size();
  lane_.SubmitWrites(
      [value = std::move(value), beside = std::move(beside)](store::Revision revision, uint32_t place) {
        std::vector<store::Write> writes = beside;
        writes.push_back({EntryKey({revision, place}), value});
        return writes;
      },
      [this, done = std::move(done)](const absl::StatusOr<store::Revision>& revision) {
        if (revision.ok()) appended_.fetch_add(1, std::memory_order_relaxed);
        done(revision.status());
      },
      bytes, disclosure.member | kNotesLine);
}

}  // namespace coalition::ledger

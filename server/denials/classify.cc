#include "server/denials/classify.h"

#include <string>

#include "absl/container/flat_hash_map.h"
#include "server/exchange/keys.h"
#include "server/exchange/stored_record.h"
#include "server/exchange/taken_back.h"
#include "server/membership/stored_state.h"

namespace coalition::denials {
namespace {

// nullopt: no such record, or a damaged one.
std::optional<std::string_view> HeaderOf(std::string_view value) {
  const auto stored = exchange::ParseStoredRecord(value);
  if (!stored) return std::nullopt;
  return value.substr(0, stored->header.size());
}

// What a commit writes, found by key. Made at the first question, since most commits take nothing back and
// some take back hundreds.
class Writes {
 public:
  explicit Writes(std::span<const store::Write> all) : all_(all) {}

  // How the commit says that the record is taken back.
  storage::v1::StoredTakenBack TakenBack(const exchange::RecordId& id) {
    if (by_key_.empty()) {
      by_key_.reserve(all_.size());
      for (const store::Write& write : all_) by_key_.try_emplace(write.key, &write);
    }
    storage::v1::StoredTakenBack how;
    const auto row = by_key_.find(exchange::TakenBackKey(id));
    if (row == by_key_.end() || !row->second->value || !how.ParseFromString(*row->second->value)) {
      how.Clear();
      how.set_kind(v1::RETRACTION_KIND_GONE);
    }
    return how;
  }

 private:
  const std::span<const store::Write> all_;
  absl::flat_hash_map<std::string_view, const store::Write*> by_key_;
};

bool IsExpiry(const storage::v1::StoredTakenBack& how, std::optional<std::string_view> before) {
  const auto stored = before ? exchange::ParseStoredRecord(*before) : std::nullopt;
  return stored && how.kind() == v1::RETRACTION_KIND_GONE && how.time_s() == stored->header.expire_time_s();
}

void AppendRecord(store::Revision revision, const store::Write& write, Writes* writes, const Before& before,
                  storage::v1::StoredDenials* to) {
  const auto id = exchange::IdOfRecordKey(write.key);
  if (!id) return;
  storage::v1::DeniedRecord record;
  record.set_revision(revision);
  record.set_id(std::string(id->begin(), id->end()));
  if (!write.value) {
    const storage::v1::StoredTakenBack how = writes->TakenBack(*id);
    if (how.erased()) return;  // its own row says so
    if (IsExpiry(how, before(write.key))) return;
    record.set_kind(how.kind());
    record.set_time_s(how.time_s());
    record.set_grounds(how.grounds());
  } else {
    const auto header = HeaderOf(*write.value);
    if (!header) return;  // nobody is shown it
    if (policy::HeaderView::Parse(*header)->made() == revision) return;
    const auto had = before(write.key);
    if (had && HeaderOf(*had) == header) return;
    record.set_header(std::string(*header));
  }
  *to->add_records() = std::move(record);
}

// That it is erased: also of a record that was taken back or had expired before, whose contents are still in
// every copy of the store.
void AppendErased(store::Revision revision, const store::Write& write, storage::v1::StoredDenials* to) {
  const auto id = exchange::IdOfTakenBackKey(write.key);
  storage::v1::StoredTakenBack how;
  if (!id || !write.value || !how.ParseFromString(*write.value) || !how.erased()) return;
  storage::v1::DeniedRecord& record = *to->add_records();
  record.set_revision(revision);
  record.set_id(std::string(id->begin(), id->end()));
  record.set_kind(how.kind());
  record.set_time_s(how.time_s());
  record.set_grounds(how.grounds());
  record.set_erased(true);
}

}  // namespace

bool IsGovernance(std::string_view key) {
  return key.starts_with(kGovernancePrefix) && !key.starts_with(membership::kEventPrefix) &&
         !key.starts_with(membership::kAudiencePrefix);
}

bool IsJournalled(std::string_view key) {
  return IsGovernance(key) || key.starts_with(ledger::kErasedPrefix);
}

void AppendRow(store::Revision revision, const store::Write& write, storage::v1::StoredDenials* to) {
  storage::v1::DeniedRow& row = *to->add_rows();
  row.set_revision(revision);
  row.set_key(write.key);
  row.set_removed(!write.value);
  if (write.value) row.set_value(*write.value);
}

void AppendDenials(store::Revision revision, std::span<const store::Write> writes, const Before& before,
                   storage::v1::StoredDenials* to) {
  const int had = to->rows_size() + to->records_size();
  Writes by_key(writes);
  for (const store::Write& write : writes) {
    if (write.key.starts_with(exchange::kRecordsPrefix)) {
      AppendRecord(revision, write, &by_key, before, to);
    } else if (write.key.starts_with(exchange::kTakenBackPrefix)) {
      AppendErased(revision, write, to);
    } else if (IsJournalled(write.key)) {
      AppendRow(revision, write, to);
    }
  }
  if (to->rows_size() + to->records_size() > had) to->set_revision(revision);
}

}  // namespace coalition::denials

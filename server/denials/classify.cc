#include "server/denials/classify.h"

#include <algorithm>
#include <string>

#include "server/exchange/keys.h"
#include "server/exchange/stored_record.h"
#include "server/exchange/taken_back.h"
#include "server/membership/stored_state.h"

namespace coalition::denials {
namespace {

constexpr std::string_view kMembershipPrefix = "m/";

// nullopt: no such record, or a damaged one.
std::optional<std::string_view> HeaderOf(std::string_view value) {
  const auto stored = exchange::ParseStoredRecord(value);
  if (!stored) return std::nullopt;
  return value.substr(0, stored->header.size());
}

// How the commit says that the record is taken back.
storage::v1::StoredTakenBack TakenBackIn(std::span<const store::Write> writes, const exchange::RecordId& id) {
  const std::string key = exchange::TakenBackKey(id);
  storage::v1::StoredTakenBack how;
  const auto row =
      std::find_if(writes.begin(), writes.end(), [&key](const store::Write& w) { return w.key == key; });
  if (row == writes.end() || !row->value || !how.ParseFromString(*row->value)) {
    how.Clear();
    how.set_kind(v1::RETRACTION_KIND_GONE);
  }
  return how;
}

bool IsExpiry(const storage::v1::StoredTakenBack& how, std::optional<std::string_view> before) {
  const auto stored = before ? exchange::ParseStoredRecord(*before) : std::nullopt;
  return stored && how.kind() == v1::RETRACTION_KIND_GONE && how.time_s() == stored->header.expire_time_s();
}

void AppendRow(store::Revision revision, const store::Write& write, storage::v1::StoredDenials* to) {
  storage::v1::DeniedRow& row = *to->add_rows();
  row.set_revision(revision);
  row.set_key(write.key);
  row.set_removed(!write.value);
  if (write.value) row.set_value(*write.value);
}

void AppendRecord(store::Revision revision, const store::Write& write, std::span<const store::Write> writes,
                  const Before& before, storage::v1::StoredDenials* to) {
  const auto id = exchange::IdOfRecordKey(write.key);
  if (!id) return;
  storage::v1::DeniedRecord record;
  record.set_revision(revision);
  record.set_id(std::string(id->begin(), id->end()));
  if (!write.value) {
    const storage::v1::StoredTakenBack how = TakenBackIn(writes, *id);
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

}  // namespace

bool IsGovernance(std::string_view key) {
  return key.starts_with(kMembershipPrefix) && !key.starts_with(membership::kEventPrefix) &&
         !key.starts_with(membership::kAudiencePrefix);
}

void AppendDenials(store::Revision revision, std::span<const store::Write> writes, const Before& before,
                   storage::v1::StoredDenials* to) {
  const int had = to->rows_size() + to->records_size();
  for (const store::Write& write : writes) {
    if (write.key.starts_with(exchange::kRecordsPrefix)) {
      AppendRecord(revision, write, writes, before, to);
    } else if (IsGovernance(write.key)) {
      AppendRow(revision, write, to);
    }
  }
  if (to->rows_size() + to->records_size() > had) to->set_revision(revision);
}

}  // namespace coalition::denials

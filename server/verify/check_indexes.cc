#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coalition/storage/v1/storage.pb.h"
#include "common/ids.h"
#include "server/exchange/draft.h"
#include "server/exchange/keys.h"
#include "server/exchange/stored_record.h"
#include "server/verify/checks.h"

namespace coalition::verify {
namespace {

using exchange::RecordId;

// Not thread-safe. The rows must outlive it.
class IndexCheck {
 public:
  IndexCheck(Rows& rows, const contents::ContentKeys& contents) : rows_(rows), contents_(contents) {}

  void CheckIdRow(const store::Entry& row) {
    const auto id = exchange::IdOfRecordKey(row.version.value);
    if (!id || exchange::IdKey(*id) != row.key) Wrong(row, "is not of the record that it leads to");
  }

  void CheckExpiryRow(const store::Entry& row) {
    const auto entry = exchange::ParseExpiryKey(row.key);
    if (!Find(row)) return;
    const bool is_it = entry && exchange::IdOfRecordKey(row.version.value) == entry->id &&
                       stored_->header.expire_time_s() == entry->expire_time_s;
    if (!is_it) Wrong(row, "is not where its record expires");
  }

  // Of an owner, an audience or what refers to a record.
  void CheckPlaced(const store::Entry& row) {
    if (!Find(row)) return;
    const size_t at = row.key.size() - std::min(row.key.size(), exchange::kPositionBytes);
    const std::string_view key = row.key;
    const bool placed = exchange::DecodePosition(key.substr(at)) == stored_->position();
    if (!placed || !IsIn(key.substr(0, at), *exchange::IdOfRecordKey(row.version.value)))
      Wrong(row, "is not where its record is to be found");
  }

  void CheckExternalId(const store::Entry& row, const Known& known) {
    storage::v1::StoredExternalId entry;
    const auto id = Parse(row.version.value, &entry) ? RecordIdToBytes(entry.record_id()) : std::nullopt;
    if (!id || row.key.size() <= kMemberEnd) return Wrong(row, "is no external id");
    const uint32_t member = MemberOf(row.key);
    if (!known.IsMember(member)) return Wrong(row, "is an external id of nobody");
    // What it was made from is forgotten when the record goes.
    if (entry.content_sha256().empty()) return;
    const Rows::Row place = rows_.Read(exchange::IdKey(*id));
    if (place.absent()) return Wrong(row, "leads to no record");
    if (!place.version || !FindAt(place.version->value, row)) return;
    v1::Record record;
    const auto opened = exchange::OpenMessageInto(contents_, *id, *stored_, &record);
    if (!opened.ok() || !*opened) return;  // which is told of the record
    const bool is_it = stored_->header.contributor() == member && !record.external_id().empty() &&
                       exchange::ExternalIdKey(contents_, member, record.external_id()) == row.key;
    if (!is_it) Wrong(row, "is not of the record that it leads to");
  }

 private:
  // Of an external id's key: what follows is its pseudonym.
  static constexpr size_t kMemberEnd = 5;

  void Wrong(const store::Entry& row, const char* what) { rows_.Find(Subject::kIndex, what, row.key); }

  static uint32_t MemberOf(std::string_view key) {
    uint32_t member = 0;
    for (const char byte : key.substr(1, kMemberEnd - 1)) member = member << 8 | static_cast<uint8_t>(byte);
    return member;
  }

  // Sets `stored_`. False: there is none, which is told, or it is told elsewhere that it is damaged.
  bool Find(const store::Entry& row) { return FindAt(row.version.value, row); }
  bool FindAt(const std::string& record_key, const store::Entry& row) {
    if (!exchange::IdOfRecordKey(record_key)) {
      Wrong(row, "leads to no record");
      return false;
    }
    const Rows::Row found = rows_.Read(record_key);
    if (found.absent()) Wrong(row, "leads to a record that is not there");
    if (!found.version) return false;
    value_ = found.version->value;
    stored_ = exchange::ParseStoredRecord(value_);
    return stored_.has_value();
  }

  bool IsIn(std::string_view prefix, const RecordId& id) const {
    std::vector<RecordId> references;
    // The others do not ask for what a record says.
    if (prefix.starts_with(exchange::kBackReferencesPrefix)) {
      const auto record = exchange::OpenMessage(contents_, id, *stored_);
      if (!record.ok() || !record->has_value()) return true;  // which is told of the record
      references = exchange::ReferencesOf(**record);
    }
    const auto prefixes = exchange::IndexPrefixes(stored_->header.ToHeader(), references);
    return std::find(prefixes.begin(), prefixes.end(), prefix) != prefixes.end();
  }

  Rows& rows_;
  const contents::ContentKeys& contents_;
  std::string value_;  // what `stored_` looks into
  std::optional<exchange::StoredRecordView> stored_;
};

}  // namespace

void CheckIndexes(Rows& rows, const Known& known, const contents::ContentKeys& contents) {
  IndexCheck check(rows, contents);
  for (const std::string_view prefix :
       {exchange::kAudiencesPrefix, exchange::kBackReferencesPrefix, exchange::kOwnersPrefix}) {
    rows.EachWith(prefix, [&](const store::Entry& row) { check.CheckPlaced(row); });
  }
  rows.EachWith(exchange::kExpiryPrefix, [&](const store::Entry& row) { check.CheckExpiryRow(row); });
  rows.EachWith(exchange::kIdsPrefix, [&](const store::Entry& row) { check.CheckIdRow(row); });
  rows.EachWith(exchange::kExternalIdsPrefix,
                [&](const store::Entry& row) { check.CheckExternalId(row, known); });
}

}  // namespace coalition::verify

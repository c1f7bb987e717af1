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
  explicit IndexCheck(Rows& rows) : rows_(rows) {}

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
    // Of a record that was withdrawn under an older version no more is known than its place.
    const bool placed = exchange::DecodePosition(key.substr(at)) == stored_->position();
    if (!placed || (!stored_->message.empty() && !IsIn(key.substr(0, at))))
      Wrong(row, "is not where its record is to be found");
  }

  void CheckExternalId(const store::Entry& row, const Known& known) {
    storage::v1::StoredExternalId entry;
    const auto id = Parse(row.version.value, &entry) ? RecordIdToBytes(entry.record_id()) : std::nullopt;
    const size_t words_at = exchange::ExternalIdKey(0, "").size();
    if (!id || row.key.size() <= words_at) return Wrong(row, "is no external id");
    const uint32_t member = MemberOf(row.key);
    if (!known.IsMember(member)) return Wrong(row, "is an external id of nobody");
    // What it was made from is forgotten when the record goes.
    if (entry.content_sha256().empty()) return;
    const Rows::Row place = rows_.Read(exchange::IdKey(*id));
    if (place.absent()) return Wrong(row, "leads to no record");
    if (!place.version || !FindAt(place.version->value, row)) return;
    v1::Record record;
    const bool is_it = stored_->header.contributor() == member && Parse(stored_->message, &record) &&
                       record.external_id() == std::string_view(row.key).substr(words_at);
    if (!is_it) Wrong(row, "is not of the record that it leads to");
  }

 private:
  void Wrong(const store::Entry& row, const char* what) { rows_.Find(Subject::kIndex, what, row.key); }

  static uint32_t MemberOf(std::string_view key) {
    uint32_t member = 0;
    for (const char byte : key.substr(1, 4)) member = member << 8 | static_cast<uint8_t>(byte);
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

  bool IsIn(std::string_view prefix) const {
    v1::Record record;
    std::vector<RecordId> references;
    // The others do not ask for what a record says.
    const bool refers = prefix.starts_with(exchange::BackReferencesPrefix({}).front());
    if (refers && Parse(stored_->message, &record)) references = exchange::ReferencesOf(record);
    const auto prefixes = exchange::IndexPrefixes(stored_->header.ToHeader(), references);
    return std::find(prefixes.begin(), prefixes.end(), prefix) != prefixes.end();
  }

  Rows& rows_;
  std::string value_;  // what `stored_` looks into
  std::optional<exchange::StoredRecordView> stored_;
};

}  // namespace

void CheckIndexes(Rows& rows, const Known& known) {
  IndexCheck check(rows);
  for (const std::string_view prefix : {"a", "b", "o"}) {
    rows.EachWith(prefix, [&](const store::Entry& row) { check.CheckPlaced(row); });
  }
  rows.EachWith(exchange::kExpiryPrefix, [&](const store::Entry& row) { check.CheckExpiryRow(row); });
  rows.EachWith(exchange::kIdsPrefix, [&](const store::Entry& row) { check.CheckIdRow(row); });
  rows.EachWith("x", [&](const store::Entry& row) { check.CheckExternalId(row, known); });
}

}  // namespace coalition::verify

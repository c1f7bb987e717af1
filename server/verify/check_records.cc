#include <algorithm>
#include <string>
#include <utility>
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
using exchange::StoredRecordView;

// Of one record.
class RecordCheck {
 public:
  RecordCheck(Rows& rows, const Known& known, const contents::ContentKeys& contents,
              const KeyedHash* seller_hash, const store::Entry& row)
      : rows_(rows), known_(known), contents_(contents), seller_hash_(seller_hash), row_(row) {}

  void Run() {
    const auto stored = exchange::ParseStoredRecord(row_.version.value);
    const auto id = exchange::IdOfRecordKey(row_.key);
    const auto seller = exchange::SellerOfRecordKey(row_.key);
    if (!stored || !id || !seller) return rows_.Find(Subject::kRow, "is no record", row_.key);
    CheckHeader(stored->header, *seller);
    v1::Record record;
    const auto opened = exchange::OpenMessageInto(contents_, *id, *stored, &record);
    if (!opened.ok()) return rows_.Find(Subject::kRow, "is a record that its key does not open", row_.key);
    // What it was found by besides, nobody can say any more.
    if (!*opened) return Wrong("is erased, and is there");
    CheckMessage(*stored, *id, record);
    CheckRowsBeside(*stored, *id, *seller, record);
  }

 private:
  void Wrong(const char* what) { rows_.Find(Subject::kRecord, what, row_.key); }

  void CheckHeader(const policy::HeaderView& header, const exchange::SellerInKey& seller) {
    if (header.made() == 0 || header.made() > rows_.store().Head())
      Wrong("was made by a commit that there was not");
    if (!known_.IsMember(header.contributor())) Wrong("is of a contributor that is no member");
    const storage::v1::StoredPlatform* platform = known_.Platform(header.platform());
    if (header.platform() != 0 && known_.state() &&
        (platform == nullptr || platform->id() != seller.platform))
      Wrong("is on another platform than its seller");
    for (int i = 0; i < header.grants_size(); ++i) {
      const policy::HeaderGrant grant = header.grant(i);
      if (!IsKnown(grant.kind, grant.id)) Wrong("is granted to a member or group that is not there");
      if (grant.attached > rows_.store().Head()) Wrong("has a grant of a commit that there was not");
    }
    for (int i = 0; i < header.exclusions_size(); ++i) {
      const policy::HeaderExclusion exclusion = header.exclusion(i);
      if (!IsKnown(exclusion.kind, exclusion.id)) Wrong("excludes a member or group that is not there");
    }
  }

  bool IsKnown(policy::SubjectKind kind, uint32_t id) const {
    if (kind == policy::SubjectKind::kMember) return known_.IsMember(id);
    return kind != policy::SubjectKind::kGroup || known_.IsGroup(id);
  }

  // What is decided by and what is shown are two forms of one record.
  void CheckMessage(const StoredRecordView& stored, const RecordId& id, const v1::Record& record) {
    const policy::HeaderView& header = stored.header;
    const v1::Seller& seller = record.seller();
    const std::string token = contents_.SellerToken(seller.platform(), seller.seller_id());
    if (exchange::RecordKey(seller.platform(), token, id) != row_.key)
      Wrong("lies under another seller than it names");
    const storage::v1::StoredMember* member = known_.Member(header.contributor());
    if (member != nullptr && record.contributor() != FormatMemberName(member->id()))
      Wrong("names another contributor than is decided by");
    if (record.record_class() != header.record_class()) Wrong("names another class than is decided by");
    if (record.label() != header.label()) Wrong("names another label than is decided by");
    if (record.permitted_action() != header.permitted_action())
      Wrong("names other permitted actions than are decided by");
    if (record.opinion().verdict() != stored.verdict) Wrong("names another verdict than is counted");
    const std::vector<RecordId> references = exchange::ReferencesOf(record);
    const auto subject = header.subject();
    const bool same =
        record.has_opinion() ? subject && references == std::vector<RecordId>{*subject} : !subject;
    if (!same) Wrong("names another subject than is decided by");
    CheckEnd(header, record);
  }

  // A contested one may end before the time that its contributor chose.
  void CheckEnd(const policy::HeaderView& header, const v1::Record& record) {
    const int64_t chosen_s = record.expire_time().seconds();
    const bool contested = header.state() == policy::Lifecycle::kContested;
    const int64_t lapse_s = record.contest().lapse_time().seconds();
    const int64_t end_s = contested ? std::min(chosen_s, lapse_s) : chosen_s;
    if (header.expire_time_s() != end_s) Wrong("names another end than is decided by");
    if (contested && !record.has_contest()) Wrong("is contested and does not say since when");
  }

  void CheckRowsBeside(const StoredRecordView& stored, const RecordId& id,
                       const exchange::SellerInKey& seller, const v1::Record& record) {
    std::vector<store::Write> expected;
    const policy::Header header = stored.header.ToHeader();
    exchange::AppendIndexRows(row_.key, id, header, stored.ordinal,
                              exchange::IndexPrefixes(header, exchange::ReferencesOf(record)), &expected);
    if (seller_hash_ != nullptr) {
      const auto hash = exchange::ScreenedHash(*seller_hash_, header.record_class, seller.token);
      if (hash) expected.push_back({exchange::PresenceKey(*hash), std::string()});
    }
    for (const store::Write& one : expected) {
      const Rows::Row row = rows_.Read(one.key);
      if (row.absent()) Missing(one.key);
      if (row.version && row.version->value != one.value)
        rows_.Find(Subject::kIndex, "leads to another record than it should", one.key);
    }
    if (!record.external_id().empty()) CheckExternalId(header.contributor, id, record.external_id());
  }

  void CheckExternalId(uint32_t contributor, const RecordId& id, const std::string& external_id) {
    const std::string key = exchange::ExternalIdKey(contents_, contributor, external_id);
    const Rows::Row row = rows_.Read(key);
    if (row.absent()) Missing(key);
    storage::v1::StoredExternalId entry;
    if (!row.version || !Parse(row.version->value, &entry)) return;
    if (RecordIdToBytes(entry.record_id()) != id || entry.content_sha256().empty())
      rows_.Find(Subject::kIndex, "leads to another record than it should", key);
  }

  void Missing(std::string_view key) {
    rows_.Find(Subject::kIndex, "is missing, and a record can't be found without it", key);
  }

  Rows& rows_;
  const Known& known_;
  const contents::ContentKeys& contents_;
  const KeyedHash* const seller_hash_;
  const store::Entry& row_;
};

}  // namespace

void CheckRecords(Rows& rows, const Known& known, const contents::ContentKeys& contents,
                  const KeyedHash* seller_hash, Counts* counts) {
  rows.EachWith(exchange::kRecordsPrefix, [&](const store::Entry& row) {
    ++counts->records;
    RecordCheck(rows, known, contents, seller_hash, row).Run();
  });
  const std::string key(exchange::kContentsFormKey);
  const Rows::Row form = rows.Read(key);
  if (counts->records > 0 && form.absent())
    rows.Find(Subject::kRow, "is missing: the store is of a version that kept contents in clear", key);
  if (!form.version) return;
  if (absl::Status fits = exchange::CheckContentsFact(contents, form.version->value); !fits.ok())
    rows.Find(Subject::kRow, "says: " + std::string(fits.message()), key);
}

}  // namespace coalition::verify

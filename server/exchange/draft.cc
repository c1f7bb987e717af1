#include "server/exchange/draft.h"

#include <algorithm>
#include <utility>

#include "coalition/storage/v1/storage.pb.h"
#include "common/errors.h"
#include "common/ids.h"
#include "common/timestamp.h"
#include "server/exchange/access.h"
#include "server/exchange/screen.h"

namespace coalition::exchange {
namespace {

absl::Status ReferenceNotFound(const Reference& reference) {
  return Error(v1::ERROR_REASON_REFERENCE_NOT_FOUND, "a referenced record is not one that you can see",
               {{"field", reference.field}});
}

bool MayName(const Reference& reference, v1::RecordClass target) {
  if (reference.must_be == v1::RECORD_CLASS_UNSPECIFIED) return target != v1::RECORD_CLASS_OPINION;
  return target == reference.must_be;
}

absl::Status WrongClass(const Reference& reference) {
  FieldViolations violations;
  violations.Add(std::string("record.") + reference.field, "names a record of the wrong class");
  return violations.ToStatus();
}

// Where a record about that seller lies, and what screening must find of it.
void SetSeller(const Room& room, const v1::Seller& seller, Draft* draft) {
  const std::string token = room.keys.contents->SellerToken(seller.platform(), seller.seller_id());
  draft->record_key = RecordKey(seller.platform(), token, draft->id);
  draft->seller_hash = ScreenedHash(room.seller_hash, draft->header.record_class, token);
}

// Of an opinion, which lies beside its subject and is about the same seller: that seller.
absl::StatusOr<v1::Seller> TakeSeller(const Room& room, const CheckedRecord& checked,
                                      const SeenRecord& subject, Draft* draft) {
  auto said = OpenMessage(*room.keys.contents, subject.id, subject.stored);
  if (!said.ok()) return said.status();
  if (!said->has_value()) return ReferenceNotFound(checked.references.front());
  draft->header.subject = subject.id;
  draft->record_key = SiblingKey(subject.key, draft->id);
  draft->verdict = checked.contents.opinion().verdict();
  return (*said)->seller();
}

}  // namespace

absl::Status ResolveReferences(const Reader& reader, const CheckedRecord& checked,
                               const std::vector<RecordId>& known, std::optional<SeenRecord>* subject) {
  for (const Reference& reference : checked.references) {
    if (std::find(known.begin(), known.end(), reference.target) != known.end()) continue;
    auto target = reader.FindById(reference.target);
    if (!target.ok()) return target.status();
    if (!target->has_value()) return ReferenceNotFound(reference);
    if (!MayName(reference, (*target)->stored.header.record_class())) return WrongClass(reference);
    if (checked.record_class == v1::RECORD_CLASS_OPINION) *subject = *std::move(target);
  }
  return absl::OkStatus();
}

int64_t NextUpdateNs(const google::protobuf::Timestamp& before, int64_t now_ns) {
  return std::max(now_ns, before.seconds() * 1'000'000'000 + before.nanos() + 1);
}

std::string StoredMessage(const v1::Record& contents, const Contributor& contributor,
                          v1::RecordClass record_class, int64_t create_ns, int64_t update_ns,
                          int64_t expire_time_s, const v1::Seller* seller) {
  v1::Record set_by_server;
  const policy::MemberState* member = contributor.snapshot->policy_state().member(contributor.member);
  set_by_server.set_contributor(FormatMemberName(member->id));
  set_by_server.set_record_class(record_class);
  *set_by_server.mutable_create_time() = ToTimestamp(create_ns);
  *set_by_server.mutable_update_time() = ToTimestamp(update_ns);
  if (!contents.has_expire_time()) set_by_server.mutable_expire_time()->set_seconds(expire_time_s);
  if (seller != nullptr) *set_by_server.mutable_seller() = *seller;
  // Messages one after the other are their merger.
  std::string message = contents.SerializeAsString();
  set_by_server.AppendToString(&message);
  return message;
}

policy::Header AttachedAt(policy::Header header, store::Revision revision) {
  for (policy::HeaderGrant& grant : header.grants) {
    if (grant.attached == kAttachedNow) grant.attached = revision;
  }
  return header;
}

std::vector<std::string> IndexPrefixes(const policy::Header& header,
                                       const std::vector<RecordId>& references) {
  std::vector<std::string> prefixes;
  prefixes.reserve(1 + header.grants.size() + references.size());
  prefixes.push_back(OwnerPrefix(header.contributor));
  for (const policy::HeaderGrant& grant : header.grants)
    prefixes.push_back(AudiencePrefix(grant.kind, grant.id));
  for (const RecordId& target : references)
    prefixes.push_back(BackReferencePrefix(target, header.record_class));
  // One subject can be granted two views.
  if (prefixes.size() > 2) {
    std::sort(prefixes.begin(), prefixes.end());
    prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
  }
  return prefixes;
}

std::vector<RecordId> ReferencesOf(const v1::Record& record) {
  std::vector<RecordId> references;
  const auto add = [&references](const std::string& name) {
    const auto text = ParseRecordName(name);
    const auto id = text.ok() ? RecordIdToBytes(*text) : std::nullopt;
    if (id) references.push_back(*id);
  };
  if (record.has_takedown_notice()) add(record.takedown_notice().report());
  if (record.has_takedown_outcome()) {
    add(record.takedown_outcome().notice());
    add(record.takedown_outcome().report());
  }
  if (record.has_opinion()) add(record.opinion().subject());
  return references;
}

std::optional<uint64_t> ScreenedHash(const KeyedHash& hash, v1::RecordClass record_class,
                                     std::string_view seller_token) {
  const bool screened =
      record_class == v1::RECORD_CLASS_OFFENDER_REPORT || record_class == v1::RECORD_CLASS_TAKEDOWN_OUTCOME;
  if (!screened || seller_token.empty()) return std::nullopt;
  return HashSeller(hash, seller_token);
}

absl::StatusOr<Draft> MakeDraft(const Room& room, const Contributor& contributor, const RecordId& id,
                                CheckedRecord checked, const SeenRecord* subject) {
  Draft draft;
  draft.id = id;
  policy::Header& header = draft.header;
  header.record_class = checked.record_class;
  header.label = checked.contents.label();
  header.permitted_action = checked.contents.permitted_action();
  header.contributor = contributor.member;
  header.platform = subject == nullptr ? checked.platform : subject->stored.header.platform();
  header.expire_time_s = checked.expire_time_s;
  header.grants = std::move(checked.audience.grants);
  header.exclusions = std::move(checked.audience.exclusions);
  std::vector<RecordId> references;
  for (const Reference& reference : checked.references) references.push_back(reference.target);

  absl::StatusOr<v1::Seller> taken_over;
  if (subject == nullptr) {
    SetSeller(room, checked.contents.seller(), &draft);
  } else if (taken_over = TakeSeller(room, checked, *subject, &draft); !taken_over.ok()) {
    return taken_over.status();
  }
  draft.message =
      StoredMessage(checked.contents, contributor, checked.record_class, contributor.now_ns,
                    contributor.now_ns, checked.expire_time_s, subject == nullptr ? nullptr : &*taken_over);
  draft.index_prefixes = IndexPrefixes(header, references);
  if (!checked.contents.external_id().empty()) {
    draft.external_id = checked.contents.external_id();
    const contents::ContentKeys& keys = *room.keys.contents;
    draft.external_id_key = ExternalIdKey(keys, contributor.member, draft.external_id);
    // The message begins with the contents.
    draft.contents_sha256 =
        Sha256(std::string_view(draft.message).substr(0, checked.contents.GetCachedSize()));
    draft.external_id_entry = ExternalIdEntry(id, Bytes(keys.Fingerprint(id, draft.contents_sha256)));
  }
  return draft;
}

void SealDraft(const Room& room, Draft* draft) {
  draft->sealed = room.keys.contents->Seal(draft->id, draft->message);
  draft->message = std::string();
}

std::string ExternalIdEntry(const RecordId& id, std::string_view fingerprint) {
  storage::v1::StoredExternalId stored;
  stored.set_record_id(RecordIdFromBytes(Bytes(id)));
  stored.set_content_sha256(std::string(fingerprint));
  return stored.SerializeAsString();
}

absl::Status ExternalIdHasOtherContents(std::string_view external_id, const RecordId& id) {
  const std::string name = NameOf(id);
  return Error(v1::ERROR_REASON_EXTERNAL_ID_TAKEN,
               "your " + name + " has this external_id, with other contents, label or audience: revise it",
               {{"external_id", external_id}, {"record", name}});
}

absl::Status ExternalIdGone(std::string_view external_id) {
  return Error(v1::ERROR_REASON_EXTERNAL_ID_TAKEN,
               "your record with this external_id has expired or was withdrawn; the id stays taken",
               {{"external_id", external_id}});
}

absl::StatusOr<std::optional<RecordId>> JudgeExternalId(const contents::ContentKeys& contents,
                                                        std::string_view external_id,
                                                        const Sha256Digest& contents_sha256,
                                                        const std::optional<store::Version>& entry) {
  if (!entry) return std::optional<RecordId>();
  storage::v1::StoredExternalId stored;
  const auto id = stored.ParseFromString(entry->value) ? RecordIdToBytes(stored.record_id()) : std::nullopt;
  if (!id) return Corrupt();
  if (stored.content_sha256().empty()) return ExternalIdGone(external_id);
  if (stored.content_sha256() != Bytes(contents.Fingerprint(*id, contents_sha256)))
    return ExternalIdHasOtherContents(external_id, *id);
  return id;
}

void AppendIndexRows(const std::string& record_key, const RecordId& id, const policy::Header& header,
                     uint32_t ordinal, const std::vector<std::string>& prefixes,
                     std::vector<store::Write>* writes) {
  writes->push_back({IdKey(id), record_key});
  writes->push_back({ExpiryKey(header.expire_time_s, id), record_key});
  const std::string position = EncodePosition({header.made, ordinal});
  for (const std::string& prefix : prefixes) writes->push_back({prefix + position, record_key});
}

void Place(const Draft& draft, store::Revision revision, uint32_t ordinal, bool write_presence,
           std::vector<store::Write>* writes) {
  policy::Header header = AttachedAt(draft.header, revision);
  header.made = revision;
  writes->push_back({draft.record_key, EncodeStoredRecord(header, ordinal, draft.verdict, draft.sealed)});
  AppendIndexRows(draft.record_key, draft.id, header, ordinal, draft.index_prefixes, writes);
  if (!draft.external_id_key.empty()) {
    writes->push_back({draft.external_id_key, draft.external_id_entry});
  }
  if (write_presence) writes->push_back({PresenceKey(*draft.seller_hash), std::string()});
}

size_t PlacedBytes(const Draft& draft) {
  constexpr size_t kEntryBytes = 64;
  return draft.sealed.size() + (draft.index_prefixes.size() + 4) * (kEntryBytes + draft.record_key.size());
}

size_t BytesOf(const std::vector<store::Write>& writes) {
  constexpr size_t kWriteBytes = 32;
  size_t bytes = 0;
  for (const store::Write& write : writes)
    bytes += kWriteBytes + write.key.size() + (write.value ? write.value->size() : 0);
  return bytes;
}

void AppendForm(const std::string& record_key, std::string value, int64_t old_expire_time_s,
                int64_t expire_time_s, std::vector<store::Write>* writes) {
  writes->push_back({record_key, std::move(value)});
  const auto id = IdOfRecordKey(record_key);
  if (!id || expire_time_s == old_expire_time_s) return;
  writes->push_back({ExpiryKey(old_expire_time_s, *id), std::nullopt});
  writes->push_back({ExpiryKey(expire_time_s, *id), record_key});
}

absl::Status AppendRemoval(const contents::ContentKeys& contents, std::string_view record_key,
                           const StoredRecordView& stored, const TakingBack& how,
                           std::vector<store::Write>* writes) {
  const auto id = IdOfRecordKey(record_key);
  if (!id) return Corrupt();
  v1::Record record;
  const auto opened = OpenMessageInto(contents, *id, stored, &record);
  if (!opened.ok()) return opened.status();
  std::vector<RecordId> references = ReferencesOf(record);
  if (const auto subject = stored.header.subject(); subject && !*opened) references.push_back(*subject);
  const std::string position = EncodePosition(stored.position());
  for (const std::string& prefix : IndexPrefixes(stored.header.ToHeader(), references))
    writes->push_back({prefix + position, std::nullopt});
  if (!record.external_id().empty()) {
    // No contents have an empty fingerprint.
    writes->push_back({ExternalIdKey(contents, stored.header.contributor(), record.external_id()),
                       ExternalIdEntry(*id, "")});
  }
  writes->push_back({ExpiryKey(stored.header.expire_time_s(), *id), std::nullopt});
  writes->push_back(TakenBackWrite(contents, *id, stored.header, how));
  writes->push_back({std::string(record_key), std::nullopt});
  return absl::OkStatus();
}

}  // namespace coalition::exchange

// A record on its way into the store, and what goes there with it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/hash.h"
#include "common/policy/header.h"
#include "server/exchange/keys.h"
#include "server/exchange/reader.h"
#include "server/exchange/room.h"
#include "server/exchange/stored_record.h"
#include "server/exchange/taken_back.h"
#include "server/exchange/validate.h"
#include "server/store/store.h"

namespace coalition::exchange {

// A new record, but for the revision that it will be made at.
struct Draft {
  RecordId id{};
  policy::Header header;
  std::string message;  // in clear until it is sealed
  std::string sealed;   // by SealDraft
  v1::OpinionVerdict verdict = v1::OPINION_VERDICT_UNSPECIFIED;
  std::string record_key;
  // The contributor's own; empty: it has none.
  std::string external_id;
  std::string external_id_key;
  // SHA-256 of the contents as checked: two drafts with equal contents are the same record. Never stored.
  Sha256Digest contents_sha256{};
  std::string external_id_entry;  // of the record
  // Of each index that the record is entered in.
  std::vector<std::string> index_prefixes;
  // Of a report or an outcome that names a seller: what screening must find.
  std::optional<uint64_t> seller_hash;
};

// Whether each record that `checked` names is one that the reader's asker may see, and of the right class.
// FAILED_PRECONDITION, REFERENCE_NOT_FOUND when it is absent or hidden. References that are in `known` pass.
// Sets `subject` for an opinion. Visibility is judged by the reader's revision, shortly before the commit: a
// target that vanishes in between is one that could have vanished right after.
absl::Status ResolveReferences(const Reader& reader, const CheckedRecord& checked,
                               const std::vector<RecordId>& known, std::optional<SeenRecord>* subject);

// `subject`: of an opinion, whose seller it takes over. FAILED_PRECONDITION, REFERENCE_NOT_FOUND: that was
// erased meanwhile. DATA_LOSS, CORRUPT: what it says can't be read.
absl::StatusOr<Draft> MakeDraft(const Room& room, const Contributor& contributor, const RecordId& id,
                                CheckedRecord checked, const SeenRecord* subject);
// When nothing is added to its message any more.
void SealDraft(const Room& room, Draft* draft);

// The update time of a revision that is made now: every one has another, whatever the clock does, and so
// another etag.
int64_t NextUpdateNs(const google::protobuf::Timestamp& before, int64_t now_ns);

// The message that is stored: `contents` followed by what the server sets. Times in nanoseconds since the
// epoch. `seller`: of an opinion, its subject's.
std::string StoredMessage(const v1::Record& contents, const Contributor& contributor,
                          v1::RecordClass record_class, int64_t create_ns, int64_t update_ns,
                          int64_t expire_time_s, const v1::Seller* seller);

// The header as it is stored by a commit of this revision: grants that were made now get it as their
// attachment.
policy::Header AttachedAt(policy::Header header, store::Revision revision);

std::vector<std::string> IndexPrefixes(const policy::Header& header, const std::vector<RecordId>& references);
// The records that a stored message refers to.
std::vector<RecordId> ReferencesOf(const v1::Record& record);

// What is remembered under an external_id. A removed record's equals no contents.
std::string ExternalIdEntry(const RecordId& id, std::string_view fingerprint);
// nullopt: the id is free; else the record that was made with it from the same contents. ALREADY_EXISTS,
// EXTERNAL_ID_TAKEN: other contents, or withdrawn.
absl::StatusOr<std::optional<RecordId>> JudgeExternalId(const contents::ContentKeys& contents,
                                                        std::string_view external_id,
                                                        const Sha256Digest& contents_sha256,
                                                        const std::optional<store::Version>& entry);
// EXTERNAL_ID_TAKEN: the contributor's own record has it, with other contents; it names the record.
absl::Status ExternalIdHasOtherContents(std::string_view external_id, const RecordId& id);
// EXTERNAL_ID_TAKEN: by a record that has expired or was withdrawn.
absl::Status ExternalIdGone(std::string_view external_id);

// What screening must find of such a record about the seller with that token. nullopt: nothing.
std::optional<uint64_t> ScreenedHash(const KeyedHash& hash, v1::RecordClass record_class,
                                     std::string_view seller_token);

// Appends the rows by which a record is found: by its id, by when it expires, and in each index, of which
// `prefixes` are those of IndexPrefixes. `header`: as it is stored.
void AppendIndexRows(const std::string& record_key, const RecordId& id, const policy::Header& header,
                     uint32_t ordinal, const std::vector<std::string>& prefixes,
                     std::vector<store::Write>* writes);

// Appends all writes of a new record. The draft is sealed.
void Place(const Draft& draft, store::Revision revision, uint32_t ordinal, bool write_presence,
           std::vector<store::Write>* writes);

// About how many bytes Place writes.
size_t PlacedBytes(const Draft& draft);
// About how many bytes these writes are, with what each costs beside its key and its value.
size_t BytesOf(const std::vector<store::Write>& writes);

// Of a commit that is one of many for one work: so that nobody who commits beside it waits long.
inline constexpr size_t kBatchBytesMax = size_t{1} << 20;

// Appends the writes of another form of a record: its row, `value`, and its entry in the expiry index, if
// that moves. Its entries in the others stay.
void AppendForm(const std::string& record_key, std::string value, int64_t old_expire_time_s,
                int64_t expire_time_s, std::vector<store::Write>* writes);

// Appends the writes that remove a record's row and its entries in the indexes, reserve its external_id for
// good, and say `how` it was taken back. `record_key` is its key. DATA_LOSS, CORRUPT: its message can't be
// read; nothing is appended. Of an erased one what only its message said stays: the entries of what it
// referred to and of its external_id, which then lead to nothing. Two records' writes share no key; two
// removals of one record write the same keys, so a commit makes one of them at most, and only while the
// record is as it was read.
absl::Status AppendRemoval(const contents::ContentKeys& contents, std::string_view record_key,
                           const StoredRecordView& stored, const TakingBack& how,
                           std::vector<store::Write>* writes);

}  // namespace coalition::exchange

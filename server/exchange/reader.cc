#include "server/exchange/reader.h"

#include <utility>

#include "coalition/storage/v1/storage.pb.h"
#include "common/errors.h"
#include "common/hash.h"
#include "common/ids.h"
#include "common/policy/fields.h"
#include "google/protobuf/arena.h"
#include "server/exchange/access.h"
#include "server/exchange/cleared_before.h"

namespace coalition::exchange {
namespace {

constexpr size_t kTokenBytes = 16;
// Tokens of another generation of the master key never equal these.
constexpr char kTokenGeneration = 1;

std::string Number(uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(number >> shift));
  return bytes;
}

std::string ShortMac(std::string_view key, std::string_view data) {
  const Sha256Digest mac = HmacSha256(key, data);
  return Base32Encode(Bytes(mac).substr(0, kTokenBytes));
}

// "owner", or the names of the views that took part.
std::string ViewNames(const policy::State& state, const policy::Decision& decision) {
  if (decision.owner) return "owner";
  std::string joined;
  for (const std::string_view name : state.view_names().NamesOf(decision.view_ids)) {
    if (!joined.empty()) joined += "+";
    joined += name;
  }
  return joined;
}

}  // namespace

std::string NameOf(const RecordId& id) { return FormatRecordName(RecordIdFromBytes(Bytes(id))); }

void Disclose(const RecordId& id, const policy::HeaderView& header, const policy::Decision& decision,
              ledger::Disclosure* disclosure) {
  if (decision.owner) return;
  disclosure->records.push_back({id, header.contributor(), decision.view_ids, header.record_class()});
}

std::optional<ledger::DisclosedRecord> SubjectShown(const policy::Decision& opinion,
                                                    const RecordId& subject_id,
                                                    const policy::HeaderView& subject_header,
                                                    const policy::Decision& subject) {
  if (subject.owner || !ShowsAnyOfSeller(v1::RECORD_CLASS_OPINION, opinion.view)) return std::nullopt;
  return ledger::DisclosedRecord{subject_id, subject_header.contributor(), subject.view_ids,
                                 subject_header.record_class()};
}

absl::Status ScanPrefix(const store::Store& store, const Asker& asker, std::string_view prefix,
                        absl::FunctionRef<void(std::string_view key, std::string_view value)> visit) {
  absl::Status watched;
  const absl::Status scanned =
      store.ScanEach(prefix, PrefixEnd(prefix), asker.at,
                     [&](std::string_view key, std::string_view value, store::Revision) {
                       watched = asker.Look();
                       if (watched.ok()) visit(key, value);
                       return watched.ok();
                     });
  return scanned.ok() ? watched : FromStore(scanned);
}

Reader::Reader(const store::Store& store, const ExchangeKeys& keys, const Asker& asker)
    : store_(store), keys_(keys), asker_(asker) {}

absl::StatusOr<std::vector<std::optional<store::Version>>> Reader::Read(
    const std::vector<std::string>& keys) const {
  auto read = store_.Read(keys, asker_.at);
  if (!read.ok()) return FromStore(read.status());
  return read;
}

absl::StatusOr<Reader::Place> Reader::PlaceOf(const RecordId& id) const {
  const std::string key = IdKey(id);
  auto pointers = store_.Scan(key, PrefixEnd(kIdsPrefix), asker_.at, {.items = 1});
  if (!pointers.ok()) return FromStore(pointers.status());
  if (pointers->items.empty()) return Place{RecordKey("", "", id), false};
  store::Entry& pointer = pointers->items.front();
  return Place{std::move(pointer.version.value), pointer.key == key};
}

absl::StatusOr<std::optional<SeenRecord>> Reader::FindById(const RecordId& id) const {
  auto place = PlaceOf(id);
  if (!place.ok()) return place.status();
  auto seen = FindByKey(std::move(place->record_key));
  if (!place->is_it) return std::optional<SeenRecord>();
  return seen;
}

absl::StatusOr<std::optional<FoundRecord>> Reader::FindUnjudged(const RecordId& id) const {
  auto place = PlaceOf(id);
  if (!place.ok()) return place.status();
  auto found = FindUnjudgedByKey(std::move(place->record_key));
  if (!place->is_it) return std::optional<FoundRecord>();
  return found;
}

absl::StatusOr<std::optional<SeenRecord>> Reader::FindByExternalId(std::string_view external_id) const {
  auto read = Read({ExternalIdKey(contents(), asker_.member, external_id)});
  if (!read.ok()) return read.status();
  if (!(*read)[0].has_value()) return std::optional<SeenRecord>();
  storage::v1::StoredExternalId stored;
  const auto id =
      stored.ParseFromString((*read)[0]->value) ? RecordIdToBytes(stored.record_id()) : std::nullopt;
  if (!id) return Corrupt();
  return FindById(*id);
}

absl::StatusOr<std::optional<FoundRecord>> Reader::FindUnjudgedByKey(std::string key) const {
  auto read = Read({key});
  if (!read.ok()) return read.status();
  const auto id = IdOfRecordKey(key);
  if (!id || !(*read)[0].has_value()) return std::optional<FoundRecord>();
  const store::Revision revision = (*read)[0]->revision;
  auto value = std::make_unique<const std::string>(std::move((*read)[0]->value));
  const auto stored = ParseStoredRecord(*value);
  if (!stored) return std::optional<FoundRecord>();
  FoundRecord found{*id, std::move(key), revision, std::move(value), *stored, nullptr};
  const auto subject_id = stored->header.subject();
  if (subject_id) {
    auto subject = Read({SiblingKey(found.key, *subject_id)});
    if (!subject.ok()) return subject.status();
    if ((*subject)[0].has_value()) {
      found.subject_value = std::make_unique<const std::string>(std::move((*subject)[0]->value));
    }
  }
  return std::optional<FoundRecord>(std::move(found));
}

absl::StatusOr<std::optional<SeenRecord>> Reader::FindByKey(std::string key) const {
  auto found = FindUnjudgedByKey(std::move(key));
  if (!found.ok()) return found.status();
  if (!found->has_value()) return std::optional<SeenRecord>();
  auto seen = See(**std::move(found));
  // At an old revision the row is still there.
  if (seen && contents().IsErased(seen->id)) seen.reset();
  return seen;
}

std::optional<SeenRecord> Reader::See(FoundRecord found) const {
  const policy::Decision decision = found.DecideFor(asker_);
  if (!decision.visible()) return std::nullopt;
  SeenRecord seen{
      found.id, std::move(found.key), found.revision, std::move(found.value), found.stored, decision, {}};
  if (const auto subject = found.subject_header()) {
    seen.subject = SubjectShown(decision, *found.stored.header.subject(), *subject, Judge(asker_, *subject));
  }
  return seen;
}

std::optional<policy::HeaderView> FoundRecord::subject_header() const {
  const auto subject = subject_value == nullptr ? std::nullopt : ParseStoredRecord(*subject_value);
  return subject ? std::optional(subject->header) : std::nullopt;
}

policy::Decision FoundRecord::DecideFor(const Asker& asker) const {
  if (stored.header.record_class() != v1::RECORD_CLASS_OPINION) return Judge(asker, stored.header);
  const auto subject = subject_header();
  return stored.header.subject() ? JudgeOpinion(asker, stored.header, subject ? &*subject : nullptr)
                                 : policy::Decision{};
}

absl::Status Reader::Show(const SeenRecord& seen, v1::Record* out, ledger::Disclosure* disclosure) const {
  const auto disputed = Disputed(seen.id, seen.decision, disclosure);
  if (!disputed.ok()) return disputed.status();
  Disclose(seen.id, seen.stored.header, seen.decision, disclosure);
  if (seen.subject) disclosure->records.push_back(*seen.subject);
  return Project(seen.id, seen.stored, seen.decision, *disputed, out);
}

absl::Status Reader::Project(const RecordId& id, const StoredRecordView& stored,
                             const policy::Decision& decision, bool disputed, v1::Record* out) const {
  // A record has some thirty parts, which are let go of at once.
  google::protobuf::Arena arena;
  v1::Record& record = *google::protobuf::Arena::CreateMessage<v1::Record>(&arena);
  const auto opened = OpenMessageInto(contents(), id, stored, &record);
  if (!opened.ok()) return opened.status();
  if (!*opened) return NotFound();
  const policy::HeaderView& header = stored.header;
  if (policy::ClassOf(record) != header.record_class()) return Corrupt();
  // What was decided on is what is shown.
  record.set_record_class(header.record_class());
  record.set_label(header.label());
  record.set_permitted_action(header.permitted_action());
  record.set_state(header.state() == policy::Lifecycle::kContested ? v1::RECORD_STATE_CONTESTED
                                                                   : v1::RECORD_STATE_ACTIVE);
  owner_ = decision.owner;
  reference_error_ = absl::OkStatus();
  policy::Project(record, decision.view, *this, out);
  if (!reference_error_.ok()) return reference_error_;
  out->set_name(NameOf(id));
  out->set_view(ViewNames(asker_.state, decision));
  if (decision.owner && record.has_contest()) *out->mutable_contest() = record.contest();
  // Others' opinions do not keep its contributor from changing a record: they are not part of its etag.
  // Neither is who may see what was cleared.
  if (decision.owner) out->set_etag(Etag(*out));
  out->set_disputed(disputed);
  // The name of a record whose seller the asker knows would tell it this one's.
  if (!record.cleared_before().empty() && ShowsSeller(header.record_class(), decision.view)) {
    absl::Status shown = ShowClearedBefore(store_, contents(), asker_, header, record, out);
    if (!shown.ok()) return shown;
  }
  if (!decision.owner) out->set_etag(Etag(*out));
  return absl::OkStatus();
}

absl::StatusOr<bool> Reader::Disputed(const RecordId& id, const policy::Decision& decision,
                                      ledger::Disclosure* disclosure) const {
  const std::string prefix = BackReferencePrefix(id, v1::RECORD_CLASS_OPINION);
  std::vector<std::string> opinions;
  const absl::Status scanned = ScanPrefix(
      store_, asker_, prefix,
      [&opinions](std::string_view, std::string_view record_key) { opinions.emplace_back(record_key); });
  if (!scanned.ok()) return scanned;
  if (opinions.empty()) return false;
  auto read = Read(opinions);
  if (!read.ok()) return read.status();
  Tally tally;
  ledger::Disclosure counted;
  for (size_t i = 0; i < opinions.size(); ++i) {
    const auto opinion = IdOfRecordKey(opinions[i]);
    const auto stored = (*read)[i].has_value() ? ParseStoredRecord((*read)[i]->value) : std::nullopt;
    if (!opinion || !stored) continue;
    const policy::Decision seen = Judge(asker_, stored->header);
    if (!stored->header.LiveAt(asker_.now_s)) continue;
    if (!decision.owner && !ShowsVerdict(seen.view)) continue;
    tally.Add(stored->verdict);
    if (seen.visible()) Disclose(*opinion, stored->header, seen, &counted);
  }
  if (!tally.disputed()) return false;
  disclosure->records.insert(disclosure->records.end(), counted.records.begin(), counted.records.end());
  return true;
}

std::string Reader::Token(std::string_view field_path, std::string_view value) const {
  std::string data = Number(asker_.member);
  data.push_back(static_cast<char>(field_path.size()));
  data += field_path;
  data.push_back(kTokenGeneration);
  data += value;
  return ShortMac(keys_.token_master, data);
}

bool Reader::CanSee(std::string_view record_name) const {
  if (owner_) return true;  // its own words
  const auto text = ParseRecordName(record_name);
  const auto id = text.ok() ? RecordIdToBytes(*text) : std::nullopt;
  if (!id) return false;
  // By the header alone: who asks what was shown before an erasure is to find that it changed with it.
  const auto target = FindUnjudged(*id);
  if (!target.ok()) reference_error_ = target.status();
  return target.ok() && target->has_value() && (*target)->DecideFor(asker_).visible();
}

std::string Reader::Etag(const v1::Record& shown) const {
  // A record has no maps: equal messages give equal bytes.
  return ShortMac(keys_.etag, Number(asker_.member) + shown.SerializeAsString());
}

}  // namespace coalition::exchange

#include "server/exchange/departure_batch.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "coalition/storage/v1/storage.pb.h"
#include "common/ids.h"
#include "common/policy/transfer.h"
#include "common/timestamp.h"
#include "server/exchange/access.h"
#include "server/exchange/draft.h"
#include "server/exchange/reader.h"
#include "server/exchange/stored_record.h"

namespace coalition::exchange {
namespace {

using Writes = std::vector<store::Write>;

constexpr size_t kScanBytesMax = size_t{256} << 10;

const storage::v1::StoredDeparture* DepartureOf(const membership::Snapshot& snapshot, uint32_t member) {
  const auto& members = snapshot.stored().members;
  if (member == 0 || member > members.size() || !members[member - 1].has_departure()) return nullptr;
  return &members[member - 1].departure();
}

// The prefixes of `all` that `others` does not have.
std::vector<std::string> Without(std::vector<std::string> all, std::vector<std::string> others) {
  std::sort(all.begin(), all.end());
  std::sort(others.begin(), others.end());
  std::vector<std::string> left;
  std::set_difference(all.begin(), all.end(), others.begin(), others.end(), std::back_inserter(left));
  return left;
}

// A record on its way to a successor.
struct Transfer {
  const contents::ContentKeys& contents;
  const RecordId& id;
  const std::string& key;
  const StoredRecordView& stored;
  const v1::Record& before;
  const policy::Header& header_before;
  const policy::Header& header;  // as it will be

  Writes WritesWith(const v1::Record& record) const {
    Writes writes;
    writes.push_back({key, SealStoredRecord(contents, id, header, stored.ordinal, stored.verdict, record)});
    // In the place that the record has had since its creation.
    const std::string position = EncodePosition(stored.position());
    const auto old_prefixes = IndexPrefixes(header_before, ReferencesOf(before));
    const auto new_prefixes = IndexPrefixes(header, ReferencesOf(record));
    for (const std::string& prefix : Without(new_prefixes, old_prefixes))
      writes.push_back({prefix + position, key});
    for (const std::string& prefix : Without(old_prefixes, new_prefixes))
      writes.push_back({prefix + position, std::nullopt});
    // The id stays taken at the one that left, as that of a withdrawn record does.
    if (!before.external_id().empty()) {
      writes.push_back({ExternalIdKey(contents, header_before.contributor, before.external_id()),
                        ExternalIdEntry(id, "")});
    }
    return writes;
  }
};

// References to records that the successor may not see go: it would learn their names. False: that leaves
// nothing, as of an opinion.
absl::StatusOr<bool> KeepSeenReferences(const Reader& successor, const Destination& destination,
                                        v1::Record* record) {
  const auto seen = [&](const std::string& name) -> absl::StatusOr<bool> {
    const auto text = ParseRecordName(name);
    const auto id = text.ok() ? RecordIdToBytes(*text) : std::nullopt;
    if (!id) return name.empty();
    const auto target = successor.FindUnjudged(*id);
    // Damaged records are shown to nobody.
    if (absl::IsDataLoss(target.status())) return false;
    if (!target.ok()) return target.status();
    if (!target->has_value()) return false;
    // What leaves with it is the successor's as well, sooner or later.
    const auto& givers = destination.givers;
    if (std::find(givers.begin(), givers.end(), (*target)->stored.header.contributor()) != givers.end())
      return true;
    return (*target)->DecideFor(successor.asker()).visible();
  };
  if (record->has_opinion()) return seen(record->opinion().subject());
  std::vector<std::string*> references;
  if (record->has_takedown_notice()) references = {record->mutable_takedown_notice()->mutable_report()};
  if (record->has_takedown_outcome()) {
    v1::TakedownOutcome& outcome = *record->mutable_takedown_outcome();
    references = {outcome.mutable_notice(), outcome.mutable_report()};
  }
  for (std::string* reference : references) {
    const absl::StatusOr<bool> keeps = seen(*reference);
    if (!keeps.ok()) return keeps.status();
    if (!*keeps) reference->clear();
  }
  return true;
}

bool IncludesOthersAudience(const v1::Audience& audience) {
  return std::any_of(audience.include().begin(), audience.include().end(),
                     [](const std::string& name) { return name.starts_with("members/"); });
}

// The record's own words with the successor as its contributor. What the leaving member's own policy or its
// own named audiences said stands in the audience then: the successor has neither, and its next revision must
// not lose it.
v1::Record GivenRecord(const v1::Record& before, const policy::State& state,
                       const policy::Header& header_before, const policy::Header& header, int64_t now_ns) {
  v1::Record record = before;
  record.set_contributor(FormatMemberName(state.member(header.contributor)->id));
  *record.mutable_update_time() = ToTimestamp(NextUpdateNs(record.update_time(), now_ns));
  if (header.exclusions != header_before.exclusions || header.grants != header_before.grants ||
      IncludesOthersAudience(before.audience())) {
    *record.mutable_audience() = policy::AudienceOf(state, header);
  }
  return record;
}

// The entry of the record's external_id at its contributor. nullopt: it is not there, damaged, or another
// record's.
absl::StatusOr<std::optional<storage::v1::StoredExternalId>> EntryOf(const Room& room, uint32_t member,
                                                                     const std::string& external_id,
                                                                     const RecordId& id) {
  std::optional<storage::v1::StoredExternalId> none;
  const std::string key = ExternalIdKey(*room.keys.contents, member, external_id);
  const auto read = room.store.Read(std::span(&key, 1), room.store.Head());
  if (absl::IsDataLoss(read.status())) return none;
  if (!read.ok()) return FromStore(read.status());
  storage::v1::StoredExternalId entry;
  if (!(*read)[0].has_value() || !entry.ParseFromString((*read)[0]->value)) return none;
  const auto of = RecordIdToBytes(entry.record_id());
  if (!of || *of != id || entry.content_sha256().empty()) return none;
  return std::optional(std::move(entry));
}

}  // namespace

std::optional<Destination> DestinationOf(const membership::Snapshot& snapshot, uint32_t member) {
  const storage::v1::StoredDeparture* departure = DepartureOf(snapshot, member);
  if (departure == nullptr || departure->end_time_ns() != 0) return std::nullopt;
  Destination destination{{member}, 0};
  while (departure != nullptr && departure->disposition() == v1::RECORD_DISPOSITION_TRANSFER) {
    const uint32_t successor = departure->successor();
    const policy::MemberState* state = snapshot.policy_state().member(successor);
    auto& givers = destination.givers;
    if (state == nullptr || std::find(givers.begin(), givers.end(), successor) != givers.end()) break;
    if (state->standing != v1::STANDING_EXITED) {
      destination.to = successor;
      break;
    }
    givers.push_back(successor);
    departure = DepartureOf(snapshot, successor);
  }
  return destination;
}

absl::StatusOr<DepartureBatch> DepartureBatch::Read(const Room& room, const policy::State& state,
                                                    const Destination& destination, uint32_t member,
                                                    const std::string& from, int64_t now_ns) {
  const std::string prefix = OwnerPrefix(member);
  const store::Revision at = room.store.Head();
  const store::Limit limit{.items = static_cast<size_t>(room.options.departure_records_per_commit),
                           .bytes = kScanBytesMax};
  auto page = room.store.Scan(from.empty() ? prefix : from, PrefixEnd(prefix), at, limit);
  if (!page.ok()) return FromStore(page.status());
  DepartureBatch batch;
  batch.next_ = std::move(page->next);
  for (const store::Entry& entry : page->items) {
    if (batch.bytes_ > kBatchBytesMax) {
      batch.next_ = entry.key;
      break;
    }
    const std::string& key = entry.version.value;
    auto read = room.store.Read(std::span(&key, 1), at);
    if (!read.ok() && !absl::IsDataLoss(read.status())) return FromStore(read.status());
    absl::StatusOr<bool> sound = read.ok() && (*read)[0].has_value();
    if (*sound) sound = batch.Add(room, state, destination, key, *(*read)[0], now_ns);
    if (!sound.ok()) return sound.status();
    if (!*sound) ++batch.damaged_;
  }
  return batch;
}

absl::StatusOr<bool> DepartureBatch::Add(const Room& room, const policy::State& state,
                                         const Destination& destination, const std::string& key,
                                         const store::Version& version, int64_t now_ns) {
  const contents::ContentKeys& contents = *room.keys.contents;
  const auto stored = ParseStoredRecord(version.value);
  const auto id = IdOfRecordKey(key);
  if (!stored || !id || stored->header.contributor() != destination.givers.front()) return false;
  v1::Record before;
  const auto opened = OpenMessageInto(contents, *id, *stored, &before);
  if (!opened.ok()) return false;
  DepartingRecord record;
  record.key = key;
  record.revision = version.revision;
  record.counts = stored->header.LiveAt(now_ns / 1'000'000'000);
  v1::Record kept = before;
  // Of what is erased nobody can be given anything.
  bool goes = destination.to == 0 || !record.counts || !*opened;
  if (!goes) {
    const Asker successor{state, room.store.Head(), destination.to, now_ns / 1'000'000'000};
    const auto keeps = KeepSeenReferences(Reader(room.store, room.keys, successor), destination, &kept);
    if (!keeps.ok()) return keeps.status();
    goes = !*keeps;
  }
  if (goes) {
    const int64_t when_s = record.counts ? now_ns / 1'000'000'000 : stored->header.expire_time_s();
    if (!AppendRemoval(contents, key, *stored, GoneAt(when_s), &record.writes).ok()) return false;
  } else {
    const policy::Header header_before = stored->header.ToHeader();
    policy::Header header = header_before;
    for (size_t i = 1; i < destination.givers.size(); ++i)
      header = policy::GivenTo(state, std::move(header), destination.givers[i]);
    header = policy::GivenTo(state, std::move(header), destination.to);
    const Transfer transfer{contents, *id, key, *stored, before, header_before, header};
    v1::Record after = GivenRecord(kept, state, header_before, header, now_ns);
    const std::string external_id = before.external_id();
    if (!external_id.empty()) {
      const auto entry = EntryOf(room, header_before.contributor, external_id, *id);
      if (!entry.ok()) return entry.status();
      if (entry->has_value()) {
        record.external_id_key = ExternalIdKey(contents, destination.to, external_id);
        record.writes_with_external_id = transfer.WritesWith(after);
        record.writes_with_external_id.push_back({record.external_id_key, (*entry)->SerializeAsString()});
      }
      after.clear_external_id();
    }
    record.writes = transfer.WritesWith(after);
  }
  bytes_ += BytesOf(record.writes) + BytesOf(record.writes_with_external_id);
  records_.push_back(std::move(record));
  return true;
}

void DepartureBatch::AppendReads(std::vector<std::string>* reads) const {
  for (const DepartingRecord& record : records_) {
    reads->push_back(record.key);
    if (!record.external_id_key.empty()) reads->push_back(record.external_id_key);
  }
}

int64_t DepartureBatch::AppendWrites(std::span<const std::optional<store::Version>> values,
                                     Writes* writes) const {
  int64_t done = 0;
  size_t next = 0;
  for (const DepartingRecord& record : records_) {
    const std::optional<store::Version>& now = values[next++];
    const bool free = !record.external_id_key.empty() && !values[next++].has_value();
    if (!now.has_value() || now->revision != record.revision) continue;
    const Writes& chosen = free ? record.writes_with_external_id : record.writes;
    writes->insert(writes->end(), chosen.begin(), chosen.end());
    if (record.counts) ++done;
  }
  return done;
}

}  // namespace coalition::exchange

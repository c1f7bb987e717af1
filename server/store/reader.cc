#include "server/store/reader.h"

#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "leveldb/iterator.h"
#include "leveldb/options.h"
#include "server/store/engine.h"
#include "server/store/key_codec.h"
#include "server/store/value_codec.h"

namespace coalition::store {
namespace {

// After so many useless versions in a row a Seek is cheaper than going on.
constexpr int kStepsBeforeSeek = 8;

absl::Status DamagedKey() { return absl::DataLossError("the store is damaged: a key is malformed"); }

// Walks over the keys of a range at one revision.
class VersionWalk {
 public:
  VersionWalk(IteratorPool::Slot& slot, Revision at) : slot_(slot), it_(*slot.iterator), at_(at) {}

  // Moves to the first live version from slot.from on, before slot.to. False: there is no more, or status()
  // says why.
  bool Start() {
    it_.Seek(slot_.from);
    decided_ = false;
    return Settle();
  }
  bool Next() {
    it_.Next();
    return Settle();
  }

  std::string_view key() const { return Unescape(key_.escaped, slot_.plain); }
  std::string_view value() const { return value_; }
  Revision revision() const { return key_.revision; }
  const absl::Status& status() const { return status_; }

 private:
  bool Settle() {
    int steps = 0;
    for (; it_.Valid(); Step(++steps)) {
      const std::string_view physical = View(it_.key());
      if (physical >= slot_.to) break;
      if (!DecodeDataKey(physical, key_)) return Fail(DamagedKey());
      if (key_.revision > at_ || (decided_ && key_.escaped == slot_.last)) continue;
      slot_.last.assign(key_.escaped);
      decided_ = true;
      steps = 0;
      std::optional<std::string_view> payload;
      absl::Status status = DecodeValue(physical, View(it_.value()), payload);
      if (!status.ok()) return Fail(std::move(status));
      if (!payload.has_value()) continue;
      value_ = *payload;
      return true;
    }
    // Also where there is a key: LevelDB steps over a block that it cannot read.
    return Fail(ReadError(it_.status()));
  }

  void Step(int steps) {
    if (steps % kStepsBeforeSeek != 0) {
      it_.Next();
      return;
    }
    if (key_.revision > at_) {
      EncodeVersionSeek(key_.escaped, at_, slot_.from);
    } else {
      EncodePastVersions(key_.escaped, slot_.from);
    }
    it_.Seek(slot_.from);
  }

  bool Fail(absl::Status status) {
    status_ = std::move(status);
    return false;
  }

  IteratorPool::Slot& slot_;
  leveldb::Iterator& it_;
  const Revision at_;
  bool decided_ = false;  // whether slot_.last is a key of this walk
  DataKey key_;
  std::string_view value_;
  absl::Status status_;
};

}  // namespace

absl::Status Reader::CheckNotAhead(Revision at) const {
  const Revision head = marks_.head();
  if (at <= head) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("revision ", at, " is ahead of the newest, ", head));
}

absl::Status Reader::CheckNotBelowFloor(Revision at) const {
  const Revision floor = marks_.floor();
  if (at >= floor) return absl::OkStatus();
  return absl::OutOfRangeError(
      absl::StrCat("revision ", at, " is no longer kept; the oldest that can be read is ", floor));
}

absl::StatusOr<std::optional<Version>> Reader::Find(IteratorPool::Slot& slot, std::string_view key,
                                                    Revision at) const {
  leveldb::Iterator& it = *slot.iterator;
  EncodeDataKey(key, at, slot.from);
  it.Seek(slot.from);
  // Also where there is a key: LevelDB steps over a block that it cannot read.
  if (absl::Status status = ReadError(it.status()); !status.ok()) return status;
  if (!it.Valid()) return std::nullopt;
  const std::string_view physical = View(it.key());
  const size_t same = slot.from.size() - sizeof(Revision);
  if (physical.size() != slot.from.size() || physical.substr(0, same) != slot.from.substr(0, same)) {
    return std::nullopt;
  }
  DataKey found;
  if (!DecodeDataKey(physical, found)) return DamagedKey();
  std::optional<std::string_view> payload;
  if (absl::Status status = DecodeValue(physical, View(it.value()), payload); !status.ok()) return status;
  if (!payload.has_value()) return std::nullopt;
  return Version{std::string(*payload), found.revision};
}

absl::StatusOr<std::optional<Version>> Reader::Newest(IteratorPool::Slot& slot, std::string_view key) const {
  if (!probe_.MayExist(key)) return std::nullopt;
  return Find(slot, key, marks_.head());
}

absl::StatusOr<std::vector<std::optional<Version>>> Reader::Read(std::span<const std::string> keys,
                                                                 Revision at) const {
  if (absl::Status status = CheckNotAhead(at); !status.ok()) return status;
  std::vector<std::optional<Version>> versions;
  versions.reserve(keys.size());
  const IteratorPool::Lease lease = pool_.Acquire(at);
  if (absl::Status status = CheckNotBelowFloor(at); !status.ok()) return status;
  for (const std::string& key : keys) {
    if (!probe_.MayExist(key)) {
      versions.emplace_back();
      continue;
    }
    absl::StatusOr<std::optional<Version>> found = Find(*lease, key, at);
    if (!found.ok()) return found.status();
    versions.push_back(*std::move(found));
  }
  return versions;
}

absl::Status Reader::ScanEach(std::string_view from, std::string_view to, Revision at,
                              const Store::Visitor& visit) const {
  if (absl::Status status = CheckNotAhead(at); !status.ok()) return status;
  const IteratorPool::Lease lease = pool_.Acquire(at);
  if (absl::Status status = CheckNotBelowFloor(at); !status.ok()) return status;
  EncodeDataLowerBound(from, lease->from);
  EncodeDataUpperBound(to, lease->to);
  VersionWalk walk(*lease, at);
  for (bool more = walk.Start(); more; more = walk.Next()) {
    if (!visit(walk.key(), walk.value(), walk.revision())) return ReadError(lease->iterator->status());
  }
  return walk.status();
}

absl::StatusOr<Page<Entry>> Reader::Scan(std::string_view from, std::string_view to, Revision at,
                                         Limit limit) const {
  Page<Entry> page;
  size_t bytes = 0;
  absl::Status status =
      ScanEach(from, to, at, [&](std::string_view key, std::string_view value, Revision revision) {
        if (!page.items.empty() && (page.items.size() >= limit.items || bytes >= limit.bytes)) {
          page.next = std::string(key);
          return false;
        }
        bytes += key.size() + value.size();
        page.items.push_back({std::string(key), {std::string(value), revision}});
        return true;
      });
  if (!status.ok()) return status;
  return page;
}

absl::StatusOr<Change> Reader::LookUp(Revision revision, std::string_view key_list, size_t& bytes) const {
  std::vector<std::string_view> keys;
  if (!ParseKeyList(key_list, keys))
    return absl::DataLossError("the store is damaged: a malformed log entry");
  Change change{.revision = revision, .writes = {}};
  change.writes.reserve(keys.size());
  std::string physical;
  std::string stored;
  for (const std::string_view key : keys) {
    EncodeDataKey(key, revision, physical);
    const leveldb::Status got = db_.Get(leveldb::ReadOptions(), physical, &stored);
    if (got.IsNotFound()) {
      return absl::DataLossError("the store is damaged: the log names a version that is not there");
    }
    if (!got.ok()) return ReadError(got);
    std::optional<std::string_view> payload;
    if (absl::Status status = DecodeValue(physical, stored, payload); !status.ok()) return status;
    bytes += key.size() + (payload.has_value() ? payload->size() : 0);
    change.writes.push_back({std::string(key), std::nullopt});
    if (payload.has_value()) change.writes.back().value = std::string(*payload);
  }
  return change;
}

absl::StatusOr<std::vector<Change>> Reader::ReadLog(Revision after, Limit limit) const {
  const Revision head = marks_.head();
  if (after >= head) return std::vector<Change>();
  const Revision first = after + 1;
  const IteratorPool::Lease lease = pool_.Acquire(head);
  if (absl::Status status = CheckNotBelowFloor(first); !status.ok()) return status;
  std::vector<Change> changes;
  size_t bytes = 0;
  leveldb::Iterator& it = *lease->iterator;
  Revision revision = 0;
  for (it.Seek(EncodeLogKey(first)); it.Valid() && DecodeLogKey(View(it.key()), revision); it.Next()) {
    if (revision > head) break;
    if (!changes.empty() && (changes.size() >= limit.items || bytes >= limit.bytes)) break;
    std::optional<std::string_view> key_list;
    absl::Status status = DecodeValue(View(it.key()), View(it.value()), key_list);
    if (!status.ok()) return status;
    absl::StatusOr<Change> change = LookUp(revision, key_list.value_or(std::string_view()), bytes);
    if (!change.ok()) {
      // The floor may have passed it since: then it is not damaged but gone.
      if (absl::Status gone = CheckNotBelowFloor(first); !gone.ok()) return gone;
      return change.status();
    }
    changes.push_back(*std::move(change));
  }
  if (absl::Status status = ReadError(it.status()); !status.ok()) return status;
  return changes;
}

}  // namespace coalition::store

#include "tests/support/store/memory_store.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "absl/status/status.h"

namespace coalition::testing {
namespace {

using store::Revision;

constexpr size_t kKeyBytesMax = 16 << 10;
constexpr size_t kCommitBytesMax = size_t{32} << 20;

absl::Status CheckWrites(const std::vector<store::Write>& writes) {
  std::set<std::string_view> keys;
  size_t bytes = 0;
  for (const store::Write& write : writes) {
    if (write.key.size() > kKeyBytesMax) return absl::InvalidArgumentError("the key is too long");
    if (!keys.insert(write.key).second) return absl::InvalidArgumentError("a key is written twice");
    bytes += write.key.size() + (write.value ? write.value->size() : 0);
  }
  return bytes > kCommitBytesMax ? absl::InvalidArgumentError("the commit is too large") : absl::OkStatus();
}

size_t BytesOf(const store::Change& change) {
  size_t bytes = 0;
  for (const store::Write& write : change.writes)
    bytes += write.key.size() + (write.value ? write.value->size() : 0);
  return bytes;
}

}  // namespace

std::vector<absl::StatusOr<Revision>> MemoryStore::CommitAll(std::span<const store::Commit> commits) {
  std::vector<absl::StatusOr<Revision>> results;
  const MutexLock lock(mutex_);
  for (const store::Commit& commit : commits) results.push_back(CommitOne(commit));
  moved_.notify_all();
  return results;
}

absl::StatusOr<Revision> MemoryStore::CommitOne(const store::Commit& commit) {
  std::vector<std::optional<store::Version>> values;
  for (const std::string& key : commit.reads) {
    const auto* version = Find(key, disk_->head);
    values.push_back(version == nullptr ? std::nullopt
                                        : std::optional(store::Version{*version->second, version->first}));
  }
  const Revision revision = disk_->head + 1;
  absl::StatusOr<std::vector<store::Write>> writes = commit.build(revision, values);
  if (!writes.ok()) return writes.status();
  if (writes->empty()) return disk_->head;
  if (absl::Status checked = CheckWrites(*writes); !checked.ok()) return checked;
  for (const store::Write& write : *writes) disk_->keys[write.key].emplace_back(revision, write.value);
  disk_->log.push_back({revision, *std::move(writes)});
  disk_->head = revision;
  return revision;
}

Revision MemoryStore::Head() const {
  const MutexLock lock(mutex_);
  return disk_->head;
}

Revision MemoryStore::Floor() const {
  const MutexLock lock(mutex_);
  return disk_->floor;
}

absl::Status MemoryStore::CheckReadable(Revision at) const {
  if (at > disk_->head) return absl::InvalidArgumentError("the revision is not there yet");
  if (at < disk_->floor) return absl::OutOfRangeError("the revision is below the floor");
  return absl::OkStatus();
}

const std::pair<Revision, std::optional<std::string>>* MemoryStore::Find(std::string_view key,
                                                                         Revision at) const {
  const auto versions = disk_->keys.find(key);
  if (versions == disk_->keys.end()) return nullptr;
  for (auto version = versions->second.rbegin(); version != versions->second.rend(); ++version) {
    if (version->first <= at) return version->second.has_value() ? &*version : nullptr;
  }
  return nullptr;
}

absl::StatusOr<std::vector<std::optional<store::Version>>> MemoryStore::Read(
    std::span<const std::string> keys, Revision at) const {
  const MutexLock lock(mutex_);
  if (absl::Status status = CheckReadable(at); !status.ok()) return status;
  std::vector<std::optional<store::Version>> values;
  for (const std::string& key : keys) {
    const auto* version = Find(key, at);
    values.push_back(version == nullptr ? std::nullopt
                                        : std::optional(store::Version{*version->second, version->first}));
  }
  return values;
}

absl::Status MemoryStore::ScanEach(std::string_view from, std::string_view to, Revision at,
                                   const Visitor& visit) const {
  const MutexLock lock(mutex_);
  if (absl::Status status = CheckReadable(at); !status.ok()) return status;
  for (auto key = disk_->keys.lower_bound(from); key != disk_->keys.end(); ++key) {
    if (!to.empty() && key->first >= to) break;
    const auto* version = Find(key->first, at);
    if (version != nullptr && !visit(key->first, *version->second, version->first)) break;
  }
  return absl::OkStatus();
}

absl::StatusOr<store::Page<store::Entry>> MemoryStore::Scan(std::string_view from, std::string_view to,
                                                            Revision at, store::Limit limit) const {
  store::Page<store::Entry> page;
  size_t bytes = 0;
  const absl::Status scanned =
      ScanEach(from, to, at, [&](std::string_view key, std::string_view value, Revision revision) {
        if (!page.items.empty() && (page.items.size() >= limit.items || bytes >= limit.bytes)) {
          page.next = std::string(key);
          return false;
        }
        page.items.push_back({std::string(key), {std::string(value), revision}});
        bytes += key.size() + value.size();
        return true;
      });
  if (!scanned.ok()) return scanned;
  return page;
}

absl::StatusOr<std::vector<store::Change>> MemoryStore::ReadLog(Revision after, store::Limit limit) const {
  const MutexLock lock(mutex_);
  if (after + 1 < disk_->floor) return absl::OutOfRangeError("the log does not reach back so far");
  std::vector<store::Change> changes;
  size_t bytes = 0;
  for (const store::Change& change : disk_->log) {
    if (change.revision <= after) continue;
    if (!changes.empty() && (changes.size() >= limit.items || bytes >= limit.bytes)) break;
    changes.push_back(change);
    bytes += BytesOf(change);
  }
  return changes;
}

Revision MemoryStore::WaitPast(Revision revision, std::chrono::milliseconds timeout) const {
  MutexLock lock(mutex_);
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + std::min(timeout, std::chrono::milliseconds(3'600'000));
  while (disk_->head <= revision && Clock::now() < until) lock.WaitFor(moved_, until - Clock::now());
  return disk_->head;
}

absl::StatusOr<size_t> MemoryStore::RaiseFloor(Revision revision, store::Limit limit) {
  const MutexLock lock(mutex_);
  if (revision > disk_->head) return absl::InvalidArgumentError("the revision is not there yet");
  disk_->floor = std::max(disk_->floor, revision);
  size_t removed = 0;
  while (!disk_->log.empty() && disk_->log.front().revision < disk_->floor && removed < limit.items) {
    disk_->log.pop_front();
    ++removed;
  }
  for (auto key = disk_->keys.begin(); key != disk_->keys.end() && removed < limit.items; ++key) {
    auto& versions = key->second;
    while (versions.size() > 1 && versions[1].first <= disk_->floor && removed < limit.items) {
      versions.erase(versions.begin());
      ++removed;
    }
  }
  return removed;
}

}  // namespace coalition::testing

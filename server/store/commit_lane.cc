#include "server/store/commit_lane.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"

namespace coalition::store {
namespace {

// So many that become one commit cost the store about as much as one that does not.
constexpr size_t kWritesToACommit = 4;

}  // namespace

CommitLane::CommitLane(Store& store, CommitLaneOptions options)
    : store_(store), options_(options), thread_([this] { Run(); }) {}

CommitLane::~CommitLane() {
  Drain();
  thread_.join();
}

// However large, one commit of an owner that has none waiting is taken.
bool CommitLane::IsFull(uint32_t owner, size_t bytes) const {
  const size_t own = queue_.SizeOf(owner);
  if (own == 0) return false;
  return own >= options_.queue_max / 4 || queue_.WeightOf(owner) + bytes > options_.queue_bytes_max / 4 ||
         queue_.size() >= options_.queue_max || queue_.weight() + bytes > options_.queue_bytes_max;
}

void CommitLane::Submit(Commit commit, Done done, size_t bytes, uint32_t owner) {
  Push({std::move(commit), nullptr, std::move(done)}, bytes, owner);
}

void CommitLane::SubmitWrites(Writes writes, Done done, size_t bytes, uint32_t owner) {
  Push({{}, std::move(writes), std::move(done)}, bytes, owner);
}

void CommitLane::Push(Item item, size_t bytes, uint32_t owner) {
  absl::Status refused;
  {
    const MutexLock lock(mutex_);
    if (draining_) {
      refused = absl::UnavailableError("the server is stopping; nothing was written");
    } else if (IsFull(owner, bytes)) {
      refused = absl::ResourceExhaustedError(absl::StrCat(
          "too many writes wait for the disk (", queue_.SizeOf(owner), "); nothing was written, try again"));
    } else {
      queue_.Push(owner, std::move(item), bytes);
    }
  }
  if (refused.ok()) {
    changed_.notify_all();
  } else {
    item.done(refused);  // NOLINT(bugprone-use-after-move): moved only where nothing is refused
  }
}

void CommitLane::Drain() {
  MutexLock lock(mutex_);
  draining_ = true;
  changed_.notify_all();
  while (!ended_) lock.Wait(changed_);
}

size_t CommitLane::QueueDepth() const {
  const MutexLock lock(mutex_);
  return queue_.size();
}

void CommitLane::Run() {
  for (std::vector<Item> items = Take(); !items.empty(); items = Take()) CommitGroup(std::move(items));
  const MutexLock lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

std::vector<CommitLane::Item> CommitLane::Take() {
  std::vector<Item> items;
  MutexLock lock(mutex_);
  while (queue_.empty() && !draining_) lock.Wait(changed_);
  size_t bytes = 0, taken = 0;
  while (!queue_.empty() && taken < options_.group_max * kWritesToACommit) {
    bytes += queue_.FrontWeight();
    if (!items.empty() && bytes > options_.group_bytes_max) break;
    items.push_back(queue_.Pop());
    taken += items.back().writes ? 1 : kWritesToACommit;
  }
  return items;
}

void CommitLane::CommitGroup(std::vector<Item> items) {
  std::vector<Commit> commits;
  std::vector<size_t> commit_of(items.size());
  for (size_t i = 0; i < items.size();) {
    const size_t begin = i++;
    if (!items[begin].writes) {
      commits.push_back(std::move(items[begin].commit));
    } else {
      while (i < items.size() && items[i].writes) ++i;
      commits.push_back(Joined(std::span<const Item>(items).subspan(begin, i - begin)));
    }
    std::fill(commit_of.begin() + static_cast<ptrdiff_t>(begin),
              commit_of.begin() + static_cast<ptrdiff_t>(i), commits.size() - 1);
  }
  const std::vector<absl::StatusOr<Revision>> results = store_.CommitAll(commits);
  for (size_t i = 0; i < items.size(); ++i) items[i].done(results[commit_of[i]]);
}

Commit CommitLane::Joined(std::span<const Item> items) {
  Commit commit;
  commit.build = [items](Revision revision,
                         std::span<const std::optional<Version>>) -> absl::StatusOr<std::vector<Write>> {
    std::vector<Write> all;
    uint32_t place = 0;
    for (const Item& item : items) {
      std::vector<Write> writes = item.writes(revision, place++);
      std::move(writes.begin(), writes.end(), std::back_inserter(all));
    }
    return all;
  };
  return commit;
}

}  // namespace coalition::store

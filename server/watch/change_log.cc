#include "server/watch/change_log.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "server/exchange/keys.h"
#include "server/exchange/stored_record.h"
#include "server/membership/stored_state.h"

namespace coalition::watch {
namespace {

constexpr store::Revision kFollowMax = 1'000;
constexpr store::Limit kLogPage{.items = 256, .bytes = size_t{1} << 20};

bool IsNew(const store::Write& write, store::Revision revision) {
  if (!write.value) return false;
  const auto stored = exchange::ParseStoredRecord(*write.value);
  return stored && stored->header.made() == revision;
}

// 0: it is no write of a member's own policy.
uint32_t OwnPolicyOf(const store::Write& write) {
  storage::v1::StoredMemberPolicy stored;
  if (!write.value || !write.key.starts_with(membership::kOwnPolicyPrefix)) return 0;
  return stored.ParseFromString(*write.value) ? stored.member() : 0;
}

// Whether such a write may change a decision about records.
absl::StatusOr<bool> Decides(const store::Store& store, const store::Write& write, store::Revision revision) {
  if (!membership::MayDecide(write.key)) return false;
  const auto before = store.Read(std::span(&write.key, 1), revision - 1);
  if (!before.ok()) return before.status();
  const auto& version = (*before)[0];
  return !version || !membership::DecidesAlike(write, version->value);
}

// nullptr: it concerns nobody who watches.
absl::StatusOr<std::shared_ptr<const LoggedChange>> Concerning(const store::Store& store,
                                                               const store::Change& change) {
  auto logged = std::make_shared<LoggedChange>();
  logged->revision = change.revision;
  for (const store::Write& write : change.writes) {
    if (write.key.starts_with(exchange::kRecordsPrefix)) {
      logged->records.push_back(
          {.key = write.key, .created = IsNew(write, change.revision), .removed = !write.value});
      continue;
    }
    // Nothing more can be said of it.
    if (logged->coalition && logged->own_policy_of == 0) continue;
    const auto decides = Decides(store, write, change.revision);
    if (!decides.ok()) return decides.status();
    if (!*decides) continue;
    logged->own_policy_of = logged->coalition ? 0 : OwnPolicyOf(write);
    logged->coalition = true;
  }
  if (logged->records.empty() && !logged->coalition) return std::shared_ptr<const LoggedChange>();
  return std::shared_ptr<const LoggedChange>(std::move(logged));
}

// A change of the coalition alone weighs as much as a record.
size_t WeightOf(const LoggedChange& change) { return std::max<size_t>(change.records.size(), 1); }

}  // namespace

ChangeLog::ChangeLog(const store::Store& store, size_t records_max)
    : store_(store), records_max_(records_max), from_(store.Head()), to_(from_) {}

absl::StatusOr<store::Revision> ChangeLog::Follow(store::Revision until) {
  const MutexLock lock(mutex_);
  if (absl::Status extended = Extend(until); !extended.ok()) return extended;
  return Anchor(until);
}

store::Revision ChangeLog::AnchorOf(store::Revision revision) const {
  const MutexLock lock(mutex_);
  return Anchor(revision);
}

store::Revision ChangeLog::Anchor(store::Revision revision) const {
  if (revision < from_ || revision > to_) return revision;
  const auto after = std::upper_bound(recent_.begin(), recent_.end(), revision,
                                      [](store::Revision r, const auto& c) { return r < c->revision; });
  return after == recent_.begin() ? from_ : (*std::prev(after))->revision;
}

absl::StatusOr<ChangeLog::Part> ChangeLog::Read(store::Revision after, store::Revision until,
                                                size_t records) {
  {
    const MutexLock lock(mutex_);
    if (absl::Status extended = Extend(until); !extended.ok()) return extended;
    if (after >= from_) return FromMemory(after, until, records);
  }
  auto page = store_.ReadLog(after, kLogPage);
  if (!page.ok()) return page.status();
  Part part;
  part.until = page->empty() ? until : after;
  size_t weight = 0;
  for (const store::Change& change : *page) {
    if (change.revision > until) {
      part.until = until;
      break;
    }
    if (weight >= records) break;
    part.until = change.revision;
    ++part.commits_read;
    auto logged = Concerning(store_, change);
    if (!logged.ok()) return logged.status();
    if (*logged == nullptr) continue;
    weight += WeightOf(**logged);
    part.changes.push_back(*std::move(logged));
  }
  return part;
}

absl::Status ChangeLog::Extend(store::Revision until) {
  // Nobody followed for a while: whoever comes from before reads from the store, and alone.
  if (until > to_ + kFollowMax || to_ < store_.Floor()) {
    recent_.clear();
    records_ = 0;
    from_ = to_ = until;
  }
  while (to_ < until) {
    auto page = store_.ReadLog(to_, kLogPage);
    if (!page.ok()) return page.status();
    if (page->empty()) break;
    for (const store::Change& change : *page) {
      auto logged = Concerning(store_, change);
      if (!logged.ok()) return logged.status();
      to_ = change.revision;
      if (*logged == nullptr) continue;
      records_ += WeightOf(**logged);
      recent_.push_back(*std::move(logged));
    }
    while (records_ > records_max_ && recent_.size() > 1) {
      from_ = recent_.front()->revision;
      records_ -= WeightOf(*recent_.front());
      recent_.pop_front();
    }
  }
  return absl::OkStatus();
}

ChangeLog::Part ChangeLog::FromMemory(store::Revision after, store::Revision until, size_t records) const {
  Part part;
  part.until = until;
  auto at = std::upper_bound(recent_.begin(), recent_.end(), after,
                             [](store::Revision revision, const auto& c) { return revision < c->revision; });
  for (size_t weight = 0; at != recent_.end() && (*at)->revision <= until; ++at) {
    if (weight >= records) {
      part.until = part.changes.back()->revision;
      break;
    }
    weight += WeightOf(**at);
    part.changes.push_back(*at);
  }
  return part;
}

}  // namespace coalition::watch

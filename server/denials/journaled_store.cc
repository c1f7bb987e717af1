#include "server/denials/journaled_store.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/strings.h"
#include "server/denials/classify.h"
#include "server/store/committed.h"

namespace coalition::denials {
namespace {

using store::Revision;
using Values = std::span<const std::optional<store::Version>>;

// After so many writes that deny nothing a frame without denials says that nothing is owed up to there: what
// an opening after a crash has to look through.
constexpr size_t kWritesPerMark = 20'000;

absl::Status NotMade(const absl::Status& journal) {
  return absl::UnavailableError(
      absl::StrCat(journal.message(), "; nothing was written, make room for the journal"));
}

absl::Status NotKept(const absl::Status& journal) {
  return absl::UnavailableError(absl::StrCat("the change stands, but ", journal.message(),
                                             ": make room for the journal, and repeat the call"));
}

}  // namespace

JournaledStore::JournaledStore(store::Store& store, Journal& journal) : store_(store), journal_(journal) {}

std::vector<absl::StatusOr<Revision>> JournaledStore::CommitAll(std::span<const store::Commit> commits) {
  const MutexLock lock(mutex_);
  const absl::Status journal = PayOwed();
  std::vector<Outcome> outcomes(commits.size());
  std::vector<store::Commit> watched;
  watched.reserve(commits.size());
  for (size_t i = 0; i < commits.size(); ++i) watched.push_back(Watched(commits[i], journal, &outcomes[i]));
  auto results = store_.CommitAll(watched);
  const absl::Status kept = Keep(outcomes, results);
  if (kept.ok()) return results;
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].ok() && !IsEmpty(outcomes[i].denials))
      results[i] = store::CommittedBut(*results[i], NotKept(kept));
  }
  return results;
}

store::Commit JournaledStore::Watched(const store::Commit& commit, const absl::Status& journal,
                                      Outcome* outcome) {
  store::Commit watched;
  watched.reads = commit.reads;
  const bool marks = !marked_;
  watched.build = [&commit, &journal, outcome, marks](
                      Revision revision, Values values) -> absl::StatusOr<std::vector<store::Write>> {
    *outcome = {};
    auto writes = commit.build(revision, values);
    if (!writes.ok()) return writes;
    // Made at the first question: a commit can read hundreds of keys, and most deny nothing.
    absl::flat_hash_map<std::string_view, size_t> places;
    const auto before = [&](std::string_view key) -> std::optional<std::string_view> {
      if (places.empty()) {
        for (size_t i = 0; i < commit.reads.size(); ++i) places.try_emplace(commit.reads[i], i);
      }
      const auto at = places.find(key);
      if (at == places.end()) return std::nullopt;
      const auto& value = values[at->second];
      return value ? std::optional<std::string_view>(value->value) : std::nullopt;
    };
    AppendDenials(revision, *writes, before, &outcome->denials);
    const bool denies = !IsEmpty(outcome->denials);
    const bool asks = commit.reads.empty() && writes->empty();
    if (!journal.ok() && (denies || asks)) return NotMade(journal);
    if (denies && marks) writes->push_back({std::string(kJournalKey), std::string()});
    outcome->writes = writes->size();
    return writes;
  };
  return watched;
}

absl::Status JournaledStore::PayOwed() {
  if (IsEmpty(owed_)) return absl::OkStatus();
  absl::Status paid = journal_.Append(owed_);
  if (paid.ok()) owed_.Clear();
  SetHealth(paid);
  return paid;
}

absl::Status JournaledStore::Keep(std::span<const Outcome> outcomes,
                                  const std::vector<absl::StatusOr<Revision>>& results) {
  storage::v1::StoredDenials frame;
  Revision newest = 0;
  for (size_t i = 0; i < results.size(); ++i) {
    if (!results[i].ok()) continue;
    newest = std::max(newest, *results[i]);
    writes_since_ += outcomes[i].writes;
    frame.MergeFrom(outcomes[i].denials);
  }
  if (!IsEmpty(frame)) {
    marked_ = true;
    writes_since_ = 0;
    owed_.MergeFrom(frame);
    return PayOwed();
  }
  if (writes_since_ < kWritesPerMark || !IsEmpty(owed_)) return absl::OkStatus();
  writes_since_ = 0;
  frame.set_revision(newest);
  // It owes nobody anything: the next one says it again.
  journal_.Append(frame).IgnoreError();
  return absl::OkStatus();
}

absl::Status JournaledStore::Health() const {
  const MutexLock lock(health_mutex_);
  return health_;
}

void JournaledStore::SetHealth(const absl::Status& health) {
  const MutexLock lock(health_mutex_);
  if (health_ == health) return;
  health_ = health;
  health.ok() ? Log::Info("denials_kept")
              : Log::Error("denials_not_kept", {{"message", Std(health.message())}});
}

}  // namespace coalition::denials

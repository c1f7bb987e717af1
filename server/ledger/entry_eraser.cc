#include "server/ledger/entry_eraser.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>

#include "server/ledger/entry.h"
#include "server/ledger/keys.h"
#include "server/ledger/lane_commit.h"
#include "server/store/prefix.h"

namespace coalition::ledger {

absl::StatusOr<std::vector<SealedEntry>> EntryEraser::Find(std::span<const EntryPlace> places) const {
  std::vector<SealedEntry> entries;
  for (const EntryPlace& place : std::set<EntryPlace>(places.begin(), places.end())) {
    auto entry = log_.FindEntry(place);
    if (!entry.ok()) return entry.status();
    if (!*entry) {
      const std::string message = "there is no entry " + FormatEntryName(place);
      return absl::NotFoundError(message);
    }
    const auto content = ContentOf((*entry)->entry);
    if (!content) return absl::DataLossError("the ledger is damaged: " + FormatEntryName(place));
    if (content->has_act()) {
      const std::string message =
          FormatEntryName(place) + " is an act: that it was done is everybody's to know, and stays";
      return absl::FailedPreconditionError(message);
    }
    entries.push_back(**std::move(entry));
  }
  return entries;
}

absl::Status EntryEraser::Commit(size_t entries, const std::vector<store::Write>& writes,
                                 const AddAct& add_act) {
  store::Commit commit;
  commit.build =
      [&](store::Revision revision,
          std::span<const std::optional<store::Version>>) -> absl::StatusOr<std::vector<store::Write>> {
    std::vector<store::Write> all;
    if (absl::Status added = add_act(entries, revision, &all); !added.ok()) return added;
    all.insert(all.end(), writes.begin(), writes.end());
    return all;
  };
  return CommitAndWait(lane_, std::move(commit), BytesOf(writes)).status();
}

absl::StatusOr<std::vector<ErasedEntry>> EntryEraser::Look(std::span<const EntryPlace> places,
                                                           const AddAct& add_act) {
  const auto entries = Find(places);
  if (!entries.ok()) return entries.status();
  std::vector<ErasedEntry> answers;
  for (const SealedEntry& entry : *entries)
    answers.push_back({entry.place, keys_->IsDestroyed(entry.entry.key())});
  if (absl::Status said = Commit(answers.size(), {}, add_act); !said.ok()) return said;
  return answers;
}

absl::StatusOr<std::vector<ErasedEntry>> EntryEraser::Erase(std::span<const EntryPlace> places,
                                                            const AddAct& add_act) {
  const auto entries = Find(places);
  if (!entries.ok()) return entries.status();
  std::vector<ErasedEntry> answers;
  std::vector<uint64_t> keys;
  std::vector<store::Write> ends;
  for (const SealedEntry& entry : *entries) {
    const uint64_t key = entry.entry.key();
    const bool before = keys_->IsDestroyed(key);
    answers.push_back({entry.place, before});
    if (before) continue;
    auto ended = EndedOnDisk(*keys_, receiver_opens_, entry.entry);
    if (!ended.ok()) return ended.status();
    keys.push_back(key);
    ends.push_back(EntryWrite(entry.id, *ended));
    if (std::find(keys.begin(), keys.end() - 1, key) == keys.end() - 1) ends.push_back({ErasedKey(key), ""});
  }
  if (keys.empty()) return answers;
  // First that it is to be done: what is read while the keys go is not damaged, but gone.
  if (absl::Status committed = Commit(keys.size(), ends, add_act); !committed.ok()) return committed;
  if (absl::Status destroyed = keys_->Destroy(keys); !destroyed.ok()) return destroyed;
  return answers;
}

absl::StatusOr<size_t> FinishEntryErasures(const store::Store& store, EntryKeys& keys) {
  std::vector<uint64_t> left;
  absl::Status read = store.ScanEach(kErasedPrefix, store::PrefixEnd(kErasedPrefix), store.Head(),
                                     [&](std::string_view key, std::string_view, store::Revision) {
                                       const auto erased = KeyOfErasedKey(key);
                                       if (erased && !keys.IsDestroyed(*erased)) left.push_back(*erased);
                                       return true;
                                     });
  if (!read.ok()) return read;
  if (left.empty()) return size_t{0};
  if (absl::Status destroyed = keys.Destroy(left); !destroyed.ok()) return destroyed;
  return left.size();
}

}  // namespace coalition::ledger

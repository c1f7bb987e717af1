#include "server/ledger/new_log.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coalition/storage/v1/ledger.pb.h"
#include "server/ledger/entry.h"
#include "server/ledger/seal.h"

namespace coalition::ledger {
namespace {

constexpr std::string_view kTicksPrefix = "lt";
constexpr int64_t kDayS = 86'400;

absl::Status Damaged(std::string_view what) {
  return absl::DataLossError(absl::StrCat("the backup's ledger is damaged: ", std::string(what)));
}

// nullopt: it has none.
std::optional<int64_t> TimeOf(const EntryPart& open) {
  v1::LedgerContent content;
  if (!content.ParseFromString(open.content)) return std::nullopt;
  if (content.has_disclosure()) return content.disclosure().time().seconds();
  if (content.has_first_showings()) return content.first_showings().day().seconds();
  if (content.has_act()) return content.act().time().seconds();
  if (content.has_refusals()) return content.refusals().time().seconds();
  return std::numeric_limits<int64_t>::max();  // of a kind that this build does not know
}

}  // namespace

absl::StatusOr<std::optional<std::string>> FormerLog::Take(std::string_view key, std::string_view value) {
  if (const std::optional<EntryId> id = IdOfEntryKey(key); id) return TakeEntry(*id, value);
  if (KeyOfErasedKey(key)) return std::optional(std::string(value));
  if (key == kDayKey) {
    storage::v1::StoredLedgerDay day;
    if (!day.ParseFromArray(value.data(), static_cast<int>(value.size()))) return Damaged("its days");
    days_done_ = day.days_done();
  } else if (key.starts_with(kTicksPrefix)) {
    if (absl::Status tick = TakeTick(key, value); !tick.ok()) return tick;
  }
  return std::optional<std::string>();
}

absl::StatusOr<std::optional<std::string>> FormerLog::TakeEntry(EntryId id, std::string_view value) {
  std::optional<std::string> none;
  storage::v1::StoredLedgerEntry entry;
  const bool parsed = entry.ParseFromArray(value.data(), static_cast<int>(value.size()));
  const auto damaged = [&id] {
    return Damaged(absl::StrCat("entry ", id.place, " of revision ", id.revision));
  };
  if (!parsed || !IsWhole(entry)) return damaged();
  if (id.revision == 1) first_place_ = std::max(first_place_, id.place + 1);
  const absl::StatusOr<std::optional<EntryParts>> parts = PartsOf(*keys_, entry);
  if (!parts.ok()) return damaged();
  if (!*parts) return none;
  const std::optional<int64_t> time_s = TimeOf((*parts)->open);
  if (!time_s) return damaged();
  if (*time_s < contents_from_s_) return none;
  ++entries_;
  if (entry.first_showings().empty() || *time_s / kDayS > days_done_)
    return std::optional(std::string(value));
  entry.clear_first_showings();
  entry.clear_shown_day();
  return std::optional(entry.SerializeAsString());
}

absl::Status FormerLog::TakeTick(std::string_view key, std::string_view value) {
  storage::v1::StoredTick tick;
  const uint64_t number = tree_.size();
  const bool next =
      key == TickKey(number) && tick.ParseFromArray(value.data(), static_cast<int>(value.size()));
  const std::optional<Sha256Digest> leaf = next ? LeafHashOfTick(number, tick) : std::nullopt;
  if (!leaf || std::string_view(tick.leaf_hash()) != Bytes(*leaf))
    return Damaged(absl::StrCat("tick ", number, " is missing, or not whole"));
  tree_.Append(*leaf);
  if (checkpoint_ && tree_.size() == checkpoint_->size) root_ = tree_.Root();
  return absl::OkStatus();
}

absl::Status FormerLog::Prove() const {
  if (!checkpoint_ || (root_ && *root_ == checkpoint_->root)) return absl::OkStatus();
  return Damaged(absl::StrCat("its ticks do not lead to the root of its checkpoint, of size ",
                              checkpoint_->size, "; it has ", tree_.size()));
}

}  // namespace coalition::ledger

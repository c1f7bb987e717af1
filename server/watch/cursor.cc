#include "server/watch/cursor.h"

#include <algorithm>

#include "coalition/storage/v1/cursor.pb.h"
#include "common/errors.h"
#include "common/hash.h"
#include "server/exchange/page_token.h"

namespace coalition::watch {
namespace {

constexpr char kVersion = 1;
// Version, and the length of what follows.
constexpr size_t kHeadBytes = 3;
constexpr size_t kPaddedTo = 256;

constexpr std::string_view kMethod = "WatchRecords";

absl::Status Invalid() {
  return Error(v1::ERROR_REASON_CURSOR_INVALID,
               "the cursor is not one of this exchange's, or was made for another member or filter");
}

template <class Array>
bool FromBytes(std::string_view bytes, Array* out) {
  if (bytes.size() != out->size()) return false;
  std::copy(bytes.begin(), bytes.end(), out->begin());
  return true;
}

storage::v1::FeedCursor ToStored(const FeedPosition& position) {
  storage::v1::FeedCursor stored;
  stored.set_done_revision(position.done);
  stored.set_snapshot_complete(position.snapshot_complete);
  stored.set_covered_made(position.covered.made);
  stored.set_covered_ordinal(position.covered.ordinal);
  stored.set_change_revision(position.change);
  stored.set_change_index(position.index);
  stored.set_change_stage(position.stage);
  stored.set_change_stage_after(position.stage_after);
  for (const auto& [id, ahead] : position.ahead) {
    storage::v1::FeedAhead* one = stored.add_ahead();
    one->set_record(std::string(Bytes(id)));
    if (ahead.had) one->set_digest(std::string(Bytes(*ahead.had)));
    one->set_until_change_ends(ahead.until_change_ends);
  }
  return stored;
}

}  // namespace

std::string PositionBytes(const FeedPosition& position) { return ToStored(position).SerializeAsString(); }

std::string MakeCursor(const Sealer& sealer, uint32_t member, const v1::RecordFilter& filter,
                       const FeedPosition& position) {
  if (position.ahead.size() > kAheadInCursorMax) return {};
  const std::string stored = PositionBytes(position);
  std::string plain = {kVersion, static_cast<char>(stored.size() >> 8), static_cast<char>(stored.size())};
  plain += stored;
  // So that the length tells little.
  plain.resize((plain.size() + kPaddedTo - 1) / kPaddedTo * kPaddedTo, '\0');
  return sealer.Seal(plain, exchange::QueryBinding(kMethod, member, filter));
}

absl::StatusOr<FeedPosition> ReadCursor(const Sealer& sealer, uint32_t member, const v1::RecordFilter& filter,
                                        std::string_view cursor) {
  const auto opened = sealer.Open(cursor, exchange::QueryBinding(kMethod, member, filter));
  if (!opened.ok() || opened->size() < kHeadBytes || opened->front() != kVersion) return Invalid();
  const size_t size = size_t{static_cast<uint8_t>((*opened)[1])} << 8 | static_cast<uint8_t>((*opened)[2]);
  storage::v1::FeedCursor stored;
  if (size > opened->size() - kHeadBytes || !stored.ParseFromString(opened->substr(kHeadBytes, size))) {
    return Invalid();
  }
  FeedPosition position;
  position.done = stored.done_revision();
  position.snapshot_complete = stored.snapshot_complete();
  position.covered = {stored.covered_made(), stored.covered_ordinal()};
  position.change = stored.change_revision();
  position.index = stored.change_index();
  position.stage = stored.change_stage();
  position.stage_after = stored.change_stage_after();
  for (const storage::v1::FeedAhead& one : stored.ahead()) {
    exchange::RecordId id;
    Had had;
    if (!one.digest().empty()) had.emplace();
    if (!FromBytes(one.record(), &id) || (had && !FromBytes(one.digest(), &*had))) return Invalid();
    position.ahead[id] = {had, one.until_change_ends()};
  }
  return position;
}

absl::Status CursorTooOld() {
  return Error(
      v1::ERROR_REASON_CURSOR_TOO_OLD,
      "what happened since the cursor is no longer kept, or is more than a watch can go through: start "
      "without one, and let go of every record that does not come before the snapshot is complete");
}

}  // namespace coalition::watch

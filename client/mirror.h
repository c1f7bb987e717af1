// A local copy of what one may see, which says whether a seller is listed without telling anyone who is asked
// about.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/v1/exchange_service.pb.h"
#include "coalition/v1/watch_service.pb.h"
#include "common/clock.h"
#include "common/ids.h"

namespace coalition::client {

struct MirrorOptions {
  // Has the mirror and nothing else, readable by its owner alone.
  std::string directory;
  // What is older is not answered from. Over 0.
  std::chrono::milliseconds max_age{std::chrono::hours(1)};
  // As it is on the disk now, for good, also while another process keeps it in step: no change of it is seen.
  // Else the directory is made where it is missing, and is this process's alone.
  bool read_only = false;
  // Of the watch that the mirror follows. Read-only, the one that it was made with counts.
  v1::RecordFilter filter{};
  // Null: the machine's. Must outlive the mirror.
  const Clock* clock = nullptr;
  // What has been overtaken is cleared away when the file has this and is twice what it was after the last
  // time.
  uint64_t compact_bytes = uint64_t{64} << 20;
};

// One record that speaks of a seller.
struct MirrorMatch {
  // Offender report or takedown outcome.
  v1::RecordClass record_class = v1::RECORD_CLASS_UNSPECIFIED;
  v1::Label label = v1::LABEL_UNSPECIFIED;
  v1::PermittedAction permitted_action = v1::PERMITTED_ACTION_UNSPECIFIED;
  v1::RecordState state = v1::RECORD_STATE_UNSPECIFIED;
  bool disputed = false;
  // To the second, or its day, as the record has it.
  int64_t create_time_s = 0;
  std::array<uint8_t, kRecordIdBytes> id{};

  // records/{record}
  std::string record() const;
};

struct MirrorAnswer {
  v1::Verdict verdict = v1::VERDICT_NOT_LISTED;
  // Newest first, all of them; those of one second by their names.
  absl::InlinedVector<MirrorMatch, 2> matches;

  // As ScreenSellers would say it, whose limit of matches is the server's.
  v1::ScreenResult ToScreenResult(size_t matches_max = 20) const;
};

// Why and when a mirror was wiped.
struct MirrorWiping {
  int64_t time_ns = 0;
  std::string reason;
};

struct MirrorStatus {
  // OK, or why Check refuses.
  absl::Status answers;
  // Of what is answered from. All records; sellers with at least one match.
  uint64_t records = 0;
  uint64_t sellers = 0;
  // Whether all that there was at the beginning has come. It stays so while another generation comes in.
  bool complete = false;
  // Until then nothing was missing, since the Unix epoch. 0: not known yet.
  int64_t complete_until_ns = 0;
  // Since then, and since that was received: the larger. 0 where it is not known.
  int64_t age_ns = 0;
  // Of the generation that comes in, where there is one; read-only, always 0.
  uint64_t records_coming = 0;
  v1::RecordFilter filter;
  // The time is 0: it was not.
  MirrorWiping wiped;
};

// Fed with the responses of one watch, which MirrorRunner does. Every response is on the disk when Apply
// returns: after a crash the mirror is as it was behind some response with a cursor, and goes on from there.
//
// It has at most two generations: one that is complete and answers, and one that comes in, after the first
// start or after BeginAgain. When that is complete, and the feed has said until when, it takes the other's
// place as a whole.
//
// Memory: below 64 bytes a record, while another generation comes in for both. Disk: the records, and up to
// as much again of what was overtaken.
//
// Check, status and ForEachRecord are thread-safe and may be called while another thread does the rest.
class Mirror {
 public:
  // Reads the directory: some microseconds a record. FAILED_PRECONDITION: another process has it, or it was
  // made with another filter. DATA_LOSS: it is damaged, or of a later version. NOT_FOUND: read-only, and
  // there is none. INVALID_ARGUMENT: the directory has other files, or an option is out of range. Every
  // message says what to do.
  static absl::StatusOr<std::unique_ptr<Mirror>> Open(const MirrorOptions& options);
  ~Mirror();
  Mirror(const Mirror&) = delete;
  Mirror& operator=(const Mirror&) = delete;

  // What the member may see of the seller, as ScreenSellers would have said when the feed was last complete:
  // an upheld appeal or a dispute makes no seller listed. In about a microsecond; waits for no disk and for
  // no change but of a few sellers. INVALID_ARGUMENT: as NormalizeSeller. UNAVAILABLE: the first snapshot is
  // not complete, or all is older than max_age. FAILED_PRECONDITION: it was wiped, or its filter keeps out
  // what the answer would need (reports, active ones, or this seller).
  absl::StatusOr<MirrorAnswer> Check(std::string_view platform, std::string_view seller_id) const;
  MirrorStatus status() const;
  // Every record of what is answered from, whole, in no order. Refuses when Check does. An error of `see`
  // ends it.
  absl::Status ForEachRecord(const std::function<absl::Status(const v1::Record&)>& see) const;

  // The rest is for one thread at a time, and not for read-only ones.

  // Where the watch goes on: behind the last response with a cursor. Empty: from the beginning.
  std::string cursor() const;
  // Durable when it returns OK. An error: nothing of it is kept after a crash, and later ones are refused.
  // INVALID_ARGUMENT: it has an event that this version does not know.
  absl::Status Apply(const v1::WatchRecordsResponse& response);
  // The watch broke: what came behind the last cursor will come again, or has gone meanwhile, and is undone.
  absl::Status Rewind();
  // The cursor was too old: the next response is the first of a new generation.
  absl::Status BeginAgain();
  // Removes all of it, here and on the disk, and leaves a note of when and why. It may be filled again, from
  // the beginning.
  absl::Status Wipe(const std::string& reason);

 private:
  class Impl;
  explicit Mirror(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace coalition::client

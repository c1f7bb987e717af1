// What becomes of the records of members that leave: withdrawn, or given to a successor; in the background, a
// hundred in a commit, across restarts.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/clock.h"

namespace coalition::exchange {

struct Room;

struct DepartureHooks {
  // Marks the departure as ended (StoredDeparture.end_time_ns). May wait for the disk, and is called from
  // where that is allowed. Called again if it fails, and again after a crash right behind it.
  std::function<absl::Status(uint32_t member, int64_t now_ns)> end;
  // Calls the function after that time; it does not block.
  std::function<void(std::chrono::milliseconds, std::function<void()>)> after;
  // Told why a departure does not go on. It is tried again after `kDepartureRetryDelay`; after UNKNOWN, and
  // where only damaged records are left (DATA_LOSS), not before the next start of the server.
  std::function<void(uint32_t member, const absl::Status& why)> failed;
};

inline constexpr std::chrono::milliseconds kDepartureRetryDelay{5'000};

// Works off every departure that the directory's newest state has and that is not ended.
//
// WITHDRAW does to each record what Withdraw does. TRANSFER makes the successor the contributor of each: its
// name, its place in every listing, its audience with the revisions at which it was granted, and what refers
// to it stay; so does its external_id, unless the successor has one like it: then the record has none. The
// successor sees all of it. Nobody else sees more than before (common/policy/transfer.h), as long as
// WrongWithTransfer said nothing when the departure was recorded; less, if the successor's own policy says
// so. Limits of how many records a member may have about a seller stop the successor from making more, not
// the transfer. What a record refers to and the successor may not see is referred to no more, and an opinion
// about such a record is withdrawn. Outcomes are given over whoever holds the platform now: it was held when
// they were published. Records that have expired are removed in both cases, and not counted.
//
// No record is done twice or left out: a commit changes only records that are as they were read, takes them
// out of the member's index, and counts them (StoredDepartureProgress), all at once. A departure goes on
// until that index is empty.
//
// A write of the member's that is under way when it leaves does not slip through. Every commit of a write
// judges the contributor's standing by the newest state of the directory (CheckStillActive). And the first
// thing that a departure does is a commit through the same lane, made after EXITED was published. What was
// judged before that commit is durable when the scan begins, and is found; what is judged after it finds
// EXITED, and is refused. The same holds of what one departure gives to a successor that leaves meanwhile:
// the commit judges where the records go again.
//
// Thread-safe.
class Departures {
 public:
  // `room` must outlive it. Does nothing before Resume.
  explicit Departures(const Room& room);
  // Drains.
  ~Departures();
  Departures(const Departures&) = delete;
  Departures& operator=(const Departures&) = delete;

  // When the server starts: once, when everything that the hooks use is there. Takes up all that is not
  // ended.
  void Resume(const Clock& clock, DepartureHooks hooks);

  // When a departure was recorded and the directory's newest state has it. Returns at once. Of one that is
  // under way, or of a member that does not leave, it does nothing.
  void Start(uint32_t member);

  // Records that were withdrawn or given over so far; also of a departure that has ended, 0 of none. Errors:
  // the store's.
  absl::StatusOr<int64_t> RecordsDone(uint32_t member) const;

  // Begins nothing more and returns when the step under way is done; what is left waits for the next start.
  // The commit lane and what runs work later must still be there. Not from a hook, nor from the lane's
  // thread.
  void Drain();

 private:
  class Impl;
  const std::shared_ptr<Impl> impl_;
};

}  // namespace coalition::exchange

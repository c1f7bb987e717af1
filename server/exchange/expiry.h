// Removes records that have expired, in the background and in bounded commits.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "common/clock.h"

namespace coalition::exchange {

struct Room;

struct ExpiryHooks {
  // Calls the function after that time; it does not block.
  std::function<void(std::chrono::milliseconds, std::function<void()>)> after;
  // Told why nothing more is removed. It goes on after `kExpiryRetryDelay`; after UNKNOWN, and where the
  // index itself is damaged (DATA_LOSS), not before the next start of the server.
  std::function<void(const absl::Status& why)> failed;
  // Told of how many damaged records a round passed by. They stay, and nobody is shown them.
  std::function<void(int records)> damaged;
};

inline constexpr std::chrono::milliseconds kExpiryInterval{1'000};
inline constexpr std::chrono::milliseconds kExpiryRetryDelay{60'000};

// A record that has expired is hidden at once, by its header; what is left of it is removed by the next
// round, as withdrawing would: its row, its entries in the indexes, and its external_id stays reserved. A
// round is made each `kExpiryInterval`, goes through the expiry index in commits of at most
// ExchangeOptions::expired_per_commit records, and takes turns with everybody's work, as the server's own
// (member number 0).
//
// A commit changes only records that are as they were read: one that was revised meanwhile, withdrawn or
// given to a successor stays as that left it. What a round leaves, and what is entered late, by a call that
// was judged in time, is found by rounds that look back an hour, which are made each five minutes, or by the
// first one of the next start, which begins at the beginning. An entry whose record is gone, or expires at
// another time, is put right.
//
// Where the clock goes back nothing is removed until it is late enough again. A clock that is ahead removes
// for good.
//
// Thread-safe.
class Expiry {
 public:
  // `room` must outlive it. Does nothing before Resume.
  explicit Expiry(const Room& room);
  // Drains.
  ~Expiry();
  Expiry(const Expiry&) = delete;
  Expiry& operator=(const Expiry&) = delete;

  // When the server starts: once, when everything that the hooks use is there.
  void Resume(const Clock& clock, ExpiryHooks hooks);

  // Records that it has removed since the start.
  uint64_t removed() const;
  // What has expired by then is removed, but for damaged records. Nanoseconds since the Unix epoch; 0: not
  // known yet.
  int64_t done_until_ns() const;

  // Begins nothing more and returns when the step under way is done; what is left waits for the next start.
  // The commit lane and what runs work later must still be there. Not from a hook, nor from the lane's
  // thread.
  void Drain();

 private:
  class Impl;
  const std::shared_ptr<Impl> impl_;
};

}  // namespace coalition::exchange

// What every call of the room works with.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "common/keyed_hash.h"
#include "common/random.h"
#include "common/sealed.h"
#include "server/exchange/access.h"
#include "server/exchange/exchange.h"
#include "server/exchange/visibility.h"
#include "server/membership/actor.h"
#include "server/store/commit_lane.h"
#include "server/store/presence_filter.h"
#include "server/store/store.h"

namespace coalition::exchange {

// Thread-safe; lives as long as the exchange and all of its calls.
struct Room {
  const ExchangeOptions options;
  const ExchangeKeys keys;
  store::Store& store;
  const membership::Directory& directory;
  store::CommitLane& lane;
  Random& random;
  const Exchange::RunLater run_later;
  const KeyedHash seller_hash;
  const Sealer page_tokens;
  const std::unique_ptr<store::PresenceFilter> filter;
};

// A call that outlives its request: the caller, by the state of the coalition that judges the call, and the
// revision that it reads at.
struct Contributor {
  explicit Contributor(const CallContext& context)
      : snapshot(context.snapshot),
        at(context.at),
        member(context.caller.member_number),
        now_ns(context.now_ns),
        let_in(context.snapshot),
        caller(context.caller),
        may_read(CheckMayRead(context)) {}

  // Who has to read again, after another call's commit, does so at a newer moment. The call's time and what
  // its credential may do stay: both are judged again before anything is sent (service/guard.h).
  void Renew(const membership::Directory& directory) {
    membership::Moment now = directory.Now();
    snapshot = std::move(now.snapshot);
    at = now.revision;
  }

  // For every commit that writes for it, by the newest state: what was let in before its member was suspended
  // or left, or its credential was revoked, is not written after that was published. Does not block.
  absl::Status CheckStillMay(const membership::Directory& directory) const {
    for (;;) {
      const auto newest = directory.Current();
      absl::Status may = membership::CheckStillMay(*newest, caller, now_s());
      // Whoever shuts a gate publishes before it is opened again: the same state after looking at it.
      if (directory.IsCurrent(*newest)) return may;
    }
  }

  std::shared_ptr<const membership::Snapshot> snapshot;
  store::Revision at;
  uint32_t member;
  int64_t now_ns;
  // The state that the call was let in by, where the caller's names are.
  std::shared_ptr<const membership::Snapshot> let_in;
  identity::Caller caller;
  // What refers to a record tells whether that is to be seen: that takes a reader too.
  absl::Status may_read;

  int64_t now_s() const { return now_ns / 1'000'000'000; }
  // With what judged them.
  ledger::Shown Showing(std::vector<ledger::DisclosedRecord> records) const {
    return {snapshot->policy_state().epoch(), snapshot->stored().revision, std::move(records)};
  }
  Asker asker() const { return {snapshot->policy_state(), at, member, now_s(), nullptr}; }
};

}  // namespace coalition::exchange

// A ledger in this process, on a real store, with a clock of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/random.h"
#include "server/ledger/entry_keys.h"
#include "server/ledger/entry_log.h"
#include "server/ledger/sealer.h"
#include "server/store/commit_lane.h"
#include "server/store/leveldb_store.h"

namespace coalition::bench {

class SetClock final : public Clock {
 public:
  int64_t NowNs() const override { return now_ns; }
  int64_t now_ns = 1'790'000'000'000'000'000;  // September 2026
};

// Of entries; the same ones for the whole process.
std::shared_ptr<ledger::EntryKeys> LedgerKeys();
// Member 7 is members/member-7; every view is "notice".
ledger::Names LedgerNames();

// Not thread-safe, but for what its parts promise.
class LedgerLog {
 public:
  // In an empty directory, where it makes `store` and `head`. `env`: nullptr is the machine's own.
  static absl::StatusOr<std::unique_ptr<LedgerLog>> Open(const std::string& dir, leveldb::Env* env = nullptr);

  // A second later.
  absl::Status Tick();

  store::LevelDbStore& store() { return *store_; }
  store::CommitLane& lane() { return *lane_; }
  ledger::Sealer& sealer() { return *sealer_; }
  int64_t now_ns() const { return clock_.now_ns; }

 private:
  LedgerLog() = default;

  SetClock clock_;
  SystemRandom random_;
  std::unique_ptr<store::LevelDbStore> store_;
  std::unique_ptr<store::CommitLane> lane_;
  std::unique_ptr<ledger::Sealer> sealer_;
};

// An empty directory; what was there is removed.
std::string EmptyDir(const std::string& dir);

}  // namespace coalition::bench

// The rows of the table. Each function measures one or a few rows that share their set-up; what is measured
// and its baseline alternate, round by round, so that both meet the same machine.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/table.h"
#include "bench/workspace.h"

namespace coalition::bench {

struct Settings {
  uint64_t records = 1'000'000;          // of the usual store
  uint64_t records_large = 10'000'000;   // of the growth rows
  uint64_t import_records = 200'000;     // of each import
  uint64_t records_small = 100'000;      // of the stores of list_overhead, policy_apply and hidden_timing
  uint64_t ledger_entries = 10'000'000;  // of the log of ledger_inclusion
  int timing_calls = 100'000;            // of hidden_timing, and of hidden_timing_screen
  double seconds = 2;                    // of each measurement of each round
  int rounds = 7;
};

using Rows = absl::StatusOr<std::vector<Row>>;

Rows ScreenUnary(Workspace& workspace, const Settings& settings);
Rows ScreenBatch(Workspace& workspace, const Settings& settings);
Rows ScreenBatchTenPercent(Workspace& workspace, const Settings& settings);
Rows ScreenDuringImport(Workspace& workspace, const Settings& settings);
// import_durable and import_durable_mtls
Rows ImportDurable(Workspace& workspace, const Settings& settings);
// growth_10m, growth_10m_memory and open_10m
Rows Growth(Workspace& workspace, const Settings& settings);
Rows IdleMemory(Workspace& workspace, const Settings& settings);
Rows PolicyDecide(Workspace& workspace, const Settings& settings);
Rows WhoCanSee(Workspace& workspace, const Settings& settings);
Rows PolicyDiff(Workspace& workspace, const Settings& settings);
Rows ListOverhead(Workspace& workspace, const Settings& settings);
Rows PolicyApply(Workspace& workspace, const Settings& settings);
// cutoff, cutoff_call and cutoff_in_flight
Rows CutOff(Workspace& workspace, const Settings& settings);
// registry_lookup, registry_start and registry_change
Rows Registry(Workspace& workspace, const Settings& settings);
Rows FeedFanout(Workspace& workspace, const Settings& settings);
Rows FeedSnapshot(Workspace& workspace, const Settings& settings);
// feed_delivery and feed_delivery_unary
Rows FeedDelivery(Workspace& workspace, const Settings& settings);
Rows FeedDeliveryTail(Workspace& workspace, const Settings& settings);
// feed_slow_reader and feed_slow_reader_memory
Rows FeedSlowReader(Workspace& workspace, const Settings& settings);
// mirror_lookup and mirror_memory
Rows MirrorAlone(Workspace& workspace, const Settings& settings);
// mirror_snapshot and retract_bulk
Rows MirrorFeed(Workspace& workspace, const Settings& settings);
// backup_rate and backup_load
Rows BackupRate(Workspace& workspace, const Settings& settings);
Rows LedgerVerify(Workspace& workspace, const Settings& settings);
// screen_hit_ledger and screen_miss_ledger
Rows ScreenLedger(Workspace& workspace, const Settings& settings);
// ledger_append and ledger_append_joined
Rows LedgerAppend(Workspace& workspace, const Settings& settings);
Rows LedgerInclusion(Workspace& workspace, const Settings& settings);
// hidden_timing and hidden_timing_screen
Rows HiddenTiming(Workspace& workspace, const Settings& settings);

}  // namespace coalition::bench

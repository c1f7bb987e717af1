// Promise 6, at every operation of the disk in turn: it fails, the machine stops there, and what the ledger
// had answered for until then, so that it could leave, is in it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "server/ledger/shown_log.h"
#include "server/ledger/unsealed.h"
#include "server/store/commit_lane.h"
#include "server/store/leveldb_store.h"
#include "tests/support/store/fault_env.h"
#include "tests/support/store/scratch_dir.h"
#include "tests/support/test_names.h"

namespace coalition::testing {
namespace {

using ledger::RecordIdBytes;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr uint32_t kMembers = 3, kOwner = 9;
constexpr uint8_t kRounds = 12;
// Large enough that the write buffer is filled and tables are made.
constexpr uint8_t kRecordsEach = 60;

// A member and a record that it was shown, so many times.
using Shown = std::map<std::pair<uint32_t, RecordIdBytes>, int>;

RecordIdBytes Id(uint8_t round, uint8_t number) {
  RecordIdBytes id{};
  id[0] = round;
  id[1] = number;
  return id;
}

class LedgerFault : public ::testing::Test {
 protected:
  static absl::StatusOr<std::unique_ptr<store::LevelDbStore>> Open(FaultEnv& env, const std::string& dir) {
    store::LevelDbOptions options;
    options.dir = dir;
    options.env = &env;
    options.write_buffer_bytes = size_t{64} << 10;
    options.free_bytes_min = 0;
    return store::LevelDbStore::Open(options);
  }

  // Members are shown records, at once, new ones and the same again; what could leave.
  Shown RunWorkload(FaultEnv& env, const std::string& dir) {
    Shown left;
    const auto store = Open(env, dir);
    if (!store.ok()) return left;
    ledger::CountingDisclosureLog counting;
    store::CommitLane lane(**store);
    ledger::EntryLog entries(lane, names_, RunNow);
    ledger::ShownLog shown(**store, lane, entries, counting, RunNow);
    for (uint8_t round = 0; round < kRounds; ++round) {
      // Twice to each, which may become one entry.
      std::vector<std::promise<absl::Status>> recorded(2 * kMembers);
      for (uint32_t i = 0; i < recorded.size(); ++i) {
        shown.Record(DisclosureTo(1 + i % kMembers, round),
                     [&recorded, i](absl::Status status) { recorded[i].set_value(std::move(status)); });
      }
      for (uint32_t i = 0; i < recorded.size(); ++i) {
        if (!recorded[i].get_future().get().ok()) continue;
        for (const auto& record : DisclosureTo(1 + i % kMembers, round).records)
          ++left[{1 + i % kMembers, record.record}];
      }
    }
    lane.Drain();
    return left;
  }
  // Every third is what it was shown before.
  static ledger::Disclosure DisclosureTo(uint32_t member, uint8_t round) {
    ledger::Disclosure disclosure;
    disclosure.member = member;
    disclosure.credential = "backend";
    disclosure.method = "ScreenSellers";
    disclosure.time_ns = 1'790'000'000'000'000'000;
    const uint8_t of = round % 3 == 2 ? round - 1 : round;
    for (uint8_t i = 0; i < kRecordsEach; ++i)
      disclosure.records.push_back({Id(of, i), kOwner, 1, v1::RECORD_CLASS_OFFENDER_REPORT});
    return disclosure;
  }

  // What there is of it after the crash: in entries that are whole, to be sealed, and told to the owner.
  std::string MissingOf(FaultEnv& env, const std::string& dir, const Shown& left) {
    const auto store = Open(env, dir);
    if (!store.ok()) return std::string(store.status().message());
    const auto unsealed = ledger::ReadUnsealed(**store, 0, (*store)->Head());
    if (!unsealed.ok()) return std::string(unsealed.status().message());
    Shown logged;
    for (const ledger::UnsealedEntry& entry : unsealed->entries) Count(**store, entry.id, &logged);
    std::string missing;
    for (const auto& [what, times] : left) {
      const std::string row = ledger::ShownKey({what.first, what.second});
      const auto rows = (*store)->Read({&row, 1}, (*store)->Head());
      if (logged[what] >= times && rows.ok() && rows->front().has_value()) continue;
      absl::StrAppend(&missing, "m", what.first, ": left ", times, ", logged ", logged[what], "\n");
    }
    return missing;
  }
  void Count(const store::Store& store, ledger::EntryId id, Shown* logged) {
    const std::string key = ledger::EntryKey(id);
    const auto rows = store.Read({&key, 1}, store.Head());
    storage::v1::StoredLedgerEntry entry;
    ASSERT_TRUE(rows.ok() && rows->front() && entry.ParseFromString(rows->front()->value));
    const auto parts = ledger::PartsOf(*names_.keys, entry);
    v1::LedgerContent content;
    ASSERT_TRUE(parts.ok() && parts->has_value() && content.ParseFromString((*parts)->open.content));
    for (const v1::LedgerShown& shown : content.disclosure().shown()) {
      for (const std::string& name : shown.records())
        (*logged)[{entry.parties(0), *RecordIdToBytes(*ParseRecordName(name))}] += shown.answers();
    }
  }

  void FailAtEveryOperation(FaultEnv::Mode mode, FaultEnv::Survives survives) {
    FaultEnv counted;
    const size_t all = RunWorkload(counted, dir_.Sub("count")).size();
    const int64_t operations = counted.operations();
    ASSERT_GT(operations, 30);
    int in_part = 0;
    for (int64_t at = 0; at < operations; ++at) {
      const std::string dir = dir_.Sub("at" + std::to_string(at));
      FaultEnv env;
      env.FailAt(at, mode, "Input/output error");
      const Shown left = RunWorkload(env, dir);
      in_part += !left.empty() && left.size() < all ? 1 : 0;
      env.Heal();
      env.Crash(survives);
      ASSERT_EQ(MissingOf(env, dir, left), "") << "at operation " << at << " of " << operations;
      std::filesystem::remove_all(dir);
    }
    EXPECT_GT(in_part, operations / 3) << "the faults did not happen";
  }

  ScratchDir dir_;
  const ledger::Names names_ = TestNames();
};

TEST_F(LedgerFault, WhatLeftBeforePowerLossIsThere) {
  FailAtEveryOperation(FaultEnv::Mode::kFailForever, FaultEnv::Survives::kNone);
}

TEST_F(LedgerFault, WhatLeftBeforeAKillIsThere) {
  FailAtEveryOperation(FaultEnv::Mode::kTearForever, FaultEnv::Survives::kAll);
}

// The disk works again at once: the server must not go on.
TEST_F(LedgerFault, WhatLeftBeforeATornAppendIsThere) {
  FailAtEveryOperation(FaultEnv::Mode::kTearOnce, FaultEnv::Survives::kAll);
}

// The positive control: answered for before it is durable, by a disk that lies, it is not there.
TEST_F(LedgerFault, WhatIsNotDurableIsMissed) {
  FaultEnv env;
  const std::string dir = dir_.Sub("lies");
  ASSERT_TRUE(Open(env, dir).ok());
  env.LieAboutSyncs();
  const Shown left = RunWorkload(env, dir);
  ASSERT_THAT(left, Not(IsEmpty()));
  env.Crash(FaultEnv::Survives::kNone);
  EXPECT_NE(MissingOf(env, dir, left), "");
}

}  // namespace
}  // namespace coalition::testing

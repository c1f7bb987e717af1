// A disk that fails at every operation in turn, and crashes after it: what was acknowledged is there when the
// store opens again, and nothing is there in part.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "server/store/leveldb_store.h"
#include "tests/support/store/fault_env.h"
#include "tests/support/store/scratch_dir.h"
#include "tests/support/store/store_testing.h"

namespace coalition::store {
namespace {

using testing::FaultEnv;
using ::testing::HasSubstr;
using testing::MustRead;
using testing::Putting;
using testing::Writing;

constexpr int kCommits = 14;
constexpr int kKeysPerCommit = 3;

std::string KeyOf(int commit, int key) { return "c" + std::to_string(commit) + "/" + std::to_string(key); }
// Large enough that the workload fills the write buffer and makes tables.
std::string ValueOf(int commit) { return std::to_string(commit) + std::string(5000, 'v'); }

Commit Numbered(int commit) {
  std::vector<Write> writes;
  for (int key = 0; key < kKeysPerCommit; ++key) writes.push_back({KeyOf(commit, key), ValueOf(commit)});
  writes.push_back({"last", std::to_string(commit)});
  return Writing(std::move(writes));
}

struct Outcome {
  bool opened = false;
  std::vector<bool> acknowledged = std::vector<bool>(kCommits, false);
  // Of the commits that were not acknowledged, in order.
  std::vector<absl::Status> refusals;
};

class StoreFault : public ::testing::Test {
 protected:
  LevelDbOptions Options(FaultEnv& env, const std::string& dir) {
    LevelDbOptions options;
    options.dir = dir;
    options.env = &env;
    options.write_buffer_bytes = size_t{64} << 10;
    options.free_bytes_min = 0;
    return options;
  }

  Outcome RunWorkload(FaultEnv& env, const std::string& dir) {
    Outcome outcome;
    auto store = LevelDbStore::Open(Options(env, dir));
    if (!store.ok()) return outcome;
    outcome.opened = true;
    for (int i = 0; i < kCommits; ++i) {
      const Commit commit = Numbered(i);
      const auto result = (*store)->CommitAll({&commit, 1}).at(0);
      outcome.acknowledged[static_cast<size_t>(i)] = result.ok();
      if (result.ok()) {
        last_value_ = std::to_string(i);
        EXPECT_EQ((*store)->Head(), *result);
      } else {
        outcome.refusals.push_back(result.status());
      }
      // Reading goes on, and shows only what was acknowledged.
      const std::string read = MustRead(**store, "last", (*store)->Head());
      EXPECT_EQ(read, last_value_.empty() ? "(absent)" : last_value_);
    }
    return outcome;
  }

  // Opens without faults: all that was acknowledged is there, all else whole or not at all.
  void Verify(FaultEnv& env, const std::string& dir, const Outcome& outcome) {
    auto store = LevelDbStore::Open(Options(env, dir));
    ASSERT_TRUE(store.ok()) << store.status();
    const Revision head = (*store)->Head();
    Revision present = 0;
    for (int i = 0; i < kCommits; ++i) {
      int found = 0;
      for (int key = 0; key < kKeysPerCommit; ++key) {
        const std::string value = MustRead(**store, KeyOf(i, key), head);
        if (value == "(absent)") continue;
        ASSERT_EQ(value, ValueOf(i));
        ++found;
      }
      if (outcome.acknowledged[static_cast<size_t>(i)]) {
        ASSERT_EQ(found, kKeysPerCommit) << "lost, commit " << i;
      }
      ASSERT_TRUE(found == 0 || found == kKeysPerCommit) << "in part, commit " << i;
      present += found == 0 ? 0 : 1;
    }
    ASSERT_EQ(head, present);
    const auto log = (*store)->ReadLog(0, {.items = 1000, .bytes = size_t{1} << 30});
    ASSERT_TRUE(log.ok()) << log.status();
    ASSERT_EQ(log->size(), present);
    testing::MustCommit(**store, Putting("life goes", "on"));
  }

  int64_t OperationsOfWorkload() {
    FaultEnv env;
    const Outcome outcome = RunWorkload(env, dir_.Sub("count"));
    EXPECT_TRUE(outcome.opened);
    EXPECT_TRUE(outcome.refusals.empty());
    return env.operations();
  }

  void FailAtEveryOperation(FaultEnv::Mode mode, const std::string& cause, FaultEnv::Survives survives,
                            int64_t step) {
    const int64_t operations = OperationsOfWorkload();
    ASSERT_GT(operations, 50);
    int faults = 0;
    for (int64_t at = 0; at < operations; at += step) {
      const std::string dir = dir_.Sub("at" + std::to_string(at));
      FaultEnv env;
      env.FailAt(at, mode, cause);
      last_value_.clear();
      const Outcome outcome = RunWorkload(env, dir);
      faults += env.failed() ? 1 : 0;
      CheckRefusals(outcome, cause);
      env.Heal();
      env.Crash(survives);
      Verify(env, dir, outcome);
      if (HasFatalFailure()) FAIL() << "at operation " << at << " of " << operations;
      std::filesystem::remove_all(dir);
    }
    EXPECT_GT(faults, operations / step / 2) << "the faults did not happen";
  }

  // The first failure is of unknown outcome, and from then on nothing is written: a disk that lost data once
  // is not asked again.
  static void CheckRefusals(const Outcome& outcome, const std::string& cause) {
    for (size_t i = 0; i < outcome.refusals.size(); ++i) {
      EXPECT_EQ(outcome.refusals[i].code(),
                i == 0 ? absl::StatusCode::kUnknown : absl::StatusCode::kUnavailable);
      EXPECT_THAT(std::string(outcome.refusals[i].message()), HasSubstr(cause));
    }
    EXPECT_TRUE(
        std::is_partitioned(outcome.acknowledged.begin(), outcome.acknowledged.end(), std::identity()));
  }

  testing::ScratchDir dir_;
  std::string last_value_;
};

TEST_F(StoreFault, OneErrorAtEveryOperationThenPowerLoss) {
  FailAtEveryOperation(FaultEnv::Mode::kFailOnce, "Input/output error", FaultEnv::Survives::kNone, 1);
}

TEST_F(StoreFault, OneErrorAtEveryOperationThenAKill) {
  FailAtEveryOperation(FaultEnv::Mode::kFailOnce, "Input/output error", FaultEnv::Survives::kAll, 3);
}

TEST_F(StoreFault, AFullDiskFromEveryOperationOnThenAKill) {
  FailAtEveryOperation(FaultEnv::Mode::kFailForever, "No space left on device", FaultEnv::Survives::kAll, 1);
}

TEST_F(StoreFault, AFullDiskFromEveryOperationOnThenPowerLoss) {
  FailAtEveryOperation(FaultEnv::Mode::kFailForever, "No space left on device", FaultEnv::Survives::kHalf, 3);
}

TEST_F(StoreFault, ATornAppendAtEveryOperationThenPowerLoss) {
  FailAtEveryOperation(FaultEnv::Mode::kTearOnce, "Input/output error", FaultEnv::Survives::kHalf, 1);
}

TEST_F(StoreFault, ATornAppendAtEveryOperationThenAKill) {
  FailAtEveryOperation(FaultEnv::Mode::kTearOnce, "Input/output error", FaultEnv::Survives::kAll, 1);
}

// The positive control: the crash does lose what was not synced, so the tests above would notice a missing
// fsync.
TEST_F(StoreFault, ACrashLosesWhatWasNotSynced) {
  FaultEnv env;
  leveldb::WritableFile* file = nullptr;
  const std::string name = dir_.Sub("file");
  ASSERT_TRUE(env.NewWritableFile(name, &file).ok());
  ASSERT_TRUE(file->Append("synced").ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(file->Append("not synced").ok());
  ASSERT_TRUE(file->Close().ok());
  delete file;
  EXPECT_EQ(std::filesystem::file_size(name), 16U);
  env.Crash(FaultEnv::Survives::kHalf);
  EXPECT_EQ(std::filesystem::file_size(name), 11U);
  env.Crash(FaultEnv::Survives::kNone);
  EXPECT_EQ(std::filesystem::file_size(name), 11U) << "what has survived is on the disk";
}

// Another one: with the guard of promise 8 switched off, under the store, what was acknowledged is lost.
TEST_F(StoreFault, WithoutTheSyncAcknowledgedCommitsAreLost) {
  FaultEnv env;
  const std::string dir = dir_.Sub("lies");
  {
    auto store = LevelDbStore::Open(Options(env, dir));
    ASSERT_TRUE(store.ok());
    env.LieAboutSyncs();
    testing::MustCommit(**store, Numbered(0));
  }
  env.Crash(FaultEnv::Survives::kNone);
  auto store = LevelDbStore::Open(Options(env, dir));
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ(MustRead(**store, "last", (*store)->Head()), "(absent)");
}

// A group shares its fate: nobody is told of something that might not have happened.
TEST_F(StoreFault, AllOfAFailedGroupAreUnknown) {
  FaultEnv env;
  const LevelDbOptions options = Options(env, dir_.Sub("group"));
  auto store = LevelDbStore::Open(options);
  ASSERT_TRUE(store.ok());
  testing::MustCommit(**store, Putting("before", "1"));
  env.FailAt(env.operations(), FaultEnv::Mode::kFailForever, "Input/output error");
  Commit seeing = Writing({});
  seeing.reads = {"a"};
  const std::vector<Commit> commits = {
      Writing({}), testing::Aborting(absl::NotFoundError("before any write")),   Putting("a", "1"),
      seeing,      testing::Aborting(absl::AlreadyExistsError("saw the write")), Putting("b", "1")};
  const auto results = (*store)->CommitAll(commits);
  EXPECT_TRUE(results[0].ok()) << "rests on durable state";
  EXPECT_EQ(results[1].status().code(), absl::StatusCode::kNotFound) << "rests on durable state";
  for (size_t i = 2; i < results.size(); ++i) {
    EXPECT_EQ(results[i].status().code(), absl::StatusCode::kUnknown) << i;
  }
  EXPECT_EQ((*store)->Head(), 1U);
  EXPECT_EQ(MustRead(**store, "a", 1), "(absent)");
  EXPECT_EQ((*store)->RaiseFloor(1, {}).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace coalition::store

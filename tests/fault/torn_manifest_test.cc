// A disk that fails once and then works again, at the one place where LevelDB goes on: an append to MANIFEST
// while a compaction is under way.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "leveldb/env.h"
#include "server/store/leveldb_store.h"
#include "tests/support/store/scratch_dir.h"
#include "tests/support/store/store_testing.h"

namespace coalition::store {
namespace {

using leveldb::Status;
using testing::CommitStatus;
using testing::MustCommit;
using testing::MustRead;
using testing::Putting;
using testing::Writing;

constexpr size_t kLogHeaderBytes = 7;

// Holds who makes a table until it is let go, and tears one append to MANIFEST.
class TearingEnv final : public leveldb::EnvWrapper {
 public:
  TearingEnv() : EnvWrapper(leveldb::Env::Default()) {}

  // Before the table that is made when `passed` more have been.
  void HoldTableAfter(int passed) {
    const std::lock_guard<std::mutex> lock(mutex_);
    until_held_ = passed;
  }
  bool WaitUntilHeld() {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [this] { return held_; });
  }
  void TearNextOfManifestAndLetGo() {
    tears_ = true;
    const std::lock_guard<std::mutex> lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }
  int logs() const { return logs_; }
  bool torn() const { return torn_; }

  Status NewWritableFile(const std::string& name, leveldb::WritableFile** result) override {
    if (absl::EndsWith(name, ".log")) ++logs_;
    if (absl::EndsWith(name, ".ldb")) HoldIfAsked();
    Status status = target()->NewWritableFile(name, result);
    if (status.ok() && absl::StrContains(name, "/MANIFEST-"))
      *result = new Manifest(*this, std::unique_ptr<leveldb::WritableFile>(*result));
    return status;
  }

 private:
  class Manifest final : public leveldb::WritableFile {
   public:
    Manifest(TearingEnv& env, std::unique_ptr<leveldb::WritableFile> base)
        : env_(env), base_(std::move(base)) {}
    Status Append(const leveldb::Slice& data) override {
      // What is read of a torn header is a length by chance; a torn record has its right one, so that what
      // comes after it is taken for its rest.
      if (data.size() <= kLogHeaderBytes || !env_.tears_.exchange(false)) return base_->Append(data);
      env_.torn_ = true;
      (void)base_->Append({data.data(), data.size() / 2});
      return Status::IOError("MANIFEST", "Input/output error");
    }
    Status Close() override { return base_->Close(); }
    Status Flush() override { return base_->Flush(); }
    Status Sync() override { return base_->Sync(); }

   private:
    TearingEnv& env_;
    const std::unique_ptr<leveldb::WritableFile> base_;
  };

  void HoldIfAsked() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (until_held_ < 0 || until_held_-- > 0) return;
    held_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int until_held_ = -1;  // below 0: none is
  bool held_ = false;
  std::atomic<int> logs_{0};
  std::atomic<bool> tears_{false}, torn_{false};
};

class TornManifest : public ::testing::Test {
 protected:
  absl::Status Open() {
    LevelDbOptions options;
    options.dir = dir_.Sub("store");
    options.env = &env_;
    options.write_buffer_bytes = size_t{64} << 10;
    options.free_bytes_min = 0;
    auto store = LevelDbStore::Open(options);
    if (!store.ok()) return store.status();
    store_ = *std::move(store);
    return absl::OkStatus();
  }
  // Until LevelDB begins another log, and so has a memory table to make a table of. All tables have keys of
  // the whole range, so that there is something to merge.
  void FillMemoryTable() {
    for (const int logs = env_.logs(); env_.logs() == logs; ++acknowledged_) {
      MustCommit(*store_, Writing({{"a", std::to_string(acknowledged_)},
                                   {KeyOf(acknowledged_), std::string(5000, 'v')},
                                   {"z", std::to_string(acknowledged_)}}));
    }
  }
  static std::string KeyOf(int commit) { return "k" + std::to_string(commit); }

  testing::ScratchDir dir_;
  TearingEnv env_;
  std::unique_ptr<LevelDbStore> store_;
  int acknowledged_ = 0;
};

// If the disk did not stay failed, the store would not open any more.
TEST_F(TornManifest, WithinACompactionLosesNothing) {
  ASSERT_TRUE(Open().ok());
  // LevelDB puts the first two tables into levels 2 and 1, and merges when there are four in level 0.
  constexpr int kTables = 6;
  env_.HoldTableAfter(kTables);
  for (int i = 0; i < kTables; ++i) FillMemoryTable();
  ASSERT_TRUE(env_.WaitUntilHeld());
  FillMemoryTable();
  env_.TearNextOfManifestAndLetGo();
  bool refused = false;
  for (int i = 0; i < 10'000 && !refused; ++i) refused = !CommitStatus(*store_, Putting("later", "1")).ok();
  ASSERT_TRUE(refused);
  ASSERT_TRUE(env_.torn());

  store_.reset();
  const absl::Status opened = Open();
  ASSERT_TRUE(opened.ok()) << opened;
  const Revision head = store_->Head();
  for (int i = 0; i < acknowledged_; ++i) EXPECT_NE(MustRead(*store_, KeyOf(i), head), "(absent)") << i;
  EXPECT_EQ(MustRead(*store_, "a", head), std::to_string(acknowledged_ - 1));
}

}  // namespace
}  // namespace coalition::store

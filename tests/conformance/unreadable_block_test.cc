// What cannot be read is an error, also where LevelDB goes on without it: it steps over a block that it
// cannot read, and looks without a filter that it cannot read.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "leveldb/db.h"
#include "leveldb/env.h"
#include "server/store/leveldb_store.h"
#include "tests/support/store/scratch_dir.h"
#include "tests/support/store/store_testing.h"

namespace coalition::store {
namespace {

using testing::MustCommit;
using testing::MustRead;
using testing::MustScan;
using testing::Putting;

// Refuses some of the reads of tables.
class UnreadableEnv final : public leveldb::EnvWrapper {
 public:
  UnreadableEnv() : EnvWrapper(leveldb::Env::Default()) {}

  // The reads to come: so many succeed, then one fails. Below 0: none.
  std::atomic<int> until_failure{-1};
  // Of each table that is opened, the read with this number, from 0. Below 0: none.
  std::atomic<int> fails_of_each{-1};

  leveldb::Status NewRandomAccessFile(const std::string& name, leveldb::RandomAccessFile** result) override {
    leveldb::Status status = target()->NewRandomAccessFile(name, result);
    if (status.ok()) *result = new File(*this, std::unique_ptr<leveldb::RandomAccessFile>(*result));
    return status;
  }

 private:
  class File final : public leveldb::RandomAccessFile {
   public:
    File(UnreadableEnv& env, std::unique_ptr<leveldb::RandomAccessFile> base)
        : env_(env), base_(std::move(base)) {}
    leveldb::Status Read(uint64_t offset, size_t n, leveldb::Slice* result, char* scratch) const override {
      const bool of_each = reads_++ == env_.fails_of_each;
      if (of_each || (env_.until_failure >= 0 && env_.until_failure-- == 0))
        return leveldb::Status::IOError("table", "Input/output error");
      return base_->Read(offset, n, result, scratch);
    }

   private:
    UnreadableEnv& env_;
    const std::unique_ptr<leveldb::RandomAccessFile> base_;
    mutable std::atomic<int> reads_{0};
  };
};

class UnreadableBlockTest : public ::testing::Test {
 protected:
  static constexpr int kKeys = 60;

  void Open() {
    store_.reset();
    LevelDbOptions options;
    options.dir = dir_.Sub("store");
    options.env = &env_;
    options.block_cache_bytes = 1;
    options.free_bytes_min = 0;
    options.wrap_db = [this](std::unique_ptr<leveldb::DB> opened) {
      db_ = opened.get();
      return opened;
    };
    auto store = LevelDbStore::Open(options);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  // Of blocks of one or two values each.
  void OpenWithTable() {
    Open();
    for (int i = 0; i < kKeys; ++i) MustCommit(*store_, Putting(Key(i), std::string(3'000, 'v')));
    db_->CompactRange(nullptr, nullptr);
  }
  static std::string Key(int number) { return "k" + std::to_string(100 + number); }

  testing::ScratchDir dir_;
  UnreadableEnv env_;
  leveldb::DB* db_ = nullptr;
  std::unique_ptr<LevelDbStore> store_;
};

// At every read in turn.
TEST_F(UnreadableBlockTest, IsAnErrorAndNoAbsence) {
  OpenWithTable();
  int failed = 0;
  for (int reads = 0; reads < 8; ++reads) {
    for (const int key : {0, 20, 41, kKeys - 1}) {
      Open();
      env_.until_failure = reads;
      const std::string name = Key(key);
      const auto read = store_->Read({&name, 1}, store_->Head());
      const bool met = env_.until_failure.exchange(-1) < 0;
      failed += read.ok() ? 0 : 1;
      EXPECT_TRUE(!read.ok() || (*read)[0].has_value()) << reads << ' ' << key;
      EXPECT_TRUE(met || read.ok());
      EXPECT_EQ(MustRead(*store_, name, store_->Head()).size(), 3'000U) << "the next time it is there";
    }
  }
  EXPECT_GE(failed, 4);
}

TEST_F(UnreadableBlockTest, IsMissedByNoScan) {
  OpenWithTable();
  int failed = 0;
  for (int reads = 0; reads < 30; ++reads) {
    Open();
    env_.until_failure = reads;
    const auto page = store_->Scan(Key(10), Key(30), store_->Head(), {.items = 15, .bytes = 1U << 30});
    env_.until_failure = -1;
    failed += page.ok() ? 0 : 1;
    EXPECT_TRUE(!page.ok() || (page->items.size() == 15 && page->items[14].key == Key(24))) << reads;
    EXPECT_EQ(MustScan(*store_, Key(10), Key(30), store_->Head()).size(), 20U);
  }
  EXPECT_GE(failed, 8);
}

// A deletion of an older version is met first, and ends what LevelDB looks for.
TEST_F(UnreadableBlockTest, AKeyIsFoundBehindADeletionWithoutItsFilter) {
  Open();
  MustCommit(*store_, Putting("key", "1"));
  MustCommit(*store_, Putting("key", "2"));
  db_->CompactRange(nullptr, nullptr);
  testing::MustRaiseFloor(*store_, store_->Head());
  Open();  // the log becomes a table
  // Behind the foot and the index: what says where the filter is, and the filter.
  for (const int read : {2, 3}) {
    env_.fails_of_each = read;
    Open();
    EXPECT_EQ(MustRead(*store_, "key", store_->Head()), "2") << "read " << read;
  }
}

}  // namespace
}  // namespace coalition::store

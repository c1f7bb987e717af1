// A backup is the store at one revision, whatever is written meanwhile; or there is none.
#include "server/backup/backup_writer.h"

#include <gmock/gmock.h>

#include "common/hash.h"
#include "server/store/leveldb_store.h"
#include "tests/support/backups.h"
#include "tests/support/store/forwarding_store.h"
#include "tests/support/store/scratch_dir.h"

namespace coalition::testing {
namespace {

class BackupWriterTest : public ::testing::Test {
 protected:
  BackupWriterTest() {
    for (int round = 0; round < 40; ++round) {
      std::vector<store::Write> writes;
      for (int i = 0; i < 25; ++i)
        writes.push_back({"key-" + std::to_string(1'000 + round * 20 + i), std::string(2'000, 'x')});
      MustCommit(store_, Writing(std::move(writes)));
    }
    MustCommit(store_, Removing("key-1007"));
  }
  std::unique_ptr<backup::BackupWriter> Open(const store::Store& store) {
    auto writer = backup::BackupWriter::Open(store, MetaAt(store.Head()), key_.public_key(), random_);
    EXPECT_TRUE(writer.ok()) << writer.status();
    return *std::move(writer);
  }

  SystemRandom random_;
  const X25519Key key_ = NewKey();
  MemoryStore store_;
};

TEST_F(BackupWriterTest, HoldsEveryLiveKeyWithItsRevision) {
  const auto writer = Open(store_);
  const auto file = Drain(*writer);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(*ReadBackup(*file, key_), RowsOf(store_, store_.Head()));
  EXPECT_EQ(writer->totals().rows, 804U);
  EXPECT_EQ(writer->totals().bytes, file->size());
  EXPECT_EQ(writer->FinishDigest(), Sha256(*file));
  EXPECT_EQ(*writer->Next(), "") << "it stays whole";
}

TEST_F(BackupWriterTest, IsOfItsRevisionWhileWritesGoOn) {
  const Rows before = RowsOf(store_, store_.Head());
  const auto writer = Open(store_);
  std::string file;
  for (int step = 0;; ++step) {
    const auto bytes = writer->Next();
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    if (bytes->empty()) break;
    file += *bytes;
    // Behind it, before it, over it, and away.
    MustCommit(store_, Writing({{"a", "new"},
                                {"z" + std::to_string(step), "new"},
                                {"key-1500", "changed"},
                                {"key-1600", std::nullopt}}));
  }
  EXPECT_EQ(*ReadBackup(file, key_), before);
  EXPECT_NE(RowsOf(store_, store_.Head()), before) << "positive control";
}

TEST_F(BackupWriterTest, AnEmptyStoreAndOneLargeValueAreBackedUpInMessagesOfBoundedSize) {
  MemoryStore store;
  EXPECT_EQ(ReadBackup(BackUp(store, key_), key_)->size(), 0U);
  MustCommit(store, Putting("large", std::string(5 << 20, 'x')));
  MustCommit(store, Putting("empty", ""));
  const auto writer = Open(store);
  std::string file;
  for (;;) {
    const auto bytes = writer->Next();
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    if (bytes->empty()) break;
    EXPECT_LE(bytes->size(),
              backup::kHeaderBytes + backup::BackupWriter::kStepChunks * backup::kSealedChunkBytes);
    file += *bytes;
  }
  EXPECT_EQ(*ReadBackup(file, key_), RowsOf(store, store.Head()));
}

TEST_F(BackupWriterTest, EndsWhereTheHistoryThatItReadsIsGivenUp) {
  const auto writer = Open(store_);
  ASSERT_TRUE(writer->Next().ok());
  MustCommit(store_, Putting("key-1500", "changed"));
  MustRaiseFloor(store_, store_.Head());
  const absl::Status status = Drain(*writer).status();
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_EQ(writer->Next().status(), status) << "for good";
}

// Says of the store what is damaged from its second reading on.
class DamagedStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  absl::Status ScanEach(std::string_view from, std::string_view to, store::Revision at,
                        const Visitor& visit) const override {
    const absl::Status scanned = ForwardingStore::ScanEach(from, to, at, visit);
    return ++scans_ > 1 ? absl::DataLossError("damaged") : scanned;
  }

 private:
  mutable int scans_ = 0;
};

TEST_F(BackupWriterTest, OfADamagedStoreThereIsNone) {
  const DamagedStore damaged(store_);
  const auto writer = Open(damaged);
  ASSERT_TRUE(writer->Next().ok());
  EXPECT_TRUE(absl::IsDataLoss(writer->Next().status()));
  EXPECT_TRUE(absl::IsDataLoss(writer->Next().status()));
}

TEST_F(BackupWriterTest, OfTheRealStoreIsTheSame) {
  const ScratchDir dir;
  store::LevelDbOptions options;
  options.dir = dir.Sub("store");
  const auto real = store::LevelDbStore::Open(options);
  ASSERT_TRUE(real.ok()) << real.status();
  for (const auto& [key, value, revision] : RowsOf(store_, store_.Head()))
    MustCommit(**real, Putting(key, value));
  EXPECT_EQ(*ReadBackup(BackUp(**real, key_), key_), RowsOf(**real, (*real)->Head()));
}

}  // namespace
}  // namespace coalition::testing

// What is LevelDB's own about LevelDbStore: opening, damage, what lies on the disk, a full disk.
#include "server/store/leveldb_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <set>

#include "leveldb/iterator.h"
#include "server/store/engine.h"
#include "server/store/key_codec.h"
#include "server/store/key_probe.h"
#include "server/store/value_codec.h"
#include "tests/support/store/scratch_dir.h"
#include "tests/support/store/store_testing.h"

namespace coalition::store {
namespace {

using testing::CommitStatus;
using ::testing::HasSubstr;
using testing::MustCommit;
using testing::MustRaiseFloor;
using testing::MustRead;
using testing::MustScanEach;
using testing::Putting;
using testing::Removing;
using testing::Writing;

class LevelDbStoreTest : public ::testing::Test {
 protected:
  LevelDbStoreTest() {
    options_.dir = dir_.Sub("store");
    options_.free_bytes_min = 0;
  }

  void Open() {
    absl::StatusOr<std::unique_ptr<LevelDbStore>> opened = LevelDbStore::Open(options_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }
  void Close() { store_.reset(); }
  absl::Status OpenStatus() { return LevelDbStore::Open(options_).status(); }

  // Works on the closed store as LevelDB.
  void WithLevelDb(const std::function<void(leveldb::DB&)>& work) {
    Close();
    const auto engine = OpenEngine(options_);
    ASSERT_TRUE(engine.ok()) << engine.status();
    work(*(*engine)->db);
  }
  // Changes what is stored at a physical key.
  void Alter(const std::string& physical, const std::function<void(std::string&)>& change) {
    WithLevelDb([&](leveldb::DB& db) {
      std::string stored;
      ASSERT_TRUE(db.Get({}, physical, &stored).ok());
      change(stored);
      ASSERT_TRUE(db.Put({}, physical, stored).ok());
    });
  }
  size_t CountPhysicalKeys() {
    size_t count = 0;
    WithLevelDb([&](leveldb::DB& db) {
      const std::unique_ptr<leveldb::Iterator> it(db.NewIterator({}));
      for (it->SeekToFirst(); it->Valid(); it->Next()) ++count;
    });
    return count;
  }
  std::vector<std::filesystem::path> Files(const std::string& extension) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(options_.dir)) {
      if (entry.path().extension() == extension) files.push_back(entry.path());
    }
    return files;
  }

  testing::ScratchDir dir_;
  LevelDbOptions options_;
  std::unique_ptr<LevelDbStore> store_;
};

std::string DataKeyOf(std::string_view key, Revision revision) {
  std::string physical;
  EncodeDataKey(key, revision, physical);
  return physical;
}

TEST_F(LevelDbStoreTest, ASecondOpenIsRefusedAndDoesNoHarm) {
  Open();
  MustCommit(*store_, Putting("a", "1"));
  const absl::Status second = OpenStatus();
  EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.message()), HasSubstr(options_.dir));
  EXPECT_THAT(std::string(second.message()), HasSubstr("in use"));

  // From another process.
  const pid_t child = fork();
  if (child == 0) _exit(OpenStatus().code() == absl::StatusCode::kFailedPrecondition ? 0 : 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  MustCommit(*store_, Putting("a", "2"));
  Close();
  Open();
  EXPECT_EQ(MustRead(*store_, "a", 2), "2");
}

TEST_F(LevelDbStoreTest, OpeningSaysWhatIsWrongAndWhere) {
  options_.dir = "";
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kInvalidArgument);
  options_.dir = dir_.Sub("no/such/parent");
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(OpenStatus().message()), HasSubstr("no/such/parent"));
  options_.dir = dir_.Sub("file");
  std::ofstream(options_.dir) << "not a directory";
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kFailedPrecondition);
  if (geteuid() != 0) {
    options_.dir = dir_.Sub("locked");
    std::filesystem::create_directory(options_.dir);
    std::filesystem::permissions(options_.dir, std::filesystem::perms::owner_read);
    EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kPermissionDenied);
  }
}

TEST_F(LevelDbStoreTest, AForeignLevelDbIsRefused) {
  leveldb::Options settings;
  settings.create_if_missing = true;
  leveldb::DB* db = nullptr;
  ASSERT_TRUE(leveldb::DB::Open(settings, options_.dir, &db).ok());
  ASSERT_TRUE(db->Put({}, "somebody", "else").ok());
  delete db;
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kFailedPrecondition);

  options_.dir = dir_.Sub("our order, foreign contents");
  WithLevelDb([](leveldb::DB& ours) { ASSERT_TRUE(ours.Put({}, "somebody", "else").ok()); });
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(LevelDbStoreTest, ANewerFormatIsRefused) {
  Open();
  MustCommit(*store_, Putting("a", "1"));
  WithLevelDb([](leveldb::DB& db) {
    const std::string key = EncodeMetaKey(kFormatName, 2);
    std::string stored;
    EncodeValue(key, std::string_view(), stored);
    ASSERT_TRUE(db.Put({}, key, stored).ok());
  });
  const absl::Status status = OpenStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("newer version"));
}

TEST_F(LevelDbStoreTest, ADamagedValueIsRefusedAndNeverShown) {
  using Damage = std::function<void(std::string&)>;
  const std::vector<Damage> damages = {
      [](std::string& stored) { stored.back() ^= 1; },
      [](std::string& stored) { stored[0] = 2; },
      [](std::string& stored) { stored[1] ^= 3; },
      [](std::string& stored) { stored[3] ^= 16; },
      [](std::string& stored) { stored.resize(stored.size() - 1); },
      [](std::string& stored) { stored += 'x'; },
      [](std::string& stored) { stored.clear(); },
      [](std::string& stored) { EncodeValue(DataKeyOf("another", 2), std::string_view("secret"), stored); },
      [](std::string& stored) { EncodeValue(DataKeyOf("damaged", 1), std::string_view("secret"), stored); },
  };
  for (size_t i = 0; i < damages.size(); ++i) {
    options_.dir = dir_.Sub("store" + std::to_string(i));
    Open();
    MustCommit(*store_, Putting("before", "1"));
    const Revision at = MustCommit(*store_, Putting("damaged", "secret"));
    MustCommit(*store_, Putting("later", "3"));
    Alter(DataKeyOf("damaged", at), damages[i]);
    Open();
    const std::string key = "damaged";
    EXPECT_EQ(store_->Read({&key, 1}, at).status().code(), absl::StatusCode::kDataLoss) << i;
    EXPECT_EQ(store_->Scan("", "", at, {}).status().code(), absl::StatusCode::kDataLoss) << i;
    EXPECT_EQ(store_->ReadLog(0, {}).status().code(), absl::StatusCode::kDataLoss) << i;
    const auto visit = [](std::string_view name, std::string_view, Revision) { return name == "before"; };
    EXPECT_EQ(store_->ScanEach("", "", store_->Head(), visit).code(), absl::StatusCode::kDataLoss) << i;
    Commit reading = Putting("new", "4");
    reading.reads = {"damaged"};
    EXPECT_EQ(CommitStatus(*store_, reading).code(), absl::StatusCode::kDataLoss) << i;
    // The rest is served.
    EXPECT_EQ(MustRead(*store_, "later", store_->Head()), "3");
    EXPECT_EQ(MustRead(*store_, "new", store_->Head()), "(absent)");
    EXPECT_EQ(MustRead(*store_, "damaged", at - 1), "(absent)");
  }
}

TEST_F(LevelDbStoreTest, DamageToTheNewestLogEntryKeepsTheStoreClosed) {
  Open();
  MustCommit(*store_, Putting("a", "1"));
  const Revision head = MustCommit(*store_, Putting("a", "2"));
  Alter(EncodeLogKey(head), [](std::string& stored) { stored.back() ^= 1; });
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kDataLoss);
}

TEST_F(LevelDbStoreTest, AVersionTheLogNamesMustBeThere) {
  Open();
  const Revision at = MustCommit(*store_, Putting("a", "1"));
  WithLevelDb([&](leveldb::DB& db) { ASSERT_TRUE(db.Delete({}, DataKeyOf("a", at)).ok()); });
  Open();
  EXPECT_EQ(store_->ReadLog(0, {}).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(LevelDbStoreTest, AFlippedByteInTheWriteAheadLogKeepsTheStoreClosed) {
  Open();
  for (int i = 0; i < 20; ++i) MustCommit(*store_, Putting("k" + std::to_string(i), std::string(1000, 'v')));
  Close();
  const auto logs = Files(".log");
  ASSERT_EQ(logs.size(), 1U);
  std::fstream file(logs[0], std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(logs[0]) / 2));
  file.put('\x7F');
  file.close();
  const absl::Status status = OpenStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(options_.dir));
}

TEST_F(LevelDbStoreTest, MissingFilesKeepTheStoreClosed) {
  options_.write_buffer_bytes = size_t{64} << 10;
  Open();
  for (int i = 0; i < 40; ++i) MustCommit(*store_, Putting("k" + std::to_string(i), std::string(8192, 'v')));
  Close();
  Open();
  Close();
  ASSERT_FALSE(Files(".ldb").empty());
  std::filesystem::copy(options_.dir, dir_.Sub("copy"));
  std::filesystem::remove(Files(".ldb").front());
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kDataLoss);
  // LevelDB itself would take this one for a new store and empty it.
  options_.dir = dir_.Sub("copy");
  std::filesystem::remove(options_.dir + "/CURRENT");
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(Files(".ldb").empty());
}

TEST_F(LevelDbStoreTest, PhysicalKeysAreWrittenOnce) {
  std::multiset<std::string> written;
  Open();
  MustCommit(*store_, Putting("a", "1"));
  MustCommit(*store_, Putting("a", "1"));
  MustCommit(*store_, Removing("a"));
  MustCommit(*store_, Putting("a", "1"));
  EXPECT_EQ(CountPhysicalKeys(), 1U + 4 + 4) << "format, versions, log entries";
}

TEST_F(LevelDbStoreTest, RaisingTheFloorRemovesWhatNobodyCanRead) {
  Open();
  for (int i = 0; i < 10; ++i) {
    MustCommit(*store_, Writing({{"a", std::to_string(i)}, {"b", std::to_string(i)}}));
  }
  EXPECT_EQ(MustRaiseFloor(*store_, store_->Head(), {.items = 4}), 9U * 3);
  EXPECT_EQ(store_->RaiseFloor(store_->Head(), {}).value_or(99), 0U);
  EXPECT_EQ(MustRead(*store_, "b", store_->Head()), "9");
  EXPECT_EQ(CountPhysicalKeys(), 1U + 1 + 2 + 1)
      << "format, floor, a version of each key, the log entry at the floor";
  Open();
  EXPECT_EQ(store_->Floor(), 10U);
  EXPECT_EQ(MustRead(*store_, "a", 10), "9");
}

TEST_F(LevelDbStoreTest, GoesOnFromALaterRevisionAndKeepsWhatItHas) {
  Open();
  MustCommit(*store_, Writing({{"a", "1"}}));
  ASSERT_TRUE(store_->SkipTo(1'000).ok());
  EXPECT_EQ(store_->Head(), 1'000U);
  EXPECT_EQ(store_->Floor(), 1'000U);
  EXPECT_EQ(MustRead(*store_, "a", 1'000), "1");
  Close();
  Open();
  EXPECT_EQ(store_->Head(), 1'000U) << "it is durable";
  EXPECT_EQ(MustCommit(*store_, Writing({{"a", "2"}})), 1'001U);
  EXPECT_EQ(MustRead(*store_, "a", 1'000), "1");
  ASSERT_TRUE(store_->SkipTo(500).ok());
  EXPECT_EQ(store_->Head(), 1'001U) << "never back";
  EXPECT_EQ(MustRaiseFloor(*store_, 1'001, {}), 2U) << "a log entry and the older version";
  Close();
  Open();
  EXPECT_EQ(MustRead(*store_, "a", store_->Head()), "2");
}

TEST_F(LevelDbStoreTest, AFullDiskRefusesWritesClearlyAndHeals) {
  uint64_t room = 1000;
  options_.free_bytes_min = 500;
  options_.free_bytes = [&room]() -> absl::StatusOr<uint64_t> { return room; };
  Open();
  MustCommit(*store_, Putting("a", "1"));
  room = 499;
  const absl::Status status = CommitStatus(*store_, Putting("a", "2"));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("full"));
  EXPECT_EQ(store_->RaiseFloor(1, {}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(store_->Floor(), 0U);
  EXPECT_EQ(store_->Head(), 1U);
  EXPECT_EQ(MustRead(*store_, "a", 1), "1");
  EXPECT_EQ(CommitStatus(*store_, Writing({})), absl::OkStatus()) << "what writes nothing needs no room";
  room = 500;
  EXPECT_EQ(MustCommit(*store_, Putting("a", "3")), 2U);
  EXPECT_EQ(CountPhysicalKeys(), 1U + 2 + 2);
}

TEST_F(LevelDbStoreTest, AsksTheFileSystemHowFullItIs) {
  options_.free_bytes_min = uint64_t{1} << 62;
  Open();
  EXPECT_EQ(CommitStatus(*store_, Putting("a", "1")).code(), absl::StatusCode::kUnavailable);
}

// A probe may say "look" too often, but "absent" only of what is absent: also across tables, deletions and
// reopening.
TEST_F(LevelDbStoreTest, AProbeNeverMissesAKey) {
  options_.write_buffer_bytes = size_t{64} << 10;
  options_.group_bytes_max = 4096;
  options_.commit_bytes_max = 8192;
  const auto key = [](int i) { return "key" + std::to_string(i * 7919 % 1000) + std::string(1, '\0'); };
  for (int round = 0; round < 4; ++round) {
    Open();
    for (int i = 0; i < 1000; i += 1 + round) {
      MustCommit(*store_, Putting(key(i), std::string(300, static_cast<char>('a' + round))));
      if (i % 100 == 0) MustRaiseFloor(*store_, store_->Head());
    }
    std::vector<std::string> keys;
    for (int i = 0; i < 1000; ++i) keys.push_back(key(i));
    const auto values = store_->Read(keys, store_->Head());
    ASSERT_TRUE(values.ok());
    for (const auto& value : *values) ASSERT_TRUE(value.has_value());
    const std::vector<std::string> absent(1, "key");
    EXPECT_EQ(store_->Read(absent, store_->Head())->at(0), std::nullopt);
    Close();
  }
  size_t looks = 0;
  WithLevelDb([&](leveldb::DB& db) {
    const KeyProbe probe(db, 1 << 20);
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(probe.MayExist(key(i)));
    for (int i = 0; i < 1000; ++i) looks += probe.MayExist("absent" + std::to_string(i)) ? 1 : 0;
    KeyProbe careful(db, 1 << 20);
    careful.BeforeDeletions();
    EXPECT_TRUE(careful.MayExist("absent"));
    careful.AfterWrite(1 << 20);
    EXPECT_FALSE(careful.MayExist("absent"));
  });
  EXPECT_LT(looks, 100U) << "the bloom filters are not asked";
}

}  // namespace
}  // namespace coalition::store

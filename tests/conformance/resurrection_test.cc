// Why nobody takes LevelDB snapshots: in 1.23 a deleted key can come back (fixed upstream by 13e3c4e, not
// in 1.23). Shows the bug on bare LevelDB. When this test fails, LevelDB has been fixed: rejoice, read the
// ADR, and keep the keys written once.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "leveldb/db.h"
#include "tests/support/store/scratch_dir.h"

namespace coalition::store {
namespace {

TEST(Resurrection, ADeletedKeyComesBackOnBareLevelDb) {
  const testing::ScratchDir dir;
  leveldb::Options options;
  options.create_if_missing = true;
  options.compression = leveldb::kNoCompression;
  // So that the versions of "m" fill two tables of one level.
  options.write_buffer_size = size_t{256} << 10;
  options.max_file_size = size_t{1} << 20;
  leveldb::DB* opened = nullptr;
  ASSERT_TRUE(leveldb::DB::Open(options, dir.Sub("bare"), &opened).ok());
  const std::unique_ptr<leveldb::DB> db(opened);

  const std::string padding(100'000, 'x');
  // A neighbour, so that the first of the two tables that "m" will fill begins with another key.
  ASSERT_TRUE(db->Put({}, "a", "neighbour").ok());
  std::vector<const leveldb::Snapshot*> snapshots;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(db->Put({}, "m", std::to_string(i) + padding).ok());
    snapshots.push_back(db->GetSnapshot());
  }
  ASSERT_TRUE(db->Delete({}, "m").ok());
  db->CompactRange(nullptr, nullptr);
  for (const leveldb::Snapshot* snapshot : snapshots) db->ReleaseSnapshot(snapshot);
  std::string value;
  ASSERT_TRUE(db->Get({}, "m", &value).IsNotFound());

  // The neighbour is written again and compacted; nobody touches "m".
  ASSERT_TRUE(db->Put({}, "a", "again").ok());
  const leveldb::Slice begin("a");
  const leveldb::Slice end("b");
  db->CompactRange(&begin, &end);
  const leveldb::Status found = db->Get({}, "m", &value);
  EXPECT_TRUE(found.ok()) << "not resurrected: " << found.ToString();
}

}  // namespace
}  // namespace coalition::store

// LevelDB as it is read where nothing may be believed: every block's checksum is verified before it is used.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "leveldb/db.h"

namespace coalition::store {

// Thread-safe, as LevelDB is. Takes no writes. Beside answering what is wrong, LevelDB ends the process on
// some blocks that are damaged, if it does not verify them first.
class ReadOnlyDb final : public leveldb::DB {
 public:
  explicit ReadOnlyDb(std::unique_ptr<leveldb::DB> base) : base_(std::move(base)) {}

  leveldb::Status Get(const leveldb::ReadOptions& options, const leveldb::Slice& key,
                      std::string* value) override {
    return base_->Get(Verifying(options), key, value);
  }
  leveldb::Iterator* NewIterator(const leveldb::ReadOptions& options) override {
    return base_->NewIterator(Verifying(options));
  }
  bool GetProperty(const leveldb::Slice& property, std::string* value) override {
    return base_->GetProperty(property, value);
  }
  void GetApproximateSizes(const leveldb::Range* ranges, int count, uint64_t* sizes) override {
    base_->GetApproximateSizes(ranges, count, sizes);
  }

  leveldb::Status Put(const leveldb::WriteOptions&, const leveldb::Slice&, const leveldb::Slice&) override {
    return Refused();
  }
  leveldb::Status Delete(const leveldb::WriteOptions&, const leveldb::Slice&) override { return Refused(); }
  leveldb::Status Write(const leveldb::WriteOptions&, leveldb::WriteBatch*) override { return Refused(); }
  void CompactRange(const leveldb::Slice*, const leveldb::Slice*) override {}
  // Nobody takes snapshots (docs/adr/0001-written-once-keys.md).
  const leveldb::Snapshot* GetSnapshot() override { return nullptr; }
  void ReleaseSnapshot(const leveldb::Snapshot*) override {}

 private:
  static leveldb::ReadOptions Verifying(leveldb::ReadOptions options) {
    options.verify_checksums = true;
    return options;
  }
  static leveldb::Status Refused() { return leveldb::Status::NotSupported("the store is only read"); }

  const std::unique_ptr<leveldb::DB> base_;
};

}  // namespace coalition::store

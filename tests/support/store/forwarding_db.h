// A leveldb::DB that passes every call on: the base of the decorators that tests and benchmarks put under the
// store.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "leveldb/db.h"

namespace coalition::testing {

class ForwardingDb : public leveldb::DB {
 public:
  explicit ForwardingDb(std::unique_ptr<leveldb::DB> base) : base_(std::move(base)) {}

  leveldb::Status Put(const leveldb::WriteOptions& options, const leveldb::Slice& key,
                      const leveldb::Slice& value) override {
    return base_->Put(options, key, value);
  }
  leveldb::Status Delete(const leveldb::WriteOptions& options, const leveldb::Slice& key) override {
    return base_->Delete(options, key);
  }
  leveldb::Status Write(const leveldb::WriteOptions& options, leveldb::WriteBatch* updates) override {
    return base_->Write(options, updates);
  }
  leveldb::Status Get(const leveldb::ReadOptions& options, const leveldb::Slice& key,
                      std::string* value) override {
    return base_->Get(options, key, value);
  }
  leveldb::Iterator* NewIterator(const leveldb::ReadOptions& options) override {
    return base_->NewIterator(options);
  }
  // Nobody may take one: see tests/conformance/resurrection_test.cc.
  const leveldb::Snapshot* GetSnapshot() override { std::abort(); }
  void ReleaseSnapshot(const leveldb::Snapshot*) override {}
  bool GetProperty(const leveldb::Slice& property, std::string* value) override {
    return base_->GetProperty(property, value);
  }
  void GetApproximateSizes(const leveldb::Range* range, int n, uint64_t* sizes) override {
    base_->GetApproximateSizes(range, n, sizes);
  }
  void CompactRange(const leveldb::Slice* begin, const leveldb::Slice* end) override {
    base_->CompactRange(begin, end);
  }

 protected:
  leveldb::DB& base() { return *base_; }

 private:
  std::unique_ptr<leveldb::DB> base_;
};

}  // namespace coalition::testing

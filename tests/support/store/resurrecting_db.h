// A leveldb::DB in which every deleted key reads as present again: the worst that LevelDB 1.23 can do to us.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

#include "leveldb/write_batch.h"
#include "tests/support/store/forwarding_db.h"

namespace coalition::testing {

class ResurrectingDb final : public ForwardingDb {
 public:
  // Counts the deletions that came to nothing.
  ResurrectingDb(std::unique_ptr<leveldb::DB> base, std::atomic<size_t>& resurrected)
      : ForwardingDb(std::move(base)), resurrected_(resurrected) {}

  leveldb::Status Delete(const leveldb::WriteOptions&, const leveldb::Slice&) override {
    ++resurrected_;
    return leveldb::Status::OK();
  }

  leveldb::Status Write(const leveldb::WriteOptions& options, leveldb::WriteBatch* updates) override {
    struct PutsOnly : leveldb::WriteBatch::Handler {
      explicit PutsOnly(std::atomic<size_t>& count) : deletions(count) {}
      void Put(const leveldb::Slice& key, const leveldb::Slice& value) override { puts.Put(key, value); }
      void Delete(const leveldb::Slice&) override { ++deletions; }
      leveldb::WriteBatch puts;
      std::atomic<size_t>& deletions;
    } handler(resurrected_);
    const leveldb::Status status = updates->Iterate(&handler);
    return status.ok() ? base().Write(options, &handler.puts) : status;
  }

 private:
  std::atomic<size_t>& resurrected_;
};

}  // namespace coalition::testing

// LevelDB with the settings the store relies on.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "leveldb/cache.h"
#include "leveldb/db.h"
#include "leveldb/env.h"
#include "leveldb/filter_policy.h"
#include "leveldb/options.h"
#include "leveldb/slice.h"
#include "leveldb/status.h"
#include "server/store/leveldb_store.h"

namespace coalition::store {

inline std::string_view View(const leveldb::Slice& slice) { return {slice.data(), slice.size()}; }
inline leveldb::Slice Slice(std::string_view text) { return {text.data(), text.size()}; }

// Keeps what LevelDB refers to alive as long as it.
struct Engine {
  std::unique_ptr<leveldb::Env> env;
  std::unique_ptr<const leveldb::FilterPolicy> filter;
  std::unique_ptr<leveldb::Cache> cache;
  leveldb::Options options;
  std::unique_ptr<leveldb::DB> db;  // closed first
};

// Opens the directory as LevelDB, without looking at what is in it. Errors as of LevelDbStore::Open.
absl::StatusOr<std::unique_ptr<Engine>> OpenEngine(const LevelDbOptions& options);

// Of a read that failed: DATA_LOSS or UNAVAILABLE.
absl::Status ReadError(const leveldb::Status& status);

}  // namespace coalition::store

#include "server/store/engine.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "leveldb/env.h"
#include "server/store/fail_stop_env.h"
#include "server/store/key_probe.h"

namespace coalition::store {
namespace {

constexpr int kBloomBitsPerKey = 10;

absl::Status OpenError(const std::string& dir, const leveldb::Status& status) {
  const std::string text = status.ToString();
  const auto says = [&text](const char* part) { return absl::StrContains(text, part); };
  const auto tell = [&](absl::string_view what) {
    return absl::StrCat("store ", dir, ": ", what, " (", text, ")");
  };
  if (says("Permission denied") || says("Read-only file system")) {
    return absl::PermissionDeniedError(tell("no permission; give the server's user read and write access"));
  }
  if (says("Too many open files")) {
    return absl::ResourceExhaustedError(tell("too few file descriptors; raise the limit (ulimit -n)"));
  }
  if (says("No space left"))
    return absl::UnavailableError(tell("the disk is full; make room and start again"));
  if (says("Not a directory") || says("File exists")) {
    return absl::FailedPreconditionError(tell("this is no directory; name another one"));
  }
  if (says("/LOCK") && (says("already held") || says("Resource temporarily unavailable"))) {
    return absl::FailedPreconditionError(
        tell("the directory is in use by another server; stop that one or name another directory"));
  }
  if (says("No such file or directory") && !status.IsCorruption()) {
    return absl::NotFoundError(tell("cannot make the directory or a file in it is missing; make its parent"));
  }
  if (says("comparator")) {
    return absl::FailedPreconditionError(tell("this is not a store of the exchange; name another directory"));
  }
  if (status.IsCorruption() || status.IsInvalidArgument()) {
    return absl::DataLossError(
        tell("the store is damaged; restore it from a backup, do not repair it in place"));
  }
  return absl::UnavailableError(tell("the disk refused"));
}

// LevelDB takes a directory without CURRENT for a new one and removes the tables in it.
absl::Status RefuseWithoutCurrent(leveldb::Env& env, const std::string& dir) {
  std::vector<std::string> names;
  if (!env.GetChildren(dir, &names).ok() || env.FileExists(dir + "/CURRENT")) return absl::OkStatus();
  for (const std::string& name : names) {
    if (absl::EndsWith(name, ".ldb") || absl::EndsWith(name, ".sst")) {
      return absl::DataLossError(absl::StrCat(
          "store ", dir, ": the store is damaged, CURRENT is missing; restore it from a backup"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> OpenEngine(const LevelDbOptions& options) {
  auto engine = std::make_unique<Engine>();
  engine->filter = NewKeyFilterPolicy(kBloomBitsPerKey);
  engine->cache.reset(leveldb::NewLRUCache(options.block_cache_bytes));
  leveldb::Options& settings = engine->options;
  settings.comparator = KeyComparator();
  settings.filter_policy = engine->filter.get();
  settings.block_cache = engine->cache.get();
  settings.create_if_missing = true;
  settings.paranoid_checks = true;
  settings.compression = leveldb::kNoCompression;
  settings.write_buffer_size = options.write_buffer_bytes;
  settings.max_file_size = options.table_bytes;
  settings.max_open_files = options.open_files_max;
  engine->env = std::make_unique<FailStopEnv>(options.env != nullptr ? options.env : leveldb::Env::Default());
  settings.env = engine->env.get();

  if (absl::Status status = RefuseWithoutCurrent(*settings.env, options.dir); !status.ok()) return status;
  leveldb::DB* db = nullptr;
  const leveldb::Status status = leveldb::DB::Open(settings, options.dir, &db);
  if (!status.ok()) return OpenError(options.dir, status);
  engine->db.reset(db);
  if (options.wrap_db) engine->db = options.wrap_db(std::move(engine->db));
  return engine;
}

absl::Status ReadError(const leveldb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  if (status.IsCorruption()) {
    return absl::DataLossError(absl::StrCat("the store is damaged: ", status.ToString()));
  }
  return absl::UnavailableError(absl::StrCat("the disk refused a read: ", status.ToString()));
}

}  // namespace coalition::store

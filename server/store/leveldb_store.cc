#include "server/store/leveldb_store.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "leveldb/iterator.h"
#include "leveldb/write_batch.h"
#include "server/store/engine.h"
#include "server/store/floor_keeper.h"
#include "server/store/iterator_pool.h"
#include "server/store/key_codec.h"
#include "server/store/key_probe.h"
#include "server/store/marks.h"
#include "server/store/reader.h"
#include "server/store/sequencer.h"
#include "server/store/value_codec.h"

namespace coalition::store {
namespace {

constexpr uint64_t kFormatVersion = 1;

std::function<absl::StatusOr<uint64_t>()> FileSystemRoom(std::string dir) {
  return [dir = std::move(dir)]() -> absl::StatusOr<uint64_t> {
    struct statvfs info = {};
    if (statvfs(dir.c_str(), &info) != 0) {
      return absl::UnavailableError(
          absl::StrCat("cannot ask how full the disk of the store, ", dir, ", is: ", std::strerror(errno)));
    }
    return uint64_t{info.f_bavail} * info.f_frsize;
  };
}

// See KeyProbe: at most two memory tables, each filled and then passed by one batch.
uint64_t MemoryTablesBytes(const LevelDbOptions& options) {
  return 2 * uint64_t{options.write_buffer_bytes} +
         4 * uint64_t{options.group_bytes_max + options.commit_bytes_max};
}

absl::StatusOr<uint64_t> LargestOf(leveldb::DB& db, std::string_view name, uint64_t otherwise) {
  const std::unique_ptr<leveldb::Iterator> it(db.NewIterator(leveldb::ReadOptions()));
  it->Seek(MetaPrefix(name));
  if (absl::Status status = ReadError(it->status()); !status.ok()) return status;
  uint64_t number = 0;
  if (!it->Valid() || !DecodeMetaKey(View(it->key()), name, number)) return otherwise;
  std::optional<std::string_view> payload;
  if (absl::Status status = DecodeValue(View(it->key()), View(it->value()), payload); !status.ok())
    return status;
  return number;
}

absl::Status WriteFormat(leveldb::DB& db) {
  const std::string key = EncodeMetaKey(kFormatName, kFormatVersion);
  std::string stored;
  EncodeValue(key, std::string_view(), stored);
  leveldb::WriteOptions options;
  options.sync = true;
  const leveldb::Status status = db.Put(options, key, stored);
  if (status.ok()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("the disk refused the first write: ", status.ToString()));
}

// Makes the format entry of an empty store; refuses what another program or a newer version wrote.
absl::Status CheckFormat(leveldb::DB& db) {
  const absl::StatusOr<uint64_t> version = LargestOf(db, kFormatName, 0);
  if (!version.ok()) return version.status();
  if (*version == kFormatVersion) return absl::OkStatus();
  if (*version > kFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat("the store has format ", *version,
                                                      ", written by a newer version; this one reads up to ",
                                                      kFormatVersion, "; start the newer version"));
  }
  const std::unique_ptr<leveldb::Iterator> it(db.NewIterator(leveldb::ReadOptions()));
  it->SeekToFirst();
  if (it->Valid()) return absl::FailedPreconditionError("this is not a store of the exchange");
  if (absl::Status status = ReadError(it->status()); !status.ok()) return status;
  return WriteFormat(db);
}

// The newest log entry; the floor when the log was given up.
absl::StatusOr<Revision> RecoverHead(leveldb::DB& db, Revision floor) {
  const std::unique_ptr<leveldb::Iterator> it(db.NewIterator(leveldb::ReadOptions()));
  it->SeekToLast();
  if (absl::Status status = ReadError(it->status()); !status.ok()) return status;
  Revision newest = 0;
  if (!it->Valid() || !DecodeLogKey(View(it->key()), newest)) return floor;
  std::optional<std::string_view> payload;
  if (absl::Status status = DecodeValue(View(it->key()), View(it->value()), payload); !status.ok())
    return status;
  return std::max(newest, floor);
}

}  // namespace

// Members are destroyed in reverse order: the engine goes last.
struct LevelDbStore::Rooms {
  Rooms(LevelDbOptions settings, std::unique_ptr<Engine> opened)
      : options(std::move(settings)), engine(std::move(opened)) {}

  const LevelDbOptions options;
  const std::unique_ptr<Engine> engine;
  Marks marks;
  IteratorPool pool{*engine->db, marks};
  KeyProbe probe{*engine->db, MemoryTablesBytes(options)};
  Reader reader{*engine->db, pool, probe, marks};
  Sequencer sequencer{options, {*engine->db, reader, pool, probe, marks}};
  FloorKeeper floor_keeper{pool, probe, marks, sequencer};
};

absl::StatusOr<std::unique_ptr<LevelDbStore>> LevelDbStore::Open(const LevelDbOptions& options) {
  if (options.dir.empty()) return absl::InvalidArgumentError("the store's directory is not set");
  absl::StatusOr<std::unique_ptr<Engine>> engine = OpenEngine(options);
  if (!engine.ok()) return engine.status();
  leveldb::DB& db = *(*engine)->db;
  const auto named = [&options](const absl::Status& status) {
    return absl::Status(status.code(), absl::StrCat("store ", options.dir, ": ", status.message()));
  };
  if (absl::Status status = CheckFormat(db); !status.ok()) return named(status);
  const absl::StatusOr<Revision> floor = LargestOf(db, kFloorName, 0);
  if (!floor.ok()) return named(floor.status());
  const absl::StatusOr<Revision> head = RecoverHead(db, *floor);
  if (!head.ok()) return named(head.status());

  LevelDbOptions settings = options;
  if (!settings.free_bytes) settings.free_bytes = FileSystemRoom(settings.dir);
  auto rooms = std::make_unique<Rooms>(std::move(settings), *std::move(engine));
  rooms->marks.PublishFloor(*floor);
  rooms->marks.PublishHead(*head);
  return std::unique_ptr<LevelDbStore>(new LevelDbStore(std::move(rooms)));
}

LevelDbStore::LevelDbStore(std::unique_ptr<Rooms> rooms) : rooms_(std::move(rooms)) {}
LevelDbStore::~LevelDbStore() = default;

std::vector<absl::StatusOr<Revision>> LevelDbStore::CommitAll(std::span<const Commit> commits) {
  return rooms_->sequencer.CommitAll(commits);
}

Revision LevelDbStore::Head() const { return rooms_->marks.head(); }

Revision LevelDbStore::Floor() const { return rooms_->marks.floor(); }

absl::StatusOr<std::vector<std::optional<Version>>> LevelDbStore::Read(std::span<const std::string> keys,
                                                                       Revision at) const {
  return rooms_->reader.Read(keys, at);
}

absl::StatusOr<Page<Entry>> LevelDbStore::Scan(std::string_view from, std::string_view to, Revision at,
                                               Limit limit) const {
  return rooms_->reader.Scan(from, to, at, limit);
}

absl::Status LevelDbStore::ScanEach(std::string_view from, std::string_view to, Revision at,
                                    const Visitor& visit) const {
  return rooms_->reader.ScanEach(from, to, at, visit);
}

absl::StatusOr<std::vector<Change>> LevelDbStore::ReadLog(Revision after, Limit limit) const {
  return rooms_->reader.ReadLog(after, limit);
}

Revision LevelDbStore::WaitPast(Revision revision, std::chrono::milliseconds timeout) const {
  return rooms_->marks.WaitPast(revision, timeout);
}

absl::StatusOr<size_t> LevelDbStore::RaiseFloor(Revision revision, Limit limit) {
  return rooms_->floor_keeper.Raise(revision, limit);
}

absl::Status LevelDbStore::SkipTo(Revision revision) { return rooms_->floor_keeper.SkipTo(revision); }

absl::Status LevelDbStore::CheckWritable() const { return rooms_->sequencer.CheckWritable(); }

}  // namespace coalition::store

#include "server/store/read_only_store.h"

#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/hash.h"
#include "leveldb/db.h"
#include "leveldb/iterator.h"
#include "server/store/engine.h"
#include "server/store/key_codec.h"
#include "server/store/read_only_db.h"
#include "server/store/read_only_env.h"
#include "server/store/value_codec.h"

namespace coalition::store {
namespace {

constexpr uint64_t kRowsPerProgress = 1'000'000;

// Of versions, whatever their order: two walks that add the same ones have the same.
class VersionSum {
 public:
  void Add(std::string_view key, Revision revision) {
    char bytes[sizeof revision];
    std::memcpy(bytes, &revision, sizeof bytes);
    const Sha256Digest digest = Sha256({{bytes, sizeof bytes}, key});
    uint64_t parts[2];
    std::memcpy(parts, digest.data(), sizeof parts);
    low_ += parts[0];
    high_ += parts[1];
    ++count_;
  }
  uint64_t count() const { return count_; }
  friend bool operator==(const VersionSum&, const VersionSum&) = default;

 private:
  uint64_t low_ = 0;
  uint64_t high_ = 0;
  uint64_t count_ = 0;
};

std::string Text(std::string_view view) { return std::string(view); }
std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

// One reading of all rows.
class RowCheck {
 public:
  RowCheck(leveldb::DB& db, const Store& store, const ReadOnlyStore::FaultVisitor& visit,
           const ReadOnlyStore::Progress& progress)
      : db_(db), floor_(store.Floor()), head_(store.Head()), visit_(visit), progress_(progress) {}

  absl::StatusOr<uint64_t> Run() {
    const std::unique_ptr<leveldb::Iterator> it = NewIterator();
    for (it->SeekToFirst(); it->Valid() && !enough_; it->Next()) {
      if (++rows_ % kRowsPerProgress == 0) progress_(rows_);
      Check(View(it->key()), View(it->value()));
    }
    if (absl::Status status = Ended(*it); !status.ok()) return status;
    if (enough_) return rows_;
    if (next_ <= head_) Tell({Fault::Kind::kHistory, MissingCommits(next_, head_), {}, next_});
    if (enough_ || !log_is_whole_ || written_ == named_) return rows_;
    if (absl::Status status = FindMissing(); !status.ok()) return status;
    return rows_;
  }

 private:
  std::unique_ptr<leveldb::Iterator> NewIterator() const {
    leveldb::ReadOptions options;
    options.fill_cache = false;
    return std::unique_ptr<leveldb::Iterator>(db_.NewIterator(options));
  }

  void Tell(Fault fault) { enough_ = !visit_(std::move(fault)); }

  // LevelDB goes on behind a block that it can't read, and says so at the end.
  absl::Status Ended(const leveldb::Iterator& it) {
    absl::Status status = ReadError(it.status());
    if (!absl::IsDataLoss(status)) return status;
    if (!enough_) Tell({Fault::Kind::kTable, MessageOf(status), {}, 0});
    return absl::OkStatus();
  }

  void Check(std::string_view physical, std::string_view stored) {
    Fault fault;
    DataKey data;
    Revision revision = 0;
    const bool is_data = DecodeDataKey(physical, data);
    const bool is_log = !is_data && DecodeLogKey(physical, revision);
    if (is_data) {
      fault.key = Text(Unescape(data.escaped, buffer_));
      fault.revision = data.revision;
    } else if (is_log) {
      fault.revision = revision;
    }
    std::optional<std::string_view> payload;
    const absl::Status decoded = DecodeValue(physical, stored, payload);
    if (!decoded.ok()) {
      fault.what = MessageOf(decoded);
    } else if (is_data) {
      CheckVersion(data, physical, &fault);
    } else if (is_log) {
      CheckLogEntry(revision, payload, &fault);
    } else {
      CheckMeta(physical, &fault);
    }
    // Also where it is damaged: that is told already, and not that it is missing as well.
    if (is_data && data.revision > floor_) written_.Add(fault.key, data.revision);
    if (is_log && !decoded.ok()) {
      NoteCommit(revision);
      log_is_whole_ = false;
    }
    if (!fault.what.empty()) Tell(std::move(fault));
  }

  void CheckVersion(const DataKey& data, std::string_view physical, Fault* fault) {
    EncodeDataKey(fault->key, data.revision, encoded_);
    if (encoded_ != physical) fault->what = "the key is not in the form in which keys are written";
  }

  void CheckLogEntry(Revision revision, std::optional<std::string_view> list, Fault* fault) {
    NoteCommit(revision);
    if (!list.has_value() || !ParseKeyList(*list, keys_)) {
      fault->what = "an entry of the log of changes is malformed";
      log_is_whole_ = false;
      return;
    }
    if (revision <= floor_) return;
    for (const std::string_view key : keys_) named_.Add(key, revision);
  }

  void CheckMeta(std::string_view physical, Fault* fault) {
    uint64_t number = 0;
    if (DecodeMetaKey(physical, kFormatName, number) || DecodeMetaKey(physical, kFloorName, number)) return;
    fault->what = "a row of no known kind";
    fault->key = Text(physical);
  }

  // Entries below the floor go little by little, and may come back.
  void NoteCommit(Revision revision) {
    if (revision < next_) return;
    if (revision > next_) Tell({Fault::Kind::kHistory, MissingCommits(next_, revision - 1), {}, next_});
    next_ = revision + 1;
  }

  static std::string MissingCommits(Revision from, Revision to) {
    return from == to ? absl::StrCat("commit ", from, " is missing from the log of changes")
                      : absl::StrCat("commits ", from, " to ", to, " are missing from the log of changes");
  }

  // Which versions are not there that the log names; and whether there are others.
  absl::Status FindMissing() {
    size_t missing = 0;
    Revision revision = 0;
    std::string stored;
    const std::unique_ptr<leveldb::Iterator> it = NewIterator();
    for (it->Seek(EncodeLogKey(floor_ + 1)); it->Valid() && !enough_; it->Next()) {
      std::optional<std::string_view> list;
      if (!DecodeLogKey(View(it->key()), revision)) break;
      if (!DecodeValue(View(it->key()), View(it->value()), list).ok() || !list.has_value()) continue;
      if (!ParseKeyList(*list, keys_)) continue;
      for (const std::string_view key : keys_) {
        EncodeDataKey(key, revision, encoded_);
        const leveldb::Status got = db_.Get(leveldb::ReadOptions(), encoded_, &stored);
        if (!got.IsNotFound()) continue;
        ++missing;
        Tell({Fault::Kind::kHistory, "a version that a commit wrote is missing", Text(key), revision});
        if (enough_) return absl::OkStatus();
      }
    }
    if (missing == 0 && !enough_) {
      Tell({Fault::Kind::kHistory,
            absl::StrCat("there are ", written_.count(), " versions, and the log of changes names ",
                         named_.count(), " others"),
            {},
            0});
    }
    return absl::OkStatus();
  }

  leveldb::DB& db_;
  const Revision floor_;
  const Revision head_;
  const ReadOnlyStore::FaultVisitor& visit_;
  const ReadOnlyStore::Progress& progress_;
  bool enough_ = false;
  bool log_is_whole_ = true;
  uint64_t rows_ = 0;
  Revision next_ = floor_ + 1;  // above the floor every commit has its entry
  VersionSum written_;
  VersionSum named_;
  std::string buffer_;
  std::string encoded_;
  std::vector<std::string_view> keys_;
};

}  // namespace

// Members are destroyed in reverse order: the store before what it stands on.
struct ReadOnlyStore::Parts {
  ReadOnlyEnv env{leveldb::Env::Default()};
  leveldb::DB* db = nullptr;
  std::unique_ptr<LevelDbStore> store;
};

absl::StatusOr<std::unique_ptr<ReadOnlyStore>> ReadOnlyStore::Open(LevelDbOptions options) {
  auto parts = std::make_unique<Parts>();
  // LevelDB would begin a new one.
  if (!parts->env.FileExists(options.dir + "/CURRENT")) {
    return absl::NotFoundError(
        absl::StrCat("there is no store in ", options.dir, ": its file CURRENT is missing"));
  }
  options.env = &parts->env;
  options.wrap_db = [db = &parts->db](std::unique_ptr<leveldb::DB> opened) -> std::unique_ptr<leveldb::DB> {
    auto read_only = std::make_unique<ReadOnlyDb>(std::move(opened));
    *db = read_only.get();
    return read_only;
  };
  absl::StatusOr<std::unique_ptr<LevelDbStore>> store = LevelDbStore::Open(options);
  if (!store.ok()) return store.status();
  parts->store = *std::move(store);
  return std::unique_ptr<ReadOnlyStore>(new ReadOnlyStore(std::move(parts)));
}

ReadOnlyStore::ReadOnlyStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ReadOnlyStore::~ReadOnlyStore() = default;

const Store& ReadOnlyStore::store() const { return *parts_->store; }

absl::StatusOr<uint64_t> ReadOnlyStore::CheckRows(const FaultVisitor& visit, const Progress& progress) const {
  return RowCheck(*parts_->db, *parts_->store, visit, progress).Run();
}

}  // namespace coalition::store

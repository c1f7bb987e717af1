// The store and its journal of denials, put together.
#pragma once

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/config/v1/bootstrap.pb.h"
#include "coalition/config/v1/server_config.pb.h"
#include "server/contents/contents.h"
#include "server/denials/journal.h"
#include "server/denials/journaled_store.h"
#include "server/denials/replay.h"
#include "server/store/leveldb_store.h"
#include "server/store/store.h"

namespace coalition::server {

// Denies again in `store`, which was put back to an earlier state, what the journal has and it is older than,
// and has the journal know of it. The store goes on beyond both. `has_erased`: rows of records that were
// erased may be in it, and go first (erasure_filter.h).
absl::StatusOr<denials::Replayed> DenyAgain(denials::Journal& journal, const denials::IsOlder& is_older,
                                            const contents::ContentKeys& contents, bool has_erased,
                                            store::LevelDbStore& store,
                                            const config::v1::Bootstrap& bootstrap, int64_t now_ns);

// Thread-safe, but for HoldAgainstJournal, which comes first.
class StoreRooms {
 public:
  // Opens the store alone. FAILED_PRECONDITION: a restore into it was begun and has not ended. And the
  // store's errors.
  static absl::StatusOr<std::unique_ptr<StoreRooms>> Open(const config::v1::ServerConfig& config);

  // Opens the journal and holds the store against it. On the operator's word (ledger/head.h, `adopt`) a store
  // that is behind is taken, and what it does not know is denied in it again: nothing that was denied is
  // given up. Then finishes erasures: what the store or the journal says is erased has no key in `contents`
  // when this returns OK, whatever copy of key_dir was put back. FAILED_PRECONDITION: it is behind;
  // DATA_LOSS: the journal is damaged. Both say what to do.
  absl::Status HoldAgainstJournal(const config::v1::ServerConfig& config,
                                  const config::v1::Bootstrap& bootstrap, contents::ContentKeys& contents,
                                  int64_t now_ns);

  store::Store& store() { return *journaled_; }
  store::Revision Head() const { return leveldb_->Head(); }
  // As of LevelDbStore.
  absl::Status CheckWritable() const { return leveldb_->CheckWritable(); }
  // Whether denials are kept; while they are not, none is made (denials/journaled_store.h).
  absl::Status JournalHealth() const { return journaled_->Health(); }

 private:
  explicit StoreRooms(std::unique_ptr<store::LevelDbStore> leveldb) : leveldb_(std::move(leveldb)) {}

  // Takes a store that is behind, on the operator's word.
  absl::Status Adopt(const config::v1::Bootstrap& bootstrap, contents::ContentKeys& contents, int64_t now_ns);
  absl::Status FinishErasures(contents::ContentKeys& contents);

  const std::unique_ptr<store::LevelDbStore> leveldb_;
  std::unique_ptr<denials::Journal> journal_;
  std::unique_ptr<denials::JournaledStore> journaled_;
};

}  // namespace coalition::server

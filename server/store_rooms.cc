#include "server/store_rooms.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "server/denials/opening.h"
#include "server/erasure_filter.h"
#include "server/exchange/erasures.h"
#include "server/ledger/head.h"
#include "server/membership/directory.h"
#include "server/restoring_mark.h"
#include "server/room_options.h"

namespace coalition::server {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

absl::Status Refused(const absl::Status& behind, const config::v1::ServerConfig& config,
                     const std::string& journal) {
  const ledger::HeadDir head(config.ledger().head_dir());
  return absl::FailedPreconditionError(absl::StrCat(
      "the store is behind its journal of denials, ", journal, ": ", behind.message(),
      ". Set store_dir and ledger.head_dir to those that belong together, or restore the newest backup "
      "(coalitiond --restore), which denies again what the journal has. If there is none, and you trust what "
      "the store has, remove ",
      head.file(), " and create a file ", head.adopt_file(),
      ": the next start takes the store, and denies that again."));
}

// Whether the operator has said that the store is to be taken, and the head does not speak against it.
absl::StatusOr<bool> MayAdopt(const config::v1::ServerConfig& config, const store::Store& store) {
  const ledger::HeadDir dir(config.ledger().head_dir());
  const absl::StatusOr<bool> word = dir.MayAdopt();
  if (!word.ok() || !*word) return word;
  const auto head = dir.Read();
  if (!head.ok()) return head.status();
  return !*head || (*head)->revision <= store.Head();
}

}  // namespace

absl::StatusOr<denials::Replayed> DenyAgain(denials::Journal& journal, const denials::IsOlder& is_older,
                                            const contents::ContentKeys& contents, bool has_erased,
                                            store::LevelDbStore& store,
                                            const config::v1::Bootstrap& bootstrap, int64_t now_ns) {
  denials::Replayed done;
  const denials::Denied& denied = journal.denied();
  if (denied.revision >= store.Head()) {
    if (absl::Status skipped = store.SkipTo(denied.revision + denials::kSkip); !skipped.ok()) return skipped;
  }
  const store::Revision from = store.Head();
  if (has_erased) {
    absl::Status left_out = LeaveOutErased(contents, denied, now_ns / kSecondNs, store);
    if (!left_out.ok()) return left_out;
  }
  if (absl::Status rows = denials::ReplayRows(denied, is_older, store, &done); !rows.ok()) return rows;
  const auto directory = membership::Directory::Open(store, bootstrap, now_ns);
  if (!directory.ok()) return directory.status();
  const auto state = (*directory)->Current();
  if (absl::Status records =
          denials::ReplayRecords(denied, is_older, state->policy_state(), contents, now_ns, store, &done);
      !records.ok()) {
    return records;
  }
  if (absl::Status caught_up = denials::CatchUp(journal, store, from); !caught_up.ok()) return caught_up;
  return done;
}

absl::StatusOr<std::unique_ptr<StoreRooms>> StoreRooms::Open(const config::v1::ServerConfig& config) {
  const RestoringMark mark(config.ledger().head_dir());
  if (absl::Status none = mark.CheckNone(config.store_dir()); !none.ok()) return none;
  auto leveldb = store::LevelDbStore::Open(StoreOptions(config));
  if (!leveldb.ok()) return leveldb.status();
  return std::unique_ptr<StoreRooms>(new StoreRooms(*std::move(leveldb)));
}

absl::Status StoreRooms::HoldAgainstJournal(const config::v1::ServerConfig& config,
                                            const config::v1::Bootstrap& bootstrap,
                                            contents::ContentKeys& contents, int64_t now_ns) {
  auto journal = denials::Journal::Open({config.ledger().head_dir()});
  if (!journal.ok()) return journal.status();
  journal_ = *std::move(journal);
  const absl::Status behind = denials::CheckStore(*journal_, *leveldb_);
  if (absl::IsFailedPrecondition(behind)) {
    const absl::StatusOr<bool> may_adopt = MayAdopt(config, *leveldb_);
    if (!may_adopt.ok()) return may_adopt.status();
    if (!*may_adopt) return Refused(behind, config, journal_->file());
    if (absl::Status adopted = Adopt(bootstrap, contents, now_ns); !adopted.ok()) return adopted;
  } else if (!behind.ok()) {
    return behind;
  } else {
    const store::Revision known = journal_->denied().revision;
    const store::Revision after = known > 0 ? known : leveldb_->Head();
    if (absl::Status caught_up = denials::CatchUp(*journal_, *leveldb_, after); !caught_up.ok())
      return caught_up;
  }
  if (absl::Status finished = FinishErasures(contents); !finished.ok()) return finished;
  journal_->Release();
  journaled_ = std::make_unique<denials::JournaledStore>(*leveldb_, *journal_);
  return absl::OkStatus();
}

absl::Status StoreRooms::Adopt(const config::v1::Bootstrap& bootstrap, contents::ContentKeys& contents,
                               int64_t now_ns) {
  if (absl::Status erased = contents.Erase(journal_->denied().Erased()); !erased.ok()) return erased;
  const auto is_older = [](store::Revision denied, store::Revision stored) { return stored < denied; };
  const auto done = DenyAgain(*journal_, is_older, contents, true, *leveldb_, bootstrap, now_ns);
  if (!done.ok()) return done.status();
  Log::Warn("denied_again",
            {{"rows", done->rows}, {"taken_back", done->taken_back}, {"narrowed", done->narrowed}});
  return absl::OkStatus();
}

absl::Status StoreRooms::FinishErasures(contents::ContentKeys& contents) {
  const auto finished = exchange::FinishErasures(*leveldb_, contents, journal_->denied().Erased());
  if (!finished.ok()) return finished.status();
  // A crash in between, or an older copy of the keys that was put back.
  if (*finished > 0) Log::Warn("erasures_finished", {{"records", *finished}});
  return absl::OkStatus();
}

}  // namespace coalition::server

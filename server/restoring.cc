#include "server/restoring.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/checkpoint.h"
#include "common/hash.h"
#include "common/signed_note.h"
#include "common/strings.h"
#include "common/x25519.h"
#include "server/backup/backup_reader.h"
#include "server/config.h"
#include "server/denials/opening.h"
#include "server/erasure_filter.h"
#include "server/exchange/keys.h"
#include "server/keys.h"
#include "server/ledger/head.h"
#include "server/ledger/new_log.h"
#include "server/ledger_rooms.h"
#include "server/membership/acts.h"
#include "server/membership/directory.h"
#include "server/restoring_mark.h"
#include "server/room_options.h"
#include "server/store/commit_writes.h"
#include "server/store/read_only_store.h"
#include "server/store_rooms.h"

namespace coalition::server {
namespace {

using Lines = std::function<void(const std::string&)>;

constexpr size_t kCommitBytes = size_t{1} << 20;
constexpr uintmax_t kEmptyStoreBytesMax = 4096;
// Which revision stands for which time (store/history.h): of the old store.
constexpr std::string_view kHistoryPrefix = "h";
constexpr std::string_view kLedgerPrefix = "l";

absl::Status Refused(const std::string& what) { return absl::FailedPreconditionError(what); }

absl::Status Of(const std::string& file, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(file, ": ", status.message()));
}

absl::StatusOr<std::optional<Checkpoint>> CheckpointOf(const std::string& note) {
  if (note.empty()) return std::optional<Checkpoint>();
  const absl::StatusOr<SignedNote> parsed = ParseNote(note);
  if (!parsed.ok()) return parsed.status();
  absl::StatusOr<Checkpoint> checkpoint = ParseCheckpoint(parsed->text);
  if (!checkpoint.ok()) return checkpoint.status();
  return std::optional(*std::move(checkpoint));
}

// Whether one of the log's keys in key_dir, also the former one, has signed it.
bool IsSigned(const std::string& dir, const std::string& note, const std::string& origin, Random& random) {
  std::vector<VerifierKey> keys;
  const auto add = [&](const Ed25519Key& key) {
    auto verifier = VerifierKey::Make(origin, NoteAlgorithm::kEd25519, key.public_key());
    if (verifier.ok()) keys.push_back(*std::move(verifier));
  };
  if (const auto key = LoadLedgerKey(dir, false, random); key.ok()) add(*key);
  if (const auto key = LoadFormerLedgerKey(dir); key.ok() && *key) add(**key);
  return !keys.empty() && OpenCheckpoint(note, keys, origin).ok();
}

// One without a commit: what a start leaves that found no store, and was refused. A larger one may be a store
// that is damaged, of which something can be learnt.
bool IsEmptyStore(const store::LevelDbOptions& options) {
  uintmax_t bytes = 0;
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(options.dir, error)) {
    const std::string name = file.path().filename();
    if (name != "LOG" && name != "LOG.old") bytes += file.file_size(error);
    if (error || bytes > kEmptyStoreBytesMax) return false;
  }
  const auto store = store::ReadOnlyStore::Open(options);
  return !error && store.ok() && (*store)->store().Head() == 0;
}

class Restoration {
 public:
  Restoration(const config::v1::ServerConfig& config, const Clock& clock, Random& random, const Lines& say)
      : config_(config),
        clock_(clock),
        random_(random),
        say_(say),
        head_(config.ledger().head_dir()),
        mark_(head_.path()) {}

  absl::Status Run(const RestoreRequest& request) {
    for (auto step : {&Restoration::OpenBackup, &Restoration::CheckDirectories, &Restoration::CheckOrigin,
                      &Restoration::CheckBackup, &Restoration::CheckRevision, &Restoration::ReadToItsEnd,
                      &Restoration::Begin, &Restoration::EraseAgain, &Restoration::WriteRows,
                      &Restoration::WriteAct, &Restoration::Deny, &Restoration::BeginLog}) {
      if (absl::Status status = (this->*step)(request); !status.ok()) return status;
    }
    if (absl::Status ended = mark_.End(); !ended.ok()) return ended;
    say_("The store is restored: start the server.");
    return absl::OkStatus();
  }

 private:
  std::string NewOrigin() const { return LogOriginOf(config_.ledger(), bootstrap_.trust_domain()); }

  absl::Status OpenBackup(const RestoreRequest& request) {
    auto bootstrap = LoadBootstrap(config_);
    if (!bootstrap.ok()) return bootstrap.status();
    bootstrap_ = *std::move(bootstrap);
    auto reader = OpenReader(request);
    if (!reader.ok()) return reader.status();
    reader_ = *std::move(reader);
    const std::string& trust_domain = reader_->meta().trust_domain();
    if (trust_domain != bootstrap_.trust_domain()) {
      return Refused(absl::StrCat("the backup is of the coalition ", Quoted(trust_domain), ", and not of ",
                                  Quoted(bootstrap_.trust_domain())));
    }
    const auto keys = LoadKeys(config_.key_dir(), false, random_);
    if (!keys.ok()) return keys.status();
    keys_ = *keys;
    auto entry_keys = ledger::EntryKeys::Load(config_.key_dir(), false, random_);
    if (!entry_keys.ok()) return entry_keys.status();
    entry_keys_ = *std::move(entry_keys);
    return RemoveKeyLeftovers(config_.key_dir());
  }

  static absl::StatusOr<std::unique_ptr<backup::BackupReader>> OpenReader(const RestoreRequest& request) {
    const auto key = ReadX25519KeyFile(request.key_file);
    if (!key.ok()) return key.status();
    auto source = backup::OpenFile(request.file);
    if (!source.ok()) return source.status();
    auto reader = backup::BackupReader::Open(*std::move(source), *key);
    if (!reader.ok()) return Of(request.file, reader.status());
    return reader;
  }

  absl::Status CheckDirectories(const RestoreRequest&) {
    std::error_code error;
    if (std::filesystem::exists(config_.store_dir(), error) &&
        !std::filesystem::is_empty(config_.store_dir(), error) && !IsEmptyStore(StoreOptions(config_))) {
      return Refused(absl::StrCat(
          "store_dir, ", config_.store_dir(),
          ", is not empty: move what is there away. A restore overwrites nothing.",
          mark_.IsThere() ? " If it is what a restore that was cut short has left, remove it." : ""));
    }
    if (absl::Status made = head_.Make(); !made.ok()) return made;
    // First, for it locks the directory.
    auto journal = denials::Journal::Open({head_.path()});
    if (!journal.ok()) return journal.status();
    journal_ = *std::move(journal);
    if (absl::Status put_back = mark_.PutBackHead(clock_.NowS()); !put_back.ok()) return put_back;
    const auto head = head_.Read();
    if (!head.ok()) return head.status();
    old_head_ = *head;
    const absl::StatusOr<bool> may_adopt = head_.MayAdopt();
    if (!may_adopt.ok()) return may_adopt.status();
    may_adopt_ = *may_adopt;
    if (journal_->denied().revision > 0 || may_adopt_) return absl::OkStatus();
    if (journal_->is_new()) unlink(journal_->file().c_str());
    return Refused(absl::StrCat(
        journal_->file(),
        " is missing or empty: what was denied after the backup is not known, and would "
        "be forgotten. Set ledger.head_dir to the old one, or mount its disk. If it is lost for good, create "
        "a file ",
        head_.adopt_file(), " and start again, and see to it that who was suspended since is again."));
  }

  absl::Status CheckOrigin(const RestoreRequest&) {
    note_ = old_head_ ? old_head_->note : reader_->meta().checkpoint();
    const auto old_log = CheckpointOf(note_);
    if (!old_log.ok()) return old_log.status();
    const auto of_backup = CheckpointOf(reader_->meta().checkpoint());
    if (!of_backup.ok()) return of_backup.status();
    old_log_ = *old_log;
    of_backup_ = *of_backup;
    for (const auto& log : {old_log_, of_backup_}) {
      if (!log || log->origin != NewOrigin()) continue;
      return Refused(absl::StrCat("the old log is named ", Quoted(log->origin),
                                  ", and so is the new one: a log may not have two "
                                  "histories. Set ledger.origin to another name, such as ",
                                  Quoted(log->origin + "-2"),
                                  ", and make it known to the members, who pin it."));
    }
    return absl::OkStatus();
  }

  // Anybody can encrypt a backup to the key: whose it is only its checkpoint says.
  absl::Status CheckBackup(const RestoreRequest& request) {
    is_signed_ =
        of_backup_ && IsSigned(config_.key_dir(), reader_->meta().checkpoint(), of_backup_->origin, random_);
    if (is_signed_ || may_adopt_) return absl::OkStatus();
    return Refused(absl::StrCat(
        request.file, " has ",
        of_backup_ ? "a checkpoint that no ledger key in key_dir has signed" : "no checkpoint",
        ": it may be another's. Put the ledger's key from then into key_dir, as ", kLedgerKey, " or ",
        kFormerLedgerKey, ". If that is lost and you know that the backup is yours, create a file ",
        head_.adopt_file(), " and start again."));
  }

  // What was denied before the backup's revision is not denied again, for the backup has it: if that is true.
  absl::Status CheckRevision(const RestoreRequest& request) {
    const store::Revision revision = reader_->meta().revision();
    const store::Revision known = KnownHere();
    if (revision <= known || known == 0 || may_adopt_) return absl::OkStatus();
    return Refused(absl::StrCat(
        request.file, " says that it is of revision ", revision, ", and ", head_.path(), " knows of ", known,
        ": set ledger.head_dir to the newest that there is. If this is it, and you know that the backup is "
        "yours, create a file ",
        head_.adopt_file(), " and start again."));
  }
  store::Revision KnownHere() const {
    return std::max(journal_->denied().revision, old_head_ ? old_head_->revision : 0);
  }

  // Whether it is whole and its ticks lead to the checkpoint, before anything is written.
  absl::Status ReadToItsEnd(const RestoreRequest& request) {
    const auto reader = OpenReader(request);
    if (!reader.ok()) return reader.status();
    if ((*reader)->meta().SerializeAsString() != reader_->meta().SerializeAsString())
      return Refused(absl::StrCat(request.file, " was replaced while it was read"));
    ledger::FormerLog log(of_backup_, 0, entry_keys_);
    std::optional<std::string> contents_fact;
    const auto end = (*reader)->ReadRows([&](const backup::Row& row) {
      if (row.key == exchange::kContentsFormKey) contents_fact = std::string(row.value);
      return row.key.starts_with(kLedgerPrefix) ? log.Take(row.key, row.value).status() : absl::OkStatus();
    });
    if (!end.ok()) return Of(request.file, end.status());
    if (!contents_fact) {
      return Refused(
          absl::StrCat(request.file,
                       " is of a version that kept what records say in clear, where nothing can be "
                       "erased: this one does not take it"));
    }
    if (absl::Status fits = exchange::CheckContentsFact(*keys_.contents, *contents_fact); !fits.ok())
      return Of(request.file, fits);
    return log.Prove();
  }

  absl::Status Begin(const RestoreRequest& request) {
    absl::Status marked =
        mark_.Begin(request.file, old_head_.has_value(), !journal_->is_new(), clock_.NowS());
    if (!marked.ok()) return marked;
    auto store = store::LevelDbStore::Open(StoreOptions(config_));
    if (!store.ok()) return store.status();
    store_ = *std::move(store);
    known_ = std::max(reader_->meta().revision(), KnownHere());
    return store_->SkipTo(known_ + denials::kSkip);
  }

  // Before a row is written: so nothing that was erased is readable in the new store, not even for a moment,
  // nor with a copy of the keys from before that was put back.
  absl::Status EraseAgain(const RestoreRequest&) {
    const auto erased = journal_->denied().Erased();
    if (absl::Status again = keys_.contents->Erase(erased); !again.ok()) return again;
    std::vector<uint64_t> entries;
    for (const auto& [key, row] : journal_->denied().rows) {
      if (const auto entry = ledger::KeyOfErasedKey(key)) entries.push_back(*entry);
    }
    return entry_keys_->Destroy(entries);
  }

  absl::Status WriteRows(const RestoreRequest&) {
    ErasureFilter filter(*keys_.contents, journal_->denied(), clock_.NowS());
    const int64_t keep_s = int64_t{config_.ledger().content_days()} * 86'400;
    former_.emplace(of_backup_, keep_s == 0 ? 0 : clock_.NowS() - keep_s, entry_keys_);
    size_t bytes = 0;
    const auto end = reader_->ReadRows([&](const backup::Row& row) -> absl::Status {
      if (row.key.starts_with(kHistoryPrefix)) return absl::OkStatus();
      std::optional<std::string> value = filter.Take(row.key, row.value);
      if (row.key.starts_with(kLedgerPrefix)) {
        auto taken = former_->Take(row.key, row.value);
        if (!taken.ok()) return taken.status();
        value = *std::move(taken);
      }
      if (!value) return absl::OkStatus();
      bytes += row.key.size() + value->size();
      writes_.push_back({std::string(row.key), std::move(value)});
      if (bytes < kCommitBytes) return absl::OkStatus();
      bytes = 0;
      return CommitRows();
    });
    if (!end.ok()) return end.status();
    if (absl::Status rows = CommitRows(); !rows.ok()) return rows;
    if (absl::Status gone = CommitRemovals(*store_, filter.Missing()); !gone.ok()) return gone;
    if (absl::Status proved = former_->Prove(); !proved.ok()) return proved;
    say_(absl::StrCat("Rows: ", end->rows(), " of the store at revision ", reader_->meta().revision(),
                      "; the new one goes on from ", store_->Head(), "."));
    say_(absl::StrCat("Erasures: ", filter.records(), " records of the backup are left out."));
    if (of_backup_) {
      say_(absl::StrCat("Ledger: the ticks lead to the backup's checkpoint, of size ", of_backup_->size, ", ",
                        is_signed_ ? "which a ledger key in key_dir has signed"
                                   : "which NO ledger key in key_dir has signed, and was taken on your word",
                        "; ", former_->entries(), " entries are kept."));
    }
    return absl::OkStatus();
  }

  absl::Status CommitRows() { return store::CommitWrites(*store_, std::exchange(writes_, {})).status(); }

  // So that everybody who reads the new log knows of the old one, and what is missing.
  absl::Status WriteAct(const RestoreRequest&) {
    const std::string former =
        old_log_ ? absl::StrCat("the log ", Quoted(old_log_->origin), " of ", old_log_->size, " ticks, root ",
                                HexEncode(Bytes(old_log_->root)))
                 : std::string("an unknown log");
    const std::string change =
        absl::StrCat("was begun after ", former, ", since the store was restored from a backup of revision ",
                     reader_->meta().revision(), "; what was written up to revision ", known_,
                     ", and perhaps after it, is lost, but for denials");
    std::vector<store::Write> writes;
    membership::AddServersAct(*entry_keys_, {"ledger", change, 0, note_}, clock_.NowNs(), 0, 0, &writes);
    // Where the new log's first tick begins to seal.
    writes.front().key = ledger::EntryKey(former_->FirstPlace());
    return store::CommitWrites(*store_, std::move(writes)).status();
  }

  absl::Status Deny(const RestoreRequest&) {
    const store::Revision backup = reader_->meta().revision();
    const auto is_older = [backup](store::Revision denied, store::Revision) { return denied > backup; };
    const auto done =
        DenyAgain(*journal_, is_older, *keys_.contents, false, *store_, bootstrap_, clock_.NowNs());
    if (!done.ok()) return done.status();
    say_(absl::StrCat("Denials: of those after the backup ", done->rows,
                      " rows of the coalition are as they were; ", done->taken_back,
                      " records are taken back, and ", done->narrowed, " narrowed."));
    return absl::OkStatus();
  }

  // Seals the first tick and writes the head, so that from now on the old name is refused.
  absl::Status BeginLog(const RestoreRequest&) {
    const bool keeps = old_head_.has_value();
    if (absl::Status put = keeps ? mark_.PutAsideHead() : absl::OkStatus(); !put.ok()) return put;
    const auto directory = membership::Directory::Open(*store_, bootstrap_, clock_.NowNs(), entry_keys_);
    if (!directory.ok()) return directory.status();
    store::CommitLane lane(*store_);
    ledger::CountingDisclosureLog disclosures;
    const auto now = [](uint32_t, const std::function<void()>& work) { work(); };
    const auto rooms = LedgerRooms::Open(
        config_, {*store_, lane, **directory, keys_, clock_, random_, disclosures, now, entry_keys_});
    if (!rooms.ok()) return rooms.status();
    say_(absl::StrCat("Log: ", NewOrigin(), " begins; its first tick names the old one",
                      keeps ? absl::StrCat(", whose head is kept in ", mark_.kept_head()) : "", "."));
    return absl::OkStatus();
  }

  const config::v1::ServerConfig& config_;
  const Clock& clock_;
  Random& random_;
  const Lines& say_;
  const ledger::HeadDir head_;
  const RestoringMark mark_;
  bool may_adopt_ = false;
  bool is_signed_ = false;  // the backup's checkpoint
  config::v1::Bootstrap bootstrap_;
  exchange::ExchangeKeys keys_;
  std::shared_ptr<ledger::EntryKeys> entry_keys_;
  std::unique_ptr<backup::BackupReader> reader_;
  std::unique_ptr<denials::Journal> journal_;
  std::unique_ptr<store::LevelDbStore> store_;
  std::optional<ledger::Head> old_head_;
  std::string note_;  // the newest that is known of the old log
  std::optional<Checkpoint> old_log_, of_backup_;
  std::optional<ledger::FormerLog> former_;
  store::Revision known_ = 0;  // the newest of the old store
  std::vector<store::Write> writes_;
};

}  // namespace

absl::Status Restore(const config::v1::ServerConfig& config, const RestoreRequest& request,
                     const Clock& clock, Random& random, const std::function<void(const std::string&)>& say) {
  return Restoration(config, clock, random, say).Run(request);
}

}  // namespace coalition::server

#include "server/ledger/log_opening.h"

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/checkpoint.h"
#include "common/ledger_leaf.h"
#include "common/log.h"
#include "common/signed_note.h"
#include "common/strings.h"
#include "server/ledger/keys.h"

namespace coalition::ledger {
namespace {

using storage::v1::StoredCheckpoint;
using storage::v1::StoredTick;

absl::Status Refused(std::string_view what) { return absl::FailedPreconditionError(Absl(what)); }

absl::Status Damaged(std::string_view what) {
  return absl::DataLossError(
      absl::StrCat("the ledger is damaged: ", Absl(what), ". Restore the store from a backup."));
}

absl::StatusOr<std::optional<store::Version>> ReadOne(const store::Store& store, std::string key) {
  auto rows = store.Read(std::span(&key, 1), store.Head());
  if (!rows.ok()) return rows.status();
  return std::move(rows->front());
}

// What is written into notes of the log that `signer` signs for, opened.
absl::StatusOr<coalition::Checkpoint> OpenNoteOf(const LogSigner& signer, const std::string& note) {
  const absl::StatusOr<std::vector<VerifierKey>> keys = signer.Verifiers();
  if (!keys.ok()) return keys.status();
  absl::StatusOr<OpenedCheckpoint> opened = OpenCheckpoint(note, *keys, signer.origin);
  if (!opened.ok()) return opened.status();
  return std::move(opened->checkpoint);
}

// That the newest checkpoint's note says what its row says, and is the signer's.
absl::Status CheckNote(const LogSigner& signer, const Checkpoint& checkpoint) {
  const absl::StatusOr<SignedNote> note = ParseNote(checkpoint.note);
  const absl::StatusOr<coalition::Checkpoint> text =
      note.ok() ? ParseCheckpoint(note->text) : absl::StatusOr<coalition::Checkpoint>(note.status());
  if (!text.ok()) return Damaged("the note of its newest checkpoint is none");
  if (text->origin != signer.origin) {
    return Refused(absl::StrCat("the store's log is named ", Quoted(text->origin), ", but ledger.origin is ",
                                Quoted(signer.origin),
                                ". A log keeps its name for life: set ledger.origin to the former."));
  }
  const absl::StatusOr<coalition::Checkpoint> opened = OpenNoteOf(signer, checkpoint.note);
  if (absl::IsFailedPrecondition(opened.status())) {
    return Refused(
        "the store's log was signed with another key than the one in key_dir, ledger_key.pem: put the log's "
        "own key there, from your copy of the key directory. If the key was rotated since, put the one from "
        "before there as ledger_key.old.pem.");
  }
  if (!opened.ok()) return Damaged("the signature of its newest checkpoint is not of it");
  if (opened->size == checkpoint.size && opened->root == checkpoint.root) return absl::OkStatus();
  return Damaged("the note of its newest checkpoint is of another state");
}

absl::StatusOr<StoredTick> ReadLastTick(const store::Store& store, uint64_t size) {
  const auto last = ReadOne(store, TickKey(size - 1));
  if (!last.ok()) return last.status();
  const auto next = ReadOne(store, TickKey(size));
  if (!next.ok()) return next.status();
  StoredTick tick;
  const bool whole = *last && tick.ParseFromString((*last)->value);
  if (!whole || LeafHashOfTick(size - 1, tick) != ToDigest(tick.leaf_hash())) {
    return Damaged("its last tick is missing or not whole");
  }
  if (*next) return Damaged("it has a tick that its newest checkpoint does not count");
  return tick;
}

// Why the store is behind its head. nullopt: it is not.
absl::StatusOr<std::optional<std::string>> BehindBecause(const store::Store& store, const Head& head,
                                                         const coalition::Checkpoint& known, uint64_t size) {
  if (known.size > size) {
    return absl::StrCat("its ledger has ", size, " ticks, and had ", known.size, " already");
  }
  if (head.revision > store.Head()) {
    return absl::StrCat("it is at revision ", store.Head(), ", and was at ", head.revision, " already");
  }
  const absl::StatusOr<Sha256Digest> root = LogReader(store).RootOf(known.size);
  if (!root.ok()) return root.status();
  if (*root == known.root) return std::nullopt;
  return absl::StrCat("the first ", known.size, " ticks of its ledger are others");
}

absl::Status CheckAdopting(const HeadDir& dir, uint64_t size) {
  const absl::StatusOr<bool> may_adopt = dir.MayAdopt();
  if (!may_adopt.ok()) return may_adopt.status();
  if (*may_adopt) {
    Log::Warn("ledger_head_adopted", {{"ticks", size}, {"head_dir", dir.path()}});
    return absl::OkStatus();
  }
  return Refused(absl::StrCat(
      dir.file(), " is missing, but the store has a ledger of ", size,
      " ticks: without it nobody can tell whether the store was truncated or rolled back. Set "
      "ledger.head_dir to the log's own, or mount its disk. If it is lost for good, create a file ",
      dir.adopt_file(), " and start again: the store's ledger is then taken as it is."));
}

}  // namespace

absl::StatusOr<bool> LogIsEmpty(const store::Store& store) {
  const auto row = ReadOne(store, std::string(kCheckpointKey));
  if (!row.ok()) return row.status();
  return !row->has_value();
}

absl::StatusOr<std::optional<LogState>> LoadLog(const store::Store& store, const LogSigner& signer) {
  const auto row = ReadOne(store, std::string(kCheckpointKey));
  if (!row.ok()) return row.status();
  if (!*row) {
    const auto first = ReadOne(store, TickKey(0));
    if (!first.ok()) return first.status();
    if (*first) return Damaged("it has ticks and no checkpoint");
    return std::nullopt;
  }
  StoredCheckpoint stored;
  if (!stored.ParseFromString((*row)->value)) return Damaged("its newest checkpoint is not whole");
  const std::optional<Sha256Digest> root = ToDigest(stored.root());
  if (!root || stored.size() == 0) return Damaged("its newest checkpoint is not whole");
  LogState log;
  log.checkpoint = {stored.size(), *root, stored.note()};
  if (absl::Status note = CheckNote(signer, log.checkpoint); !note.ok()) return note;
  absl::StatusOr<StoredTick> last = ReadLastTick(store, stored.size());
  if (!last.ok()) return last.status();
  log.last = *std::move(last);
  absl::StatusOr<LogTree> tree = LogTree::Load(store, stored.size());
  if (!tree.ok()) return tree.status();
  if (tree->Root() != *root) return Damaged("its ticks do not lead to the root of its newest checkpoint");
  log.tree = *std::move(tree);
  return log;
}

absl::Status CheckHead(const HeadDir& dir, const store::Store& store, const LogSigner& signer,
                       const std::optional<LogState>& log) {
  const absl::StatusOr<std::optional<Head>> head = dir.Read();
  if (!head.ok()) return head.status();
  const uint64_t size = log ? log->tree.size() : 0;
  if (!*head) return log ? CheckAdopting(dir, size) : absl::OkStatus();
  const auto known = OpenNoteOf(signer, (*head)->note);
  if (!known.ok()) {
    return Refused(absl::StrCat(dir.file(), " is not of this log: ", known.status().message(),
                                ". Set ledger.head_dir and key_dir to the log's own."));
  }
  const auto behind = BehindBecause(store, **head, *known, size);
  if (!behind.ok()) return behind.status();
  if (!*behind) return absl::OkStatus();
  return Refused(absl::StrCat(
      "the store is behind its head, ", dir.file(), ": it was truncated, rolled back, or is another one (",
      **behind, "). Set store_dir to the right store, or restore its newest backup; nothing was changed."));
}

}  // namespace coalition::ledger

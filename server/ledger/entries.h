// What is sealed, read by those who may open it, with proofs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coalition/v1/ledger_service.pb.h"
#include "common/hash.h"
#include "server/ledger/entry_keys.h"
#include "server/ledger/log_reader.h"
#include "server/ledger/opening.h"

namespace coalition::ledger {

// Which entries, and how many.
struct EntryQuery {
  // Any of the parties that may open them.
  std::vector<uint32_t> parties;
  std::vector<v1::LedgerEntryKind> kinds;  // empty: all
  // Sealed at or after, and before.
  std::optional<int64_t> from_ms;
  std::optional<int64_t> before_ms;
  // Behind this place; nullopt: from the first one.
  std::optional<EntryPlace> after;
  bool with_proofs = false;
  size_t count = 0;  // at least 1
};

struct EntryPage {
  std::vector<v1::LedgerEntry> entries;  // by place
  // Behind which the next page begins; nullopt: there is none now.
  std::optional<EntryPlace> last;
};

// Thread-safe; reads from disk. What it tells is of the ticks of one checkpoint, the newest when it is asked.
// Errors: LogReader's. References must outlive it.
class Entries {
 public:
  // `newest`: the checkpoint that was published last. `keys`: that entries were written with.
  Entries(const store::Store& store, std::function<Checkpoint()> newest,
          std::shared_ptr<const EntryKeys> keys)
      : log_(store), newest_(std::move(newest)), keys_(std::move(keys)) {}

  Checkpoint Newest() const { return newest_(); }

  // Before each entry that is looked at; not OK: the call ends with this.
  using Look = absl::FunctionRef<absl::Status()>;
  // A page may be short, or have none, and still have a successor: what does not fit the kinds costs work.
  // What the asker may not open changes no page; an auditor's alone may end by it, who may know that it is
  // there.
  absl::StatusOr<EntryPage> List(const EntryAsker& asker, const EntryQuery& query, Look look) const;

  // With its proof. NOT_FOUND (common/errors.h): there is none at that place, or it is not sealed yet, or the
  // asker may not open it. Of who does not audit, what others may open is not even read.
  absl::StatusOr<v1::LedgerEntry> Find(const EntryAsker& asker, EntryPlace place) const;

  // As LogReader's.
  absl::StatusOr<std::vector<Sha256Digest>> ConsistencyPath(uint64_t old_size, uint64_t new_size) const {
    return log_.ConsistencyPath(old_size, new_size);
  }

 private:
  class Page;
  absl::StatusOr<v1::LedgerEntry> Open(const SealedEntry& sealed, Opening opening) const;
  absl::StatusOr<bool> MayStandAt(const EntryAsker& asker, EntryPlace place, uint64_t size) const;

  const LogReader log_;
  const std::function<Checkpoint()> newest_;
  const std::shared_ptr<const EntryKeys> keys_;
};

}  // namespace coalition::ledger

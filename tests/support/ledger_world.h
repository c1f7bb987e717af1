// A ledger over a real store in a directory of its own, with a clock that stands still.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/checkpoint.h"
#include "server/ledger/entry.h"
#include "server/ledger/log_reader.h"
#include "server/ledger/sealer.h"
#include "server/store/commit_lane.h"
#include "server/store/leveldb_store.h"
#include "tests/support/exchange_world.h"
#include "tests/support/store/forwarding_store.h"
#include "tests/support/store/scratch_dir.h"

namespace coalition::testing {

// A store whose commits can be met on their way.
class TrapStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  std::vector<absl::StatusOr<store::Revision>> CommitAll(std::span<const store::Commit> commits) override {
    ++commits_seen;
    if (before_commit) before_commit();
    absl::Status refused = refuse ? refuse() : absl::OkStatus();
    if (refused.ok()) return ForwardingStore::CommitAll(commits);
    return std::vector<absl::StatusOr<store::Revision>>(commits.size(), refused);
  }
  std::function<void()> before_commit;
  std::function<absl::Status()> refuse;
  int commits_seen = 0;
};

// From the log as members see it: that an entry is in it.
struct CheckedEntry {
  ledger::SealedEntry sealed;
  size_t log_path = 0;  // hashes
};

// 16 bytes.
std::string TestRecord(uint32_t number);
// For a key of a test's own.
ledger::LogKey TestKey(uint8_t number);
// Names of TestNames(); member n is of the kind n.
ledger::MemberFacts TestFacts();

class LedgerWorld {
 public:
  static constexpr char kOrigin[] = "coalition.example/ledger";

  LedgerWorld();
  ~LedgerWorld();

  // The store, and the lane; aborts on an error.
  void OpenStore();
  // The sealer, over the store that is open.
  absl::Status OpenSealer();
  // Both, or aborts.
  void Open();
  // As a crash: what is not durable is gone.
  void Close();
  void Restart();

  // Entries of one commit, of acts that these parties may open; aborts on an error.
  ledger::EntryId WriteActs(const std::vector<uint32_t>& parties, int count = 1);
  // An entry of a disclosure to the member, of which these records were first showings, at the clock's time.
  void WriteShowings(uint32_t member, uint32_t contributor, const std::vector<std::string>& records,
                     uint64_t view_ids = 1);
  void Commit(std::vector<store::Write> writes);
  // Changes one byte of what lies on the disk under that key, with the store closed.
  void Damage(const std::string& row);
  std::string MustRead(const std::string& row) const;
  storage::v1::StoredTick TickRow(uint64_t number) const;
  size_t CountRows(const std::string& prefix) const;

  // The newest checkpoint, verified with the log's key; fails the test where it is not right.
  coalition::Checkpoint NewestVerified() const;
  // All entries that `party` may open, each with its proof verified against the newest checkpoint; fails the
  // test where one does not verify.
  std::vector<CheckedEntry> VerifiedEntriesOf(uint32_t party) const;

  VerifierKey log_key() const;
  std::string head_file() const { return options.head_dir + "/head"; }
  std::string store_dir() const { return dir_.Sub("store"); }
  store::Store& store() { return *trap; }
  const store::Store& store() const { return *trap; }
  ledger::LogReader reader() const { return ledger::LogReader(*trap); }
  int64_t now_ms() const { return clock.now_ns / 1'000'000; }
  void PassMs(int64_t ms) { clock.now_ns += ms * 1'000'000; }

  TestClock clock;
  SeededRandom random;
  ledger::LogKey signing_key;
  ledger::SealerOptions options;
  ledger::MemberFacts facts = TestFacts();  // of the sealer that is opened next, and the keys of entries
  std::unique_ptr<TrapStore> trap;
  std::unique_ptr<store::CommitLane> lane;
  std::unique_ptr<ledger::Sealer> sealer;

 private:
  Sha256Digest VerifiedEntriesRoot(uint64_t number, const coalition::Checkpoint& newest,
                                   size_t* log_path) const;

  ScratchDir dir_;
  std::unique_ptr<store::LevelDbStore> real_;
};

}  // namespace coalition::testing

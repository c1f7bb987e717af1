// A small store that an exchange and its ledger have written, closed and with nobody at it; and what lies in
// it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/store/leveldb_store.h"
#include "server/store/store.h"
#include "server/verify/verify_store.h"
#include "tests/support/content_keys.h"
#include "tests/support/exchange_world.h"
#include "tests/support/store/scratch_dir.h"

namespace coalition::testing {

struct MadeStore {
  std::string withdrawn, cleared;  // names of records
  std::string kept;                // of one that is there, has an external_id and is granted to several
};

// Who writes a store: an exchange, and its ledger, which seals when it is told to, a second later each time,
// and ends contents after two days.
struct Writers {
  World& world;
  std::function<void()> tick;
  std::function<void(const std::string& member, const std::string& contributor, const std::string& record)>
      show;
};
using Story = std::function<void(const Writers& writers)>;

class VerifyWorld {
 public:
  // Where its rows lie.
  enum class In { kTable, kLog };
  // `idle_ticks`: beside those with entries. 256 in all complete a tile.
  explicit VerifyWorld(int idle_ticks, In in = In::kTable);
  // Of a test's own; in a table.
  explicit VerifyWorld(const Story& story);

  // With this many findings it is enough.
  absl::StatusOr<verify::VerifyReport> Verify(size_t findings_max = 100) const;
  verify::VerifyOptions Options() const;

  // Every row of the newest state. nullopt: the store does not open, or can't be read.
  std::optional<std::map<std::string, std::string>> Dump() const;
  // Of the newest state, whole.
  std::map<std::string, std::string> MustDump() const;
  // Keys that begin with it, of the newest state.
  std::vector<std::string> KeysOf(const std::string& prefix) const;
  std::string MustRead(const std::string& key) const;

  // Writes with checksums that are right, as a defect of the program would.
  void Commit(std::vector<store::Write> writes);
  // What LevelDB has, below the store's checksums.
  std::map<std::string, std::string> PhysicalRows() const;
  void PutPhysical(const std::string& key, const std::string& value);
  void RemovePhysical(const std::string& key);

  // The directories as they are now, and as they were then.
  void Keep();
  void PutBack();

  std::string store_dir() const { return dir_.Sub("store"); }
  std::string head_dir() const { return dir_.Sub("head"); }
  const MadeStore& made() const { return made_; }
  // Of a test's own that erases: those of the store open what was written.
  contents::ContentKeys& contents() const { return *contents_; }
  void Use(std::shared_ptr<contents::ContentKeys> contents) { contents_ = std::move(contents); }

 private:
  void Make(const Story& story);
  void Compact();

  ScratchDir dir_;
  MadeStore made_;
  std::shared_ptr<contents::ContentKeys> contents_ = TestContentKeys();
};

}  // namespace coalition::testing

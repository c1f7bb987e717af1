#include "tests/support/ledger_world.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "common/ledger_leaf.h"
#include "common/merkle.h"
#include "common/timestamp.h"
#include "leveldb/db.h"
#include "server/ledger/keys.h"
#include "server/store/commit_writes.h"
#include "server/store/engine.h"
#include "server/store/key_codec.h"
#include "server/store/prefix.h"
#include "tests/support/test_names.h"

namespace coalition::testing {
namespace {

void Require(const absl::Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, std::string(status.ToString()).c_str());
  std::abort();
}

store::LevelDbOptions StoreOptions(const std::string& dir) {
  store::LevelDbOptions options;
  options.dir = dir;
  options.write_buffer_bytes = size_t{1} << 20;
  options.free_bytes_min = 0;
  return options;
}

}  // namespace

std::string TestRecord(uint32_t number) {
  std::string record(16, 'r');
  for (size_t i = 0; i < 4; ++i) record[i] = static_cast<char>(number >> (8 * i));
  return record;
}

ledger::LogKey TestKey(uint8_t number) {
  std::array<uint8_t, kEd25519KeyBytes> seed{};
  seed[0] = number;
  auto key = Ed25519Key::FromSeed(seed);
  Require(key.status(), "key");
  return *std::move(key);
}

ledger::MemberFacts TestFacts() {
  return {TestNames(), [](uint32_t number) { return static_cast<v1::MemberKind>(number); }};
}

LedgerWorld::LedgerWorld() : signing_key(TestKey(1)) {
  options.origin = kOrigin;
  options.head_dir = dir_.Sub("head");
}

LedgerWorld::~LedgerWorld() { Close(); }

void LedgerWorld::OpenStore() {
  auto opened = store::LevelDbStore::Open(StoreOptions(store_dir()));
  Require(opened.status(), "store");
  real_ = *std::move(opened);
  trap = std::make_unique<TrapStore>(*real_);
  lane = std::make_unique<store::CommitLane>(*trap);
}

absl::Status LedgerWorld::OpenSealer() {
  auto opened = ledger::Sealer::Open(options, signing_key, *trap, *lane, clock, random, facts);
  if (!opened.ok()) return opened.status();
  sealer = *std::move(opened);
  return absl::OkStatus();
}

void LedgerWorld::Open() {
  OpenStore();
  Require(OpenSealer(), "sealer");
}

void LedgerWorld::Close() {
  sealer.reset();
  lane.reset();
  trap.reset();
  real_.reset();
}

void LedgerWorld::Restart() {
  Close();
  Open();
}

ledger::EntryId LedgerWorld::WriteActs(const std::vector<uint32_t>& parties, int count) {
  std::vector<storage::v1::StoredLedgerEntry> entries;
  for (int i = 0; i < count; ++i) {
    v1::LedgerContent content;
    content.mutable_act()->set_change("act " + std::to_string(i));
    v1::LedgerReserved reserved;
    reserved.set_credential("members/m1/credentials/c");
    storage::v1::StoredLedgerEntry entry =
        ledger::MakeEntry(*facts.names.keys, clock.now_ns, content, reserved);
    for (const uint32_t party : parties) entry.add_parties(party);
    entries.push_back(std::move(entry));
  }
  store::Commit commit;
  commit.build =
      [&](store::Revision revision,
          std::span<const std::optional<store::Version>>) -> absl::StatusOr<std::vector<store::Write>> {
    std::vector<store::Write> writes;
    uint32_t place = 0;
    for (const auto& entry : entries) writes.push_back(ledger::EntryWrite({revision, place++}, entry));
    return writes;
  };
  const auto revision = store().CommitAll(std::span(&commit, 1))[0];
  Require(revision.status(), "write acts");
  return {*revision, 0};
}

void LedgerWorld::WriteShowings(uint32_t member, uint32_t contributor,
                                const std::vector<std::string>& records, uint64_t view_ids) {
  v1::LedgerContent content;
  *content.mutable_disclosure()->mutable_time() = ToTimestamp(clock.now_ns);
  storage::v1::StoredLedgerEntry entry = ledger::MakeEntry(*facts.names.keys, clock.now_ns, content);
  entry.add_parties(member);
  entry.add_full_parties(member);
  entry.set_shown_day(static_cast<uint32_t>(ledger::DayOf(now_ms())));
  for (const std::string& record : records) {
    storage::v1::StoredFirstShowing* first = entry.add_first_showings();
    first->set_contributor(contributor);
    first->set_record(record);
    first->set_view_ids(view_ids);
  }
  store::Commit commit;
  commit.build =
      [&](store::Revision revision,
          std::span<const std::optional<store::Version>>) -> absl::StatusOr<std::vector<store::Write>> {
    return std::vector<store::Write>{ledger::EntryWrite({revision, 0}, entry)};
  };
  Require(store().CommitAll(std::span(&commit, 1))[0].status(), "write showings");
}

void LedgerWorld::Commit(std::vector<store::Write> writes) {
  Require(store::CommitWrites(store(), std::move(writes)).status(), "commit");
}

void LedgerWorld::Damage(const std::string& row) {
  const auto version = store().Read(std::span(&row, 1), store().Head());
  Require(version.status(), "read");
  if (!version->front()) std::abort();
  std::string physical;
  store::EncodeDataKey(row, version->front()->revision, physical);
  Close();
  const auto engine = store::OpenEngine(StoreOptions(store_dir()));
  Require(engine.status(), "engine");
  std::string stored;
  leveldb::DB& db = *(*engine)->db;
  if (!db.Get({}, physical, &stored).ok()) std::abort();
  stored.back() = static_cast<char>(stored.back() ^ 1);
  if (!db.Put({}, physical, stored).ok()) std::abort();
}

std::string LedgerWorld::MustRead(const std::string& row) const {
  const auto rows = store().Read(std::span(&row, 1), store().Head());
  Require(rows.status(), "read");
  return rows->front() ? rows->front()->value : "(absent)";
}

storage::v1::StoredTick LedgerWorld::TickRow(uint64_t number) const {
  const auto tick = reader().FindTick(number);
  Require(tick.status(), "tick");
  if (!*tick) std::abort();
  return **tick;
}

size_t LedgerWorld::CountRows(const std::string& prefix) const {
  size_t count = 0;
  Require(store().ScanEach(prefix, store::PrefixEnd(prefix), store().Head(),
                           [&](std::string_view, std::string_view, store::Revision) {
                             ++count;
                             return true;
                           }),
          "scan");
  return count;
}

VerifierKey LedgerWorld::log_key() const {
  const auto verifier = VerifierKey::Make(options.origin, NoteAlgorithm::kEd25519, signing_key.public_key());
  Require(verifier.status(), "verifier key");
  return *verifier;
}

coalition::Checkpoint LedgerWorld::NewestVerified() const {
  const VerifierKey verifier = log_key();
  const ledger::Checkpoint newest = sealer->Newest();
  const auto opened = OpenCheckpoint(newest.note, std::span(&verifier, 1), options.origin);
  EXPECT_TRUE(opened.ok()) << opened.status();
  if (!opened.ok()) return {};
  EXPECT_EQ(opened->checkpoint.size, newest.size);
  EXPECT_EQ(opened->checkpoint.root, newest.root);
  return opened->checkpoint;
}

Sha256Digest LedgerWorld::VerifiedEntriesRoot(uint64_t number, const coalition::Checkpoint& newest,
                                              size_t* log_path) const {
  const storage::v1::StoredTick tick = TickRow(number);
  const Sha256Digest root = ledger::ToDigest(tick.entries_root()).value();
  const std::string& secret = tick.secret();
  const auto salt = ledger::TickSaltOf(
      merkle::TickSecret(reinterpret_cast<const uint8_t*>(secret.data()), merkle::kTickSecretBytes));
  const Sha256Digest leaf = merkle::HashLeaf(ledger::TickLeaf(number, tick.time_ms(), salt, root));
  const auto path = reader().LogPath(number, newest.size);
  Require(path.status(), "log path");
  const absl::Status verified = merkle::VerifyInclusion(leaf, number, newest.size, *path, newest.root);
  EXPECT_TRUE(verified.ok()) << verified;
  *log_path = path->size();
  return root;
}

std::vector<CheckedEntry> LedgerWorld::VerifiedEntriesOf(uint32_t party) const {
  std::vector<CheckedEntry> all;
  const coalition::Checkpoint newest = NewestVerified();
  const ledger::LogReader log = reader();
  const auto ticks = log.TicksOf(party, 0, newest.size, 1'000'000);
  Require(ticks.status(), "ticks");
  for (const auto& [number, slots] : *ticks) {
    size_t log_path = 0;
    const Sha256Digest root = VerifiedEntriesRoot(number, newest, &log_path);
    const auto entries = log.EntriesAt(number, slots);
    Require(entries.status(), "entries");
    for (const ledger::SealedEntry& entry : *entries) {
      const auto path = log.SlotPath(entry.place);
      Require(path.status(), "slot path");
      EXPECT_EQ(path->size(), ledger::kSlotDepth);
      const absl::Status verified = merkle::VerifyInclusion(ledger::LeafHashOf(entry.entry), entry.place.slot,
                                                            ledger::kSlots, *path, root);
      EXPECT_TRUE(verified.ok()) << verified;
      all.push_back({entry, log_path});
    }
  }
  return all;
}

}  // namespace coalition::testing

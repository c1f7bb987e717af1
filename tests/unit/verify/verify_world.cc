#include "tests/unit/verify/verify_world.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <utility>

#include "common/ids.h"
#include "leveldb/db.h"
#include "leveldb/iterator.h"
#include "server/ledger/sealer.h"
#include "server/ledger/shown_log.h"
#include "server/store/commit_writes.h"
#include "server/store/engine.h"
#include "server/store/prefix.h"
#include "server/store/read_only_store.h"
#include "tests/support/administration_world.h"
#include "tests/support/exchange_world.h"
#include "tests/support/test_names.h"

namespace coalition::testing {
namespace {

constexpr char kOrigin[] = "coalition.example/ledger";
constexpr int64_t kSecondNs = 1'000'000'000;

void Require(const absl::Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, std::string(status.ToString()).c_str());
  std::abort();
}

store::LevelDbOptions StoreOptions(const std::string& dir) {
  store::LevelDbOptions options;
  options.dir = dir;
  options.write_buffer_bytes = size_t{1} << 20;
  options.block_cache_bytes = size_t{1} << 20;
  options.free_bytes_min = 0;
  return options;
}

WorldOptions OptionsOn(const std::string& dir) {
  WorldOptions options = AdministrationOptions();
  options.wrap_store = [dir](store::Store&) -> std::unique_ptr<store::Store> {
    auto opened = store::LevelDbStore::Open(StoreOptions(dir));
    Require(opened.status(), "store");
    return *std::move(opened);
  };
  return options;
}

Ed25519Key KeyOfLog() {
  std::array<uint8_t, kEd25519KeyBytes> seed{};
  seed[0] = 7;
  auto key = Ed25519Key::FromSeed(seed);
  Require(key.status(), "key");
  return *std::move(key);
}

// What writes the ledger, over a world.
class Ledger {
 public:
  Ledger(World& world, const std::string& head_dir)
      : world_(world),
        lane_(world.store()),
        entries_(lane_, TestNames(), RunNow),
        shown_(world.store(), lane_, entries_, counting_, RunNow) {
    ledger::SealerOptions options;
    options.origin = kOrigin;
    options.head_dir = head_dir;
    options.contents.keep = std::chrono::hours(48);
    const ledger::MemberFacts facts{TestNames(), [](uint32_t) { return v1::MEMBER_KIND_BRAND; }};
    auto sealer =
        ledger::Sealer::Open(options, KeyOfLog(), world.store(), lane_, world.clock, world.random, facts);
    Require(sealer.status(), "sealer");
    sealer_ = *std::move(sealer);
  }
  ~Ledger() {
    sealer_->Stop();
    lane_.Drain();
  }

  void Tick() {
    world_.clock.now_ns += kSecondNs;
    Require(sealer_->Tick(), "tick");
  }
  void Show(const std::string& member, const std::string& contributor, const std::string& record) {
    ledger::Disclosure disclosure;
    disclosure.member = NumberOf(member);
    disclosure.credential = "backend";
    disclosure.method = "GetRecord";
    disclosure.time_ns = world_.clock.now_ns;
    disclosure.records.push_back({*RecordIdToBytes(*ParseRecordName(record)), NumberOf(contributor), 2});
    std::promise<absl::Status> recorded;
    shown_.Record(std::move(disclosure), [&](absl::Status status) { recorded.set_value(std::move(status)); });
    Require(recorded.get_future().get(), "show");
  }

 private:
  uint32_t NumberOf(const std::string& member) { return world_.As(member).caller.member_number; }

  World& world_;
  ledger::CountingDisclosureLog counting_;
  store::CommitLane lane_;
  ledger::EntryLog entries_;
  ledger::ShownLog shown_;
  std::unique_ptr<ledger::Sealer> sealer_;
};

// Records of every class, and what becomes of them.
MadeStore MakeRecords(World& world) {
  MadeStore made;
  v1::Record report = Report("bazaar.example", "shop-1");
  report.set_external_id("case-1");
  GrantGroup(report, "club");
  GrantMember(report, "bazaar");
  ExcludeMember(report, "corsa");
  const auto created =
      world.Create(world.As("aurore"), CreateRequest(report, "9b2f0c3e-4d5a-4c1b-8e7f-0123456789ab"));
  Require(created.status(), "create");
  made.kept = created->record().name();
  v1::Record notice = Notice("bazaar.example", "shop-1");
  notice.mutable_takedown_notice()->set_report(made.kept);
  GrantMember(notice, "bazaar");
  world.Created("aurore", notice);
  world.Created("belmont", Opinion(made.kept, v1::OPINION_VERDICT_CONFIRMED));
  world.Created("bazaar", Outcome("bazaar.example", "shop-2"));
  made.withdrawn = world.Created("belmont", Report("souk.example", "shop-3")).name();
  made.cleared = world.Created("belmont", Report("souk.example", "shop-4")).name();
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(made.withdrawn);
  Require(world.Withdraw(world.As("belmont"), withdraw).status(), "withdraw");
  v1::ClearRecordRequest clear;
  clear.set_name(made.cleared);
  clear.set_grounds(v1::CLEARANCE_GROUNDS_MISTAKEN_IDENTITY);
  Require(world.Clear(world.As("belmont"), clear).status(), "clear");
  return made;
}

}  // namespace

VerifyWorld::VerifyWorld(int idle_ticks, In in) {
  Make([this, idle_ticks](const Writers& writers) {
    made_ = MakeRecords(writers.world);
    writers.show("bazaar", "aurore", made_.kept);
    writers.tick();
    writers.show("belmont", "aurore", made_.kept);
    writers.show("paylink", "aurore", made_.kept);
    Require(Administration(writers.world).SetStanding("corsa", v1::STANDING_SUSPENDED), "suspend");
    for (int i = 0; i < idle_ticks; ++i) writers.tick();
    writers.tick();
  });
  if (in == In::kTable) Compact();
}

VerifyWorld::VerifyWorld(const Story& story) {
  Make(story);
  Compact();
}

void VerifyWorld::Make(const Story& story) {
  World world(OptionsOn(store_dir()));
  Ledger ledger(world, head_dir());
  story({world, [&] { ledger.Tick(); },
         [&](const std::string& member, const std::string& contributor, const std::string& record) {
           ledger.Show(member, contributor, record);
         }});
}

void VerifyWorld::Compact() {
  const auto engine = store::OpenEngine(StoreOptions(store_dir()));
  Require(engine.status(), "engine");
  (*engine)->db->CompactRange(nullptr, nullptr);
}

verify::VerifyOptions VerifyWorld::Options() const {
  verify::VerifyOptions options;
  options.store = StoreOptions(store_dir());
  options.seller_hash_key = WorldOptions().seller_hash_key;
  options.contents = contents_;
  options.entry_keys = TestEntryKeys();
  options.log_signer = [](const std::string&) -> absl::StatusOr<ledger::LogSigner> {
    return ledger::LogSigner{kOrigin, KeyOfLog()};
  };
  options.head_dir = head_dir();
  return options;
}

absl::StatusOr<verify::VerifyReport> VerifyWorld::Verify(size_t findings_max) const {
  verify::VerifyOptions options = Options();
  options.findings_max = findings_max;
  return verify::VerifyStore(options);
}

std::optional<std::map<std::string, std::string>> VerifyWorld::Dump() const {
  const auto opened = store::ReadOnlyStore::Open(StoreOptions(store_dir()));
  if (!opened.ok()) return std::nullopt;
  const store::Store& store = (*opened)->store();
  std::map<std::string, std::string> rows;
  const absl::Status read = store.ScanEach(
      "", "", store.Head(), [&](std::string_view key, std::string_view value, store::Revision) {
        rows.emplace(key, value);
        return true;
      });
  return read.ok() ? std::optional(std::move(rows)) : std::nullopt;
}

std::map<std::string, std::string> VerifyWorld::MustDump() const {
  auto rows = Dump();
  if (!rows) std::abort();
  return *std::move(rows);
}

std::vector<std::string> VerifyWorld::KeysOf(const std::string& prefix) const {
  std::vector<std::string> keys;
  for (const auto& [key, value] : MustDump()) {
    if (key.starts_with(prefix)) keys.push_back(key);
  }
  return keys;
}

std::string VerifyWorld::MustRead(const std::string& key) const { return MustDump().at(key); }

void VerifyWorld::Commit(std::vector<store::Write> writes) {
  const auto store = store::LevelDbStore::Open(StoreOptions(store_dir()));
  Require(store.status(), "store");
  Require(store::CommitWrites(**store, std::move(writes)).status(), "commit");
}

std::map<std::string, std::string> VerifyWorld::PhysicalRows() const {
  const auto engine = store::OpenEngine(StoreOptions(store_dir()));
  Require(engine.status(), "engine");
  std::map<std::string, std::string> rows;
  const std::unique_ptr<leveldb::Iterator> it((*engine)->db->NewIterator({}));
  for (it->SeekToFirst(); it->Valid(); it->Next()) rows[it->key().ToString()] = it->value().ToString();
  return rows;
}

void VerifyWorld::PutPhysical(const std::string& key, const std::string& value) {
  const auto engine = store::OpenEngine(StoreOptions(store_dir()));
  Require(engine.status(), "engine");
  if (!(*engine)->db->Put({}, key, value).ok()) std::abort();
}

void VerifyWorld::RemovePhysical(const std::string& key) {
  const auto engine = store::OpenEngine(StoreOptions(store_dir()));
  Require(engine.status(), "engine");
  if (!(*engine)->db->Delete({}, key).ok()) std::abort();
}

void VerifyWorld::Keep() {
  for (const char* dir : {"store", "head"}) {
    std::filesystem::remove_all(dir_.Sub(std::string(dir) + "-kept"));
    std::filesystem::copy(dir_.Sub(dir), dir_.Sub(std::string(dir) + "-kept"));
  }
}

void VerifyWorld::PutBack() {
  for (const char* dir : {"store", "head"}) {
    std::filesystem::remove_all(dir_.Sub(dir));
    std::filesystem::copy(dir_.Sub(std::string(dir) + "-kept"), dir_.Sub(dir));
  }
}

}  // namespace coalition::testing

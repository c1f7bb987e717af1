#include "bench/ledger_log.h"

#include <filesystem>
#include <utility>
#include <vector>

namespace coalition::bench {

std::shared_ptr<ledger::EntryKeys> LedgerKeys() {
  static const auto& keys = *new std::shared_ptr<ledger::EntryKeys>([] {
    SystemRandom random;
    return ledger::EntryKeys::Make(random);
  }());
  return keys;
}

ledger::Names LedgerNames() {
  return {[](uint32_t number) { return "members/member-" + std::to_string(number); },
          [](policy::ViewSet) { return std::vector<std::string>{"notice"}; }, LedgerKeys()};
}

absl::StatusOr<std::unique_ptr<LedgerLog>> LedgerLog::Open(const std::string& dir, leveldb::Env* env) {
  auto log = std::unique_ptr<LedgerLog>(new LedgerLog());
  store::LevelDbOptions store_options;
  store_options.dir = dir + "/store";
  store_options.env = env;
  auto store = store::LevelDbStore::Open(store_options);
  if (!store.ok()) return store.status();
  log->store_ = *std::move(store);
  log->lane_ = std::make_unique<store::CommitLane>(*log->store_);
  auto key = Ed25519Key::Generate(log->random_);
  if (!key.ok()) return key.status();
  ledger::SealerOptions options;
  options.origin = "bench.example/ledger";
  options.head_dir = dir + "/head";
  auto sealer =
      ledger::Sealer::Open(options, *std::move(key), *log->store_, *log->lane_, log->clock_, log->random_,
                           {LedgerNames(), [](uint32_t) { return v1::MEMBER_KIND_MARKETPLACE; }});
  if (!sealer.ok()) return sealer.status();
  log->sealer_ = *std::move(sealer);
  return log;
}

absl::Status LedgerLog::Tick() {
  clock_.now_ns += 1'000'000'000;
  return sealer_->Tick();
}

std::string EmptyDir(const std::string& dir) {
  std::filesystem::remove_all(dir);
  std::filesystem::create_directory(dir);
  return dir;
}

}  // namespace coalition::bench

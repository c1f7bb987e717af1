#include "bench/engine.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "bench/generator.h"
#include "server/ledger/entry_keys.h"

namespace coalition::bench {
namespace {

constexpr uint64_t kItems = 250;  // of a message
constexpr int kWindow = 8;        // messages that wait for their commit at once

uint64_t Records(const Messages& messages) {
  uint64_t records = 0;
  for (const v1::ImportRecordsRequest& message : messages) {
    records += static_cast<uint64_t>(message.items_size());
  }
  return records;
}

// Counts what is under way and what came of it. Thread-safe.
class Progress {
 public:
  void Begin() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return under_way_ < kWindow; });
    ++under_way_;
  }
  void End(const absl::StatusOr<v1::ImportRecordsResponse>& response) {
    const std::lock_guard lock(mutex_);
    --under_way_;
    if (response.ok()) {
      for (const v1::ImportResult& result : response->results()) {
        created_ += result.status() == v1::IMPORT_STATUS_CREATED ? 1 : 0;
      }
    } else {
      failure_ = response.status();
    }
    changed_.notify_one();
  }
  // How many records were created.
  absl::StatusOr<uint64_t> Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return under_way_ == 0; });
    if (!failure_.ok()) return failure_;
    return created_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int under_way_ = 0;
  uint64_t created_ = 0;
  absl::Status failure_;
};

}  // namespace

Messages MakeMessages(uint64_t records) {
  Messages messages;
  for (uint64_t i = 0; i < records; ++i) {
    if (i % kItems == 0) messages.emplace_back();
    v1::ImportItem* item = messages.back().add_items();
    item->set_item_id(static_cast<int64_t>(i));
    SetReport(i, item->mutable_record());
  }
  return messages;
}

absl::StatusOr<std::unique_ptr<Engine>> Engine::Open(const std::string& dir,
                                                     const config::v1::Bootstrap& bootstrap,
                                                     leveldb::Env* env) {
  auto engine = std::unique_ptr<Engine>(new Engine());
  store::LevelDbOptions options;
  options.dir = dir;
  options.env = env;
  auto opened = store::LevelDbStore::Open(options);
  if (!opened.ok()) return opened.status();
  engine->store_ = *std::move(opened);
  auto directory =
      membership::Directory::Open(*engine->store_, bootstrap, 0, ledger::EntryKeys::Make(engine->random_));
  if (!directory.ok()) return directory.status();
  engine->directory_ = *std::move(directory);
  engine->lane_ = std::make_unique<store::CommitLane>(*engine->store_);
  engine->keys_ = {.token_master = engine->random_.Bytes(32),
                   .page_token = engine->random_.Bytes(32),
                   .seller_hash = engine->random_.Bytes(32),
                   .etag = engine->random_.Bytes(32),
                   .contents = contents::ContentKeys::Make(
                       "", PuncturedTree::Make(contents::ContentKeys::kTreeBits, engine->random_),
                       engine->random_.Bytes(contents::ContentKeys::kPseudonymKeyBytes))};
  const auto run_now = [](uint32_t, const std::function<void()>& work) { work(); };
  auto exchange = exchange::Exchange::Open({}, engine->keys_, *engine->store_, *engine->directory_,
                                           *engine->lane_, engine->random_, run_now);
  if (!exchange.ok()) return exchange.status();
  engine->exchange_ = *std::move(exchange);
  return engine;
}

absl::StatusOr<exchange::CallContext> Engine::Context(const std::string& member,
                                                      const std::string& credential) const {
  membership::Moment now = directory_->Now();
  const identity::RegisteredCredential* registered = now.snapshot->Find(member, credential);
  if (registered == nullptr) return absl::InternalError(member + " " + credential + " is not registered");
  return exchange::CallContext{.caller = {.member_number = registered->member_number,
                                          .member = registered->member,
                                          .credential = registered->credential,
                                          .roles = registered->roles,
                                          .purpose = registered->purpose,
                                          .key_sha256 = registered->key_sha256,
                                          .certificate_not_before_s = registered->certificates_not_before_s},
                               .snapshot = std::move(now.snapshot),
                               .at = now.revision,
                               .now_ns = clock_.NowNs()};
}

absl::StatusOr<double> Engine::Import(const Messages& messages) {
  const auto context = Context("aurore", "contributor");
  if (!context.ok()) return context.status();
  Progress progress;
  const auto start = std::chrono::steady_clock::now();
  for (const v1::ImportRecordsRequest& message : messages) {
    progress.Begin();
    exchange_->Import(*context, message, [&](const absl::StatusOr<v1::ImportRecordsResponse>& response) {
      progress.End(response);
    });
  }
  const absl::StatusOr<uint64_t> created = progress.Wait();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (!created.ok()) return created.status();
  if (*created != Records(messages)) {
    return absl::InternalError("only " + std::to_string(*created) + " records were created");
  }
  return static_cast<double>(*created) / took.count();
}

}  // namespace coalition::bench

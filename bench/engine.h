// The exchange in this process: everything of a server but gRPC.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coalition/config/v1/bootstrap.pb.h"
#include "coalition/v1/exchange_service.pb.h"
#include "common/clock.h"
#include "common/random.h"
#include "server/exchange/exchange.h"
#include "server/membership/directory.h"
#include "server/store/commit_lane.h"
#include "server/store/leveldb_store.h"

namespace leveldb {
class Env;
}  // namespace leveldb

namespace coalition::bench {

using Messages = std::vector<v1::ImportRecordsRequest>;

// The first `records` reports, 250 to a message.
Messages MakeMessages(uint64_t records);

// Not thread-safe, but for the exchange that it holds.
class Engine {
 public:
  // Its store is in `dir`; `env` may be null, else it must outlive the engine.
  static absl::StatusOr<std::unique_ptr<Engine>> Open(const std::string& dir,
                                                      const config::v1::Bootstrap& bootstrap,
                                                      leveldb::Env* env);

  // Imports as members/aurore/credentials/contributor. Records a second, from the first message to the last
  // acknowledgement; an error unless each record was created.
  absl::StatusOr<double> Import(const Messages& messages);

  exchange::Exchange& exchange() { return *exchange_; }
  const store::Store& store() const { return *store_; }
  const exchange::ExchangeKeys& keys() const { return keys_; }
  // A call of a registered credential, now.
  absl::StatusOr<exchange::CallContext> Context(const std::string& member,
                                                const std::string& credential) const;

 private:
  Engine() = default;

  SystemClock clock_;
  SystemRandom random_;
  exchange::ExchangeKeys keys_;
  std::unique_ptr<store::LevelDbStore> store_;
  std::unique_ptr<membership::Directory> directory_;
  std::unique_ptr<store::CommitLane> lane_;
  std::unique_ptr<exchange::Exchange> exchange_;
};

}  // namespace coalition::bench

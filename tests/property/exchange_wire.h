// A server of its own, called over mutual TLS with each member's certificate.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "tests/property/exchange_stage.h"
#include "tests/support/exchange_world.h"
#include "tests/support/test_server.h"

namespace coalition::testing {

// The ACTIVE members of a World but for its member "watcher", and the policy PolicyOf(0). Two of these stages
// tell members the same, until they are called differently.
class WireStage final : public Stage {
 public:
  // Its time begins at `now_ns`, which must be about the machine's, as the certificates' does.
  explicit WireStage(int64_t now_ns);

  Answer Ask(const std::string& member, const google::protobuf::Message& request, uint64_t seed) override;
  void Tick() override { clock_.now_ns += 1'000'000'000; }
  size_t disclosed() const override { return log_->newest.load(); }

  TestServer& server() { return *server_; }

 private:
  class SteppedClock final : public Clock {
   public:
    int64_t NowNs() const override { return now_ns.load(); }
    std::atomic<int64_t> now_ns{0};
  };
  // How many records each disclosure has.
  class CountingLog final : public ledger::DisclosureLog {
   public:
    void Record(ledger::Disclosure disclosure, std::function<void(absl::Status)> recorded) override {
      newest.store(disclosure.records.size());
      recorded(absl::OkStatus());
    }
    std::atomic<size_t> newest{0};
  };

  std::shared_ptr<grpc::Channel> ChannelOf(const std::string& member, const std::string& credential);
  Answer AskUnary(const std::shared_ptr<grpc::Channel>& channel, const google::protobuf::Message& request);
  Answer AskImport(const std::shared_ptr<grpc::Channel>& channel, const v1::ImportRecordsRequest& request);

  SteppedClock clock_;
  SeededRandom random_;
  const std::shared_ptr<CountingLog> log_ = std::make_shared<CountingLog>();
  std::unique_ptr<TestServer> server_;
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_;  // by "member/credential"
};

}  // namespace coalition::testing

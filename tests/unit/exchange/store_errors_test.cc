// What callers are told when the store fails.
#include <gtest/gtest.h>

#include <atomic>

#include "common/errors.h"
#include "server/exchange/access.h"
#include "tests/support/exchange_world.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures

// Fails as it is told.
struct Fault {
  std::atomic<int> on_read{0};  // absl::StatusCode
  std::atomic<int> on_commit{0};
  std::atomic<int> on_scan{0};
};

absl::Status Told(const std::atomic<int>& code) {
  return absl::Status(static_cast<absl::StatusCode>(code.load()), "at /secret/path key r\1");
}

class FailingStore final : public ForwardingStore {
 public:
  FailingStore(store::Store& base, Fault& fault) : ForwardingStore(base), fault_(fault) {}
  std::vector<absl::StatusOr<store::Revision>> CommitAll(std::span<const store::Commit> commits) override {
    if (fault_.on_commit == 0) return ForwardingStore::CommitAll(commits);
    return std::vector<absl::StatusOr<store::Revision>>(commits.size(), Told(fault_.on_commit));
  }
  absl::StatusOr<std::vector<std::optional<store::Version>>> Read(std::span<const std::string> keys,
                                                                  store::Revision at) const override {
    if (fault_.on_read == 0) return ForwardingStore::Read(keys, at);
    return Told(fault_.on_read);
  }
  absl::StatusOr<store::Page<store::Entry>> Scan(std::string_view from, std::string_view to,
                                                 store::Revision at, store::Limit limit) const override {
    if (fault_.on_scan == 0) return ForwardingStore::Scan(from, to, at, limit);
    return Told(fault_.on_scan);
  }
  absl::Status ScanEach(std::string_view from, std::string_view to, store::Revision at,
                        const Visitor& visit) const override {
    if (fault_.on_scan == 0) return ForwardingStore::ScanEach(from, to, at, visit);
    return Told(fault_.on_scan);
  }

 private:
  Fault& fault_;
};

class StoreErrorsTest : public ::testing::Test {
 protected:
  StoreErrorsTest() : world_(Options(&fault_)) {
    name_ = world_.Created("aurore", Report("a.example", "1")).name();
  }

  static WorldOptions Options(Fault* fault) {
    WorldOptions options;
    options.wrap_store = [fault](store::Store& base) { return std::make_unique<FailingStore>(base, *fault); };
    return options;
  }

  absl::Status Create(const std::string& external_id = "") {
    v1::Record report = Report("a.example", "2");
    report.set_external_id(external_id);
    return world_.Create(world_.As("aurore"), CreateRequest(report)).status();
  }

  static void ExpectReason(const absl::Status& status, v1::ErrorReason reason) {
    EXPECT_EQ(GetErrorReason(status), reason) << status;
    EXPECT_EQ(status.code(), CodeOf(reason));
    EXPECT_EQ(status.ToString().find("secret"), std::string::npos) << "no path and no key leaves";
  }

  Fault fault_;
  World world_;
  std::string name_;
};

TEST_F(StoreErrorsTest, CommitsThatFail) {
  fault_.on_commit = static_cast<int>(absl::StatusCode::kUnavailable);
  ExpectReason(Create(), v1::ERROR_REASON_STORE_UNAVAILABLE);
  fault_.on_commit = static_cast<int>(absl::StatusCode::kUnknown);
  ExpectReason(Create(), v1::ERROR_REASON_WRITE_UNDETERMINED);
  v1::ImportRecordsRequest import;
  *import.add_items()->mutable_record() = Report("a.example", "2");
  ExpectReason(world_.Import(world_.As("aurore"), import).status(), v1::ERROR_REASON_WRITE_UNDETERMINED);
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(name_);
  ExpectReason(world_.Withdraw(world_.As("aurore"), withdraw).status(), v1::ERROR_REASON_WRITE_UNDETERMINED);
  fault_.on_commit = static_cast<int>(absl::StatusCode::kResourceExhausted);
  ExpectReason(Create(), v1::ERROR_REASON_STORE_UNAVAILABLE);
  fault_.on_commit = 0;
  EXPECT_TRUE(Create().ok());
  // A seller that was in the filter before its commit failed is found once it is there.
  EXPECT_EQ(world_.ScreenOne("aurore", "a.example", "2").verdict(), v1::VERDICT_LISTED);
  world_.Restart();
  EXPECT_EQ(world_.ScreenOne("aurore", "a.example", "2").verdict(), v1::VERDICT_LISTED);
}

TEST_F(StoreErrorsTest, DamageIsRefusedNotServed) {
  fault_.on_read = static_cast<int>(absl::StatusCode::kDataLoss);
  ExpectReason(world_.Get(world_.As("aurore"), name_).status(), v1::ERROR_REASON_CORRUPT);
  ExpectReason(Create("x"), v1::ERROR_REASON_CORRUPT);
  fault_.on_read = 0;
  fault_.on_scan = static_cast<int>(absl::StatusCode::kDataLoss);
  v1::ScreenSellersRequest screen;
  screen.add_sellers()->set_platform("a.example");
  screen.mutable_sellers(0)->set_seller_id("1");
  ExpectReason(world_.Screen(world_.As("aurore"), screen).status(), v1::ERROR_REASON_CORRUPT);
  ExpectReason(world_.List(world_.As("aurore"), {}).status(), v1::ERROR_REASON_CORRUPT);
  ExpectReason(world_.Profile(world_.As("aurore"), "a.example", "1").status(), v1::ERROR_REASON_CORRUPT);
  ExpectReason(world_.Get(world_.As("aurore"), name_).status(), v1::ERROR_REASON_CORRUPT);
}

TEST_F(StoreErrorsTest, WhatHasAReasonPasses) {
  EXPECT_EQ(FromStore(NotFound()), NotFound());
  EXPECT_TRUE(FromStore(absl::OkStatus()).ok());
  ExpectReason(FromStore(absl::OutOfRangeError("secret")), v1::ERROR_REASON_INTERNAL);
}

}  // namespace
}  // namespace coalition::exchange

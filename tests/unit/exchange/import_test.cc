#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/errors.h"
#include "tests/support/exchange_world.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

void Add(v1::ImportRecordsRequest* request, const v1::Record& record, const std::string& external_id) {
  v1::ImportItem* item = request->add_items();
  item->set_item_id(100 + request->items_size());
  *item->mutable_record() = record;
  item->mutable_record()->set_external_id(external_id);
}

std::vector<v1::ImportStatus> Statuses(const v1::ImportRecordsResponse& response) {
  std::vector<v1::ImportStatus> statuses;
  for (const auto& result : response.results()) statuses.push_back(result.status());
  return statuses;
}

constexpr auto kCreated = v1::IMPORT_STATUS_CREATED;
constexpr auto kUnchanged = v1::IMPORT_STATUS_UNCHANGED;
constexpr auto kRejected = v1::IMPORT_STATUS_REJECTED;
constexpr auto kValid = v1::IMPORT_STATUS_VALID;

// A good one, a bad one, a repetition, one with a used id, and one of someone else's platform.
v1::ImportRecordsRequest MixedRequest() {
  v1::ImportRecordsRequest request;
  Add(&request, Report("bazaar.example", "shop-1"), "a");
  Add(&request, Report("no host", "shop-1"), "b");
  Add(&request, Report("bazaar.example", "shop-1"), "a");
  Add(&request, Report("bazaar.example", "shop-2"), "a");
  Add(&request, Outcome("bazaar.example", "shop-1"), "c");
  Add(&request, Report("bazaar.example", "shop-1"), "");
  return request;
}

TEST(ImportTest, ItemsStandAlone) {
  World world;
  const auto response = world.Import(world.As("aurore"), MixedRequest());
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(Statuses(*response),
              ElementsAre(kCreated, kRejected, kUnchanged, kRejected, kRejected, kCreated));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(response->results(i).item_id(), 101 + i);
  EXPECT_EQ(response->results(2).name(), response->results(0).name());
  const v1::ImportError& field = response->results(1).error();
  EXPECT_EQ(field.code(), 3);
  EXPECT_EQ(field.reason(), "INVALID_FIELD");
  EXPECT_EQ(field.field(), "record.seller.platform");
  EXPECT_NE(field.message(), "");
  EXPECT_EQ(response->results(3).error().reason(), "EXTERNAL_ID_TAKEN");
  EXPECT_EQ(response->results(3).name(), "");
  EXPECT_EQ(response->results(4).error().reason(), "PLATFORM_NOT_HELD");
  EXPECT_THAT(world.ListAll(world.As("aurore"), {}),
              ElementsAre(response->results(5).name(), response->results(0).name()));
}

TEST(ImportTest, ASecondRunChangesNothingAlsoAfterARestart) {
  World world;
  v1::ImportRecordsRequest request;
  for (int i = 0; i < 250; ++i) {
    v1::Record report = Report("bazaar.example", "shop-" + std::to_string(i % 100));
    GrantEveryone(report);
    Add(&request, report, "row-" + std::to_string(i));
  }
  const auto first = world.Import(world.As("aurore"), request);
  ASSERT_TRUE(first.ok());
  EXPECT_THAT(Statuses(*first), ::testing::Each(kCreated));
  world.Restart();
  const store::Revision head = world.store().Head();
  const auto second = world.Import(world.As("aurore"), request);
  ASSERT_TRUE(second.ok());
  EXPECT_THAT(Statuses(*second), ::testing::Each(kUnchanged));
  for (int i = 0; i < 250; ++i) EXPECT_EQ(second->results(i).name(), first->results(i).name());
  EXPECT_EQ(world.store().Head(), head);
  EXPECT_THAT(world.ListAll(world.As("souk"), {}), SizeIs(250));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(world.ScreenOne("souk", "bazaar.example", "shop-" + std::to_string(i)).verdict(),
              v1::VERDICT_LISTED);
  }
}

TEST(ImportTest, ReadsItsOwnWrites) {
  World world;
  v1::ImportRecordsRequest request;
  Add(&request, Report("bazaar.example", "shop-1"), "a");
  const std::string name = world.Import(world.As("aurore"), request)->results(0).name();
  EXPECT_EQ(world.Get(world.As("aurore"), name)->external_id(), "a");
}

TEST(ImportTest, ValidateOnlySaysWhatWouldHappenAndWritesNothing) {
  World world;
  v1::ImportRecordsRequest before;
  Add(&before, Report("bazaar.example", "shop-9"), "z");
  ASSERT_TRUE(world.Import(world.As("aurore"), before).ok());
  const store::Revision head = world.store().Head();
  v1::ImportRecordsRequest request = MixedRequest();
  Add(&request, Report("bazaar.example", "shop-9"), "z");
  request.set_validate_only(true);
  const auto response = world.Import(world.As("aurore"), request);
  ASSERT_TRUE(response.ok());
  EXPECT_THAT(Statuses(*response),
              ElementsAre(kValid, kRejected, kUnchanged, kRejected, kRejected, kValid, kUnchanged));
  EXPECT_EQ(response->results(0).name(), "");
  EXPECT_EQ(world.store().Head(), head);
}

TEST(ImportTest, WithdrawnIdsAreRejected) {
  World world;
  v1::ImportRecordsRequest request;
  Add(&request, Report("bazaar.example", "shop-1"), "a");
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(world.Import(world.As("aurore"), request)->results(0).name());
  ASSERT_TRUE(world.Withdraw(world.As("aurore"), withdraw).ok());
  const auto again = world.Import(world.As("aurore"), request);
  EXPECT_EQ(again->results(0).error().reason(), "EXTERNAL_ID_TAKEN");
}

TEST(ImportTest, WhatHasExpiredIsNotUnchanged) {
  World world;
  v1::ImportRecordsRequest request;
  v1::Record* record = request.add_items()->mutable_record();
  *record = Report("bazaar.example", "shop-1");
  record->set_external_id("case-1");
  record->mutable_expire_time()->set_seconds(world.clock.NowS() + 60);
  ASSERT_EQ(world.Import(world.As("aurore"), request)->results(0).status(), v1::IMPORT_STATUS_CREATED);
  // The same again, with the default life: other contents. And as it was: not in the future.
  world.clock.now_ns += 3'600'000'000'000;
  EXPECT_EQ(world.Import(world.As("aurore"), request)->results(0).status(), v1::IMPORT_STATUS_REJECTED);

  record->clear_expire_time();
  record->set_external_id("case-2");
  ASSERT_EQ(world.Import(world.As("aurore"), request)->results(0).status(), v1::IMPORT_STATUS_CREATED);
  EXPECT_EQ(world.Import(world.As("aurore"), request)->results(0).status(), v1::IMPORT_STATUS_UNCHANGED);
  world.clock.now_ns += int64_t{3'600'000'000'000} * 24 * 365 * 6;  // the default is five years
  for (const bool validate_only : {true, false}) {
    request.set_validate_only(validate_only);
    const auto again = world.Import(world.As("aurore"), request);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->results(0).status(), v1::IMPORT_STATUS_REJECTED);
    EXPECT_EQ(again->results(0).error().reason(), "EXTERNAL_ID_TAKEN");
    EXPECT_EQ(again->results(0).name(), "");
  }
}

TEST(ImportTest, ReferencesAreResolvedPerItem) {
  World world;
  const std::string hidden = world.Created("belmont", Report("bazaar.example", "shop-1")).name();
  v1::Record report = Report("bazaar.example", "shop-1");
  GrantMember(report, "bazaar");
  const std::string seen = world.Created("aurore", report).name();
  v1::ImportRecordsRequest request;
  for (const std::string& target : {hidden, std::string("records/aaaaaaaaaaaaaaaaaaaaaaaaaa"), seen}) {
    v1::Record outcome = Outcome("bazaar.example", "shop-1");
    outcome.mutable_takedown_outcome()->set_report(target);
    Add(&request, outcome, "o-" + target.substr(8, 5));
  }
  const auto response = world.Import(world.As("bazaar"), request);
  ASSERT_TRUE(response.ok());
  EXPECT_THAT(Statuses(*response), ElementsAre(kRejected, kRejected, kCreated));
  EXPECT_EQ(response->results(0).error().SerializeAsString(),
            response->results(1).error().SerializeAsString());
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(seen);
  ASSERT_TRUE(world.Withdraw(world.As("aurore"), withdraw).ok());
  const auto again = world.Import(world.As("bazaar"), request);
  EXPECT_THAT(Statuses(*again), ElementsAre(kRejected, kRejected, kUnchanged));
  EXPECT_EQ(again->results(2).name(), response->results(2).name());
}

TEST(ImportTest, TheWholeMessageIsRefusedForItsSize) {
  World world;
  v1::ImportRecordsRequest request;
  EXPECT_THAT(world.Import(world.As("aurore"), request)->results(), IsEmpty());
  for (int i = 0; i < 251; ++i) Add(&request, Report("bazaar.example", "shop-1"), "");
  const absl::Status refused = world.Import(world.As("aurore"), request).status();
  EXPECT_EQ(GetErrorReason(refused), v1::ERROR_REASON_LIMIT_EXCEEDED);
  EXPECT_EQ(GetErrorReason(world.Import(world.As("aurore", {v1::ROLE_READER}), request).status()),
            v1::ERROR_REASON_ROLE_MISSING);
}

}  // namespace
}  // namespace coalition::exchange

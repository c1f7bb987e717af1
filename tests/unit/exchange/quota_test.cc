// What one member can pile up, and what one answer can hold.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/errors.h"
#include "tests/support/exchange_world.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures

constexpr int kMax = 3;

WorldOptions Small() {
  WorldOptions options;
  options.exchange.records_per_seller_max = kMax;
  options.exchange.outcomes_per_seller_max = kMax + 1;
  return options;
}

void Add(v1::ImportRecordsRequest* request, const v1::Record& record, const std::string& external_id) {
  v1::ImportItem* item = request->add_items();
  *item->mutable_record() = record;
  item->mutable_record()->set_external_id(external_id);
}

int Count(const v1::ImportRecordsResponse& response, v1::ImportStatus status) {
  int count = 0;
  for (const auto& result : response.results()) count += result.status() == status ? 1 : 0;
  return count;
}

TEST(QuotaTest, NobodyPilesRecordsUpOnASeller) {
  World world(Small());
  v1::CreateRecordRequest request;
  *request.mutable_record() = Report("bazaar.example", "shop-1");
  std::string name;
  for (int i = 0; i < kMax; ++i) name = world.Created("aurore", request.record()).name();
  const auto refused = world.Create(world.As("aurore"), request);
  EXPECT_EQ(GetErrorReason(refused.status()), v1::ERROR_REASON_LIMIT_EXCEEDED) << refused.status();
  // Each member and each seller has a bound of its own.
  EXPECT_TRUE(world.Create(world.As("belmont"), request).ok());
  request.mutable_record()->mutable_seller()->set_seller_id("shop-2");
  EXPECT_TRUE(world.Create(world.As("aurore"), request).ok());
  // What was taken back makes room.
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(name);
  ASSERT_TRUE(world.Withdraw(world.As("aurore"), withdraw).ok());
  request.mutable_record()->mutable_seller()->set_seller_id("shop-1");
  EXPECT_TRUE(world.Create(world.As("aurore"), request).ok());
}

TEST(QuotaTest, ImportsRefuseWhatIsTooMuchAndKnowWhatTheyHave) {
  World world(Small());
  v1::ImportRecordsRequest request;
  for (int i = 0; i < kMax + 2; ++i) {
    Add(&request, Report("bazaar.example", "shop-1"), "r" + std::to_string(i));
    Add(&request, Report("bazaar.example", "shop-1"), "r" + std::to_string(i));
  }
  const auto first = world.Import(world.As("aurore"), request);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(Count(*first, v1::IMPORT_STATUS_CREATED), kMax);
  EXPECT_EQ(Count(*first, v1::IMPORT_STATUS_UNCHANGED), kMax);
  EXPECT_EQ(Count(*first, v1::IMPORT_STATUS_REJECTED), 4);
  EXPECT_EQ(first->results(2 * kMax).error().reason(), "LIMIT_EXCEEDED");
  const auto second = world.Import(world.As("aurore"), request);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(Count(*second, v1::IMPORT_STATUS_CREATED), 0);
  EXPECT_EQ(Count(*second, v1::IMPORT_STATUS_UNCHANGED), 2 * kMax) << "a second run changes nothing";
}

TEST(QuotaTest, OutcomesHaveABoundOfTheirOwnAndPlatformsHaveNone) {
  World world(Small());
  v1::ImportRecordsRequest request;
  for (int i = 0; i < kMax + 3; ++i) {
    Add(&request, Outcome("bazaar.example", "shop-1"), "s" + std::to_string(i));
    Add(&request, Outcome("bazaar.example", ""), "p" + std::to_string(i));
  }
  const auto imported = world.Import(world.As("bazaar"), request);
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(Count(*imported, v1::IMPORT_STATUS_CREATED), kMax + 1 + kMax + 3);
}

TEST(QuotaTest, RefusedItemsLeaveNoTraceInTheFilter) {
  World world;
  v1::ImportRecordsRequest request;
  Add(&request, Report("bazaar.example", "shop-0"), "same");
  ASSERT_TRUE(world.Import(world.As("aurore"), request).ok());
  const uint64_t sellers = world.exchange().stats().sellers;
  request.clear_items();
  for (int i = 1; i < 100; ++i) Add(&request, Report("bazaar.example", "shop-" + std::to_string(i)), "same");
  const auto imported = world.Import(world.As("aurore"), request);
  ASSERT_TRUE(imported.ok());
  EXPECT_EQ(Count(*imported, v1::IMPORT_STATUS_REJECTED), 99);
  EXPECT_EQ(world.exchange().stats().sellers, sellers);
}

TEST(QuotaTest, APageEndsAtAMegabyteAndTheNextGoesOn) {
  World world;
  v1::Record record = Report("bazaar.example", "shop");
  record.mutable_offender_report()->set_comment(std::string(4'000, 'c'));
  constexpr int kRecords = 400;
  for (int i = 0; i < kRecords; ++i) {
    record.mutable_seller()->set_seller_id("shop-" + std::to_string(i));
    world.Created("aurore", record);
  }
  v1::ListRecordsRequest list;
  list.set_page_size(1000);
  const auto page = world.List(world.As("aurore"), list);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_LE(page->ByteSizeLong(), (size_t{1} << 20) + 4096) << "the records, their framing and the token";
  EXPECT_GT(page->records_size(), 200);
  EXPECT_FALSE(page->next_page_token().empty());
  EXPECT_EQ(world.ListAll(world.As("aurore"), list).size(), static_cast<size_t>(kRecords));
}

}  // namespace
}  // namespace coalition::exchange

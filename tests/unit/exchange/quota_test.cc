// What one member can pile up, and what one answer can hold.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "common/errors.h"
#include "server/exchange/keys.h"
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

// Live rows at the newest revision.
int Rows(World& world, const std::string& prefix) {
  int rows = 0;
  const auto scanned = world.store().ScanEach(prefix, PrefixEnd(prefix), world.store().Head(),
                                              [&rows](std::string_view, std::string_view, store::Revision) {
                                                ++rows;
                                                return true;
                                              });
  EXPECT_TRUE(scanned.ok()) << scanned;
  return rows;
}

int SellerRows(World& world, const std::string& seller_id = "shop-1") {
  return Rows(
      world, SellerPrefix("bazaar.example", world.keys().contents->SellerToken("bazaar.example", seller_id)));
}

// The rows of everything that aurore's records are found by: by seller, as its own, as granted to belmont.
std::vector<int> AllRows(World& world) {
  const auto number = [&world](const char* member) { return world.As(member).caller.member_number; };
  return {SellerRows(world), Rows(world, OwnerPrefix(number("aurore"))),
          Rows(world, AudiencePrefix(policy::SubjectKind::kMember, number("belmont")))};
}

constexpr int kLifeS = 60;

void Outlive(World& world) { world.clock.now_ns += int64_t{kLifeS + 1} * 1'000'000'000; }

v1::Record ShortLived(const World& world, const std::string& seller_id = "shop-1") {
  v1::Record record = Report("bazaar.example", seller_id);
  record.mutable_expire_time()->set_seconds(world.clock.NowS() + kLifeS);
  return record;
}

v1::ErrorReason ReasonOfCreating(World& world, const v1::Record& record) {
  return GetErrorReason(world.Create(world.As("aurore"), CreateRequest(record)).status());
}

TEST(QuotaTest, WithdrawnRecordsLeaveNoRows) {
  World world(Small());
  v1::Record record = Report("bazaar.example", "shop-1");
  GrantMember(record, "belmont");
  for (int i = 0; i < 4 * kMax; ++i) {
    record.set_external_id("case-" + std::to_string(i));
    v1::WithdrawRecordRequest withdraw;
    withdraw.set_name(world.Created("aurore", record).name());
    ASSERT_TRUE(world.Withdraw(world.As("aurore"), withdraw).ok());
    EXPECT_EQ(ReasonOfCreating(world, record), v1::ERROR_REASON_EXTERNAL_ID_TAKEN);
  }
  EXPECT_EQ(AllRows(world), (std::vector<int>{0, 0, 0}));
}

TEST(QuotaTest, ARecordRemovesTheExpiredOnesBeforeIt) {
  World world(Small());
  std::string name;
  for (int i = 0; i < 4 * kMax; ++i) {
    v1::Record record = ShortLived(world);
    GrantMember(record, "belmont");
    record.set_external_id("case-" + std::to_string(i));
    v1::CreateRecordRequest request =
        CreateRequest(record, "7c9e6679-7425-40de-944b-" + std::to_string(100'000'000'000 + i));
    const auto created = world.Create(world.As("aurore"), request);
    ASSERT_TRUE(created.ok()) << created.status();
    EXPECT_EQ(AllRows(world), (std::vector<int>{1, 1, 1}));
    if (i > 0) {
      EXPECT_EQ(world.Get(world.As("aurore"), name).status(), NotFound());
    }
    name = created->record().name();
    Outlive(world);
    // With another life, since the old one is over.
    record.clear_expire_time();
    EXPECT_EQ(ReasonOfCreating(world, record), v1::ERROR_REASON_EXTERNAL_ID_TAKEN);
    EXPECT_EQ(world.Create(world.As("aurore"), request).status(), NotFound());
  }
}

TEST(QuotaTest, AnImportRemovesTheExpiredOnesBeforeItOnce) {
  World world(Small());
  v1::ImportRecordsRequest before;
  for (int round = 0; round < 4; ++round) {
    v1::ImportRecordsRequest request;
    for (int i = 0; i < kMax; ++i) {
      const std::string suffix = std::to_string(round) + "-" + std::to_string(i);
      v1::Record record = ShortLived(world);
      GrantMember(record, "belmont");
      Add(&request, record, "a" + suffix);
      Add(&request, ShortLived(world, "shop-2"), "b" + suffix);
    }
    const auto imported = world.Import(world.As("aurore"), request);
    ASSERT_TRUE(imported.ok()) << imported.status();
    EXPECT_EQ(Count(*imported, v1::IMPORT_STATUS_CREATED), 2 * kMax);
    EXPECT_EQ(AllRows(world), (std::vector<int>{kMax, 2 * kMax, kMax}));
    EXPECT_EQ(SellerRows(world, "shop-2"), kMax);
    for (v1::ImportItem& item : *before.mutable_items()) item.mutable_record()->clear_expire_time();
    const store::Revision head = world.store().Head();
    const auto again = world.Import(world.As("aurore"), before);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(Count(*again, v1::IMPORT_STATUS_REJECTED), before.items_size()) << "their ids stay reserved";
    EXPECT_EQ(world.store().Head(), head);
    before = request;
    Outlive(world);
  }
}

TEST(QuotaTest, ExpiredRecordsOfOthersStay) {
  World world(Small());
  world.Created("belmont", ShortLived(world));
  world.Created("aurore", ShortLived(world));
  world.Created("aurore", ShortLived(world, "shop-2"));
  Outlive(world);
  world.Created("aurore", ShortLived(world));
  EXPECT_EQ(SellerRows(world), 2) << "belmont's, and the new one";
  EXPECT_EQ(SellerRows(world, "shop-2"), 1) << "nothing was added about that seller";
}

TEST(QuotaTest, AnOpinionOutlivesTheRecordThatWasRemoved) {
  World world(Small());
  v1::Record record = ShortLived(world);
  GrantMember(record, "belmont");
  v1::Record opinion = Opinion(world.Created("aurore", record).name(), v1::OPINION_VERDICT_CONFIRMED);
  GrantMember(opinion, "aurore");
  const std::string name = world.Created("belmont", opinion).name();
  Outlive(world);
  const auto expired = world.Get(world.As("belmont"), name);
  ASSERT_TRUE(expired.ok()) << expired.status();
  world.Created("aurore", Report("bazaar.example", "shop-1"));
  EXPECT_EQ(SellerRows(world), 2);
  const auto removed = world.Get(world.As("belmont"), name);
  ASSERT_TRUE(removed.ok()) << removed.status();
  EXPECT_EQ(removed->SerializeAsString(), expired->SerializeAsString());
  EXPECT_EQ(world.Get(world.As("aurore"), name).status(), NotFound());
}

// Runs something once, after the next scan.
class ScanHookStore final : public ForwardingStore {
 public:
  ScanHookStore(store::Store& base, std::function<void()>& hook) : ForwardingStore(base), hook_(hook) {}
  absl::Status ScanEach(std::string_view from, std::string_view to, store::Revision at,
                        const Visitor& visit) const override {
    absl::Status scanned = ForwardingStore::ScanEach(from, to, at, visit);
    if (hook_) std::exchange(hook_, nullptr)();
    return scanned;
  }

 private:
  std::function<void()>& hook_;
};

class QuotaRaceTest : public ::testing::Test {
 protected:
  static WorldOptions Hooked(std::function<void()>* hook) {
    WorldOptions options = Small();
    options.wrap_store = [hook](store::Store& base) { return std::make_unique<ScanHookStore>(base, *hook); };
    return options;
  }

  std::function<void()> after_scan_;
  World world_{Hooked(&after_scan_)};
};

TEST_F(QuotaRaceTest, ARevisionThatWasJudgedInTimeIsKept) {
  v1::ReviseRecordRequest revise;
  const std::string name = world_.Created("aurore", ShortLived(world_)).name();
  revise.mutable_record()->set_name(name);
  revise.mutable_update_mask()->add_paths("expire_time");
  revise.mutable_update_mask()->add_paths("audience");
  revise.mutable_record()->mutable_expire_time()->set_seconds(world_.clock.NowS() + 100 * kLifeS);
  GrantMember(*revise.mutable_record(), "belmont");
  const CallContext in_time = world_.As("aurore");
  Outlive(world_);
  after_scan_ = [&] {
    const auto revised = world_.Revise(in_time, revise);
    EXPECT_TRUE(revised.ok()) << revised.status();
  };
  world_.Created("aurore", Report("bazaar.example", "shop-1"));
  EXPECT_FALSE(after_scan_);
  EXPECT_TRUE(world_.Get(world_.As("aurore"), name).ok());
  EXPECT_EQ(world_.ListAll(world_.As("belmont"), {}), std::vector<std::string>{name});
  EXPECT_EQ(AllRows(world_), (std::vector<int>{2, 2, 1}));
}

TEST_F(QuotaRaceTest, TwoMayRemoveTheSame) {
  world_.Created("aurore", ShortLived(world_));
  Outlive(world_);
  after_scan_ = [&] { world_.Created("aurore", ShortLived(world_)); };
  world_.Created("aurore", ShortLived(world_));
  EXPECT_FALSE(after_scan_);
  EXPECT_EQ(SellerRows(world_), 2);
}

TEST(QuotaTest, WhatOneImportRemovesIsBounded) {
  constexpr int kRecordsPerSeller = 24;
  WorldOptions options;
  options.exchange.records_per_seller_max = kRecordsPerSeller;
  World world(std::move(options));
  const int sellers = ExchangeOptions().items_per_import_message_max;
  const auto import = [&](int round) {
    v1::ImportRecordsRequest request;
    for (int i = 0; i < sellers; ++i) {
      const std::string suffix = std::to_string(i);
      Add(&request, ShortLived(world, "shop-" + suffix), "a" + std::to_string(round) + "-" + suffix);
    }
    auto imported = world.Import(world.As("aurore"), request);
    EXPECT_TRUE(imported.ok()) << imported.status();
    return *imported;
  };
  for (int round = 0; round < kRecordsPerSeller; ++round)
    ASSERT_EQ(Count(import(round), v1::IMPORT_STATUS_CREATED), sellers);
  Outlive(world);
  const std::string own = OwnerPrefix(world.As("aurore").caller.member_number);
  const int before = Rows(world, own);
  const auto first = import(100);
  const int created = Count(first, v1::IMPORT_STATUS_CREATED);
  EXPECT_GT(created, 0);
  EXPECT_LT(created, sellers) << "what was not removed counts as held";
  EXPECT_EQ(first.results(sellers - 1).error().reason(), "LIMIT_EXCEEDED");
  EXPECT_EQ(Rows(world, own), before - created * kRecordsPerSeller + created);
  EXPECT_EQ(Count(import(100), v1::IMPORT_STATUS_UNCHANGED), created);
  int unchanged = 0;
  for (int i = 0; i < 4 && unchanged < sellers; ++i)
    unchanged = Count(import(100), v1::IMPORT_STATUS_UNCHANGED);
  EXPECT_EQ(unchanged, sellers) << "the next ones go on";
  EXPECT_EQ(Rows(world, own), sellers);
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

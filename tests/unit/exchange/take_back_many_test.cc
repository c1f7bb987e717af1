// Withdrawing and clearing many at once: what each record is answered, and that it is done as for one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/errors.h"
#include "tests/unit/exchange/departure_support.h"
#include "tests/unit/exchange/expiry_support.h"
#include "tests/unit/exchange/take_back_support.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class TakeBackManyTest : public ::testing::Test {
 protected:
  std::string Made(const char* member = "aurore", const std::string& seller = "shop-1") {
    v1::Record report = Report("bazaar.example", seller);
    GrantMember(report, "belmont");
    return world_.Created(member, report).name();
  }
  bool IsThere(const std::string& name, const char* member = "aurore") {
    return world_.Get(world_.As(member), name).ok();
  }
  void WithdrawOne(const std::string& name) {
    v1::WithdrawRecordRequest request;
    request.set_name(name);
    ASSERT_TRUE(world_.Withdraw(world_.As("aurore"), request).ok());
  }

  World world_;
};

TEST_F(TakeBackManyTest, EachStandsAloneAndIsAnsweredInItsPlace) {
  const std::string first = Made(), second = Made(), before = Made(), others = Made("belmont");
  WithdrawOne(before);
  const TakeBackResults results =
      Withdrawn(world_, "aurore", {first, "records/x", others, first, before, kNobodys, second, ""});
  EXPECT_THAT(StatusesOf(results),
              ElementsAre(kDone, kRejected, kRejected, kRejected, kDoneBefore, kRejected, kDone, kRejected));
  EXPECT_EQ(results[1].error().code(), 3);
  EXPECT_EQ(results[1].error().reason(), "INVALID_FIELD");
  EXPECT_EQ(results[1].error().field(), "names[1]");
  EXPECT_EQ(results[3].error().reason(), "INVALID_FIELD");
  EXPECT_EQ(results[3].error().field(), "names[3]");
  EXPECT_EQ(results[3].error().message(), "is named twice, by names[0] first");
  EXPECT_EQ(results[5].error().code(), 5);
  EXPECT_EQ(results[5].error().reason(), "NOT_FOUND");
  EXPECT_EQ(results[7].error().field(), "names[7]");
  world_.Restart();
  for (const std::string& name : {first, second}) {
    EXPECT_FALSE(IsThere(name) || IsThere(name, "belmont"));
    EXPECT_EQ(TakenBackOf(world_, name)->kind(), v1::RETRACTION_KIND_GONE);
  }
  EXPECT_TRUE(IsThere(others, "belmont"));
}

TEST_F(TakeBackManyTest, HiddenForeignAndAbsentAreAnsweredAlike) {
  const std::string seen = Made(), taken_back = Made(), cleared = Made(), opinion_of = Made();
  const std::string opinion =
      world_.Created("belmont", Opinion(opinion_of, v1::OPINION_VERDICT_CONFIRMED)).name();
  const std::string short_lived = world_.Created("aurore", ShortLived(world_, "shop-1")).name();
  WithdrawOne(taken_back);
  ClearIt(world_, "aurore", cleared);
  Pass(world_, 2 * kLifeS);
  const std::vector<std::string> names = {seen, taken_back, cleared, short_lived, kNobodys};
  for (const char* member : {"belmont", "corsa"}) {
    for (const TakeBackResults& results :
         {Withdrawn(world_, member, names), Cleared(world_, member, names)}) {
      ASSERT_THAT(StatusesOf(results), ElementsAre(kRejected, kRejected, kRejected, kRejected, kRejected));
      for (const v1::TakeBackResult& result : results)
        EXPECT_EQ(result.error().SerializeAsString(), results[4].error().SerializeAsString()) << member;
      EXPECT_EQ(results[4].error().message(), NotFound().message());
    }
  }
  // Whoever does not own an opinion learns nothing of what it is.
  EXPECT_EQ(Cleared(world_, "aurore", {opinion, kNobodys})[0].error().SerializeAsString(),
            Cleared(world_, "aurore", {kNobodys})[0].error().SerializeAsString());
  EXPECT_TRUE(IsThere(seen));
  EXPECT_TRUE(IsThere(opinion, "belmont"));
  EXPECT_FALSE(TakenBackOf(world_, seen).has_value());
}

// The same rows as when each is taken back by itself; clearances lie at the revision that made them.
TEST(TakeBackManySameTest, LeavesWhatSingleCallsLeave) {
  const auto rows = [](World& world) {
    std::vector<std::string> all;
    const auto scanned = world.store().ScanEach(
        "", "", world.store().Head(), [&](std::string_view key, std::string_view value, store::Revision) {
          if (key.starts_with("m/") || key.starts_with("h") || key.starts_with("l")) return true;
          // What seals is drawn anew each time.
          if (key == kContentsFormKey) return true;
          std::string in_clear(value);
          if (key.starts_with(kRecordsPrefix)) {
            const auto stored = ParseStoredRecord(value);
            const auto opened = world.keys().contents->Open(*IdOfRecordKey(key), stored->message);
            in_clear = std::string(value.substr(0, stored->header.size())) + opened.value_or("damaged");
          }
          if (key.starts_with(kClearancesPrefix)) key.remove_suffix(kPositionBytes);
          all.push_back(std::string(key) + " = " + in_clear);
          return true;
        });
    EXPECT_TRUE(scanned.ok()) << scanned;
    return all;
  };
  World together, singly;
  std::vector<std::string> names;
  for (World* world : {&together, &singly}) {
    world->random.Reseed(7);
    names = ManyReports(*world, 6);
    v1::Record opinion = Opinion(names[4], v1::OPINION_VERDICT_CONFIRMED);
    GrantMember(opinion, "belmont");
    names.push_back(world->Created("aurore", opinion).name());
    names.push_back(world->Created("aurore", Notice("bazaar.example", "shop-9")).name());
    Pass(*world, 5);
  }
  const std::vector<std::string> withdrawn = {names[0], names[1], names[6]};
  const std::vector<std::string> cleared = {names[2], names[3], names[7]};
  EXPECT_THAT(StatusesOf(Withdrawn(together, "aurore", withdrawn)), Each(kDone));
  EXPECT_THAT(StatusesOf(Cleared(together, "aurore", cleared)), Each(kDone));
  for (const std::string& name : withdrawn) {
    v1::WithdrawRecordRequest request;
    request.set_name(name);
    EXPECT_TRUE(singly.Withdraw(singly.As("aurore"), request).ok());
  }
  for (const std::string& name : cleared) ClearIt(singly, "aurore", name);
  EXPECT_EQ(rows(together), rows(singly));
  EXPECT_THAT(KeysOf(together, "t"), SizeIs(6));
  EXPECT_THAT(KeysOf(together, std::string(kClearancesPrefix)), SizeIs(2)) << "of reports alone";
}

TEST_F(TakeBackManyTest, ClearancesKeepWhatWasSaidOfThemAll) {
  const std::string first = Made(), second = Made();
  v1::BatchClearRecordsRequest request = ClearAll({first, second});
  request.set_grounds(v1::CLEARANCE_GROUNDS_GENUINE_GOODS);
  request.set_comment("bought both");
  ASSERT_TRUE(world_.BatchClear(world_.As("aurore"), request).ok());
  for (const std::string& name : {first, second}) {
    const auto kept = TakenBackOf(world_, name);
    ASSERT_TRUE(kept.has_value());
    EXPECT_EQ(kept->kind(), v1::RETRACTION_KIND_CLEARED);
    EXPECT_EQ(kept->grounds(), v1::CLEARANCE_GROUNDS_GENUINE_GOODS);
    EXPECT_EQ(world_.keys().contents->Open(IdOf(name), kept->sealed_comment()), "bought both");
    EXPECT_EQ(kept->cleared_by(), "members/aurore/credentials/backend");
    EXPECT_TRUE(policy::HeaderView::Parse(kept->header()).has_value());
  }
}

// In one commit, and no key is written twice.
TEST_F(TakeBackManyTest, TwoReportsAboutOneSellerAreClearedAtOnce) {
  const std::string first = Made(), second = Made();
  EXPECT_THAT(StatusesOf(Cleared(world_, "aurore", {first, second})), Each(kDone));
  EXPECT_THAT(KeysOf(world_, std::string(kClearancesPrefix)), SizeIs(2));
  v1::Record again = Report("bazaar.example", "shop-1");
  GrantMember(again, "belmont");
  const std::string name = world_.Created("aurore", again).name();
  for (const char* member : {"aurore", "belmont"}) {
    const auto shown = world_.Get(world_.As(member), name);
    ASSERT_TRUE(shown.ok());
    EXPECT_THAT(ClearedBefore(*shown), UnorderedElementsAre(first, second)) << member;
  }
}

TEST_F(TakeBackManyTest, ARepetitionFindsItDone) {
  const std::string withdrawn = Made(), cleared = Made(), expired = Made();
  v1::ReviseRecordRequest revise;
  revise.mutable_update_mask()->add_paths("expire_time");
  revise.mutable_record()->mutable_expire_time()->set_seconds(world_.clock.NowS() + kLifeS);
  revise.mutable_record()->set_name(expired);
  ASSERT_TRUE(world_.Revise(world_.As("aurore"), revise).ok());
  ASSERT_THAT(StatusesOf(Withdrawn(world_, "aurore", {withdrawn})), Each(kDone));
  ASSERT_THAT(StatusesOf(Cleared(world_, "aurore", {cleared})), Each(kDone));
  Pass(world_, 2 * kLifeS);
  const store::Revision head = world_.store().Head();
  const std::vector<std::string> names = {withdrawn, cleared, expired};
  EXPECT_THAT(StatusesOf(Withdrawn(world_, "aurore", names)), Each(kDoneBefore));
  const TakeBackResults results = Cleared(world_, "aurore", names);
  EXPECT_THAT(StatusesOf(results), ElementsAre(kRejected, kDoneBefore, kRejected));
  EXPECT_EQ(results[0].error().reason(), "NOT_FOUND") << "withdrawn, not cleared";
  EXPECT_EQ(results[2].error().SerializeAsString(), results[0].error().SerializeAsString());
  EXPECT_EQ(world_.store().Head(), head);
  EXPECT_EQ(TakenBackOf(world_, withdrawn)->kind(), v1::RETRACTION_KIND_GONE);
}

TEST(TakeBackSweptTest, WhatWasSweptAwayWasTakenBackToo) {
  Rounds rounds;
  World world;
  const std::string name = world.Created("aurore", ShortLived(world, "shop-1")).name();
  rounds.Resume(world);
  Pass(world, 2 * kLifeS);
  ASSERT_TRUE(rounds.Run());
  EXPECT_THAT(KeysOf(world, "r"), IsEmpty());
  EXPECT_THAT(StatusesOf(Withdrawn(world, "aurore", {name})), ElementsAre(kDoneBefore));
  EXPECT_THAT(StatusesOf(Cleared(world, "aurore", {name})), ElementsAre(kRejected));
  EXPECT_THAT(StatusesOf(Withdrawn(world, "belmont", {name})), ElementsAre(kRejected));
}

TEST_F(TakeBackManyTest, AnOpinionIsWithdrawnAndNotCleared) {
  const std::string report = Made();
  const std::string opinion = world_.Created("aurore", Opinion(report, v1::OPINION_VERDICT_CONFIRMED)).name();
  const TakeBackResults results = Cleared(world_, "aurore", {report, opinion});
  EXPECT_THAT(StatusesOf(results), ElementsAre(kDone, kRejected));
  EXPECT_EQ(results[1].error().reason(), "INVALID_FIELD");
  EXPECT_EQ(results[1].error().field(), "names[1]");
  EXPECT_EQ(results[1].error().message(), "is an opinion, which clears nobody: revise or withdraw it");
  EXPECT_TRUE(IsThere(opinion));
  EXPECT_THAT(StatusesOf(Withdrawn(world_, "aurore", {opinion})), ElementsAre(kDone));
  EXPECT_FALSE(IsThere(opinion));
}

TEST_F(TakeBackManyTest, TheExternalIdsStayTaken) {
  const std::vector<std::string> names = ManyReports(world_, 3);
  ASSERT_THAT(StatusesOf(Withdrawn(world_, "aurore", names)), Each(kDone));
  v1::Record again = Report("bazaar.example", "shop-0");
  again.set_external_id("case-0");
  EXPECT_EQ(GetErrorReason(world_.Create(world_.As("aurore"), CreateRequest(again)).status()),
            v1::ERROR_REASON_EXTERNAL_ID_TAKEN);
}

TEST_F(TakeBackManyTest, ValidateOnlyJudgesAndWritesNothing) {
  const std::string report = Made(), before = Made();
  const std::string opinion = world_.Created("aurore", Opinion(report, v1::OPINION_VERDICT_CONFIRMED)).name();
  WithdrawOne(before);
  const store::Revision head = world_.store().Head();
  v1::BatchWithdrawRecordsRequest withdraw = WithdrawAll({report, opinion, before, kNobodys, "x"});
  withdraw.set_validate_only(true);
  EXPECT_THAT(StatusesOf(ResultsOf(withdraw, world_.BatchWithdraw(world_.As("aurore"), withdraw))),
              ElementsAre(kValid, kValid, kDoneBefore, kRejected, kRejected));
  v1::BatchClearRecordsRequest clear = ClearAll({report, opinion, before});
  clear.set_validate_only(true);
  EXPECT_THAT(StatusesOf(ResultsOf(clear, world_.BatchClear(world_.As("aurore"), clear))),
              ElementsAre(kValid, kRejected, kRejected));
  EXPECT_EQ(world_.store().Head(), head);
  EXPECT_TRUE(IsThere(report) && IsThere(opinion));
}

TEST_F(TakeBackManyTest, NeedsAnActiveContributor) {
  const std::string name = Made();
  const auto reasons = [&](const CallContext& context) {
    const absl::Status withdrawn = world_.BatchWithdraw(context, WithdrawAll({name})).status();
    EXPECT_EQ(withdrawn, world_.BatchClear(context, ClearAll({name})).status());
    return GetErrorReason(withdrawn);
  };
  EXPECT_EQ(reasons(world_.As("aurore", {v1::ROLE_READER})), v1::ERROR_REASON_ROLE_MISSING);
  for (const char* member : {"limbo", "banned", "left", "newcomer"})
    EXPECT_EQ(reasons(world_.As(member)), v1::ERROR_REASON_MEMBER_NOT_ACTIVE) << member;
  EXPECT_TRUE(IsThere(name));
}

TEST_F(TakeBackManyTest, WhoIsSuspendedMeanwhileTakesNothingBack) {
  const std::string name = Made();
  const CallContext let_in = world_.As("aurore");
  SetStanding(world_, "aurore", v1::STANDING_SUSPENDED);
  const store::Revision head = world_.store().Head();
  EXPECT_EQ(GetErrorReason(world_.BatchWithdraw(let_in, WithdrawAll({name})).status()),
            v1::ERROR_REASON_MEMBER_NOT_ACTIVE);
  EXPECT_EQ(GetErrorReason(world_.BatchClear(let_in, ClearAll({name})).status()),
            v1::ERROR_REASON_MEMBER_NOT_ACTIVE);
  EXPECT_EQ(world_.store().Head(), head);
  EXPECT_TRUE(IsThere(name, "belmont"));
}

TEST_F(TakeBackManyTest, TheWholeCallIsRefusedForItsSizeAndForWhatItSays) {
  EXPECT_THAT(Withdrawn(world_, "aurore", {}), IsEmpty());
  EXPECT_THAT(Cleared(world_, "aurore", {}), IsEmpty());
  const std::string name = Made();
  const std::vector<std::string> many(251, name);
  for (const absl::Status& refused : {world_.BatchWithdraw(world_.As("aurore"), WithdrawAll(many)).status(),
                                      world_.BatchClear(world_.As("aurore"), ClearAll(many)).status()}) {
    EXPECT_EQ(GetErrorReason(refused), v1::ERROR_REASON_LIMIT_EXCEEDED);
    const auto info = GetErrorInfo(refused);
    ASSERT_TRUE(info.has_value());
    EXPECT_EQ(info->metadata().at("limit"), "records_per_batch");
    EXPECT_EQ(info->metadata().at("max"), "250");
  }
  v1::BatchClearRecordsRequest clear = ClearAll({name});
  for (const int grounds : {0, 99}) {
    clear.set_grounds(static_cast<v1::ClearanceGrounds>(grounds));
    EXPECT_EQ(FieldsAtFault(world_.BatchClear(world_.As("aurore"), clear).status()), "grounds") << grounds;
  }
  clear.set_comment(std::string(1'001, 'x'));
  EXPECT_EQ(FieldsAtFault(world_.BatchClear(world_.As("aurore"), clear).status()), "grounds, comment");
  EXPECT_TRUE(IsThere(name));
}

}  // namespace
}  // namespace coalition::exchange

// Whatever the exchange does, it leaves a store that is sound: what is verified is what it promises itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/ledger/keys.h"
#include "tests/support/administration_world.h"
#include "tests/unit/exchange/contest_support.h"
#include "tests/unit/exchange/departure_support.h"
#include "tests/unit/verify/verify_world.h"

namespace coalition::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

void ExpectSound(const VerifyWorld& world) {
  const auto report = world.Verify();
  ASSERT_TRUE(report.ok()) << report.status();
  for (const verify::Finding& finding : report->findings)
    ADD_FAILURE() << finding.key << ": " << finding.what;
}

v1::Record Shared(const std::string& seller_id, const std::string& external_id) {
  v1::Record report = Report("bazaar.example", seller_id);
  GrantKind(report, v1::MEMBER_KIND_MARKETPLACE, "notice");
  GrantMember(report, "belmont");
  report.set_external_id(external_id);
  return report;
}

void Revise(World& world, const std::string& member, v1::Record change, const std::string& path) {
  v1::ReviseRecordRequest request;
  *request.mutable_record() = std::move(change);
  request.mutable_update_mask()->add_paths(path);
  const auto revised = world.Revise(world.As(member), request);
  ASSERT_TRUE(revised.ok()) << revised.status();
}

TEST(VerifyStoryTest, RecordsThatAreRevisedContestedAndConfirmed) {
  const VerifyWorld world([](const Writers& writers) {
    World& exchange = writers.world;
    const v1::Record first = exchange.Created("aurore", Shared("shop-1", "a"));
    const v1::Record second = exchange.Created("aurore", Shared("shop-1", "b"));
    writers.show("bazaar", "aurore", first.name());
    exchange.Created("bazaar", DecidedOn(first.name()));
    exchange.Created("bazaar", DecidedOn(second.name()));
    const auto confirmed = exchange.Confirm(exchange.As("aurore"), ConfirmRequest(first.name()));
    ASSERT_TRUE(confirmed.ok()) << confirmed.status();
    const v1::Record opinion =
        exchange.Created("belmont", Opinion(first.name(), v1::OPINION_VERDICT_CONFIRMED));
    v1::Record change;
    change.set_name(opinion.name());
    change.mutable_opinion()->set_verdict(v1::OPINION_VERDICT_DISPUTED);
    Revise(exchange, "belmont", change, "opinion.verdict");
    for (const v1::Record& record : {first, second}) {
      change.Clear();
      change.set_name(record.name());
      GrantGroup(change, "club");
      Revise(exchange, "aurore", change, "audience");
      change.mutable_expire_time()->set_seconds(exchange.clock.NowS() + 1'000);
      Revise(exchange, "aurore", change, "expire_time");
    }
    ClearIt(exchange, "aurore", second.name());
    exchange.Created("aurore", Shared("shop-1", "c"));
    writers.tick();
  });
  ExpectSound(world);
}

TEST(VerifyStoryTest, RecordsThatAreImportedWithdrawnAndExpired) {
  Rounds rounds;
  const VerifyWorld world([&](const Writers& writers) {
    World& exchange = writers.world;
    v1::ImportRecordsRequest request;
    for (int i = 0; i < 50; ++i) {
      v1::ImportItem& item = *request.add_items();
      item.set_item_id(i + 1);
      *item.mutable_record() = Shared("shop-" + std::to_string(i % 7), "row-" + std::to_string(i % 40));
    }
    ASSERT_TRUE(exchange.Import(exchange.As("aurore"), request).ok());
    v1::BatchWithdrawRecordsRequest withdraw;
    for (const std::string& name : exchange.ListAll(exchange.As("aurore"), {})) {
      if (withdraw.names_size() < 10) withdraw.add_names(name);
    }
    ASSERT_TRUE(exchange.BatchWithdraw(exchange.As("aurore"), withdraw).ok());
    for (int i = 0; i < 5; ++i) exchange.Created("corsa", ShortLived(exchange, "shop-1", kLifeS + i));
    rounds.Resume(exchange);
    Pass(exchange, kLifeS + 3);
    ASSERT_TRUE(rounds.Run());
    writers.tick();
  });
  ExpectSound(world);
}

TEST(VerifyStoryTest, MembersThatComeAndGo) {
  Departing departing;
  const VerifyWorld world([&](const Writers& writers) {
    World& exchange = writers.world;
    Administration office(exchange);
    v1::ProposedChange admission;
    admission.mutable_admission()->set_member_id("agora");
    admission.mutable_admission()->set_kind(v1::MEMBER_KIND_MARKETPLACE);
    ASSERT_TRUE(office.Make(admission).ok());
    ASSERT_TRUE(office.RemoveFromGroup("ring", "belmont").ok());
    ASSERT_TRUE(office.Revoke(office.Chief(), "members/souk/credentials/backend").ok());
    SetOwnPolicy(exchange, "aurore", Excluding({"corsa", "souk"}));
    v1::SaveAudienceRequest save;
    save.set_audience_id("friends");
    v1::Record of_friends;
    GrantMember(of_friends, "corsa");
    *save.mutable_audience() = of_friends.audience();
    ASSERT_TRUE(exchange.exchange().SaveAudience(exchange.As("aurore"), save).ok());
    v1::Record report = Shared("shop-1", "a");
    report.mutable_audience()->add_include("members/aurore/audiences/friends");
    const std::string name = exchange.Created("aurore", report).name();
    exchange.Created("belmont", Opinion(name, v1::OPINION_VERDICT_SEEN_HERE));
    exchange.Created("paylink", Report("free.example", "shop-2"));
    departing.Resume(exchange);
    Leave(exchange, "aurore", "corsa");
    Leave(exchange, "paylink");
    for (const char* member : {"aurore", "paylink"}) {
      exchange.exchange().departures().Start(NumberOf(exchange, member));
      ASSERT_TRUE(departing.WaitEnded(NumberOf(exchange, member)));
    }
    writers.tick();
  });
  EXPECT_THAT(world.KeysOf("d"), SizeIs(2));
  EXPECT_THAT(world.KeysOf("m/prop/"), SizeIs(1));
  ExpectSound(world);
}

// Days become entries, of which the contents end.
TEST(VerifyStoryTest, ALedgerOfSomeDays) {
  const VerifyWorld world([](const Writers& writers) {
    World& exchange = writers.world;
    for (int day = 0; day < 6; ++day) {
      for (int i = 0; i < 3; ++i) {
        const v1::Record record = exchange.Created("aurore", Shared("shop-" + std::to_string(i), ""));
        writers.show("bazaar", "aurore", record.name());
        writers.show("belmont", "aurore", record.name());
        writers.tick();
      }
      exchange.clock.now_ns += kDayS * 1'000'000'000;
      for (int i = 0; i < 3; ++i) writers.tick();
    }
    writers.show("bazaar", "aurore", exchange.Created("aurore", Shared("shop-1", "")).name());
    writers.tick();
  });
  EXPECT_THAT(world.KeysOf(std::string(ledger::kEndedKey)), SizeIs(1));
  EXPECT_THAT(world.KeysOf("lf"), Not(IsEmpty()));
  ExpectSound(world);
}

}  // namespace
}  // namespace coalition::testing

// An upheld appeal contests the reports that the host acted on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/errors.h"
#include "tests/unit/exchange/contest_support.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kActive = v1::RECORD_STATE_ACTIVE;
constexpr auto kContested = v1::RECORD_STATE_CONTESTED;

class ContestTest : public ContestWorld {};

TEST_F(ContestTest, IsShownAsSuchAndNeverListed) {
  EXPECT_EQ(world_.ScreenOne("souk", "bazaar.example", "shop-1").verdict(), v1::VERDICT_LISTED);
  Pass(world_, 5);
  ContestIt();
  const v1::Record own = Get("aurore", report_.name());
  EXPECT_EQ(own.contest().contest_time().seconds(), world_.clock.NowS());
  EXPECT_EQ(own.contest().lapse_time().seconds(), world_.clock.NowS() + 30 * kDayS);
  EXPECT_FALSE(own.contest().has_confirm_time());
  EXPECT_EQ(own.expire_time().seconds(), report_.expire_time().seconds()) << "as its contributor chose it";
  EXPECT_EQ(own.update_time().seconds(), report_.update_time().seconds());
  EXPECT_NE(own.etag(), report_.etag());
  for (const char* member : {"bazaar", "souk", "belmont"}) {
    const v1::Record shown = Get(member, report_.name());
    EXPECT_EQ(shown.state(), kContested) << member;
    EXPECT_FALSE(shown.has_contest()) << member;
  }
  const v1::ScreenResult screened = world_.ScreenOne("souk", "bazaar.example", "shop-1");
  EXPECT_EQ(screened.verdict(), v1::VERDICT_DISPUTED);
  ASSERT_THAT(screened.matches(), SizeIs(1));
  EXPECT_EQ(screened.matches(0).state(), kContested);
  ExpectIndexed(world_);
  world_.Restart();
  EXPECT_EQ(Get("aurore", report_.name()).SerializeAsString(), own.SerializeAsString());
}

// Without what differs by itself between two records.
std::string Answer(v1::Record record) {
  record.clear_name();
  record.clear_etag();
  record.mutable_takedown_outcome()->clear_notice();
  return record.SerializeAsString();
}

TEST_F(ContestTest, ReachesTheReportOfANoticeAndTellsTheHostNothing) {
  v1::Record hidden = Report("bazaar.example", "shop-1");
  GrantMember(hidden, "belmont");
  const std::string report = world_.Created("aurore", hidden).name();
  v1::Record notice = Notice("bazaar.example", "shop-1");
  GrantMember(notice, "bazaar");
  const std::string rests_on_nothing = world_.Created("aurore", notice).name();
  notice.mutable_takedown_notice()->set_report(report);
  const std::string rests_on_it = world_.Created("aurore", notice).name();
  ASSERT_EQ(world_.Get(world_.As("bazaar"), report).status(), NotFound());

  std::vector<std::string> answers;
  for (const std::string& of : {rests_on_nothing, rests_on_it}) {
    v1::Record outcome = Decided("shop-1");
    outcome.mutable_takedown_outcome()->set_notice(of);
    EXPECT_EQ(State(report), kActive);
    answers.push_back(Answer(world_.Created("bazaar", outcome)));
    EXPECT_THAT(world_.disclosure.records, IsEmpty());
  }
  EXPECT_EQ(answers[0], answers[1]);
  EXPECT_EQ(State(report), kContested);
  EXPECT_EQ(Get("belmont", report).state(), kContested);
  EXPECT_EQ(State(report_.name()), kActive) << "another report about the seller";
  EXPECT_EQ(world_.Get(world_.As("bazaar"), report).status(), NotFound());
}

TEST_F(ContestTest, IsNotByADecisionOfAnotherKind) {
  for (const auto result :
       {v1::APPEAL_RESULT_UNSPECIFIED, v1::APPEAL_RESULT_PENDING, v1::APPEAL_RESULT_REJECTED}) {
    world_.Created("bazaar", DecidedOn(report_.name(), result));
    EXPECT_EQ(State(report_.name()), kActive) << result;
  }
}

TEST_F(ContestTest, IsNotByAnotherPlatformOrOfAnotherSeller) {
  v1::Record of_souk = DecidedOn(report_.name());
  of_souk.mutable_seller()->set_platform("souk.example");
  world_.Created("souk", of_souk);
  EXPECT_EQ(State(report_.name()), kActive) << "of the same seller_id elsewhere";
  of_souk.mutable_seller()->clear_seller_id();
  world_.Created("souk", of_souk);
  EXPECT_EQ(State(report_.name()), kActive);
  v1::Record of_another = DecidedOn(report_.name());
  of_another.mutable_seller()->set_seller_id("shop-2");
  world_.Created("bazaar", of_another);
  EXPECT_EQ(State(report_.name()), kActive);
  of_another.mutable_seller()->clear_seller_id();
  world_.Created("bazaar", of_another);
  EXPECT_EQ(State(report_.name()), kContested) << "an outcome may name the platform alone";
}

TEST_F(ContestTest, AReportOfAnUnregisteredPlatformIsNobodysToContest) {
  v1::Record elsewhere = Reported();
  elsewhere.mutable_seller()->set_platform("nowhere.example");
  const std::string report = world_.Created("aurore", elsewhere).name();
  v1::Record outcome = DecidedOn(report);
  outcome.mutable_seller()->clear_seller_id();
  world_.Created("bazaar", outcome);
  EXPECT_EQ(State(report), kActive);
}

TEST_F(ContestTest, WhatIsOnlyValidatedOrRefusedContestsNothing) {
  v1::CreateRecordRequest request = CreateRequest(DecidedOn(report_.name()));
  request.set_validate_only(true);
  ASSERT_TRUE(world_.Create(world_.As("bazaar"), request).ok());
  EXPECT_EQ(State(report_.name()), kActive);
  EXPECT_FALSE(world_.Create(world_.As("souk"), CreateRequest(request.record())).ok()) << "not its platform";
  EXPECT_EQ(State(report_.name()), kActive);
}

TEST_F(ContestTest, ByARevisionThatBecomesUpheld) {
  v1::Record change = world_.Created("bazaar", DecidedOn(report_.name(), v1::APPEAL_RESULT_PENDING));
  change.clear_etag();
  change.mutable_takedown_outcome()->set_appeal_result(v1::APPEAL_RESULT_UPHELD);
  v1::ReviseRecordRequest dry;
  *dry.mutable_record() = change;
  dry.mutable_update_mask()->add_paths("takedown_outcome.appeal_result");
  dry.set_validate_only(true);
  ASSERT_TRUE(world_.Revise(world_.As("bazaar"), dry).ok());
  EXPECT_EQ(State(report_.name()), kActive);
  ASSERT_TRUE(Revise("bazaar", change, {"takedown_outcome.appeal_result"}).ok());
  EXPECT_EQ(State(report_.name()), kContested);
  ExpectIndexed(world_);
  ASSERT_TRUE(world_.Confirm(world_.As("aurore"), ConfirmRequest(report_.name())).ok());
  change.mutable_takedown_outcome()->set_reinstated(true);
  ASSERT_TRUE(Revise("bazaar", change, {"takedown_outcome.reinstated"}).ok());
  ASSERT_TRUE(Revise("bazaar", change, {"takedown_outcome.appeal_result"}).ok());
  EXPECT_EQ(State(report_.name()), kActive) << "it was upheld before";
}

TEST_F(ContestTest, ByARevisionThatNamesTheReportOnlyThen) {
  v1::Record change = world_.Created("bazaar", Decided("shop-1"));
  EXPECT_EQ(State(report_.name()), kActive);
  change.clear_etag();
  change.mutable_takedown_outcome()->set_report(report_.name());
  ASSERT_TRUE(Revise("bazaar", change, {"takedown_outcome.report"}).ok());
  EXPECT_EQ(State(report_.name()), kContested);
}

void Add(v1::ImportRecordsRequest* request, const v1::Record& record, const std::string& external_id) {
  *request->add_items()->mutable_record() = record;
  request->mutable_items()->rbegin()->mutable_record()->set_external_id(external_id);
}

// How often the newest commit writes the key.
int64_t WrittenLast(World& world, const std::string& key) {
  const auto changes = world.store().ReadLog(world.store().Head() - 1, {});
  EXPECT_TRUE(changes.ok()) << changes.status();
  const auto& writes = changes->back().writes;
  return std::count_if(writes.begin(), writes.end(), [&](const auto& write) { return write.key == key; });
}

TEST_F(ContestTest, OnceByAnImportThatSaysItTwice) {
  v1::Record notice = Notice("bazaar.example", "shop-1");
  GrantMember(notice, "bazaar");
  notice.mutable_takedown_notice()->set_report(report_.name());
  v1::Record both = DecidedOn(report_.name());
  both.mutable_takedown_outcome()->set_notice(world_.Created("aurore", notice).name());
  v1::ImportRecordsRequest request;
  Add(&request, both, "a");
  Add(&request, both, "a");
  Add(&request, DecidedOn(report_.name()), "b");
  const auto imported = world_.Import(world_.As("bazaar"), request);
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(imported->results(2).status(), v1::IMPORT_STATUS_CREATED);
  EXPECT_EQ(State(report_.name()), kContested);
  EXPECT_EQ(WrittenLast(world_, ReportKey(world_, "bazaar.example", "shop-1", report_.name())), 1);
  ExpectIndexed(world_);
  // A repetition makes nothing, and so contests nothing.
  ASSERT_TRUE(world_.Confirm(world_.As("aurore"), ConfirmRequest(report_.name())).ok());
  ASSERT_TRUE(world_.Import(world_.As("bazaar"), request).ok());
  EXPECT_EQ(State(report_.name()), kActive);
}

TEST_F(ContestTest, NotByAnItemThatIsRejected) {
  v1::ImportRecordsRequest request;
  Add(&request, Decided("shop-1", v1::APPEAL_RESULT_REJECTED), "a");
  Add(&request, DecidedOn(report_.name()), "a");
  Add(&request, Decided("shop-1"), "b");
  const auto imported = world_.Import(world_.As("bazaar"), request);
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(imported->results(1).status(), v1::IMPORT_STATUS_REJECTED);
  EXPECT_EQ(imported->results(2).status(), v1::IMPORT_STATUS_CREATED);
  EXPECT_EQ(State(report_.name()), kActive);
}

TEST_F(ContestTest, AReportThatHasExpiredStaysAsItIs) {
  const std::string report = world_.Created("aurore", ShortLived(world_, "shop-1")).name();
  v1::Record notice = Notice("bazaar.example", "shop-1");
  GrantMember(notice, "bazaar");
  notice.mutable_takedown_notice()->set_report(report);
  v1::Record outcome = Decided("shop-1");
  outcome.mutable_takedown_outcome()->set_notice(world_.Created("aurore", notice).name());
  Pass(world_, kLifeS);
  world_.Created("bazaar", outcome);
  EXPECT_EQ(WrittenLast(world_, ReportKey(world_, "bazaar.example", "shop-1", report)), 0);
  ExpectIndexed(world_);
}

// Reads of that key fail as those of a damaged value do.
class DamagedStore final : public ForwardingStore {
 public:
  DamagedStore(store::Store& base, const std::string& key) : ForwardingStore(base), key_(key) {}
  absl::StatusOr<std::vector<std::optional<store::Version>>> Read(std::span<const std::string> keys,
                                                                  store::Revision at) const override {
    if (std::find(keys.begin(), keys.end(), key_) != keys.end()) return absl::DataLossError("checksum");
    return ForwardingStore::Read(keys, at);
  }

 private:
  const std::string& key_;
};

TEST(ContestDamageTest, AHiddenReportThatIsDamagedChangesNoAnswer) {
  std::string damaged;
  WorldOptions options;
  options.wrap_store = [&damaged](store::Store& base) {
    return std::make_unique<DamagedStore>(base, damaged);
  };
  World world(options);
  const std::string report = world.Created("aurore", Report("bazaar.example", "shop-1")).name();
  v1::Record notice = Notice("bazaar.example", "shop-1");
  notice.mutable_takedown_notice()->set_report(report);
  GrantMember(notice, "bazaar");
  v1::Record outcome = Decided("shop-1");
  outcome.mutable_takedown_outcome()->set_notice(world.Created("aurore", notice).name());
  damaged = ReportKey(world, "bazaar.example", "shop-1", report);
  ASSERT_FALSE(world.Get(world.As("aurore"), report).ok());
  EXPECT_TRUE(world.Create(world.As("bazaar"), CreateRequest(outcome)).ok());
}

class ContestDaysTest : public ContestWorld {
 protected:
  ContestDaysTest() : ContestWorld(WithLimits("contest_days: 5")) {}
};

TEST_F(ContestDaysTest, ThePolicySaysWhenItLapses) {
  ContestIt();
  EXPECT_EQ(Get("aurore", report_.name()).contest().lapse_time().seconds(), world_.clock.NowS() + 5 * kDayS);
}

TEST_F(ContestDaysTest, AReportThatEndsSoonerEndsThen) {
  v1::Record report = ShortLived(world_, "shop-1");
  GrantKind(report, v1::MEMBER_KIND_MARKETPLACE, "notice");
  const std::string name = world_.Created("aurore", report).name();
  world_.Created("bazaar", DecidedOn(name));
  EXPECT_EQ(State(name), kContested);
  EXPECT_EQ(Get("aurore", name).contest().lapse_time().seconds(), world_.clock.NowS() + kLifeS);
  ExpectIndexed(world_);
}

class StatesFilterTest : public ContestWorld {
 protected:
  std::vector<std::string> Listed(const char* member, const std::vector<v1::RecordState>& states) {
    v1::ListRecordsRequest request;
    for (const auto state : states) request.mutable_filter()->add_states(state);
    request.mutable_filter()->add_record_classes(v1::RECORD_CLASS_OFFENDER_REPORT);
    request.set_page_size(1);
    return world_.ListAll(world_.As(member), request);
  }
  const std::string active_ = world_.Created("aurore", Reported()).name();
};

TEST_F(StatesFilterTest, FindsThoseThatAreContestedNow) {
  using ::testing::ElementsAre;
  EXPECT_THAT(Listed("aurore", {kContested}), IsEmpty());
  ContestIt();
  for (const char* member : {"aurore", "souk"}) {
    EXPECT_THAT(Listed(member, {kContested}), ElementsAre(report_.name())) << member;
    EXPECT_THAT(Listed(member, {kActive, kActive}), ElementsAre(active_)) << member;
    EXPECT_THAT(Listed(member, {kActive, kContested}), ElementsAre(active_, report_.name())) << member;
    EXPECT_THAT(Listed(member, {}), ElementsAre(active_, report_.name())) << member;
  }
  EXPECT_THAT(Listed("corsa", {kActive, kContested}), IsEmpty());
}

TEST_F(StatesFilterTest, UnknownStatesAreRefusedAndTokensAreBound) {
  v1::ListRecordsRequest request;
  for (const int state : {0, 3, -1}) {
    request.mutable_filter()->clear_states();
    request.mutable_filter()->add_states(static_cast<v1::RecordState>(state));
    EXPECT_EQ(FieldsAtFault(world_.List(world_.As("aurore"), request).status()), "filter.states") << state;
  }
  request.mutable_filter()->set_states(0, kActive);
  request.set_page_size(1);
  const auto page = world_.List(world_.As("aurore"), request);
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_NE(page->next_page_token(), "");
  request.set_page_token(page->next_page_token());
  EXPECT_TRUE(world_.List(world_.As("aurore"), request).ok());
  request.mutable_filter()->set_states(0, kContested);
  EXPECT_EQ(world_.List(world_.As("aurore"), request).status(), PageTokenInvalid());
  for (int i = 0; i < 16; ++i) request.mutable_filter()->add_states(kActive);
  EXPECT_EQ(FieldsAtFault(world_.List(world_.As("aurore"), request).status()), "filter.states");
}

}  // namespace
}  // namespace coalition::exchange

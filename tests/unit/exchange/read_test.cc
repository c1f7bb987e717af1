#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/errors.h"
#include "common/ids.h"
#include "tests/support/exchange_world.h"
#include "tests/unit/exchange/departure_support.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kAbsent[] = "records/aaaaaaaaaaaaaaaaaaaaaaaaaa";

std::string Wire(const absl::Status& status) { return ToRpcStatus(status).SerializeAsString(); }

TEST(ReadTest, NothingIsVisibleByDefault) {
  World world;
  const std::string name = world.Created("aurore", Report("bazaar.example", "shop-1")).name();
  EXPECT_TRUE(world.Get(world.As("aurore"), name).ok());
  EXPECT_THAT(world.disclosure.records, IsEmpty()) << "one's own is no disclosure";
  for (const char* member :
       {"belmont", "corsa", "bazaar", "souk", "paylink", "customs", "watcher", "office"}) {
    const auto hidden = world.Get(world.As(member), name);
    EXPECT_EQ(hidden.status(), NotFound()) << member;
    EXPECT_EQ(Wire(hidden.status()), Wire(world.Get(world.As(member), kAbsent).status())) << member;
    EXPECT_THAT(world.disclosure.records, IsEmpty());
  }
}

TEST(ReadTest, EachMemberSeesItsOwnView) {
  World world;
  v1::Record report = Report("bazaar.example", "shop-1");
  report.set_external_id("case-17");
  report.mutable_offender_report()->set_comment("bought one");
  report.mutable_offender_report()->set_product_category("shoes");
  GrantKind(report, v1::MEMBER_KIND_BRAND, "full");
  GrantKind(report, v1::MEMBER_KIND_MARKETPLACE, "notice");
  ExcludeMember(report, "corsa");
  const std::string name = world.Created("aurore", report).name();

  const auto belmont = world.Get(world.As("belmont"), name);
  ASSERT_TRUE(belmont.ok()) << belmont.status();
  EXPECT_EQ(belmont->view(), "full");
  EXPECT_EQ(belmont->contributor(), "members/aurore");
  EXPECT_EQ(belmont->offender_report().comment(), "bought one");
  EXPECT_EQ(belmont->external_id(), "") << "the contributor's own affair";
  EXPECT_FALSE(belmont->has_audience()) << "the contributor's own affair";
  ASSERT_THAT(world.disclosure.records, SizeIs(1));
  EXPECT_EQ(RecordIdFromBytes({reinterpret_cast<const char*>(world.disclosure.records[0].record.data()), 16}),
            *ParseRecordName(name));
  EXPECT_EQ(world.disclosure.records[0].contributor, 1);
  EXPECT_EQ(world.disclosure.records[0].view_ids, policy::SetOf(policy::kViewFull));

  const auto bazaar = world.Get(world.As("bazaar"), name);
  ASSERT_TRUE(bazaar.ok()) << bazaar.status();
  EXPECT_EQ(bazaar->view(), "notice");
  EXPECT_THAT(bazaar->contributor(), StartsWith("members/~"));
  EXPECT_EQ(bazaar->offender_report().comment(), "");
  EXPECT_EQ(bazaar->offender_report().product_category(), "shoes");
  EXPECT_EQ(bazaar->create_time().seconds() % 86400, 0) << "the day alone";

  EXPECT_EQ(world.Get(world.As("corsa"), name).status(), NotFound()) << "excluded";
  EXPECT_EQ(world.Get(world.As("paylink"), name).status(), NotFound());

  const auto souk = world.Get(world.As("souk"), name);
  ASSERT_TRUE(souk.ok()) << souk.status();
  EXPECT_NE(souk->contributor(), bazaar->contributor()) << "tokens are keyed per recipient";
  EXPECT_NE(souk->etag(), bazaar->etag()) << "and so are etags";
  EXPECT_EQ(world.Get(world.As("bazaar"), name)->SerializeAsString(), bazaar->SerializeAsString());
}

TEST(ReadTest, StandingDecides) {
  World world;
  v1::Record report = Report("bazaar.example", "shop-1");
  for (const char* member : {"limbo", "banned", "left", "newcomer"}) GrantMember(report, member);
  const std::string name = world.Created("aurore", report).name();
  EXPECT_EQ(world.Get(world.As("limbo"), name).status(), NotFound()) << "sees its own only";
  for (const char* member : {"banned", "left", "newcomer"}) {
    const CallContext context = world.As(member);
    const absl::Status get = world.Get(context, name).status();
    EXPECT_EQ(GetErrorReason(get), v1::ERROR_REASON_MEMBER_NOT_ACTIVE) << member;
    // Every call gives the one answer, whatever it asks.
    EXPECT_EQ(world.Get(context, "nonsense").status(), get);
    EXPECT_EQ(world.List(context, {}).status(), get);
    EXPECT_EQ(world.Screen(context, {}).status(), get);
    EXPECT_EQ(world.Profile(context, "", "").status(), get);
    EXPECT_EQ(world.Create(context, {}).status(), get);
    EXPECT_EQ(world.Revise(context, {}).status(), get);
    EXPECT_EQ(world.Withdraw(context, {}).status(), get);
    EXPECT_EQ(world.Clear(context, {}).status(), get);
    EXPECT_EQ(world.Confirm(context, {}).status(), get);
    EXPECT_EQ(world.Import(context, {}).status(), get);
  }
}

TEST(ReadTest, ReadingNeedsTheRole) {
  World world;
  const CallContext context = world.As("aurore", {v1::ROLE_CONTRIBUTOR, v1::ROLE_COALITION_ADMIN});
  for (const absl::Status& status :
       {world.Get(context, kAbsent).status(), world.List(context, {}).status(),
        world.Screen(context, {}).status(), world.Profile(context, "a.example", "1").status()}) {
    EXPECT_EQ(GetErrorReason(status), v1::ERROR_REASON_ROLE_MISSING);
  }
}

TEST(ReadTest, NamesAreChecked) {
  World world;
  for (const char* name :
       {"", "records/", "records/short", "members/aurore", "records/aaaaaaaaaaaaaaaaaaaaaaaaaa/x"}) {
    EXPECT_EQ(FieldsAtFault(world.Get(world.As("aurore"), name).status()), "name") << name;
  }
}

TEST(ReadTest, ExpiryDoesNotWaitForASweeper) {
  World world;
  v1::Record report = Report("bazaar.example", "shop-1");
  GrantMember(report, "belmont");
  report.mutable_expire_time()->set_seconds(world.clock.NowS() + 100);
  const std::string name = world.Created("aurore", report).name();
  world.clock.now_ns += int64_t{99} * 1'000'000'000;
  EXPECT_TRUE(world.Get(world.As("belmont"), name).ok());
  world.clock.now_ns += int64_t{1} * 1'000'000'000;
  EXPECT_EQ(world.Get(world.As("belmont"), name).status(), NotFound());
  EXPECT_EQ(world.Get(world.As("aurore"), name).status(), NotFound());
  EXPECT_THAT(world.ListAll(world.As("aurore"), {}), IsEmpty());
  EXPECT_EQ(world.ScreenOne("aurore", "bazaar.example", "shop-1").matches_size(), 0);
}

TEST(ReadTest, AReferenceIsAbsentForWhoMayNotSeeItsTarget) {
  World world;
  v1::Record report = Report("bazaar.example", "shop-1");
  GrantMember(report, "belmont");
  const std::string target = world.Created("aurore", report).name();
  v1::Record notice = Notice("bazaar.example", "shop-1");
  notice.mutable_takedown_notice()->set_report(target);
  GrantMember(notice, "belmont");
  GrantMember(notice, "corsa");
  const std::string name = world.Created("aurore", notice).name();
  EXPECT_EQ(world.Get(world.As("belmont"), name)->takedown_notice().report(), target);
  const auto corsa = world.Get(world.As("corsa"), name);
  ASSERT_TRUE(corsa.ok());
  EXPECT_EQ(corsa->takedown_notice().report(), "");
  EXPECT_TRUE(corsa->takedown_notice().whole_account());
}

TEST(ReadTest, AnOpinionIsMetWithItsSubject) {
  World world;
  v1::Record report = Report("bazaar.example", "shop-1");
  GrantMember(report, "belmont");
  GrantMember(report, "corsa", "notice");
  const std::string subject = world.Created("aurore", report).name();
  v1::Record opinion = Opinion(subject, v1::OPINION_VERDICT_CONFIRMED);
  GrantKind(opinion, v1::MEMBER_KIND_BRAND);
  GrantMember(opinion, "paylink");
  const std::string name = world.Created("belmont", opinion).name();

  const auto owner = world.Get(world.As("belmont"), name);
  ASSERT_TRUE(owner.ok());
  EXPECT_EQ(owner->seller().seller_id(), "shop-1") << "copied from the subject";
  EXPECT_EQ(world.Get(world.As("aurore"), name)->contributor(), "members/belmont");
  const auto corsa = world.Get(world.As("corsa"), name);
  ASSERT_TRUE(corsa.ok()) << corsa.status();
  EXPECT_THAT(corsa->contributor(), StartsWith("members/~")) << "no higher than the subject's";
  EXPECT_EQ(corsa->opinion().verdict(), v1::OPINION_VERDICT_CONFIRMED);
  EXPECT_EQ(world.Get(world.As("paylink"), name).status(), NotFound()) << "the subject is hidden from it";
}

TEST(ReadTest, OpinionsAreTheirAuthorsAloneByDefault) {
  World world;
  v1::Record report = Report("bazaar.example", "shop-1");
  GrantKind(report, v1::MEMBER_KIND_BRAND);
  const std::string subject = world.Created("aurore", report).name();
  const std::string name = world.Created("belmont", Opinion(subject, v1::OPINION_VERDICT_CONFIRMED)).name();
  EXPECT_TRUE(world.Get(world.As("belmont"), name).ok());
  EXPECT_EQ(world.Get(world.As("corsa"), name).status(), NotFound());
  EXPECT_EQ(world.Get(world.As("aurore"), name).status(), NotFound());
}

TEST(ReadTest, DisputedCountsTheOpinionsThatTheAskerMaySee) {
  World world;
  v1::Record report = Report("bazaar.example", "shop-1");
  GrantKind(report, v1::MEMBER_KIND_BRAND);
  GrantMember(report, "paylink");
  const std::string subject = world.Created("aurore", report).name();
  v1::Record confirmed = Opinion(subject, v1::OPINION_VERDICT_SEEN_HERE);
  GrantMember(confirmed, "corsa");
  GrantMember(confirmed, "paylink");
  world.Created("belmont", confirmed);
  EXPECT_FALSE(world.Get(world.As("corsa"), subject)->disputed());
  const auto etag = world.Get(world.As("corsa"), subject)->etag();
  v1::Record denied = Opinion(subject, v1::OPINION_VERDICT_FALSE_POSITIVE);
  GrantMember(denied, "corsa");
  world.Created("belmont", denied);
  EXPECT_TRUE(world.Get(world.As("corsa"), subject)->disputed());
  EXPECT_THAT(world.disclosure.records, SizeIs(3)) << "the opinions told in the answer";
  EXPECT_NE(world.Get(world.As("corsa"), subject)->etag(), etag) << "what corsa sees has changed";
  EXPECT_FALSE(world.Get(world.As("paylink"), subject)->disputed()) << "sees one side alone";
  EXPECT_TRUE(world.Get(world.As("aurore"), subject)->disputed()) << "the owner's counts all";
  world.clock.now_ns += int64_t{4000} * 86400 * 1'000'000'000;
  EXPECT_FALSE(world.Get(world.As("aurore"), subject).ok());
}

TEST(ReadTest, AnAuthorLearnsNothingOfTheSellerBeyondTheSubject) {
  World world;
  v1::Record report = Report("bazaar.example", "shop-1");
  GrantMember(report, "belmont");
  const v1::Record subject = world.Created("aurore", report);
  const std::string opinion =
      world.Created("belmont", Opinion(subject.name(), v1::OPINION_VERDICT_CONFIRMED)).name();
  v1::ReviseRecordRequest narrow;
  narrow.mutable_record()->set_name(subject.name());
  narrow.mutable_update_mask()->add_paths("audience");
  ASSERT_TRUE(world.Revise(world.As("aurore"), narrow).ok());
  const auto own = world.Get(world.As("belmont"), opinion);
  ASSERT_TRUE(own.ok()) << "still its own";
  EXPECT_FALSE(own->has_seller());
}

// What LIMITED leaves it is its own.
TEST(AuditorTest, OfALimitedMemberIsNone) {
  WorldOptions options;
  options.in_memory = true;
  World world(options);
  v1::ExplainAccessRequest request;
  request.set_name(world.Created("aurore", Report("bazaar.example", "shop-1")).name());
  const auto explained = [&] {
    CallContext context = world.As("watcher");
    context.caller.roles = {v1::ROLE_AUDITOR, v1::ROLE_READER};
    v1::ExplainAccessResponse response;
    ledger::Disclosure disclosure;
    return world.exchange().Explain(context, request, &response, &disclosure);
  };
  EXPECT_TRUE(explained().ok());
  SetStanding(world, "watcher", v1::STANDING_LIMITED);
  EXPECT_TRUE(absl::IsNotFound(explained()));
}

}  // namespace
}  // namespace coalition::exchange

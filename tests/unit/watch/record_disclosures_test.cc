// Whom contributors are told that their records were shown to.
#include "server/watch/record_disclosures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "common/errors.h"
#include "common/ids.h"
#include "server/watch/owned_record.h"
#include "tests/support/test_names.h"
#include "tests/unit/exchange/clearance_support.h"

namespace coalition::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kDayNs = int64_t{86'400} * 1'000'000'000;

class RecordDisclosuresTest : public ::testing::Test {
 protected:
  explicit RecordDisclosuresTest(const std::string& limits = "")
      : world_(WithLimits(limits)),
        lane_(world_.store()),
        entries_(lane_, TestNames(), RunNow),
        shown_(world_.store(), lane_, entries_, counting_, RunNow),
        keys_(world_.keys()),
        disclosures_(world_.store(), keys_, shown_) {}
  ~RecordDisclosuresTest() override { lane_.Drain(); }

  std::string Report() {
    v1::Record record = testing::Report("bazaar.example", "shop-1");
    GrantEveryone(record);
    return world_.Created("aurore", record).name();
  }
  // As if a call had shown it.
  void Show(const std::string& member, const std::string& name, policy::ViewId view = policy::kViewFull) {
    ledger::Disclosure disclosure;
    disclosure.member = world_.As(member).caller.member_number;
    disclosure.time_ns = world_.clock.now_ns;
    disclosure.records.push_back({IdOf(name), 1, policy::SetOf(view)});
    std::promise<absl::Status> recorded;
    shown_.Record(std::move(disclosure), [&](absl::Status status) { recorded.set_value(std::move(status)); });
    ASSERT_TRUE(recorded.get_future().get().ok());
  }
  absl::StatusOr<v1::ListDisclosuresResponse> List(const exchange::CallContext& context,
                                                   const std::string& name) {
    v1::ListDisclosuresRequest request;
    request.set_record(name);
    v1::ListDisclosuresResponse response;
    if (absl::Status status = disclosures_.List(context, request, &response); !status.ok()) return status;
    return response;
  }
  // "BRAND members/belmont full, 0": so many days ago.
  std::vector<std::string> Told(const std::string& member, const std::string& name) {
    const auto listed = List(world_.As(member), name);
    if (!listed.ok()) return {listed.status().ToString()};
    std::vector<std::string> told;
    for (const v1::RecordDisclosure& one : listed->disclosures()) {
      EXPECT_EQ(one.first_day().seconds() % 86'400, 0);
      std::string views;
      for (const std::string& view : one.views()) views += " " + view;
      const int64_t today = world_.clock.now_ns / kDayNs;
      told.push_back(v1::MemberKind_Name(one.kind()).substr(12) + " " + one.member() + views + ", " +
                     std::to_string(today - one.first_day().seconds() / 86'400));
    }
    return told;
  }

  bool MayBeTold(const std::string& contributor, const std::string& name, const std::string& member) {
    const exchange::CallContext context = world_.As(contributor);
    const exchange::Reader reader(world_.store(), keys_,
                                  {context.snapshot->policy_state(), context.at, context.caller.member_number,
                                   context.now_s(), nullptr});
    const auto told = watch::MayBeTold(reader, *RecordIdToBytes(*ParseRecordName(name)),
                                       world_.As(member).caller.member_number);
    EXPECT_TRUE(told.ok()) << told.status();
    return told.ok() && *told;
  }

  World world_;
  ledger::CountingDisclosureLog counting_;
  store::CommitLane lane_;
  ledger::EntryLog entries_;
  ledger::ShownLog shown_;
  const exchange::ExchangeKeys keys_;
  const watch::RecordDisclosures disclosures_;
};

class RecordDisclosuresByKindTest : public RecordDisclosuresTest {
 protected:
  RecordDisclosuresByKindTest()
      : RecordDisclosuresTest("shown_to_by_kind: [MEMBER_KIND_BRAND, MEMBER_KIND_PAYMENT]") {}
};
class RecordDisclosuresToAuthoritiesTest : public RecordDisclosuresTest {
 protected:
  RecordDisclosuresToAuthoritiesTest() : RecordDisclosuresTest("authority_reads_sealed_days: 90") {}
};

TEST_F(RecordDisclosuresTest, ByDayTheFirstOneFirst) {
  const std::string name = Report();
  EXPECT_THAT(Told("aurore", name), IsEmpty());
  Show("souk", name, policy::kViewNotice);
  world_.clock.now_ns += kDayNs;
  Show("customs", name);
  Show("belmont", name);
  world_.clock.now_ns += kDayNs;
  Show("souk", name);  // as before: the first time counts
  const std::vector<std::string> told = {"MARKETPLACE members/souk notice, 2",
                                         "BRAND members/belmont full, 1",
                                         "AUTHORITY members/customs full, 1"};
  EXPECT_EQ(Told("aurore", name), told);
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(name);
  ASSERT_TRUE(world_.Withdraw(world_.As("aurore"), withdraw).ok());
  EXPECT_EQ(Told("aurore", name), told) << "also after it was taken back";
}

TEST_F(RecordDisclosuresTest, OnlyItsContributorIsTold) {
  const std::string name = Report();
  Show("belmont", name);
  const std::string absent = FormatRecordName("aaaaaaaaaaaaaaaaaaaaaaaaaa");
  for (const char* member : {"belmont", "corsa", "bazaar", "office", "limbo"}) {
    EXPECT_EQ(List(world_.As(member), name).status(), NotFound()) << member;
    EXPECT_EQ(List(world_.As(member), absent).status(), NotFound()) << member;
  }
  EXPECT_EQ(GetErrorReason(List(world_.As("banned"), name).status()), v1::ERROR_REASON_MEMBER_NOT_ACTIVE);
  for (const identity::Roles roles :
       {identity::Roles{v1::ROLE_CONTRIBUTOR}, identity::Roles{v1::ROLE_AUDITOR}}) {
    EXPECT_EQ(GetErrorReason(List(world_.As("aurore", roles), name).status()), v1::ERROR_REASON_ROLE_MISSING);
  }
  EXPECT_EQ(FieldsAtFault(List(world_.As("aurore"), "records/nonsense").status()), "record");
}

// Whoever sees an opinion sees what it is about: that is told to who contributed that, and not to its author.
TEST_F(RecordDisclosuresTest, AnOpinionTellsItsAuthorOfItsSubjectsContributorAlone) {
  v1::Record opinion = Opinion(Report(), v1::OPINION_VERDICT_DISPUTED);
  GrantEveryone(opinion);
  const std::string name = world_.Created("belmont", opinion).name();
  Show("corsa", name);
  EXPECT_THAT(Told("belmont", name), IsEmpty());
  Show("aurore", name);
  EXPECT_THAT(Told("belmont", name), ElementsAre("BRAND members/aurore full, 0"));
  EXPECT_TRUE(MayBeTold("belmont", name, "aurore"));
  EXPECT_FALSE(MayBeTold("belmont", name, "corsa"));
}

// An entry names what an answer hid: what an opinion is about, and which opinions dispute a record.
TEST_F(RecordDisclosuresTest, WhatNamesAnOpinionOrWhatMayBeOneIsKnown) {
  const std::string report = Report();
  v1::Record opinion = Opinion(report, v1::OPINION_VERDICT_DISPUTED);
  GrantEveryone(opinion);
  const std::string name = world_.Created("belmont", opinion).name();
  const auto names_one = [&](const std::vector<std::string>& records) {
    v1::LedgerDisclosure disclosure;
    for (const std::string& record : records) disclosure.add_shown()->add_records(record);
    const auto names = disclosures_.NamesAnOpinion(world_.As("corsa"), disclosure);
    EXPECT_TRUE(names.ok()) << names.status();
    return !names.ok() || *names;
  };
  EXPECT_FALSE(names_one({report}));
  EXPECT_TRUE(names_one({report, name}));
  EXPECT_TRUE(names_one({FormatRecordName("aaaaaaaaaaaaaaaaaaaaaaaaaa")})) << "nobody knows";
  for (const auto& [member, record] : {std::pair("belmont", name), std::pair("aurore", report)}) {
    v1::WithdrawRecordRequest withdraw;
    withdraw.set_name(record);
    ASSERT_TRUE(world_.Withdraw(world_.As(member), withdraw).ok());
  }
  EXPECT_FALSE(names_one({report})) << "also when it is gone";
  EXPECT_TRUE(names_one({name}));
}

TEST_F(RecordDisclosuresTest, OfARecordOfItsOwnAContributorMayBeToldOfAnybody) {
  const std::string name = Report();
  EXPECT_TRUE(MayBeTold("aurore", name, "corsa"));
  EXPECT_FALSE(MayBeTold("belmont", name, "corsa")) << "it is not belmont's";
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(name);
  ASSERT_TRUE(world_.Withdraw(world_.As("aurore"), withdraw).ok());
  EXPECT_TRUE(MayBeTold("aurore", name, "corsa"));
}

// Nor does the order tell which is which.
TEST_F(RecordDisclosuresByKindTest, MembersOfSuchKindsAreNotNamed) {
  const std::string name = Report();
  Show("corsa", name, policy::kViewNotice);
  Show("belmont", name);
  Show("paylink", name);
  Show("souk", name);
  EXPECT_THAT(Told("aurore", name), ElementsAre("BRAND  full, 0", "BRAND  notice, 0",
                                                "MARKETPLACE members/souk full, 0", "PAYMENT  full, 0"));
}

TEST_F(RecordDisclosuresToAuthoritiesTest, AreToldWhenTheDaysHavePassed) {
  const std::string name = Report();
  Show("customs", name);
  Show("belmont", name);
  EXPECT_THAT(Told("aurore", name), ElementsAre("BRAND members/belmont full, 0"));
  world_.clock.now_ns += 90 * kDayNs;
  EXPECT_THAT(Told("aurore", name), ElementsAre("BRAND members/belmont full, 90"));
  world_.clock.now_ns += kDayNs;
  EXPECT_THAT(Told("aurore", name),
              ElementsAre("BRAND members/belmont full, 91", "AUTHORITY members/customs full, 91"));
}

}  // namespace
}  // namespace coalition::testing

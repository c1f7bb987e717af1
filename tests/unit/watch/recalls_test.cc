#include "server/watch/recalls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "common/errors.h"
#include "common/ids.h"
#include "server/watch/feed.h"
#include "tests/property/feed_room.h"
#include "tests/support/eventually.h"
#include "tests/support/exchange_world.h"
#include "tests/support/test_names.h"
#include "tests/unit/exchange/clearance_support.h"

namespace coalition::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr v1::RetractionKind kGone = v1::RETRACTION_KIND_GONE;
constexpr v1::RetractionKind kCleared = v1::RETRACTION_KIND_CLEARED;

class RecallsTest : public ::testing::Test {
 protected:
  explicit RecallsTest(WorldOptions options = {})
      : world_(std::move(options)),
        lane_(world_.store()),
        entries_(lane_, TestNames(), RunNow),
        shown_(world_.store(), lane_, entries_, counting_, RunNow),
        feeds_(world_, 100),
        keys_(world_.keys()),
        recalls_(world_.store(), keys_, shown_, feeds_.room.cursors, {2, 3, 3}) {}

  ~RecallsTest() override { lane_.Drain(); }

  std::string Report(const std::vector<std::string>& readers) {
    v1::Record record = testing::Report("bazaar.example", "shop-" + std::to_string(++sellers_));
    for (const std::string& reader : readers) GrantMember(record, reader);
    return world_.Created("aurore", record).name();
  }
  // As if a call had shown it.
  void Show(const std::string& member, const std::string& name) {
    ledger::Disclosure disclosure;
    disclosure.member = world_.As(member).caller.member_number;
    disclosure.time_ns = world_.clock.now_ns;
    disclosure.records.push_back(
        {*RecordIdToBytes(*ParseRecordName(name)), 1, policy::SetOf(policy::kViewFull)});
    std::promise<absl::Status> recorded;
    shown_.Record(std::move(disclosure), [&](absl::Status status) { recorded.set_value(std::move(status)); });
    ASSERT_TRUE(recorded.get_future().get().ok());
  }
  void Withdraw(const std::string& name) {
    v1::WithdrawRecordRequest request;
    request.set_name(name);
    ASSERT_TRUE(world_.Withdraw(world_.As("aurore"), request).ok());
  }
  void Clear(const std::string& name) {
    v1::ClearRecordRequest request;
    request.set_name(name);
    request.set_grounds(v1::CLEARANCE_GROUNDS_MISTAKEN_IDENTITY);
    std::promise<absl::Status> done;
    world_.exchange().Clear(world_.As("aurore"), request,
                            [&](const auto& answer) { done.set_value(answer.status()); });
    const absl::Status status = done.get_future().get();
    ASSERT_TRUE(status.ok()) << status;
  }
  // All pages, and that none has more than may be.
  std::vector<std::pair<std::string, v1::RetractionKind>> Listed(const std::string& member) {
    std::vector<std::pair<std::string, v1::RetractionKind>> all;
    v1::ListRecallsRequest request;
    request.set_page_size(100);
    do {
      v1::ListRecallsResponse response;
      const absl::Status status = recalls_.List(world_.As(member), request, &response);
      if (!status.ok()) {
        ADD_FAILURE() << status;
        return all;
      }
      EXPECT_LE(response.recalls_size(), 3);
      for (const v1::Retraction& recall : response.recalls()) all.emplace_back(recall.name(), recall.kind());
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    std::sort(all.begin(), all.end());
    return all;
  }
  absl::Status Acknowledge(const std::string& member, const v1::AcknowledgeRecallsRequest& request) {
    std::promise<absl::Status> done;
    recalls_.Acknowledge(world_.As(member), request,
                         [&](const auto& answer) { done.set_value(answer.status()); });
    return done.get_future().get();
  }
  absl::Status Acknowledge(const std::string& member, const std::string& name, v1::RetractionKind kind) {
    v1::AcknowledgeRecallsRequest request;
    request.add_recalls()->set_name(name);
    request.mutable_recalls(0)->set_kind(kind);
    return Acknowledge(member, request);
  }
  absl::StatusOr<v1::GetRecallStatusResponse> Status(const std::string& member, const std::string& name) {
    v1::GetRecallStatusRequest request;
    request.set_name(name);
    v1::GetRecallStatusResponse response;
    if (absl::Status status = recalls_.Status(world_.As(member), request, &response); !status.ok())
      return status;
    return response;
  }
  // "members/belmont TOLD"
  std::vector<std::string> States(const std::string& name) {
    const auto status = Status("aurore", name);
    if (!status.ok()) return {status.status().ToString()};
    std::vector<std::string> states;
    for (const v1::RecallRecipient& one : status->recipients())
      states.push_back(one.member() + v1::RecallState_Name(one.state()).substr(12));
    return states;
  }

  World world_;
  ledger::CountingDisclosureLog counting_;
  store::CommitLane lane_;
  ledger::EntryLog entries_;
  ledger::ShownLog shown_;
  FeedsOf feeds_;
  const exchange::ExchangeKeys keys_;
  const watch::Recalls recalls_;
  int sellers_ = 0;
};

TEST_F(RecallsTest, FromShownToAcknowledged) {
  const std::string name = Report({"belmont", "corsa", "paylink"});
  Show("belmont", name);
  Show("corsa", name);
  EXPECT_THAT(States(name), ElementsAre("members/belmont_SHOWN", "members/corsa_SHOWN"));
  EXPECT_THAT(Listed("belmont"), IsEmpty());
  Withdraw(name);
  EXPECT_THAT(States(name), ElementsAre("members/belmont_NOT_TOLD", "members/corsa_NOT_TOLD"));
  EXPECT_THAT(Listed("belmont"), ElementsAre(std::pair(name, kGone)));
  // That it was told is kept a moment later.
  const std::vector<std::string> told = {"members/corsa_NOT_TOLD", "members/belmont_TOLD"};
  EXPECT_TRUE(Eventually([&] { return States(name) == told; }));
  ASSERT_TRUE(Acknowledge("belmont", name, kGone).ok());
  EXPECT_THAT(States(name), ElementsAre("members/corsa_NOT_TOLD", "members/belmont_ACKNOWLEDGED"));
  EXPECT_THAT(Listed("belmont"), IsEmpty());
  EXPECT_THAT(Listed("paylink"), IsEmpty()) << "it was never shown it";
  const auto status = Status("aurore", name);
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(status->kind(), kGone);
  EXPECT_EQ(status->taken_back_time().seconds(), world_.clock.now_ns / 1'000'000'000);
  for (const v1::RecallRecipient& one : status->recipients()) {
    EXPECT_EQ(one.first_shown_day().seconds() % 86'400, 0);
    EXPECT_THAT(one.views(), ElementsAre("full"));
  }
}

class RecallsByKindTest : public RecallsTest {
 protected:
  RecallsByKindTest() : RecallsTest(WithLimits("shown_to_by_kind: MEMBER_KIND_PAYMENT")) {}
};

TEST_F(RecallsByKindTest, AMemberOfSuchAKindIsNotNamed) {
  const std::string name = Report({"belmont", "paylink"});
  Show("belmont", name);
  Show("paylink", name);
  EXPECT_THAT(States(name), ElementsAre("_SHOWN", "members/belmont_SHOWN"));
  EXPECT_EQ(Status("aurore", name)->recipients(0).kind(), v1::MEMBER_KIND_PAYMENT);
}

class RecallsOfAuthoritiesTest : public RecallsTest {
 protected:
  RecallsOfAuthoritiesTest() : RecallsTest(WithLimits("authority_reads_sealed_days: 90")) {}
};

TEST_F(RecallsOfAuthoritiesTest, AnAuthorityIsLeftOutWhileThatIsSealed) {
  const std::string name = Report({"belmont", "customs"});
  Show("belmont", name);
  Show("customs", name);
  EXPECT_THAT(States(name), ElementsAre("members/belmont_SHOWN"));
  Withdraw(name);
  EXPECT_THAT(States(name), ElementsAre("members/belmont_NOT_TOLD"));
  EXPECT_THAT(Listed("customs"), ElementsAre(std::pair(name, kGone))) << "it is told all the same";
  world_.clock.now_ns += int64_t{91} * 86'400 * 1'000'000'000;
  EXPECT_THAT(States(name), ::testing::UnorderedElementsAre("members/belmont_NOT_TOLD",
                                                            ::testing::StartsWith("members/customs_")));
}

TEST_F(RecallsTest, ClearedIsToldAlsoToWhoHasDealtWithItAsGone) {
  const std::string name = Report({"belmont", "corsa"});
  Show("belmont", name);
  Show("corsa", name);
  v1::ReviseRecordRequest narrow;
  narrow.mutable_record()->set_name(name);
  GrantMember(*narrow.mutable_record(), "corsa");
  narrow.mutable_update_mask()->add_paths("audience");
  ASSERT_TRUE(world_.Revise(world_.As("aurore"), narrow).ok());
  EXPECT_THAT(Listed("belmont"), ElementsAre(std::pair(name, kGone)));
  // Nobody acknowledges beforehand.
  ASSERT_TRUE(Acknowledge("belmont", name, kCleared).ok());
  ASSERT_TRUE(Acknowledge("corsa", name, kGone).ok());
  EXPECT_THAT(States(name), ElementsAre("members/corsa_SHOWN", "members/belmont_ACKNOWLEDGED"));
  Clear(name);
  EXPECT_THAT(States(name), ElementsAre("members/belmont_NOT_TOLD", "members/corsa_NOT_TOLD"));
  EXPECT_THAT(Listed("belmont"), ElementsAre(std::pair(name, kCleared)));
  EXPECT_THAT(Listed("corsa"), ElementsAre(std::pair(name, kCleared)));
  const std::vector<std::string> told = {"members/belmont_TOLD", "members/corsa_TOLD"};
  EXPECT_TRUE(Eventually([&] { return States(name) == told; }));
  ASSERT_TRUE(Acknowledge("belmont", name, kCleared).ok());
  EXPECT_THAT(Listed("belmont"), IsEmpty());
  EXPECT_EQ(Status("aurore", name)->kind(), kCleared);
}

TEST_F(RecallsTest, WhoIsSuspendedOrHasLeftIsToldOfAllThatItWasShown) {
  const std::string there = Report({"belmont"});
  const std::string wrong = Report({"belmont"});
  for (const char* member : {"banned", "left"}) {
    Show(member, there);
    Show(member, wrong);
  }
  Clear(wrong);
  for (const char* member : {"banned", "left"}) {
    auto expected = std::vector{std::pair(there, kGone), std::pair(wrong, kCleared)};
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(Listed(member), expected) << member;
    ASSERT_TRUE(Acknowledge(member, there, kGone).ok());
    EXPECT_THAT(Listed(member), ElementsAre(std::pair(wrong, kCleared))) << member;
  }
  v1::ListRecallsResponse response;
  EXPECT_EQ(GetErrorReason(recalls_.List(world_.As("newcomer"), {}, &response)),
            v1::ERROR_REASON_MEMBER_NOT_ACTIVE);
  EXPECT_EQ(GetErrorReason(Status("banned", there).status()), v1::ERROR_REASON_MEMBER_NOT_ACTIVE);
}

TEST_F(RecallsTest, OnlyItsContributorIsToldWhoWasShownARecord) {
  const std::string name = Report({"belmont"});
  Show("belmont", name);
  const std::string absent = FormatRecordName("aaaaaaaaaaaaaaaaaaaaaaaaaa");
  EXPECT_EQ(Status("belmont", name).status(), Status("belmont", absent).status());
  EXPECT_EQ(GetErrorReason(Status("belmont", name).status()), v1::ERROR_REASON_NOT_FOUND);
  Withdraw(name);
  EXPECT_EQ(Status("belmont", name).status(), Status("belmont", absent).status());
  EXPECT_TRUE(Status("aurore", name).ok());
}

// Whoever sees an opinion sees what it is about: that is told to who contributed that, and not to its author.
TEST_F(RecallsTest, AnOpinionTellsItsAuthorOfItsSubjectsContributorAlone) {
  const std::string report = Report({"belmont", "corsa"});
  v1::Record opinion = Opinion(report, v1::OPINION_VERDICT_DISPUTED);
  GrantEveryone(opinion);
  const std::string name = world_.Created("belmont", opinion).name();
  Show("aurore", name);
  Show("corsa", name);
  for (const bool there : {true, false}) {
    const auto status = Status("belmont", name);
    ASSERT_TRUE(status.ok()) << status.status();
    ASSERT_EQ(status->recipients_size(), 1) << there;
    EXPECT_EQ(status->recipients(0).member(), "members/aurore");
    v1::WithdrawRecordRequest withdraw;
    withdraw.set_name(name);
    if (!there) continue;
    ASSERT_TRUE(world_.Withdraw(world_.As("belmont"), withdraw).ok());
  }
}

TEST_F(RecallsTest, ExpiredIsTakenBackBeforeAndAfterItsRowIsGone) {
  v1::Record record = testing::Report("bazaar.example", "ends");
  GrantMember(record, "belmont");
  const int64_t ends_s = world_.clock.now_ns / 1'000'000'000 + 60;
  record.mutable_expire_time()->set_seconds(ends_s);
  const std::string name = world_.Created("aurore", record).name();
  Show("belmont", name);
  world_.clock.now_ns += int64_t{61} * 1'000'000'000;
  EXPECT_THAT(States(name), ElementsAre("members/belmont_NOT_TOLD"));
  EXPECT_EQ(Status("aurore", name)->taken_back_time().seconds(), ends_s);
  EXPECT_THAT(Listed("belmont"), ElementsAre(std::pair(name, kGone)));
}

TEST_F(RecallsTest, BadRequestsAreRefused) {
  v1::AcknowledgeRecallsRequest request;
  request.add_recalls()->set_name("records/nonsense");
  EXPECT_EQ(GetErrorReason(Acknowledge("belmont", request)), v1::ERROR_REASON_INVALID_FIELD);
  const std::string name = Report({"belmont"});
  EXPECT_EQ(GetErrorReason(Acknowledge("belmont", name, v1::RETRACTION_KIND_UNSPECIFIED)),
            v1::ERROR_REASON_INVALID_FIELD);
  request.Clear();
  for (int i = 0; i < 2; ++i) {
    request.add_recalls()->set_name(name);
    request.mutable_recalls(i)->set_kind(kGone);
  }
  EXPECT_EQ(GetErrorReason(Acknowledge("belmont", request)), v1::ERROR_REASON_INVALID_FIELD);
  for (int i = 0; i < 4; ++i) request.add_recalls();
  EXPECT_EQ(GetErrorReason(Acknowledge("belmont", request)), v1::ERROR_REASON_LIMIT_EXCEEDED);
  v1::ListRecallsRequest list;
  v1::ListRecallsResponse response;
  list.set_page_size(-1);
  EXPECT_EQ(GetErrorReason(recalls_.List(world_.As("belmont"), list, &response)),
            v1::ERROR_REASON_INVALID_FIELD);
}

TEST_F(RecallsTest, APageTokenIsItsMembersAlone) {
  for (int i = 0; i < 4; ++i) {
    const std::string name = Report({"belmont", "corsa"});
    Show("belmont", name);
    Show("corsa", name);
  }
  v1::ListRecallsRequest list;
  v1::ListRecallsResponse response;
  ASSERT_TRUE(recalls_.List(world_.As("belmont"), list, &response).ok());
  ASSERT_FALSE(response.next_page_token().empty());
  list.set_page_token(response.next_page_token());
  EXPECT_EQ(GetErrorReason(recalls_.List(world_.As("corsa"), list, &response)),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
}

// The feed tells what is gone and what was wrong, and which of it the member sees no more.
TEST_F(RecallsTest, TheFeedSaysClearedAndLeavesOutWhatHasOnlyLeftItsFilter) {
  const std::string cleared = Report({"belmont"});
  const std::string withdrawn = Report({"belmont"});
  const std::string contested = Report({"belmont", "bazaar"});
  v1::WatchStart start;
  start.mutable_filter()->set_contributor("members/aurore");
  start.mutable_filter()->add_states(v1::RECORD_STATE_ACTIVE);
  auto feed = watch::Feed::Start(feeds_.room, world_.As("belmont"), start);
  ASSERT_TRUE(feed.ok()) << feed.status();
  const auto next = [&] {
    ledger::Disclosure disclosure;
    EXPECT_TRUE(feed->Next(world_.As("belmont"), &disclosure).ok());
    return feed->response();
  };
  EXPECT_EQ(next().events_size(), 3);
  feed->Sent();
  Clear(cleared);
  Withdraw(withdrawn);
  v1::Record outcome = Outcome("bazaar.example", "shop-3");
  outcome.mutable_takedown_outcome()->set_appeal_result(v1::APPEAL_RESULT_UPHELD);
  outcome.mutable_takedown_outcome()->set_report(contested);
  world_.Created("bazaar", outcome);
  const v1::WatchRecordsResponse response = next();
  std::vector<std::pair<std::string, v1::RetractionKind>> retracted;
  for (const v1::WatchEvent& event : response.events())
    retracted.emplace_back(event.retract().name(), event.retract().kind());
  EXPECT_THAT(retracted, ElementsAre(std::pair(cleared, kCleared), std::pair(withdrawn, kGone),
                                     std::pair(contested, kGone)));
  const auto id = [](const std::string& name) { return *RecordIdToBytes(*ParseRecordName(name)); };
  EXPECT_THAT(feed->recalls(),
              ElementsAre(ledger::Recall{id(cleared), kCleared}, ledger::Recall{id(withdrawn), kGone}));
}

}  // namespace
}  // namespace coalition::testing

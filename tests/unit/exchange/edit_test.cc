#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <future>
#include <thread>

#include "common/errors.h"
#include "common/mutex.h"
#include "tests/support/exchange_world.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kRequestId[] = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

class EditTest : public ::testing::Test {
 protected:
  EditTest() {
    v1::Record report = Report("bazaar.example", "shop-1");
    report.set_external_id("case-17");
    report.mutable_offender_report()->set_comment("first");
    GrantMember(report, "belmont");
    GrantGroup(report, "club");
    record_ = world_.Created("aurore", report);
  }

  // A request to replace the fields with those of `record`.
  v1::ReviseRecordRequest Request(const v1::Record& record, const std::vector<std::string>& paths) const {
    v1::ReviseRecordRequest request;
    *request.mutable_record() = record;
    request.mutable_record()->set_name(record_.name());
    request.mutable_record()->clear_etag();
    for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
    return request;
  }

  absl::Status Refusal(const v1::ReviseRecordRequest& request, const char* member = "aurore") {
    return world_.Revise(world_.As(member), request).status();
  }

  World world_;
  v1::Record record_;
};

TEST_F(EditTest, ReplacesTheFieldsOfTheMaskAlone) {
  v1::Record change;
  change.mutable_offender_report()->set_comment("second");
  change.mutable_offender_report()->set_case_type("NOT_NAMED");
  change.set_label(v1::LABEL_GREEN);
  world_.clock.now_ns += 5'000'000'000;
  const auto revised = world_.Revise(world_.As("aurore"), Request(change, {"offender_report.comment"}));
  ASSERT_TRUE(revised.ok()) << revised.status();
  EXPECT_EQ(revised->record().offender_report().comment(), "second");
  EXPECT_EQ(revised->record().offender_report().case_type(), "");
  EXPECT_EQ(revised->record().offender_report().infringement_types_size(), 1);
  EXPECT_EQ(revised->record().label(), v1::LABEL_AMBER);
  EXPECT_EQ(revised->record().create_time().seconds(), record_.create_time().seconds());
  EXPECT_EQ(revised->record().update_time().seconds(), world_.clock.NowS());
  EXPECT_NE(revised->record().etag(), record_.etag());
  EXPECT_EQ(world_.Get(world_.As("aurore"), record_.name())->SerializeAsString(),
            revised->record().SerializeAsString());
  EXPECT_EQ(world_.Get(world_.As("belmont"), record_.name())->offender_report().comment(), "second");
}

TEST_F(EditTest, WholePayloadAndClearedFields) {
  v1::Record change;
  change.mutable_offender_report()->add_infringement_types("KEYWORD_DESIGN_INFRINGEMENT");
  const auto revised = world_.Revise(world_.As("aurore"), Request(change, {"offender_report"}));
  ASSERT_TRUE(revised.ok()) << revised.status();
  EXPECT_EQ(revised->record().offender_report().comment(), "");
  EXPECT_THAT(revised->record().offender_report().infringement_types(),
              ElementsAre("KEYWORD_DESIGN_INFRINGEMENT"));
  // What is checked at creation is checked again.
  EXPECT_EQ(FieldsAtFault(Refusal(Request({}, {"offender_report.infringement_types"}))),
            "record.offender_report.infringement_types");
}

TEST_F(EditTest, EveryRevisionHasItsEtag) {
  v1::Record change;
  change.mutable_offender_report()->set_comment("second");
  const auto request = Request(change, {"offender_report.comment"});
  const auto first = world_.Revise(world_.As("aurore"), request);
  const auto second = world_.Revise(world_.As("aurore"), request);  // the clock stands still
  EXPECT_NE(first->record().etag(), second->record().etag());

  auto stale = request;
  stale.mutable_record()->set_etag(first->record().etag());
  EXPECT_EQ(Refusal(stale).code(), absl::StatusCode::kAborted);
  EXPECT_EQ(GetErrorReason(Refusal(stale)), v1::ERROR_REASON_ETAG_MISMATCH);
  auto current = request;
  current.mutable_record()->set_etag(second->record().etag());
  EXPECT_TRUE(world_.Revise(world_.As("aurore"), current).ok());
}

TEST_F(EditTest, OfTwoWithOneEtagOneWins) {
  v1::Record change;
  change.mutable_offender_report()->set_comment("mine");
  auto request = Request(change, {"offender_report.comment"});
  request.mutable_record()->set_etag(record_.etag());
  constexpr int kCalls = 8;
  std::vector<std::promise<absl::Status>> answers(kCalls);
  for (auto& answer : answers) {
    world_.exchange().Revise(world_.As("aurore"), request, [&answer](const auto& response, const auto&) {
      answer.set_value(response.status());
    });
  }
  int won = 0;
  for (auto& answer : answers) {
    const absl::Status status = answer.get_future().get();
    won += status.ok() ? 1 : 0;
    if (!status.ok()) {
      EXPECT_EQ(GetErrorReason(status), v1::ERROR_REASON_ETAG_MISMATCH);
    }
  }
  EXPECT_EQ(won, 1);
}

TEST_F(EditTest, WithoutAnEtagAllOfManyAreMade) {
  std::vector<std::promise<absl::Status>> answers(6);
  for (size_t i = 0; i < answers.size(); ++i) {
    v1::Record change;
    change.mutable_offender_report()->set_comment(std::to_string(i));
    world_.exchange().Revise(
        world_.As("aurore"), Request(change, {"offender_report.comment"}),
        [&answer = answers[i]](const auto& response, const auto&) { answer.set_value(response.status()); });
  }
  for (auto& answer : answers) EXPECT_TRUE(answer.get_future().get().ok());
}

// Work that was left for later, run by whoever asks.
class Later {
 public:
  void Add(std::function<void()> work) {
    const MutexLock lock(mutex_);
    waiting_.push_back(std::move(work));
  }
  // False: there is none.
  bool RunOne() {
    std::function<void()> work;
    {
      const MutexLock lock(mutex_);
      if (waiting_.empty()) return false;
      work = std::move(waiting_.front());
      waiting_.pop_front();
    }
    work();
    return true;
  }

 private:
  Mutex mutex_;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
};

// Everybody's commits wait for the lane: it must not read the store to begin a call anew.
TEST(EditLaterTest, TheCommitLaneDoesNotReadTheStore) {
  Later later;
  WorldOptions options;
  options.run_later = [&later](uint32_t, std::function<void()> work) { later.Add(std::move(work)); };
  World world(std::move(options));
  v1::ReviseRecordRequest request;
  request.mutable_record()->set_name(world.Created("aurore", Report("bazaar.example", "shop-1")).name());
  request.mutable_update_mask()->add_paths("offender_report.comment");
  constexpr int kCalls = 6;
  std::atomic<int> answered{0};
  for (int i = 0; i < kCalls; ++i) {
    request.mutable_record()->mutable_offender_report()->set_comment(std::to_string(i));
    world.exchange().Revise(world.As("aurore"), request, [&answered](const auto& response, const auto&) {
      EXPECT_TRUE(response.ok()) << response.status();
      ++answered;
    });
  }
  v1::Record created = Report("bazaar.example", "shop-2");
  created.set_external_id("case-1");
  for (int i = 0; i < kCalls; ++i) {
    world.exchange().Create(world.As("aurore"), CreateRequest(created),
                            [&answered](const auto& response, const auto&) {
                              EXPECT_TRUE(response.ok()) << response.status();
                              ++answered;
                            });
  }
  int run = 0;
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (answered < 2 * kCalls && std::chrono::steady_clock::now() < give_up) {
    if (later.RunOne()) {
      ++run;
    } else {
      std::this_thread::yield();
    }
  }
  EXPECT_EQ(answered, 2 * kCalls);
  EXPECT_GT(run, 0);
}

TEST_F(EditTest, SomeFieldsCannotBeChanged) {
  for (const char* path :
       {"seller", "seller.seller_id", "external_id", "name", "contributor", "record_class", "state",
        "create_time", "update_time", "etag", "view", "disputed", "takedown_notice", "opinion.verdict"}) {
    EXPECT_EQ(GetErrorReason(Refusal(Request(record_, {path}))), v1::ERROR_REASON_IMMUTABLE_FIELD) << path;
  }
  for (const char* path :
       {"nonsense", "offender_report.nonsense", "offender_report.rights.type", "audience.grants", ""}) {
    EXPECT_EQ(FieldsAtFault(Refusal(Request(record_, {path}))), "update_mask") << path;
  }
  EXPECT_EQ(FieldsAtFault(Refusal(Request(record_, {}))), "update_mask");
  std::vector<std::string> many(101, "label");
  EXPECT_EQ(GetErrorReason(Refusal(Request(record_, many))), v1::ERROR_REASON_LIMIT_EXCEEDED);
}

TEST_F(EditTest, ForeignAndAbsentAreAnsweredAlike) {
  v1::Record change;
  change.set_label(v1::LABEL_RED);
  const auto request = Request(change, {"label"});
  EXPECT_EQ(Refusal(request, "belmont"), NotFound()) << "sees it, does not own it";
  EXPECT_EQ(Refusal(request, "corsa"), NotFound());
  auto absent = request;
  absent.mutable_record()->set_name("records/aaaaaaaaaaaaaaaaaaaaaaaaaa");
  EXPECT_EQ(Refusal(absent), NotFound());
  absent.mutable_record()->set_name("records/x");
  EXPECT_EQ(FieldsAtFault(Refusal(absent)), "record.name");
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(record_.name());
  EXPECT_EQ(world_.Withdraw(world_.As("belmont"), withdraw).status(), NotFound());
}

TEST_F(EditTest, TheAudienceMovesTheRecordInAndOutOfListings) {
  const auto sees = [&](const char* member) { return !world_.ListAll(world_.As(member), {}).empty(); };
  EXPECT_TRUE(sees("belmont") && sees("paylink"));
  EXPECT_FALSE(sees("customs"));
  const std::string older = record_.name();
  v1::Record second = Report("bazaar.example", "shop-2");
  GrantKind(second, v1::MEMBER_KIND_AUTHORITY);
  const std::string newer = world_.Created("aurore", second).name();

  v1::Record change;
  GrantKind(change, v1::MEMBER_KIND_AUTHORITY);
  ASSERT_TRUE(world_.Revise(world_.As("aurore"), Request(change, {"audience"})).ok());
  EXPECT_FALSE(sees("belmont") || sees("paylink"));
  EXPECT_EQ(world_.Get(world_.As("belmont"), older).status(), NotFound());
  EXPECT_THAT(world_.ListAll(world_.As("customs"), {}), ElementsAre(newer, older))
      << "in the place of its creation";
  world_.Restart();
  EXPECT_THAT(world_.ListAll(world_.As("customs"), {}), ElementsAre(newer, older));

  // And back again.
  v1::Record again;
  GrantMember(again, "belmont");
  ASSERT_TRUE(world_.Revise(world_.As("aurore"), Request(again, {"audience"})).ok());
  EXPECT_THAT(world_.ListAll(world_.As("belmont"), {}), ElementsAre(older));
}

TEST_F(EditTest, TheLabelIsCheckedAgainstTheAudienceThatStays) {
  v1::Record change;
  change.set_label(v1::LABEL_RED);
  EXPECT_EQ(GetErrorReason(Refusal(Request(change, {"label"}))), v1::ERROR_REASON_LABEL_FORBIDS_AUDIENCE);
}

TEST_F(EditTest, ExpiryCountsFromTheCreation) {
  v1::Record change;
  const int64_t created = record_.create_time().seconds();
  world_.clock.now_ns += int64_t{100} * 86400 * 1'000'000'000;
  change.mutable_expire_time()->set_seconds(created + int64_t{3650} * 86400);
  EXPECT_TRUE(world_.Revise(world_.As("aurore"), Request(change, {"expire_time"})).ok());
  change.mutable_expire_time()->set_seconds(created + int64_t{3650} * 86400 + 1);
  EXPECT_EQ(FieldsAtFault(Refusal(Request(change, {"expire_time"}))), "record.expire_time");
  change.mutable_expire_time()->set_seconds(world_.clock.NowS());
  EXPECT_EQ(FieldsAtFault(Refusal(Request(change, {"expire_time"}))), "record.expire_time");
}

TEST_F(EditTest, ReferencesAreResolvedWhenTheyChange) {
  v1::Record notice = Notice("bazaar.example", "shop-1");
  notice.mutable_takedown_notice()->set_report(record_.name());
  const std::string name = world_.Created("belmont", notice).name();
  // aurore takes belmont's sight of the report away: the notice can still be revised, but not re-pointed.
  ASSERT_TRUE(world_.Revise(world_.As("aurore"), Request({}, {"audience"})).ok());
  v1::ReviseRecordRequest request;
  request.mutable_record()->set_name(name);
  request.mutable_record()->mutable_takedown_notice()->set_comment("still here");
  request.mutable_update_mask()->add_paths("takedown_notice.comment");
  EXPECT_TRUE(world_.Revise(world_.As("belmont"), request).ok());
  request.mutable_record()->mutable_takedown_notice()->set_report("records/aaaaaaaaaaaaaaaaaaaaaaaaaa");
  request.mutable_update_mask()->add_paths("takedown_notice.report");
  const absl::Status refused = world_.Revise(world_.As("belmont"), request).status();
  EXPECT_EQ(GetErrorReason(refused), v1::ERROR_REASON_REFERENCE_NOT_FOUND);
  request.mutable_record()->mutable_takedown_notice()->clear_report();
  EXPECT_TRUE(world_.Revise(world_.As("belmont"), request).ok());
  v1::ListRecordsRequest list;
  list.mutable_filter()->set_refers_to(record_.name());
  EXPECT_THAT(world_.ListAll(world_.As("belmont"), list), IsEmpty());
}

TEST_F(EditTest, AnOpinionKeepsItsSubjectAndItsSeller) {
  const std::string name =
      world_.Created("belmont", Opinion(record_.name(), v1::OPINION_VERDICT_CONFIRMED)).name();
  v1::ReviseRecordRequest request;
  request.mutable_record()->set_name(name);
  request.mutable_record()->mutable_opinion()->set_verdict(v1::OPINION_VERDICT_FALSE_POSITIVE);
  request.mutable_update_mask()->add_paths("opinion");
  const auto revised = world_.Revise(world_.As("belmont"), request);
  ASSERT_TRUE(revised.ok()) << revised.status();
  EXPECT_EQ(revised->record().opinion().subject(), record_.name());
  EXPECT_EQ(revised->record().seller().seller_id(), "shop-1");
  request.mutable_record()->mutable_opinion()->set_subject("records/aaaaaaaaaaaaaaaaaaaaaaaaaa");
  EXPECT_EQ(GetErrorReason(world_.Revise(world_.As("belmont"), request).status()),
            v1::ERROR_REASON_IMMUTABLE_FIELD);
}

TEST_F(EditTest, RevisionsAreIdempotentByRequestId) {
  v1::Record change;
  change.mutable_offender_report()->set_comment("second");
  auto request = Request(change, {"offender_report.comment"});
  request.mutable_record()->set_etag(record_.etag());
  request.set_request_id(kRequestId);
  const auto first = world_.Revise(world_.As("aurore"), request);
  ASSERT_TRUE(first.ok()) << first.status();
  world_.Restart();
  const auto again = world_.Revise(world_.As("aurore"), request);
  ASSERT_TRUE(again.ok()) << "the etag is old, the request is the same: " << again.status();
  EXPECT_EQ(again->record().SerializeAsString(), first->record().SerializeAsString());
  request.mutable_record()->mutable_offender_report()->set_comment("third");
  EXPECT_EQ(GetErrorReason(Refusal(request)), v1::ERROR_REASON_REQUEST_ID_REUSED);
}

TEST_F(EditTest, ValidateOnlyChangesNothing) {
  v1::Record change;
  change.mutable_offender_report()->set_comment("second");
  auto request = Request(change, {"offender_report.comment"});
  request.set_validate_only(true);
  EXPECT_EQ(world_.Revise(world_.As("aurore"), request)->record().offender_report().comment(), "second");
  EXPECT_EQ(world_.Get(world_.As("aurore"), record_.name())->offender_report().comment(), "first");
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(record_.name());
  withdraw.set_validate_only(true);
  EXPECT_TRUE(world_.Withdraw(world_.As("aurore"), withdraw).ok());
  EXPECT_TRUE(world_.Get(world_.As("aurore"), record_.name()).ok());
}

TEST_F(EditTest, WithdrawalIsForEverybodyAndForGood) {
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(record_.name());
  withdraw.set_etag("stale");
  EXPECT_EQ(GetErrorReason(world_.Withdraw(world_.As("aurore"), withdraw).status()),
            v1::ERROR_REASON_ETAG_MISMATCH);
  withdraw.set_etag(record_.etag());
  withdraw.set_request_id(kRequestId);
  ASSERT_TRUE(world_.Withdraw(world_.As("aurore"), withdraw).ok());
  world_.Restart();
  for (const char* member : {"aurore", "belmont", "paylink"}) {
    EXPECT_EQ(world_.Get(world_.As(member), record_.name()).status(), NotFound()) << member;
    EXPECT_THAT(world_.ListAll(world_.As(member), {}), IsEmpty()) << member;
    EXPECT_EQ(world_.ScreenOne(member, "bazaar.example", "shop-1").verdict(), v1::VERDICT_NOT_LISTED);
  }
  EXPECT_TRUE(world_.Withdraw(world_.As("aurore"), withdraw).ok()) << "the same request again";
  withdraw.clear_request_id();
  EXPECT_EQ(world_.Withdraw(world_.As("aurore"), withdraw).status(), NotFound());
  EXPECT_EQ(Refusal(Request(record_, {"label"})), NotFound());
}

TEST_F(EditTest, AWithdrawnRecordTakesItsOpinionsAlong) {
  v1::Record opinion = Opinion(record_.name(), v1::OPINION_VERDICT_CONFIRMED);
  GrantMember(opinion, "aurore");
  const std::string name = world_.Created("belmont", opinion).name();
  EXPECT_TRUE(world_.Get(world_.As("aurore"), name).ok());
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(record_.name());
  ASSERT_TRUE(world_.Withdraw(world_.As("aurore"), withdraw).ok());
  EXPECT_EQ(world_.Get(world_.As("aurore"), name).status(), NotFound());
  EXPECT_THAT(world_.ListAll(world_.As("belmont"), {}), SizeIs(1)) << "its author keeps it";
}

}  // namespace
}  // namespace coalition::exchange

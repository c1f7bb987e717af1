// The watch that keeps a mirror in step: when it goes on, when it begins again, when it ends.
#include "client/mirror_runner.h"

#include <gmock/gmock.h>

#include <functional>
#include <thread>

#include "common/errors.h"
#include "tests/support/fake_watch.h"
#include "tests/unit/client/mirror_fixture.h"

namespace coalition::client {
namespace {

using ::coalition::testing::FakeWatchServer;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class MirrorRunnerTest : public MirrorFixture {
 protected:
  MirrorRunnerTest() {
    options_.filter.set_contributor("members/aurore");
    retry_.backoff_initial = retry_.backoff_max = milliseconds(1);
    run_.on_break = [this](const absl::Status& status) {
      breaks_.push_back(absl::StatusCodeToString(status.code()));
    };
  }
  void Start() {
    mirror_ = Open();
    run_.retry = retry_;
    runner_ = std::make_unique<MirrorRunner>(
        *mirror_,
        [this](const WatchOptions& options) {
          return std::make_unique<RecordWatch>([this] { return server_.Open(); }, options_.filter, options,
                                               retry_);
        },
        run_);
  }
  absl::Status Run() {
    if (runner_ == nullptr) Start();
    return runner_->Run();
  }
  std::vector<std::string> Cursors() {
    std::vector<std::string> cursors;
    for (const v1::WatchStart& start : server_.starts()) cursors.push_back(start.cursor());
    return cursors;
  }
  v1::WatchRecordsResponse All(int number, const std::string& seller, const std::string& cursor) const {
    return Say(cursor).Upsert(MakeReport(number, seller)).SnapshotComplete().CompleteAt(now());
  }

  FakeWatchServer server_;
  RetryPolicy retry_;
  MirrorRunnerOptions run_;
  std::vector<std::string> breaks_;
  std::unique_ptr<Mirror> mirror_;
  std::unique_ptr<MirrorRunner> runner_;
};

TEST_F(MirrorRunnerTest, GoesOnBehindTheLastCursorAlsoInAnotherRun) {
  server_.Add({{All(1, "shop-1", "1"), Say("2").Upsert(MakeReport(2, "shop-2"))},
               absl::UnavailableError("connection reset")});
  server_.Add({{Say("3").Retract(1)}, Error(v1::ERROR_REASON_WATCH_BEHIND, "too slow")});
  server_.Add({{}, WithRetryDelay(Error(v1::ERROR_REASON_RATE_LIMITED, "later"), milliseconds(1))});
  server_.Add({{}, absl::DataLossError("the end")});
  EXPECT_EQ(Run().code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(runner_->mirror_failed());
  EXPECT_THAT(Cursors(), ElementsAre("", "2", "3", "3"));
  EXPECT_THAT(breaks_, ElementsAre("UNAVAILABLE", "ABORTED", "RESOURCE_EXHAUSTED"));
  EXPECT_EQ(Verdict(*mirror_, "shop-1"), "NOT_LISTED");
  EXPECT_EQ(Verdict(*mirror_, "shop-2"), "LISTED");
  EXPECT_EQ(server_.starts()[0].filter().contributor(), "members/aurore");
  runner_.reset();
  mirror_.reset();
  server_.Add({{}, absl::DataLossError("the end")});
  EXPECT_EQ(Run().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Cursors().back(), "3");
}

TEST_F(MirrorRunnerTest, GoesOnWhereTheExchangeDidNotSayWhyItEnded) {
  server_.Add({{All(1, "shop-1", "1")}, absl::CancelledError("CANCELLED")});
  server_.Add({{}, absl::InternalError("RST_STREAM")});
  server_.Add({{}, absl::UnknownError("stream removed")});
  server_.Add({{}, absl::OkStatus()});
  server_.Add({{}, Error(v1::ERROR_REASON_INTERNAL, "a defect")});
  EXPECT_EQ(Run().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(breaks_, ElementsAre("CANCELLED", "INTERNAL", "UNKNOWN", "INTERNAL"));
}

TEST_F(MirrorRunnerTest, ARetractionIsOnTheDiskBeforeItIsAcknowledged) {
  server_.Add({{All(1, "shop-1", "1"), Say("2").Retract(1), Say("3").CompleteAt(now())}, std::nullopt});
  std::vector<std::string> checked;
  run_.on_response = [&](const v1::WatchRecordsResponse& response) {
    // Long enough for an acknowledgement that does not wait for us.
    std::this_thread::sleep_for(milliseconds(50));
    const std::vector<int64_t> acknowledged = server_.acknowledged().back();
    if (response.cursor() == "2") {
      EXPECT_LE(acknowledged.empty() ? 0 : acknowledged.back(), 1);
      checked.push_back(Verdict(*Open(true), "shop-1"));
    }
    if (response.cursor() == "3") runner_->Stop();
  };
  Start();
  EXPECT_EQ(runner_->Run().code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(checked, ElementsAre("NOT_LISTED"));
  EXPECT_EQ(server_.acknowledged().back().back(), 2);
}

TEST_F(MirrorRunnerTest, WhatCameWithoutACursorIsUndoneByABreak) {
  server_.Add({{All(1, "shop-1", "1"), Say("").Upsert(MakeReport(2, "shop-2"))},
               absl::UnavailableError("connection reset")});
  server_.Add({{Say("2")}, absl::DataLossError("the end")});
  EXPECT_EQ(Run().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(Cursors(), ElementsAre("", "1"));
  EXPECT_EQ(Verdict(*mirror_, "shop-2"), "NOT_LISTED");
}

// Not by an error that ends the run, after which another one may follow.
TEST_F(MirrorRunnerTest, WhatCameWithoutACursorIsUndoneByTheNextRun) {
  server_.Add({{All(1, "shop-1", "1"), Say("").Upsert(MakeReport(2, "shop-2"))},
               Error(v1::ERROR_REASON_CREDENTIAL_REVOKED, "revoked")});
  EXPECT_EQ(GetErrorReason(Run()), v1::ERROR_REASON_CREDENTIAL_REVOKED);
  server_.Add({{Say("2")}, absl::DataLossError("the end")});
  EXPECT_EQ(Run().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Verdict(*mirror_, "shop-2"), "NOT_LISTED");
}

TEST_F(MirrorRunnerTest, BeginsAgainWhereTheCursorIsTooOldAndAnswersMeanwhile) {
  server_.Add({{All(1, "shop-1", "1")}, Error(v1::ERROR_REASON_CURSOR_TOO_OLD, "gone")});
  server_.Add({{Say("a").Upsert(MakeReport(2, "shop-2"))}, absl::UnavailableError("connection reset")});
  server_.Add({{Say("b").SnapshotComplete().CompleteAt(now())}, absl::DataLossError("the end")});
  run_.on_response = [this](const v1::WatchRecordsResponse& response) {
    const bool old = response.cursor() != "b";
    EXPECT_EQ(Verdict(*mirror_, "shop-1"), old ? "LISTED" : "NOT_LISTED");
    EXPECT_EQ(Verdict(*mirror_, "shop-2"), old ? "NOT_LISTED" : "LISTED");
  };
  EXPECT_EQ(Run().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(Cursors(), ElementsAre("", "", "a"));
}

TEST_F(MirrorRunnerTest, IsWipedWhereTheMemberIsSuspended) {
  server_.Add({{All(1, "shop-1", "1")}, Error(v1::ERROR_REASON_MEMBER_NOT_ACTIVE, "suspended")});
  const absl::Status status = Run();
  EXPECT_EQ(GetErrorReason(status), v1::ERROR_REASON_MEMBER_NOT_ACTIVE);
  EXPECT_EQ(Verdict(*mirror_, "shop-1"), "FAILED_PRECONDITION");
  EXPECT_THAT(Files(), UnorderedElementsAre("lock", "wiped"));
  EXPECT_EQ(mirror_->status().wiped.reason, "the exchange says: suspended");
}

TEST_F(MirrorRunnerTest, IsNotWipedForAnythingElse) {
  const absl::Status errors[] = {
      Error(v1::ERROR_REASON_CREDENTIAL_REVOKED, "revoked"),
      Error(v1::ERROR_REASON_ROLE_MISSING, "no reader"),
      Error(v1::ERROR_REASON_CURSOR_INVALID, "another's"),
      // Not what the exchange says of a member that is not active.
      Error(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_MEMBER_NOT_ACTIVE, "odd"),
      absl::PermissionDeniedError("by a proxy"),
  };
  server_.Add({{All(1, "shop-1", "1")}, errors[0]});
  for (const absl::Status& error : errors) {
    if (&error != errors) server_.Add({{}, error});
    EXPECT_EQ(Run().code(), error.code());
    EXPECT_EQ(Verdict(*mirror_, "shop-1"), "LISTED");
    runner_.reset();
    mirror_.reset();
  }
  clock_.Pass(std::chrono::hours(2));
  EXPECT_EQ(Verdict(*Open(), "shop-1"), "UNAVAILABLE");
}

TEST_F(MirrorRunnerTest, WhoHasNeverReachedTheExchangeIsToldAfterTheBudget) {
  retry_.backoff_initial = retry_.backoff_max = milliseconds(10);
  retry_.budget = milliseconds(100);
  for (int i = 0; i < 100; ++i) server_.Add({{}, absl::UnavailableError("connection refused")});
  EXPECT_EQ(Run().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(breaks_, SizeIs(Ge(5u)));
}

TEST_F(MirrorRunnerTest, WhoHasLostItGoesOnTrying) {
  retry_.backoff_initial = retry_.backoff_max = milliseconds(10);
  retry_.budget = milliseconds(100);
  server_.Add({{All(1, "shop-1", "1")}, absl::UnavailableError("connection reset")});
  for (int i = 0; i < 30; ++i) server_.Add({{}, absl::UnavailableError("connection refused")});
  server_.Add({{}, absl::DataLossError("the end")});
  EXPECT_EQ(Run().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(breaks_, SizeIs(31));
}

TEST_F(MirrorRunnerTest, StopEndsEveryWait) {
  retry_.backoff_initial = retry_.backoff_max = std::chrono::minutes(10);
  retry_.budget = std::chrono::hours(1);
  Start();
  runner_->Stop();
  EXPECT_EQ(runner_->Run().code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(Cursors(), IsEmpty());
  runner_.reset();
  mirror_.reset();
  const auto stop_when = [this](const std::function<bool()>& condition) {
    Start();
    std::thread stopper([&] {
      while (!condition()) std::this_thread::sleep_for(milliseconds(1));
      runner_->Stop();
    });
    EXPECT_EQ(runner_->Run().code(), absl::StatusCode::kCancelled);
    stopper.join();
    runner_.reset();
    mirror_.reset();
  };
  stop_when([this] { return server_.waiting() == 1; });
  std::atomic<bool> broke{false};
  run_.on_break = [&](const absl::Status&) { broke = true; };
  server_.Add({{}, absl::UnavailableError("connection refused")});
  stop_when([&] { return broke.load(); });
}

TEST_F(MirrorRunnerTest, WhatTheMirrorDoesNotUnderstandEndsIt) {
  v1::WatchRecordsResponse unknown = All(1, "shop-1", "1");
  unknown.add_events();
  server_.Add({{unknown}, std::nullopt});
  EXPECT_EQ(Run().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(runner_->mirror_failed());
  EXPECT_EQ(mirror_->cursor(), "");
}

}  // namespace
}  // namespace coalition::client

// Acknowledgements, broken streams, cancellation from everywhere.
#include "client/record_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

#include "common/errors.h"
#include "tests/support/fake_watch.h"

namespace coalition::client {
namespace {

using ::coalition::testing::FakeStream;
using ::coalition::testing::FakeWatchServer;
using ::coalition::testing::WatchResponse;
using std::chrono::milliseconds;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

bool Eventually(const std::function<bool()>& condition) {
  for (int tries = 0; tries < 20'000 && !condition(); ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return condition();
}

class RecordWatchTest : public ::testing::Test {
 protected:
  RecordWatchTest() {
    retry_.backoff_initial = milliseconds(1);
    retry_.backoff_max = milliseconds(1);
  }
  ~RecordWatchTest() override { EXPECT_EQ(server_.unfinished(), 0); }

  std::unique_ptr<RecordWatch> Make() {
    v1::RecordFilter filter;
    filter.set_contributor("members/aurore");
    return std::make_unique<RecordWatch>([this] { return server_.Open(); }, filter, options_, retry_);
  }
  // Cursors "1", "2", …
  static std::vector<v1::WatchRecordsResponse> Numbered(int from, int to) {
    std::vector<v1::WatchRecordsResponse> responses;
    for (int i = from; i <= to; ++i) responses.push_back(WatchResponse({"records/a"}, std::to_string(i)));
    return responses;
  }
  // The cursor of the next response, or the code of the error.
  static std::string Next(RecordWatch& watch) {
    const absl::StatusOr<v1::WatchRecordsResponse> response = watch.Next();
    return response.ok() ? response->cursor() : absl::StatusCodeToString(response.status().code());
  }
  std::vector<std::string> Cursors() {
    std::vector<std::string> cursors;
    for (const v1::WatchStart& start : server_.starts()) cursors.push_back(start.cursor());
    return cursors;
  }
  int64_t LastAcknowledged() {
    const auto all = server_.acknowledged();
    return all.empty() || all.back().empty() ? 0 : all.back().back();
  }

  FakeWatchServer server_;
  WatchOptions options_;
  RetryPolicy retry_;
};

TEST_F(RecordWatchTest, OpensAtTheFirstNextWithFilterAndCursor) {
  options_.cursor = "0";
  server_.Add({Numbered(1, 2), std::nullopt});
  const auto watch = Make();
  EXPECT_EQ(watch->cursor(), "0");
  EXPECT_THAT(server_.starts(), IsEmpty());
  EXPECT_EQ(Next(*watch), "1");
  EXPECT_EQ(watch->cursor(), "1");
  EXPECT_EQ(Next(*watch), "2");
  ASSERT_THAT(Cursors(), ElementsAre("0"));
  EXPECT_EQ(server_.starts()[0].filter().contributor(), "members/aurore");
}

TEST_F(RecordWatchTest, WhatWasDealtWithIsAcknowledgedAlsoWhenNothingMoreHappens) {
  server_.Add({Numbered(1, 3), std::nullopt});
  const auto watch = Make();
  EXPECT_EQ(Next(*watch), "1");
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(LastAcknowledged(), 0);  // it may yet be under way
  EXPECT_EQ(Next(*watch), "2");
  EXPECT_TRUE(Eventually([&] { return LastAcknowledged() == 1; }));
  EXPECT_EQ(Next(*watch), "3");
  EXPECT_TRUE(Eventually([&] { return LastAcknowledged() == 2; }));
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(LastAcknowledged(), 2);
}

TEST_F(RecordWatchTest, ANextThatWaitsHoldsNoAcknowledgementBack) {
  server_.Add({Numbered(1, 1), std::nullopt});
  const auto watch = Make();
  EXPECT_EQ(Next(*watch), "1");
  std::thread waiter([&] { EXPECT_EQ(Next(*watch), "CANCELLED"); });
  EXPECT_TRUE(Eventually([&] { return LastAcknowledged() == 1; }));
  watch->Cancel();
  waiter.join();
}

TEST_F(RecordWatchTest, ManyAreAcknowledgedTogether) {
  constexpr int kResponses = 3'201;
  server_.Add({Numbered(1, kResponses), std::nullopt});
  const auto watch = Make();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 1; i <= kResponses; ++i) EXPECT_EQ(Next(*watch), std::to_string(i));
  EXPECT_TRUE(Eventually([&] { return LastAcknowledged() == kResponses - 1; }));
  const auto took =
      std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start).count();
  const std::vector<int64_t> counts = server_.acknowledged()[0];
  EXPECT_TRUE(std::is_sorted(counts.begin(), counts.end()));
  EXPECT_THAT(counts, SizeIs(Le(kResponses / 16 + took / 10 + 1)));
}

TEST_F(RecordWatchTest, ABrokenStreamGoesOnBehindTheLastCursor) {
  server_.Add({Numbered(1, 2), absl::UnavailableError("connection reset")});
  server_.Add({Numbered(3, 3), Error(v1::ERROR_REASON_SHUTTING_DOWN, "drain")});
  server_.Add({{}, absl::UnavailableError("connection refused")});
  server_.Add({Numbered(4, 4), std::nullopt});
  const auto watch = Make();
  for (const char* cursor : {"1", "2", "3", "4"}) EXPECT_EQ(Next(*watch), cursor);
  EXPECT_THAT(Cursors(), ElementsAre("", "2", "3", "3"));
  // Each stream counts its own responses.
  for (const std::vector<int64_t>& counts : server_.acknowledged()) EXPECT_THAT(counts, Each(Le(2)));
}

TEST_F(RecordWatchTest, AResponseWithoutACursorIsNoPlaceToGoOnFrom) {
  server_.Add({{WatchResponse({"records/a"}, "1"), WatchResponse({"records/b"}, "")},
               absl::UnavailableError("connection reset")});
  const auto watch = Make();
  EXPECT_EQ(Next(*watch), "1");
  EXPECT_EQ(Next(*watch), "");
  EXPECT_EQ(watch->cursor(), "1");
  // What it brought may be gone: whoever goes on from the cursor undoes it first.
  EXPECT_EQ(Next(*watch), "UNAVAILABLE");
  EXPECT_THAT(Cursors(), ElementsAre(""));
}

TEST_F(RecordWatchTest, WhoFellBehindGoesOn) {
  server_.Add({Numbered(1, 1), Error(v1::ERROR_REASON_WATCH_BEHIND, "too slow")});
  server_.Add({{}, WithRetryDelay(Error(v1::ERROR_REASON_RATE_LIMITED, "later"), milliseconds(1))});
  server_.Add({Numbered(2, 2), absl::AbortedError("for another reason")});
  const auto watch = Make();
  EXPECT_EQ(Next(*watch), "1");
  EXPECT_EQ(Next(*watch), "2");
  EXPECT_EQ(Next(*watch), "ABORTED");
  EXPECT_THAT(Cursors(), ElementsAre("", "1", "1"));
}

TEST_F(RecordWatchTest, OtherErrorsAreFinal) {
  for (const absl::Status& error :
       {Error(v1::ERROR_REASON_CURSOR_TOO_OLD, "gone"), Error(v1::ERROR_REASON_CURSOR_INVALID, "no"),
        Error(v1::ERROR_REASON_ROLE_MISSING, "no"), absl::UnauthenticatedError("no")}) {
    server_.Add({Numbered(1, 1), error});
    const size_t before = server_.starts().size();
    const auto watch = Make();
    EXPECT_EQ(Next(*watch), "1");
    for (int again = 0; again < 2; ++again) {
      const absl::Status status = watch->Next().status();
      EXPECT_EQ(status.code(), error.code());
      EXPECT_EQ(GetErrorReason(status), GetErrorReason(error));
    }
    EXPECT_EQ(server_.starts().size(), before + 1);
  }
}

TEST_F(RecordWatchTest, AnEndWithoutAReasonIsAnError) {
  server_.Add({Numbered(1, 1), absl::OkStatus()});
  const auto watch = Make();
  EXPECT_EQ(Next(*watch), "1");
  EXPECT_EQ(Next(*watch), "INTERNAL");
}

TEST_F(RecordWatchTest, DoesNotReconnectWhereItIsNotTo) {
  options_.reconnect = false;
  server_.Add({Numbered(1, 1), absl::UnavailableError("connection reset")});
  const auto watch = Make();
  EXPECT_EQ(Next(*watch), "1");
  EXPECT_EQ(Next(*watch), "UNAVAILABLE");
  EXPECT_THAT(server_.starts(), SizeIs(1));
}

TEST_F(RecordWatchTest, GivesUpAfterThePolicysBudget) {
  retry_.backoff_initial = retry_.backoff_max = milliseconds(10);
  retry_.budget = milliseconds(500);
  server_.Add({Numbered(1, 1), absl::UnavailableError("connection reset")});
  for (int i = 0; i < 500; ++i) server_.Add({{}, absl::UnavailableError("connection refused")});
  const auto watch = Make();
  EXPECT_EQ(Next(*watch), "1");
  std::this_thread::sleep_for(milliseconds(550));  // how long it stood before does not count
  EXPECT_EQ(Next(*watch), "UNAVAILABLE");
  EXPECT_GT(server_.starts().size(), 5u);  // more than the policy's tries
}

TEST_F(RecordWatchTest, APolicyOfOneTryHasNoOther) {
  retry_.attempts_max = 1;
  server_.Add({{}, absl::UnavailableError("connection refused")});
  const auto watch = Make();
  EXPECT_EQ(Next(*watch), "UNAVAILABLE");
  EXPECT_THAT(server_.starts(), SizeIs(1));
}

TEST_F(RecordWatchTest, AConnectionThatCanNotWatchSaysSo) {
  RecordWatch watch([] { return Connection().WatchRecords(); }, {}, options_, retry_);
  EXPECT_EQ(Next(watch), "UNIMPLEMENTED");
}

TEST_F(RecordWatchTest, CancelEndsTheNextUnderWayAndAllLater) {
  const auto watch = Make();
  std::thread canceller([&] {
    EXPECT_TRUE(Eventually([&] { return server_.waiting() == 1; }));
    watch->Cancel();
  });
  EXPECT_EQ(Next(*watch), "CANCELLED");
  canceller.join();
  EXPECT_EQ(Next(*watch), "CANCELLED");
  EXPECT_THAT(server_.starts(), SizeIs(1));
}

TEST_F(RecordWatchTest, CancelBeforeTheStartOpensNothing) {
  const auto watch = Make();
  watch->Cancel();
  EXPECT_EQ(Next(*watch), "CANCELLED");
  EXPECT_THAT(server_.starts(), IsEmpty());
}

TEST_F(RecordWatchTest, CancelEndsTheWaitBetweenTries) {
  retry_.backoff_initial = retry_.backoff_max = std::chrono::minutes(10);
  retry_.budget = std::chrono::hours(1);
  server_.Add({{}, absl::UnavailableError("connection refused")});
  const auto watch = Make();
  std::thread canceller([&] {
    EXPECT_TRUE(Eventually([&] { return !server_.starts().empty(); }));
    watch->Cancel();
  });
  EXPECT_EQ(Next(*watch), "CANCELLED");
  canceller.join();
}

TEST_F(RecordWatchTest, TheDestructorEndsANextOnAnotherThread) {
  auto watch = Make();
  std::thread waiter([raw = watch.get()] { EXPECT_EQ(Next(*raw), "CANCELLED"); });
  EXPECT_TRUE(Eventually([&] { return server_.waiting() == 1; }));
  watch.reset();
  waiter.join();
}

TEST_F(RecordWatchTest, AServerThatReadsNothingHoldsUpNeitherReadingNorTheEnd) {
  server_.StopReading();
  server_.Add({Numbered(1, 100), std::nullopt});
  auto watch = Make();
  for (int i = 1; i <= 100; ++i) EXPECT_EQ(Next(*watch), std::to_string(i));
  EXPECT_TRUE(Eventually([&] { return server_.waiting() == 1; }));  // the acknowledgement
  watch.reset();
  EXPECT_THAT(server_.acknowledged(), ElementsAre(IsEmpty()));
}

TEST_F(RecordWatchTest, AStreamThatEndsTakesItsAcknowledgementWithIt) {
  server_.StopReading();
  server_.Add({Numbered(1, 20), absl::UnavailableError("connection reset")});
  server_.Add({Numbered(21, 21), std::nullopt});
  const auto watch = Make();
  for (int i = 1; i <= 21; ++i) EXPECT_EQ(Next(*watch), std::to_string(i));
  EXPECT_THAT(Cursors(), ElementsAre("", "20"));
}

}  // namespace
}  // namespace coalition::client

// The import stream over real mutual TLS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/match.h"
#include "common/errors.h"
#include "tests/integration/import_stream.h"
#include "tests/support/eventually.h"
#include "tests/support/server_metric.h"

namespace coalition::testing {
namespace {

using Stub = v1::ExchangeService::Stub;

TEST(ImportTest, EachMessageIsAnsweredInOrder) {
  TestServer server;
  ImportCall call(server.Exchange("aurore"));
  constexpr int kMessages = 20;
  std::jthread writer([&] {
    for (int i = 0; i < kMessages; ++i) EXPECT_TRUE(call.Write(ImportOf(i * 100, 100)));
    call.WritesDone();
  });
  v1::ImportRecordsResponse response;
  for (int i = 0; i < kMessages; ++i) {
    ASSERT_TRUE(call.Read(&response)) << i;
    ASSERT_EQ(response.results_size(), 100);
    for (int k = 0; k < 100; ++k) {
      EXPECT_EQ(response.results(k).item_id(), i * 100 + k);
      EXPECT_EQ(response.results(k).status(), v1::IMPORT_STATUS_CREATED)
          << response.results(k).error().message();
    }
  }
  EXPECT_FALSE(call.Read(&response));
  writer.join();
  EXPECT_TRUE(call.Finish().ok());
}

TEST(ImportTest, ASecondRunChangesNothingAndABadItemHarmsNoOther) {
  TestServer server;
  for (const v1::ImportStatus expected : {v1::IMPORT_STATUS_CREATED, v1::IMPORT_STATUS_UNCHANGED}) {
    ImportCall call(server.Exchange("aurore"));
    v1::ImportRecordsRequest request = ImportOf(0, 3);
    request.mutable_items(1)->mutable_record()->mutable_seller()->set_platform("no platform");
    ASSERT_TRUE(call.Write(request));
    call.WritesDone();
    v1::ImportRecordsResponse response;
    ASSERT_TRUE(call.Read(&response));
    EXPECT_EQ(response.results(0).status(), expected);
    EXPECT_EQ(response.results(1).status(), v1::IMPORT_STATUS_REJECTED);
    EXPECT_EQ(response.results(1).error().reason(), "INVALID_FIELD");
    EXPECT_THAT(response.results(1).error().field(), ::testing::HasSubstr("seller"));
    EXPECT_EQ(response.results(2).status(), expected);
    EXPECT_TRUE(call.Finish().ok());
  }
}

TEST(ImportTest, AMessageOverItsLimitEndsTheStream) {
  TestServer server;
  ImportCall call(server.Exchange("aurore"));
  call.Write(ImportOf(0, 251));
  v1::ImportRecordsResponse response;
  EXPECT_FALSE(call.Read(&response));
  const absl::Status status = call.Finish();
  EXPECT_EQ(GetErrorReason(status), v1::ERROR_REASON_LIMIT_EXCEEDED) << status;
}

TEST(ImportTest, ASilentStreamIsEnded) {
  TestServer::Options options;
  options.edit_config = [](config::v1::ServerConfig* config) {
    config->mutable_limits()->set_stream_idle_ms_max(3000);
  };
  TestServer server(std::move(options));
  ImportCall call(server.Exchange("aurore"));
  const auto start = std::chrono::steady_clock::now();  // before the last sign of life
  ASSERT_TRUE(call.Write(ImportOf(0, 1)));
  v1::ImportRecordsResponse response;
  ASSERT_TRUE(call.Read(&response));
  EXPECT_FALSE(call.Read(&response));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
  const absl::Status status = call.Finish();
  EXPECT_EQ(GetErrorReason(status), v1::ERROR_REASON_DEADLINE_EXCEEDED) << status;
}

TEST(ImportTest, ACertificateThatEndsEndsTheStream) {
  ShiftedClock clock;
  TestServer::Options options;
  options.clock = &clock;
  TestServer server(std::move(options));
  ImportCall call(server.Exchange("aurore"));
  v1::ImportRecordsResponse response;
  ASSERT_TRUE(call.Write(ImportOf(0, 1)));
  ASSERT_TRUE(call.Read(&response));
  clock.Advance(std::chrono::hours(48));
  call.Write(ImportOf(1, 1));
  EXPECT_FALSE(call.Read(&response));
  const absl::Status status = call.Finish();
  EXPECT_EQ(GetErrorReason(status), v1::ERROR_REASON_CERTIFICATE_NOT_CURRENT) << status;
}

TEST(ImportTest, ReadersMayNot) {
  TestServer server;
  ImportCall call(server.Exchange("aurore", "reader"));
  call.Write(ImportOf(0, 1));
  v1::ImportRecordsResponse response;
  EXPECT_FALSE(call.Read(&response));
  const absl::Status status = call.Finish();
  EXPECT_EQ(GetErrorReason(status), v1::ERROR_REASON_ROLE_MISSING) << status;
}

TEST(ImportTest, ClientsThatGoAwayLeaveNothingBehind) {
  TestServer server;
  for (int i = 0; i < 20; ++i) {
    ImportCall call(server.Exchange("aurore"));
    for (int k = 0; k < 3; ++k) call.Write(ImportOf(i * 1000 + k * 100, 100));
    call.Cancel();
    // Refused: the server has not yet seen all of those before it go.
    const absl::Status status = call.Finish();
    EXPECT_TRUE(absl::IsCancelled(status) || GetErrorReason(status) == v1::ERROR_REASON_RATE_LIMITED)
        << status;
  }
  // The places are free again, as soon as the streams have ended.
  v1::ImportRecordsResponse response;
  EXPECT_TRUE(Eventually([&] {
    ImportCall call(server.Exchange("aurore"));
    call.Write(ImportOf(900'000, 1));
    call.WritesDone();
    return call.Read(&response) && call.Finish().ok();
  }));
  // A client has its status a moment before the server is done with the stream.
  Eventually([&] { return Metric(server, "coalition_import_streams") == 0; });
  EXPECT_THAT(HttpGet(server.http_port(), "/metrics").body,
              ::testing::HasSubstr("coalition_import_streams 0"));
}

}  // namespace
}  // namespace coalition::testing

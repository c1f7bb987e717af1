// How much one member may ask at a time, and what it is told beyond that; others go on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <vector>

#include "common/errors.h"
#include "tests/integration/import_stream.h"

namespace coalition::testing {
namespace {

using MembershipStub = v1::MembershipService::Stub;

TestServer::Options WithLimits(const std::function<void(config::v1::Limits*)>& edit) {
  TestServer::Options options;
  options.edit_config = [edit](config::v1::ServerConfig* config) { edit(config->mutable_limits()); };
  return options;
}

TEST(LimitsTest, CallsPerSecond) {
  TestServer server(WithLimits([](config::v1::Limits* limits) {
    limits->set_calls_per_second(1);
    limits->set_calls_burst(5);
  }));
  const auto corsa = server.Membership("corsa");
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(Call(corsa, &MembershipStub::WhoAmI, v1::WhoAmIRequest()).ok()) << i;
  }
  const absl::Status status = Call(corsa, &MembershipStub::WhoAmI, v1::WhoAmIRequest()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  ASSERT_EQ(GetErrorReason(status), v1::ERROR_REASON_RATE_LIMITED) << status;
  EXPECT_EQ(GetErrorInfo(status)->metadata().at("limit"), "calls_per_second");
  ASSERT_TRUE(GetRetryDelay(status).has_value());
  EXPECT_GT(GetRetryDelay(status)->count(), 0);
  EXPECT_LE(GetRetryDelay(status)->count(), 1000);
  EXPECT_TRUE(server.WhoAmI(server.IdentityOf("aurore")).ok());
}

TEST(LimitsTest, CallsAtOnce) {
  // Import streams stay open, and each is a call.
  TestServer server(WithLimits([](config::v1::Limits* limits) { limits->set_calls_per_member_max(2); }));
  const auto stub = server.Exchange("corsa");
  v1::ImportRecordsResponse response;
  ImportCall first(stub), second(stub);
  for (ImportCall* call : {&first, &second}) {
    ASSERT_TRUE(call->Write(ImportOf(0, 1)));
    ASSERT_TRUE(call->Read(&response));
  }
  const absl::Status status = server.WhoAmI(server.IdentityOf("corsa")).status();
  ASSERT_EQ(GetErrorReason(status), v1::ERROR_REASON_RATE_LIMITED) << status;
  EXPECT_EQ(GetErrorInfo(status)->metadata().at("limit"), "calls_per_member");
  EXPECT_TRUE(server.WhoAmI(server.IdentityOf("aurore")).ok());
  first.WritesDone();
  EXPECT_TRUE(first.Finish().ok());
  // Its place is free as soon as the server has seen the end.
  absl::Status again = absl::UnknownError("");
  for (int i = 0; i < 100 && !again.ok(); ++i) again = server.WhoAmI(server.IdentityOf("corsa")).status();
  EXPECT_TRUE(again.ok()) << again;
  second.Cancel();
  EXPECT_EQ(second.Finish().code(), absl::StatusCode::kCancelled);
}

TEST(LimitsTest, ImportStreamsAtOnce) {
  TestServer server(WithLimits([](config::v1::Limits* limits) { limits->set_imports_per_member_max(1); }));
  const auto stub = server.Exchange("corsa");
  v1::ImportRecordsResponse response;
  ImportCall first(stub);
  ASSERT_TRUE(first.Write(ImportOf(0, 1)));
  ASSERT_TRUE(first.Read(&response));
  ImportCall second(stub);
  EXPECT_FALSE(second.Read(&response));
  const absl::Status status = second.Finish();
  ASSERT_EQ(GetErrorReason(status), v1::ERROR_REASON_RATE_LIMITED) << status;
  EXPECT_EQ(GetErrorInfo(status)->metadata().at("limit"), "imports_per_member");
  first.WritesDone();
  EXPECT_TRUE(first.Finish().ok());
}

TEST(LimitsTest, Connections) {
  TestServer server(WithLimits([](config::v1::Limits* limits) { limits->set_connections_max(3); }));
  std::vector<std::unique_ptr<MembershipStub>> open;
  for (int i = 0; i < 3; ++i) {
    open.push_back(server.Membership("aurore"));
    EXPECT_TRUE(Call(open.back(), &MembershipStub::WhoAmI, v1::WhoAmIRequest()).ok()) << i;
  }
  EXPECT_EQ(server.WhoAmI(server.IdentityOf("corsa")).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(Call(open[0], &MembershipStub::WhoAmI, v1::WhoAmIRequest()).ok());
  open.pop_back();
  // As soon as gRPC has closed it, there is room.
  absl::Status again = absl::UnknownError("");
  for (int i = 0; i < 100 && !again.ok(); ++i) again = server.WhoAmI(server.IdentityOf("corsa")).status();
  EXPECT_TRUE(again.ok()) << again;
}

TEST(LimitsTest, ADeadlineThatHasPassedDoesNoWork) {
  TestServer server;
  const auto stub = server.Exchange("aurore");
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() - std::chrono::seconds(1));
  v1::CreateRecordResponse response;
  EXPECT_EQ(stub->CreateRecord(&context, CreateOf(Report("shop-1")), &response).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
}

}  // namespace
}  // namespace coalition::testing

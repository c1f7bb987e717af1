// The loopback port, and gRPC's health service.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "grpcpp/generic/generic_stub.h"
#include "tests/integration/records.h"
#include "tests/support/reserved_port.h"
#include "tests/support/test_server.h"

namespace coalition::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(HttpTest, LivezReadyzAndNothingElse) {
  const ReservedPort reserved;  // so that nobody else answers there afterwards
  TestServer::Options options;
  options.edit_config = [&](config::v1::ServerConfig* config) {
    config->set_http_listen(reserved.address());
  };
  TestServer server(std::move(options));
  ASSERT_EQ(server.http_port(), reserved.port());
  EXPECT_EQ(HttpGet(server.http_port(), "/livez").code, 200);
  EXPECT_EQ(HttpGet(server.http_port(), "/readyz").code, 200);
  EXPECT_EQ(HttpGet(server.http_port(), "/").code, 404);
  EXPECT_EQ(HttpGet(server.http_port(), "/../../etc/passwd").code, 404);
  EXPECT_EQ(HttpGet(server.http_port(), "/livez", "POST").code, 405);
  EXPECT_EQ(HttpGet(server.http_port(), "/livez", "HEAD").body, "");
  server.Stop();
  EXPECT_EQ(HttpGet(reserved.port(), "/livez").code, 0);
}

TEST(HttpTest, ItCanBeOff) {
  TestServer::Options options;
  options.edit_config = [](config::v1::ServerConfig* config) { config->set_http_listen("off"); };
  TestServer server(std::move(options));
  EXPECT_EQ(server.http_port(), 0);
}

TEST(HttpTest, MetricsCountCallsAndNameNobody) {
  TestServer server;
  v1::Record report = Report("shop-4711");
  GrantMember(&report, "belmont");
  ASSERT_TRUE(
      Call(server.Exchange("aurore"), &v1::ExchangeService::Stub::CreateRecord, CreateOf(report)).ok());
  ASSERT_TRUE(
      Call(server.Exchange("belmont"), &v1::ExchangeService::Stub::ScreenSellers, ScreenOf("shop-4711"))
          .ok());
  EXPECT_FALSE(server.WhoAmI(server.certificates().Member("aurore", "unknown")).ok());
  const HttpAnswer metrics = HttpGet(server.http_port(), "/metrics");
  ASSERT_EQ(metrics.code, 200);
  EXPECT_THAT(metrics.body,
              HasSubstr("grpc_server_handled_total{grpc_service=\"coalition.v1.ExchangeService\","
                        "grpc_method=\"ScreenSellers\",grpc_type=\"unary\",grpc_code=\"OK\"} 1"));
  EXPECT_THAT(metrics.body,
              HasSubstr("grpc_server_handling_seconds_count{grpc_service=\"coalition.v1.ExchangeService\","
                        "grpc_method=\"CreateRecord\",grpc_type=\"unary\"} 1"));
  EXPECT_THAT(metrics.body, HasSubstr("coalition_disclosed_records_total 1"));
  EXPECT_THAT(metrics.body, HasSubstr("coalition_refusals_total{reason=\"CREDENTIAL_UNREGISTERED\"} 1"));
  EXPECT_THAT(metrics.body, HasSubstr("coalition_certificate_not_after_seconds"));
  EXPECT_THAT(metrics.body, Not(HasSubstr("aurore")));
  EXPECT_THAT(metrics.body, Not(HasSubstr("shop-4711")));
}

// grpc.health.v1.Health/Check for a service; the answer's `status` field (1 is SERVING), or the error's code
// negated.
int Health(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  std::string bytes;
  if (!service.empty()) bytes = "\x0a" + std::string(1, static_cast<char>(service.size())) + service;
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", request, &queue);
  grpc::ByteBuffer response;
  grpc::Status status;
  call->StartCall();
  call->Finish(&response, &status, &queue);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  queue.Shutdown();
  if (!status.ok()) return -static_cast<int>(status.error_code());
  grpc::Slice answer;
  EXPECT_TRUE(response.DumpToSingleSlice(&answer).ok());
  return answer.size() == 2 ? answer.begin()[1] : 0;
}

TEST(HealthTest, EachServiceServes) {
  TestServer server;
  constexpr int kNotFound = -static_cast<int>(grpc::StatusCode::NOT_FOUND);
  const auto members = server.ChannelAs("aurore"), administration = server.ChannelAs("office", "admin");
  for (const char* service : {"", "coalition.v1.ExchangeService", "coalition.v1.MembershipService"}) {
    EXPECT_EQ(Health(members, service), 1) << service;
    EXPECT_EQ(Health(administration, service), 1) << service;
  }
  for (const char* service : {"coalition.v1.BackupService", "coalition.v1.ErasureService"}) {
    EXPECT_EQ(Health(administration, service), 1) << service;
    EXPECT_EQ(Health(members, service), kNotFound) << service;
  }
  EXPECT_EQ(Health(members, "coalition.v1.NoService"), kNotFound);
}

// How a reflection call that asks nothing ends.
grpc::StatusCode Reflection(const TestServer& server) {
  grpc::GenericStub stub(server.ChannelAs("aurore"));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  grpc::CompletionQueue queue;
  const auto call =
      stub.PrepareCall(&context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  void* tag = nullptr;
  bool ok = false;
  call->StartCall(&queue);
  queue.Next(&tag, &ok);
  if (ok) {
    call->WritesDone(&queue);
    queue.Next(&tag, &ok);
  }
  grpc::Status status;
  call->Finish(&status, &queue);
  queue.Next(&tag, &ok);
  queue.Shutdown();
  return status.error_code();
}

TEST(ReflectionTest, IsOffUnlessAskedFor) {
  TestServer server;
  EXPECT_EQ(Reflection(server), grpc::StatusCode::UNIMPLEMENTED);
  TestServer::Options options;
  options.edit_config = [](config::v1::ServerConfig* config) { config->set_reflection(true); };
  TestServer asked(std::move(options));
  EXPECT_EQ(Reflection(asked), grpc::StatusCode::OK);
}

}  // namespace
}  // namespace coalition::testing

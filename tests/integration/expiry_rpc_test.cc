// What has expired is removed by a running server, by itself.
#include <gtest/gtest.h>

#include "common/errors.h"
#include "tests/integration/records.h"
#include "tests/support/eventually.h"
#include "tests/support/server_metric.h"

namespace coalition::testing {
namespace {

constexpr const char* kRemoved = "coalition_expired_records_removed_total";

TEST(ExpiryRpcTest, ARunningServerRemovesWhatHasExpired) {
  ShiftedClock clock;
  TestServer::Options options;
  options.clock = &clock;
  options.edit_config = [](config::v1::ServerConfig* config) {
    config->mutable_records()->set_expired_per_commit_max(2);
  };
  TestServer server(std::move(options));
  v1::CreateRecordRequest request;
  std::string name;
  for (int i = 0; i < 5; ++i) {
    *request.mutable_record() = Report("shop-" + std::to_string(i));
    request.mutable_record()->mutable_expire_time()->set_seconds(clock.NowS() + 600);
    const auto created = Call(server.Exchange("aurore"), &v1::ExchangeService::Stub::CreateRecord, request);
    ASSERT_TRUE(created.ok()) << created.status();
    name = created->record().name();
  }
  EXPECT_EQ(Metric(server, kRemoved), 0U);
  clock.Advance(std::chrono::minutes(10));
  EXPECT_TRUE(Eventually([&] { return Metric(server, kRemoved) == 5; }));
  v1::GetRecordRequest get;
  get.set_name(name);
  EXPECT_EQ(
      GetErrorReason(Call(server.Exchange("aurore"), &v1::ExchangeService::Stub::GetRecord, get).status()),
      v1::ERROR_REASON_NOT_FOUND);
}

}  // namespace
}  // namespace coalition::testing

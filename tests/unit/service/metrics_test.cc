#include "server/service/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "common/errors.h"
#include "prometheus/text_serializer.h"

namespace coalition::service {
namespace {

using ::testing::HasSubstr;

TEST(CallMetricsTest, SumsWhatThreadsCount) {
  CallMetrics metrics;
  std::vector<std::thread> threads;
  for (int t = 0; t < 12; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        metrics.Started(Method::kScreenSellers);
        metrics.Handled(Method::kScreenSellers, absl::StatusCode::kOk, 60'000);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  metrics.Handled(Method::kScreenSellers, absl::StatusCode::kNotFound, 20'000'000'000);
  metrics.Refused(NotFound());
  EXPECT_EQ(metrics.handled(Method::kScreenSellers, absl::StatusCode::kOk), 12'000u);
  const std::string text = prometheus::TextSerializer().Serialize(metrics.Collect());
  const std::string labels =
      "{grpc_service=\"coalition.v1.ExchangeService\",grpc_method=\"ScreenSellers\",grpc_type=\"unary\"";
  EXPECT_THAT(text, HasSubstr("grpc_server_started_total" + labels + "} 12000"));
  EXPECT_THAT(text, HasSubstr("grpc_server_handled_total" + labels + ",grpc_code=\"NotFound\"} 1"));
  EXPECT_THAT(text, HasSubstr("grpc_server_handling_seconds_bucket" + labels + ",le=\"0.0001\"} 12000"));
  EXPECT_THAT(text, HasSubstr("grpc_server_handling_seconds_bucket" + labels + ",le=\"10\"} 12000"));
  EXPECT_THAT(text, HasSubstr("grpc_server_handling_seconds_bucket" + labels + ",le=\"+Inf\"} 12001"));
  EXPECT_THAT(text, HasSubstr("coalition_refusals_total{reason=\"NOT_FOUND\"} 1"));
}

TEST(CallMetricsTest, WhatHasNoReasonIsADefectAndWhoGoesAwayIsNone) {
  CallMetrics metrics;
  metrics.Refused(absl::UnknownError("what?"));
  metrics.Refused(absl::CancelledError("gone"));
  metrics.Handled(Method::kWhoAmI, static_cast<absl::StatusCode>(99), -5);
  const std::string text = prometheus::TextSerializer().Serialize(metrics.Collect());
  EXPECT_THAT(text, HasSubstr("coalition_refusals_total{reason=\"INTERNAL\"} 1"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("UNSPECIFIED")));
  EXPECT_THAT(text, HasSubstr("grpc_code=\"Unauthenticated\"} 1"));
}

}  // namespace
}  // namespace coalition::service

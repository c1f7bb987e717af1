// A server that stops: what is under way ends well, nothing that was acknowledged is lost, and it is quick.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "common/errors.h"
#include "tests/integration/import_stream.h"

namespace coalition::testing {
namespace {

using Stub = v1::ExchangeService::Stub;

TEST(DrainTest, CallsAndImportsUnderWayEndAndWhatWasAcknowledgedIsThere) {
  TestServer server;
  std::atomic<bool> stopped{false};
  std::atomic<int> acknowledged{0}, odd{0};
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&, stub = server.Exchange("belmont")] {
      while (!stopped.load()) {
        const absl::Status status = Call(stub, &Stub::ScreenSellers, ScreenOf("shop-1")).status();
        // CANCELLED is gRPC's own answer to what comes after it began to stop and before the client has read
        // so.
        if (!status.ok() && !absl::IsUnavailable(status) && !absl::IsCancelled(status)) ++odd;
      }
    });
  }
  for (int c = 0; c < 2; ++c) {
    clients.emplace_back([&, c, stub = server.Exchange("aurore")] {
      ImportCall call(stub);
      v1::ImportRecordsResponse response;
      for (int i = 0; call.Write(ImportOf((c * 10'000 + i) * 10, 10)) && call.Read(&response); ++i) {
        acknowledged += response.results_size();
      }
      if (call.Finish().code() != absl::StatusCode::kUnavailable) ++odd;
    });
  }
  while (acknowledged.load() < 100) std::this_thread::yield();
  const auto start = std::chrono::steady_clock::now();
  server.server().Shutdown();
  // Far below drain_timeout_ms: nothing had to be cut.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
  stopped.store(true);
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(odd.load(), 0);

  server.Restart();
  const auto aurore = server.Exchange("aurore");
  v1::ListRecordsRequest request;
  request.set_page_size(1000);
  int kept = 0;
  do {
    const auto page = Call(aurore, &Stub::ListRecords, request);
    ASSERT_TRUE(page.ok()) << page.status();
    kept += page->records_size();
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_GE(kept, acknowledged.load());
}

TEST(DrainTest, ASilentImportStreamIsToldAtOnce) {
  TestServer server;
  ImportCall call(server.Exchange("aurore"));
  v1::ImportRecordsResponse response;
  ASSERT_TRUE(call.Write(ImportOf(0, 1)));
  ASSERT_TRUE(call.Read(&response));
  const auto start = std::chrono::steady_clock::now();
  server.server().Shutdown();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  EXPECT_FALSE(call.Read(&response));
  const absl::Status status = call.Finish();
  EXPECT_EQ(GetErrorReason(status), v1::ERROR_REASON_SHUTTING_DOWN) << status;
}

TEST(DrainTest, ShutdownMayBeCalledTwice) {
  TestServer server;
  server.server().Shutdown();
  server.server().Shutdown();
}

}  // namespace
}  // namespace coalition::testing

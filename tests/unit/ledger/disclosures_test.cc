#include "server/ledger/disclosures.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace coalition::ledger {
namespace {

TEST(CountingDisclosureLogTest, CountsFromEveryThreadAndAnswersAtOnce) {
  CountingDisclosureLog log;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&log] {
      for (int j = 0; j < 1000; ++j) {
        Disclosure disclosure;
        disclosure.records.resize(3);
        bool recorded = false;
        log.Record(std::move(disclosure),
                   [&recorded](const absl::Status& status) { recorded = status.ok(); });
        EXPECT_TRUE(recorded);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(log.counts().disclosures, 4000);
  EXPECT_EQ(log.counts().records, 12000);
}

}  // namespace
}  // namespace coalition::ledger

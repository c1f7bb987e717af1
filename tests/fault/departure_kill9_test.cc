// Promises 7 and 8: whoever has left stays away, and its records are all withdrawn, or all with its
// successor, however often the server is killed meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>
#include <thread>

#include "common/errors.h"
#include "tests/support/server_process_fixture.h"

namespace coalition {
namespace {

constexpr int kRecords = 6'000;
constexpr int kKillsMax = 100;
constexpr int kKillsMin = 3;  // fewer: the machine is so fast that nothing is tested
constexpr const char* kBelmont = "members/belmont";

v1::Record ReportOn(int number) {
  v1::Record record;
  record.set_external_id("case-" + std::to_string(number));
  record.set_label(v1::LABEL_GREEN);
  record.mutable_seller()->set_platform("bazaar.example");
  record.mutable_seller()->set_seller_id("shop-" + std::to_string(number));
  record.mutable_audience()->add_grants()->set_view("full");
  record.mutable_audience()->mutable_grants(0)->mutable_subject()->set_everyone(true);
  record.mutable_offender_report()->add_infringement_types("KEYWORD_TRADEMARK_INFRINGEMENT");
  return record;
}

// `successor` empty: the records are withdrawn.
class DepartureKill9 : public testing::ServerProcessTest, public ::testing::WithParamInterface<std::string> {
 protected:
  void Contribute() {
    const auto belmont = Client("belmont", "backend");
    int created = 0;
    const auto stream = belmont->ImportRecords({}, [&created](const v1::ImportResult& result) {
      created += result.status() == v1::IMPORT_STATUS_CREATED ? 1 : 0;
    });
    for (int i = 0; i < kRecords; ++i) {
      v1::ImportItem item;
      item.set_item_id(i);
      *item.mutable_record() = ReportOn(i);
      ASSERT_TRUE(stream->Add(std::move(item)).ok());
    }
    ASSERT_TRUE(stream->Finish().ok());
    ASSERT_EQ(created, kRecords);
  }
  // How many records `member` sees; with `own`, as its own.
  int Seen(const std::string& member, bool own) {
    const auto client = Client(member, "backend");
    int seen = 0;
    for (const auto& record : client->ListRecords({}, 1000)) {
      if (!record.ok()) {
        ADD_FAILURE() << record.status();
        return -1;
      }
      seen += !own || record->contributor() == "members/" + member ? 1 : 0;
    }
    return seen;
  }

  std::mt19937 random_{20161123};
};

TEST_P(DepartureKill9, GoesOnAfterEachKill) {
  Start();
  Contribute();
  if (!GetParam().empty()) {
    v1::MemberPolicy accepting;
    accepting.set_unbounded(true);
    accepting.add_accepts_records_of(kBelmont);
    ASSERT_TRUE(Client("aurore", "admin")->SetMemberPolicy(accepting).ok());
  }
  ASSERT_TRUE(Client("belmont", "admin")->LeaveCoalition(kBelmont, GetParam()).ok());
  int kills = 0, in_the_middle = 0;
  int64_t done = 0;
  for (;; ++kills) {
    ASSERT_LT(kills, kKillsMax) << "it makes no progress";
    std::this_thread::sleep_for(std::chrono::milliseconds(5 + random_() % 60));
    server_->Kill();
    Start();
    const auto departure = Client("belmont", "admin")->GetDeparture(kBelmont);
    ASSERT_TRUE(departure.ok()) << departure.status();
    EXPECT_GE(departure->records_done(), done) << "what was done is undone";
    in_the_middle += departure->records_done() > done && departure->records_done() < kRecords ? 1 : 0;
    done = departure->records_done();
    EXPECT_EQ(GetErrorReason(Client("belmont", "backend")->WhoAmI().status()),
              v1::ERROR_REASON_MEMBER_NOT_ACTIVE);
    if (departure->has_end_time()) break;
  }
  EXPECT_EQ(done, kRecords);
  EXPECT_GE(kills, kKillsMin);
  EXPECT_GE(in_the_middle, 1);
  const bool transferred = !GetParam().empty();
  EXPECT_EQ(Seen("bazaar", false), transferred ? kRecords : 0);
  if (transferred) {
    EXPECT_EQ(Seen("aurore", true), kRecords);
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, DepartureKill9, ::testing::Values("", "members/aurore"),
                         [](const auto& way) { return way.param.empty() ? "Withdrawn" : "Transferred"; });

}  // namespace
}  // namespace coalition

// Scene 1: brands share, the host sees a notice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/errors.h"
#include "tests/integration/records.h"
#include "tests/support/test_server.h"

namespace coalition::testing {
namespace {

using Stub = v1::ExchangeService::Stub;
using ::testing::StartsWith;

class SceneOneTest : public ::testing::Test {
 protected:
  // aurore reports shop-4711 to all brands but corsa, label AMBER, and sends bazaar a notice.
  void SetUp() override {
    v1::Record report = Report("shop-4711");
    report.set_label(v1::LABEL_AMBER);
    GrantKind(&report, v1::MEMBER_KIND_BRAND, "notice");
    Exclude(&report, "corsa");
    report_ = Create(report);
    v1::Record notice = Notice("shop-4711", report_.name());
    GrantMember(&notice, "bazaar", "notice");
    notice_ = Create(notice);
  }

  v1::Record Create(const v1::Record& record) {
    const auto created = Call(server_.Exchange("aurore"), &Stub::CreateRecord, CreateOf(record));
    EXPECT_TRUE(created.ok()) << created.status();
    return created.ok() ? created->record() : v1::Record();
  }
  absl::StatusOr<v1::GetRecordResponse> Get(const std::string& member, const std::string& name) {
    return Call(server_.Exchange(member), &Stub::GetRecord, GetOf(name));
  }

  TestServer server_;
  v1::Record report_, notice_;
};

TEST_F(SceneOneTest, BelmontSeesTheSellerAndTheReporterAsAToken) {
  const auto seen = Get("belmont", report_.name());
  ASSERT_TRUE(seen.ok()) << seen.status();
  const v1::Record& record = seen->record();
  EXPECT_EQ(record.seller().seller_id(), "shop-4711");
  EXPECT_EQ(record.offender_report().infringement_types(0), "KEYWORD_TRADEMARK_INFRINGEMENT");
  EXPECT_THAT(record.contributor(), StartsWith("members/~"));
  EXPECT_EQ(record.view(), "notice");
  // What the view does not name is not there: the references, the comment, the audience.
  EXPECT_EQ(record.offender_report().comment(), "");
  EXPECT_FALSE(record.has_audience());
  const auto screened = Call(server_.Exchange("belmont"), &Stub::ScreenSellers, ScreenOf("shop-4711"));
  ASSERT_TRUE(screened.ok()) << screened.status();
  EXPECT_EQ(screened->results(0).verdict(), v1::VERDICT_LISTED);
}

TEST_F(SceneOneTest, CorsaAndBazaarAreToldWhatAnIdThatNeverWasIsTold) {
  for (const char* member : {"corsa", "bazaar", "souk", "customs", "office"}) {
    const auto hidden = Get(member, report_.name());
    const auto never = Get(member, "records/aaaaaaaaaaaaaaaaaaaaaaaaaa");
    EXPECT_EQ(hidden.status().code(), absl::StatusCode::kNotFound) << member;
    EXPECT_EQ(hidden.status(), never.status()) << member;
    const auto screened = Call(server_.Exchange(member), &Stub::ScreenSellers, ScreenOf("shop-4711"));
    const auto unknown = Call(server_.Exchange(member), &Stub::ScreenSellers, ScreenOf("shop-never"));
    ASSERT_TRUE(screened.ok() && unknown.ok()) << member;
    EXPECT_EQ(screened->SerializeAsString(), unknown->SerializeAsString()) << member;
  }
}

TEST_F(SceneOneTest, BazaarSeesTheNoticeAndNoReport) {
  const auto seen = Get("bazaar", notice_.name());
  ASSERT_TRUE(seen.ok()) << seen.status();
  const v1::Record& record = seen->record();
  EXPECT_EQ(record.takedown_notice().listings(0).url(), "https://bazaar.example/item/1");
  EXPECT_EQ(record.takedown_notice().requested_action(), "REMOVE_LISTINGS");
  EXPECT_EQ(record.takedown_notice().report(), "");
  // The day, not the time.
  EXPECT_EQ(record.create_time().seconds() % 86'400, 0);
  EXPECT_EQ(record.create_time().nanos(), 0);
  const auto listed = Call(server_.Exchange("bazaar"), &Stub::ListRecords, v1::ListRecordsRequest());
  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_EQ(listed->records_size(), 1);
  EXPECT_EQ(listed->records(0).name(), notice_.name());
}

TEST_F(SceneOneTest, BazaarAnswersTheNotice) {
  v1::Record outcome = Outcome("shop-4711", notice_.name());
  GrantMember(&outcome, "aurore");
  const auto answered = Call(server_.Exchange("bazaar"), &Stub::CreateRecord, CreateOf(outcome));
  ASSERT_TRUE(answered.ok()) << answered.status();
  const auto seen = Get("aurore", answered->record().name());
  ASSERT_TRUE(seen.ok()) << seen.status();
  EXPECT_EQ(seen->record().takedown_outcome().notice(), notice_.name());
  // One about a report that bazaar can't see is refused as one about nothing.
  v1::Record guess = Outcome("shop-4711");
  guess.mutable_takedown_outcome()->set_report(report_.name());
  const auto hidden = Call(server_.Exchange("bazaar"), &Stub::CreateRecord, CreateOf(guess));
  guess.mutable_takedown_outcome()->set_report("records/aaaaaaaaaaaaaaaaaaaaaaaaaa");
  const auto absent = Call(server_.Exchange("bazaar"), &Stub::CreateRecord, CreateOf(guess));
  EXPECT_EQ(GetErrorReason(hidden.status()), v1::ERROR_REASON_REFERENCE_NOT_FOUND) << hidden.status();
  EXPECT_EQ(hidden.status(), absent.status());
}

}  // namespace
}  // namespace coalition::testing

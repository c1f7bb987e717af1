// Scene 1: brands share, the host sees a notice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "absl/strings/str_join.h"
#include "common/errors.h"
#include "tests/integration/records.h"
#include "tests/integration/starter_policy.h"
#include "tests/support/test_server.h"

namespace coalition::testing {
namespace {

using Stub = v1::ExchangeService::Stub;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;

using Accesses = google::protobuf::RepeatedPtrField<v1::MemberAccess>;

class SceneOneTest : public ::testing::Test {
 protected:
  // aurore reports shop-4711 to all brands but corsa, label AMBER, and sends bazaar a notice, having looked
  // at who would see each.
  void SetUp() override {
    v1::Record report = Report("shop-4711");
    report.set_label(v1::LABEL_AMBER);
    GrantKind(&report, v1::MEMBER_KIND_BRAND, "peer");
    Exclude(&report, "corsa");
    before_report_ = Preview(report);
    report_ = Create(report);
    v1::Record notice = Notice("shop-4711", report_.name());
    GrantMember(&notice, "bazaar", "notice");
    before_notice_ = Preview(notice);
    notice_ = Create(notice);
  }

  Accesses Preview(const v1::Record& record) {
    v1::PreviewAudienceRequest request;
    *request.mutable_record() = record;
    const auto preview = Call(server_.Exchange("aurore"), &Stub::PreviewAudience, request);
    EXPECT_TRUE(preview.ok()) << preview.status();
    return preview.ok() ? preview->members() : Accesses();
  }
  absl::StatusOr<v1::ExplainAccessResponse> Explain(const std::string& member, const std::string& name) {
    v1::ExplainAccessRequest request;
    request.set_name(name);
    return Call(server_.Exchange(member), &Stub::ExplainAccess, request);
  }
  void ExpectToldAndSo(const v1::Record& record, const Accesses& before,
                       const std::map<std::string, std::string>& expected);

  v1::Record Create(const v1::Record& record) {
    const auto created = Call(server_.Exchange("aurore"), &Stub::CreateRecord, CreateOf(record));
    EXPECT_TRUE(created.ok()) << created.status();
    return created.ok() ? created->record() : v1::Record();
  }
  absl::StatusOr<v1::GetRecordResponse> Get(const std::string& member, const std::string& name) {
    return Call(server_.Exchange(member), &Stub::GetRecord, GetOf(name));
  }

  TestServer server_{WithStarterPolicy("brands_and_marketplaces")};
  v1::Record report_, notice_;
  Accesses before_report_, before_notice_;
};

// A line of the explanation: what is seen, and the clause that decided it.
std::string Line(const v1::MemberAccess& access) {
  if (access.causes().empty()) return "no cause";
  const v1::AccessCause& decided = access.causes(0);
  return (access.visible() ? absl::StrJoin(access.views(), ", ") : "hidden") + ": " +
         (decided.clause().empty() ? v1::AccessCause::Layer_Name(decided.layer()) : decided.clause());
}

// What aurore is told of each member was told before, and is what that member gets.
void SceneOneTest::ExpectToldAndSo(const v1::Record& record, const Accesses& before,
                                   const std::map<std::string, std::string>& expected) {
  const auto told = Explain("aurore", record.name());
  ASSERT_TRUE(told.ok()) << told.status();
  std::map<std::string, std::string> lines;
  for (const v1::MemberAccess& access : told->members()) {
    const std::string member = access.member().substr(8);
    lines[member] = Line(access);
    const auto seen = Get(member, record.name());
    EXPECT_EQ(seen.ok(), access.visible()) << member;
    if (seen.ok()) {
      EXPECT_EQ(seen->record().view(), absl::StrJoin(access.views(), ", ")) << member;
    }
    // The clause is the one: without it the answer is the other, but for whom nothing was granted.
    if (access.causes(0).layer() != v1::AccessCause::LAYER_NO_GRANT) {
      EXPECT_NE(access.causes(0).visible_without(), access.visible()) << member;
    }
  }
  EXPECT_EQ(lines, expected);
  ASSERT_EQ(before.size(), told->members_size());
  for (int i = 0; i < before.size(); ++i) {
    EXPECT_EQ(before[i].SerializeAsString(), told->members(i).SerializeAsString()) << before[i].member();
  }
}

TEST_F(SceneOneTest, BelmontSeesTheSellerAndTheReporterAsAToken) {
  const auto seen = Get("belmont", report_.name());
  ASSERT_TRUE(seen.ok()) << seen.status();
  const v1::Record& record = seen->record();
  EXPECT_EQ(record.seller().seller_id(), "shop-4711");
  EXPECT_EQ(record.offender_report().rights(0).registration_number(), "018000001");
  EXPECT_EQ(record.offender_report().evidence(0).type(), "TEST_PURCHASE");
  EXPECT_THAT(record.contributor(), StartsWith("members/~"));
  EXPECT_EQ(record.view(), "peer");
  // What the view does not name is not there: the evidence itself, the comment, the audience.
  EXPECT_EQ(record.offender_report().evidence(0).reference(), "");
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

TEST_F(SceneOneTest, AuroreIsToldExactlyThisOfTheReport) {
  const std::string no_grant = "hidden: LAYER_NO_GRANT";
  ExpectToldAndSo(report_, before_report_,
                  {{"belmont", "peer: audience grants every BRAND \"peer\""},
                   {"corsa", "hidden: audience excludes members/corsa"},
                   {"bazaar", no_grant},
                   {"souk", no_grant},
                   {"paylink", no_grant},
                   {"customs", no_grant},
                   {"office", no_grant}});
  for (const v1::MemberAccess& access : before_report_) {
    if (access.member() != "members/belmont") continue;
    EXPECT_THAT(access.fields().full(),
                AllOf(IsSupersetOf({"seller.seller_id", "rights.registration_number", "evidence.type"}),
                      Not(Contains("evidence.reference")), Not(Contains("comment"))));
    EXPECT_THAT(access.fields().token(), ElementsAre("contributor"));
  }
}

TEST_F(SceneOneTest, AndOfTheNotice) {
  const std::string no_grant = "hidden: LAYER_NO_GRANT";
  ExpectToldAndSo(notice_, before_notice_,
                  {{"bazaar", "notice: audience grants members/bazaar \"notice\""},
                   {"belmont", no_grant},
                   {"corsa", no_grant},
                   {"souk", no_grant},
                   {"paylink", no_grant},
                   {"customs", no_grant},
                   {"office", no_grant}});
  for (const v1::MemberAccess& access : before_notice_) {
    if (access.member() != "members/bazaar") continue;
    EXPECT_EQ(access.relation(), v1::RELATION_HOST);
    EXPECT_THAT(access.fields().full(),
                AllOf(IsSupersetOf({"listings.url", "requested_action"}), Not(Contains("report"))));
    EXPECT_THAT(access.fields().coarse(), ElementsAre("create_time"));
  }
}

// Who sees the record learns which grant shows it, and nothing of others; who does not, nothing at all.
TEST_F(SceneOneTest, EachLearnsOfItselfAlone) {
  for (const v1::Record* record : {&report_, &notice_}) {
    for (const char* member : {"belmont", "corsa", "bazaar", "souk", "paylink", "customs", "office"}) {
      const auto own = Explain(member, record->name());
      if (!Get(member, record->name()).ok()) {
        EXPECT_EQ(own.status(), Explain(member, "records/aaaaaaaaaaaaaaaaaaaaaaaaaa").status()) << member;
        EXPECT_TRUE(absl::IsNotFound(own.status())) << member;
        continue;
      }
      ASSERT_TRUE(own.ok()) << own.status();
      ASSERT_EQ(own->members_size(), 1);
      EXPECT_EQ(own->members(0).member(), std::string("members/") + member);
      ASSERT_EQ(own->members(0).causes_size(), 1);
      EXPECT_EQ(own->members(0).causes(0).layer(), v1::AccessCause::LAYER_GRANT);
    }
  }
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

// What is shown of others' records is noted, by whatever call it is shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/errors.h"
#include "common/ids.h"
#include "tests/support/exchange_world.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class DisclosureTest : public ::testing::Test {
 protected:
  DisclosureTest() {
    v1::Record report = Report("bazaar.example", "shop-1");
    GrantMember(report, "belmont");
    GrantMember(report, "corsa");
    report_ = world_.Created("aurore", report);
  }

  std::vector<std::string> Shown() const {
    std::vector<std::string> names;
    for (const auto& record : world_.disclosure.records) names.push_back(NameOfId(record.record));
    return names;
  }
  static std::string NameOfId(const policy::RecordIdBytes& id) {
    return FormatRecordName(RecordIdFromBytes({reinterpret_cast<const char*>(id.data()), id.size()}));
  }
  v1::Record OpinionOf(std::string_view member, v1::OpinionVerdict verdict) {
    v1::Record opinion = Opinion(report_.name(), verdict);
    GrantMember(opinion, "aurore");
    return world_.Created(member, opinion);
  }

  World world_;
  v1::Record report_;
};

TEST_F(DisclosureTest, AnOpinionShowsItsSubjectsSellerAlsoToItsAuthor) {
  const v1::Record opinion = OpinionOf("belmont", v1::OPINION_VERDICT_CONFIRMED);
  ASSERT_EQ(opinion.seller().seller_id(), "shop-1");
  EXPECT_THAT(Shown(), UnorderedElementsAre(report_.name()));
  EXPECT_EQ(world_.disclosure.records[0].contributor, world_.As("aurore").caller.member_number);
  ASSERT_TRUE(world_.Get(world_.As("belmont"), opinion.name()).ok());
  EXPECT_THAT(Shown(), UnorderedElementsAre(report_.name()));

  v1::CreateRecordRequest validate = CreateRequest(Opinion(report_.name(), v1::OPINION_VERDICT_OUTDATED));
  validate.set_validate_only(true);
  ASSERT_TRUE(world_.Create(world_.As("belmont"), validate).ok());
  EXPECT_THAT(Shown(), UnorderedElementsAre(report_.name()));

  v1::ReviseRecordRequest revise;
  revise.mutable_record()->set_name(opinion.name());
  revise.mutable_record()->set_label(v1::LABEL_RED);
  revise.mutable_update_mask()->add_paths("label");
  ASSERT_TRUE(world_.Revise(world_.As("belmont"), revise).ok());
  EXPECT_THAT(Shown(), UnorderedElementsAre(report_.name()));

  // Its own report, and an opinion that it was granted.
  ASSERT_TRUE(world_.Get(world_.As("aurore"), opinion.name()).ok());
  EXPECT_THAT(Shown(), UnorderedElementsAre(opinion.name()));
  EXPECT_EQ(
      world_.Created("aurore", Opinion(report_.name(), v1::OPINION_VERDICT_CONFIRMED)).seller().seller_id(),
      "shop-1");
  EXPECT_THAT(Shown(), IsEmpty());
}

TEST_F(DisclosureTest, ARevisionThatSaysDisputedNotesTheOpinions) {
  const std::string yes = OpinionOf("belmont", v1::OPINION_VERDICT_CONFIRMED).name();
  const std::string no = OpinionOf("corsa", v1::OPINION_VERDICT_FALSE_POSITIVE).name();
  v1::ReviseRecordRequest revise;
  revise.mutable_record()->set_name(report_.name());
  revise.mutable_record()->mutable_offender_report()->set_comment("again");
  revise.mutable_update_mask()->add_paths("offender_report.comment");
  const auto revised = world_.Revise(world_.As("aurore"), revise);
  ASSERT_TRUE(revised.ok()) << revised.status();
  EXPECT_TRUE(revised->record().disputed());
  EXPECT_THAT(Shown(), UnorderedElementsAre(yes, no));
}

TEST_F(DisclosureTest, ATokenForANextPageTellsOfARecord) {
  world_.Created("belmont", Report("bazaar.example", "shop-1"));
  v1::ListRecordsRequest list;
  *list.mutable_filter()->mutable_seller() = report_.seller();
  list.set_page_size(1);
  const auto page = world_.List(world_.As("belmont"), list);
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->records_size(), 1);
  EXPECT_EQ(page->records(0).contributor(), "members/belmont");
  EXPECT_FALSE(page->next_page_token().empty());
  EXPECT_THAT(Shown(), UnorderedElementsAre(report_.name()));
}

TEST_F(DisclosureTest, AnEtagSaysNothingOfOpinions) {
  OpinionOf("belmont", v1::OPINION_VERDICT_CONFIRMED);
  OpinionOf("corsa", v1::OPINION_VERDICT_FALSE_POSITIVE);
  const auto now = world_.Get(world_.As("aurore"), report_.name());
  ASSERT_TRUE(now.ok() && now->disputed());
  EXPECT_EQ(now->etag(), report_.etag());
  v1::WithdrawRecordRequest withdraw;
  withdraw.set_name(report_.name());
  withdraw.set_etag(report_.etag());
  withdraw.set_validate_only(true);
  EXPECT_TRUE(world_.Withdraw(world_.As("aurore"), withdraw).ok());
}

TEST_F(DisclosureTest, ToReferToARecordTakesAReader) {
  const auto contributor = [this] { return world_.As("belmont", identity::Roles({v1::ROLE_CONTRIBUTOR})); };
  v1::Record notice = Notice("bazaar.example", "shop-1");
  ASSERT_TRUE(world_.Create(contributor(), CreateRequest(notice)).ok());
  const std::string names[] = {report_.name(), "records/aaaaaaaaaaaaaaaaaaaaaaaaaa"};
  for (const std::string& name : names) {
    notice.mutable_takedown_notice()->set_report(name);
    EXPECT_EQ(GetErrorReason(world_.Create(contributor(), CreateRequest(notice)).status()),
              v1::ERROR_REASON_ROLE_MISSING)
        << name;
  }
  v1::Record opinion = Opinion(report_.name(), v1::OPINION_VERDICT_CONFIRMED);
  opinion.set_external_id("opinion-1");
  const std::string own = world_.Created("belmont", opinion).name();
  EXPECT_EQ(GetErrorReason(world_.Create(contributor(), CreateRequest(opinion)).status()),
            v1::ERROR_REASON_ROLE_MISSING)
      << "a repetition shows the seller too";
  v1::ReviseRecordRequest revise;
  revise.mutable_record()->set_name(own);
  revise.mutable_record()->set_label(v1::LABEL_RED);
  revise.mutable_update_mask()->add_paths("label");
  revise.set_validate_only(true);
  EXPECT_EQ(GetErrorReason(world_.Revise(contributor(), revise).status()), v1::ERROR_REASON_ROLE_MISSING);
  EXPECT_TRUE(world_.Revise(world_.As("belmont"), revise).ok());
}

TEST_F(DisclosureTest, AnOpinionTakesAReader) {
  const auto contributor = world_.As("belmont", identity::Roles({v1::ROLE_CONTRIBUTOR}));
  const auto request = CreateRequest(Opinion(report_.name(), v1::OPINION_VERDICT_CONFIRMED));
  EXPECT_EQ(GetErrorReason(world_.Create(contributor, request).status()), v1::ERROR_REASON_ROLE_MISSING);
  v1::ImportRecordsRequest import;
  *import.add_items()->mutable_record() = request.record();
  *import.add_items()->mutable_record() = Report("bazaar.example", "shop-2");
  const auto imported = world_.Import(contributor, import);
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(imported->results(0).error().reason(), "ROLE_MISSING");
  EXPECT_EQ(imported->results(1).status(), v1::IMPORT_STATUS_CREATED);
}

}  // namespace
}  // namespace coalition::exchange

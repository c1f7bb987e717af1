#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/errors.h"
#include "tests/support/exchange_world.h"

namespace coalition::exchange {
namespace {

using namespace coalition::testing;  // NOLINT: the room's own fixtures
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Twelve reports of aurore's, granted in turn to belmont, a group, a kind, everyone, and nobody.
class ListTest : public ::testing::Test {
 protected:
  ListTest() {
    for (int i = 0; i < 15; ++i) {
      v1::Record report = Report("bazaar.example", "shop-" + std::to_string(i % 3));
      if (i % 5 == 0) GrantMember(report, "belmont");
      if (i % 5 == 1) GrantGroup(report, "club");
      if (i % 5 == 2) GrantKind(report, v1::MEMBER_KIND_BRAND);
      if (i % 5 == 3) GrantEveryone(report);
      names_.push_back(world_.Created("aurore", report).name());
      if (i % 5 != 4) seen_by_belmont_.push_back(names_.back());
      if (i % 5 == 3) seen_by_everyone_.push_back(names_.back());
      world_.clock.now_ns += 1'000'000'000;
    }
    for (auto* list : {&names_, &seen_by_belmont_, &seen_by_everyone_})
      std::reverse(list->begin(), list->end());
  }

  std::vector<std::string> Filtered(const char* member, const v1::RecordFilter& filter) {
    v1::ListRecordsRequest request;
    *request.mutable_filter() = filter;
    request.set_page_size(2);
    return world_.ListAll(world_.As(member), request);
  }

  World world_;
  std::vector<std::string> names_;  // newest first
  std::vector<std::string> seen_by_belmont_;
  std::vector<std::string> seen_by_everyone_;
};

TEST_F(ListTest, NewestFirstAndEachOnce) {
  for (const int page_size : {0, 1, 2, 3, 5, 15, 100, 5000}) {
    v1::ListRecordsRequest request;
    request.set_page_size(page_size);
    EXPECT_THAT(world_.ListAll(world_.As("aurore"), request), ElementsAreArray(names_)) << page_size;
    EXPECT_THAT(world_.ListAll(world_.As("belmont"), request), ElementsAreArray(seen_by_belmont_))
        << page_size;
    EXPECT_THAT(world_.ListAll(world_.As("customs"), request), ElementsAreArray(seen_by_everyone_))
        << page_size;
    EXPECT_THAT(world_.ListAll(world_.As("limbo"), request), IsEmpty());
  }
}

TEST_F(ListTest, ATokenMeansThatThereIsMore) {
  v1::ListRecordsRequest request;
  request.set_page_size(static_cast<int>(seen_by_everyone_.size()));
  const auto page = world_.List(world_.As("customs"), request);
  ASSERT_TRUE(page.ok());
  EXPECT_THAT(page->records(), SizeIs(seen_by_everyone_.size()));
  EXPECT_EQ(page->next_page_token(), "") << "the rest is hidden, so there is no rest";
  EXPECT_THAT(world_.disclosure.records, SizeIs(seen_by_everyone_.size()));
}

TEST_F(ListTest, TokensAreBoundToMemberAndFilter) {
  v1::ListRecordsRequest request;
  request.set_page_size(1);
  const std::string token = world_.List(world_.As("belmont"), request)->next_page_token();
  ASSERT_NE(token, "");
  request.set_page_token(token);
  EXPECT_TRUE(world_.List(world_.As("belmont"), request).ok());
  const auto refused = [&](const char* member, const v1::ListRecordsRequest& asked) {
    const absl::Status status = world_.List(world_.As(member), asked).status();
    EXPECT_EQ(GetErrorReason(status), v1::ERROR_REASON_PAGE_TOKEN_INVALID) << status;
    return ToRpcStatus(status).SerializeAsString();
  };
  const std::string of_another = refused("corsa", request);
  v1::ListRecordsRequest other_query = request;
  other_query.mutable_filter()->add_record_classes(v1::RECORD_CLASS_OPINION);
  EXPECT_EQ(refused("belmont", other_query), of_another);
  request.set_page_token("garbage");
  EXPECT_EQ(refused("belmont", request), of_another);
  std::string bent = token;
  bent[bent.size() / 2] = bent[bent.size() / 2] == 'A' ? 'B' : 'A';
  request.set_page_token(bent);
  EXPECT_EQ(refused("belmont", request), of_another);
}

TEST_F(ListTest, FiltersWorkOnWhatIsSeen) {
  v1::RecordFilter filter;
  filter.mutable_seller()->set_platform("BAZAAR.example");
  EXPECT_THAT(Filtered("belmont", filter), ElementsAreArray(seen_by_belmont_));
  filter.mutable_seller()->set_seller_id("shop-0");
  std::vector<std::string> of_shop;
  for (const std::string& name : seen_by_belmont_) {
    if (world_.Get(world_.As("belmont"), name)->seller().seller_id() == "shop-0") of_shop.push_back(name);
  }
  EXPECT_THAT(Filtered("belmont", filter), ElementsAreArray(of_shop));

  v1::RecordFilter by_contributor;
  by_contributor.set_contributor("members/aurore");
  EXPECT_THAT(Filtered("belmont", by_contributor), ElementsAreArray(seen_by_belmont_));
  // The host sees the contributor as a token: the name matches nothing, the token does.
  EXPECT_THAT(Filtered("bazaar", by_contributor), IsEmpty());
  by_contributor.set_contributor(world_.Get(world_.As("bazaar"), seen_by_everyone_[0])->contributor());
  EXPECT_THAT(Filtered("bazaar", by_contributor), ElementsAreArray(seen_by_everyone_));

  v1::RecordFilter by_class;
  by_class.add_record_classes(v1::RECORD_CLASS_OPINION);
  EXPECT_THAT(Filtered("belmont", by_class), IsEmpty());
  by_class.add_record_classes(v1::RECORD_CLASS_OFFENDER_REPORT);
  EXPECT_THAT(Filtered("belmont", by_class), ElementsAreArray(seen_by_belmont_));
}

TEST_F(ListTest, TimesAreComparedAsSeen) {
  const auto created = world_.Get(world_.As("aurore"), names_[3])->create_time();
  v1::RecordFilter filter;
  *filter.mutable_created_from() = created;
  EXPECT_THAT(Filtered("aurore", filter), ElementsAreArray({names_[0], names_[1], names_[2], names_[3]}));
  v1::RecordFilter before;
  *before.mutable_created_before() = created;
  EXPECT_THAT(Filtered("aurore", before), SizeIs(names_.size() - 4));
  // The host sees the day: whatever was made on it was made at its beginning.
  EXPECT_THAT(Filtered("bazaar", filter), IsEmpty());
  EXPECT_THAT(Filtered("bazaar", before), ElementsAreArray(seen_by_everyone_));
}

TEST_F(ListTest, ExternalIdsAreTheAskersOwn) {
  v1::Record report = Report("bazaar.example", "shop-9");
  report.set_external_id("case-17");
  GrantEveryone(report);
  const std::string name = world_.Created("aurore", report).name();
  v1::RecordFilter filter;
  filter.set_external_id("case-17");
  EXPECT_THAT(Filtered("aurore", filter), ElementsAre(name));
  EXPECT_THAT(Filtered("belmont", filter), IsEmpty());
  filter.mutable_seller()->set_platform("souk.example");
  EXPECT_THAT(Filtered("aurore", filter), IsEmpty()) << "all conditions must hold";
}

TEST_F(ListTest, RefersToFindsWhatRefers) {
  v1::Record notice = Notice("bazaar.example", "shop-0");
  notice.mutable_takedown_notice()->set_report(seen_by_belmont_[0]);
  GrantEveryone(notice);
  const std::string notice_name = world_.Created("aurore", notice).name();
  v1::Record opinion = Opinion(seen_by_belmont_[0], v1::OPINION_VERDICT_CONFIRMED);
  GrantMember(opinion, "aurore");
  const std::string opinion_name = world_.Created("belmont", opinion).name();
  v1::RecordFilter filter;
  filter.set_refers_to(seen_by_belmont_[0]);
  EXPECT_THAT(Filtered("aurore", filter), ElementsAre(opinion_name, notice_name));
  EXPECT_THAT(Filtered("belmont", filter), ElementsAre(opinion_name, notice_name));
  // Sees the notice, but not what it refers to.
  EXPECT_TRUE(world_.Get(world_.As("souk"), notice_name).ok());
  v1::RecordFilter hidden;
  hidden.set_refers_to(names_[0]);
  EXPECT_THAT(Filtered("souk", hidden), IsEmpty());
}

TEST_F(ListTest, RequestsAreChecked) {
  v1::ListRecordsRequest request;
  request.set_page_size(-1);
  request.mutable_filter()->add_record_classes(v1::RecordClass(77));
  request.mutable_filter()->mutable_seller()->set_platform("no host");
  request.mutable_filter()->set_contributor("aurore");
  request.mutable_filter()->set_external_id("\n");
  request.mutable_filter()->set_refers_to("records/x");
  request.mutable_filter()->mutable_created_from()->set_nanos(-1);
  const absl::Status refused = world_.List(world_.As("aurore"), request).status();
  EXPECT_EQ(
      FieldsAtFault(refused),
      "filter.record_classes, filter.seller, filter.contributor, filter.created_from, filter.external_id, "
      "filter.refers_to, page_size");
}

TEST_F(ListTest, TwoGrantsToOneSubjectAreOneRow) {
  v1::Record report = Report("bazaar.example", "shop-1");
  GrantMember(report, "customs", "notice");
  GrantMember(report, "customs", "full");
  const std::string name = world_.Created("aurore", report).name();
  const auto names = world_.ListAll(world_.As("customs"), {});
  EXPECT_EQ(std::count(names.begin(), names.end(), name), 1);
  EXPECT_EQ(world_.Get(world_.As("customs"), name)->view(), "full+notice");
}

}  // namespace
}  // namespace coalition::exchange

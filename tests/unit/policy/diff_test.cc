// What the difference between two policies says that readers would see otherwise, in words for people.
#include "common/policy/diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/policy/diff_support.h"

namespace coalition::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(DiffTest, OfAPolicyToItselfIsNothing) {
  const PolicyDiff diff = Diff();
  EXPECT_THAT(diff.access_changes, IsEmpty());
  EXPECT_THAT(diff.other_changes, IsEmpty());
  EXPECT_FALSE(diff.widens);
  EXPECT_FALSE(diff.narrows);
}

TEST_F(DiffTest, AFieldTaken) {
  after_.mutable_views(0)->mutable_full()->RemoveLast();
  const PolicyDiff diff = Diff();
  EXPECT_THAT(Sentences(diff.access_changes),
              ElementsAre("NARROWS: a BRAND, PAYMENT granted \"full\" on an OFFENDER_REPORT would see less: "
                          "comment (FULL to OMIT)"));
  EXPECT_THAT(diff.other_changes, IsEmpty());
  EXPECT_TRUE(diff.narrows);
  EXPECT_FALSE(diff.widens);
}

TEST_F(DiffTest, AFieldRaisedLevelByLevel) {
  const v1::CoalitionPolicy token = before_;
  before_.mutable_views(0)->clear_token();
  const PolicyDiff diff = Diff();
  EXPECT_THAT(Sentences(diff.access_changes),
              ElementsAre("WIDENS: a BRAND, PAYMENT granted \"full\" on an OFFENDER_REPORT would see more: "
                          "contributor (OMIT to TOKEN)"));
  EXPECT_TRUE(diff.widens);
  EXPECT_FALSE(diff.narrows);
  before_ = after_ = token;
  after_.mutable_views(0)->clear_token();
  after_.mutable_views(0)->add_full("contributor");
  EXPECT_THAT(Sentences(Diff().access_changes),
              ElementsAre("WIDENS: a BRAND, PAYMENT granted \"full\" on an OFFENDER_REPORT would see more: "
                          "contributor (TOKEN to FULL)"));
}

TEST_F(DiffTest, AViewThatIsACeilingToo) {
  after_.mutable_views(1)->clear_full();
  after_.mutable_views(1)->add_token("seller.seller_id");
  EXPECT_THAT(Sentences(Diff().access_changes),
              ElementsAre("NARROWS: a MARKETPLACE (OTHER) granted \"full\" on an OFFENDER_REPORT would see "
                          "less: seller.seller_id (FULL to TOKEN)",
                          "NARROWS: a MARKETPLACE (OTHER) granted \"notice\" on an OFFENDER_REPORT would see "
                          "less: seller.seller_id (FULL to TOKEN)",
                          "NARROWS: a BRAND, PAYMENT granted \"notice\" on an OFFENDER_REPORT would see "
                          "less: seller.seller_id (FULL to TOKEN)"));
}

// Each direction is told by itself, what widens first.
TEST_F(DiffTest, OneFieldRisesAndOneFalls) {
  after_.mutable_views(0)->set_full(1, "product_category");
  after_.mutable_views(0)->clear_coarse();
  after_.mutable_views(0)->add_full("create_time");
  const PolicyDiff diff = Diff();
  EXPECT_THAT(Sentences(diff.access_changes),
              ElementsAre("WIDENS: a BRAND, PAYMENT granted \"full\" on an OFFENDER_REPORT would see more: "
                          "create_time (COARSE to FULL), product_category (OMIT to FULL)",
                          "NARROWS: a BRAND, PAYMENT granted \"full\" on an OFFENDER_REPORT would see less: "
                          "comment (FULL to OMIT)"));
  EXPECT_TRUE(diff.widens);
  EXPECT_TRUE(diff.narrows);
}

TEST_F(DiffTest, ACeilingRaisedForHosts) {
  *after_.add_ceilings() = before_.ceilings(1);
  after_.mutable_ceilings(2)->set_relations(0, v1::RELATION_HOST);
  EXPECT_THAT(
      Sentences(Diff().access_changes),
      ElementsAre("WIDENS: a MARKETPLACE (HOST, FORMER_OR_UNASSIGNED) granted \"full\" on an OFFENDER_REPORT "
                  "would see more: seller.seller_id (OMIT to FULL)",
                  "WIDENS: a MARKETPLACE (HOST, FORMER_OR_UNASSIGNED) granted \"notice\" on an "
                  "OFFENDER_REPORT would see more: seller.seller_id (OMIT to FULL)"));
}

// Cells that change alike are one sentence, whatever ceilings they come from.
TEST_F(DiffTest, CellsThatChangeAlikeAreOneChange) {
  for (const v1::Label label : {v1::LABEL_RED, v1::LABEL_CLEAR}) {
    for (const v1::MemberKind kind : {v1::MEMBER_KIND_OBSERVER, v1::MEMBER_KIND_AGENCY}) {
      v1::Ceiling& ceiling = *after_.add_ceilings();
      ceiling.add_kinds(kind);
      ceiling.add_relations(v1::RELATION_OTHER);
      ceiling.add_record_classes(v1::RECORD_CLASS_OFFENDER_REPORT);
      ceiling.add_labels(label);
      ceiling.set_view("notice");
    }
  }
  const PolicyDiff diff = Diff();
  EXPECT_THAT(Sentences(diff.access_changes),
              ElementsAre("WIDENS: an AGENCY, OBSERVER (OTHER) granted \"full\" on an OFFENDER_REPORT "
                          "labelled RED, CLEAR would see more: seller.seller_id (OMIT to FULL)",
                          "WIDENS: an AGENCY, OBSERVER (OTHER) granted \"notice\" on an OFFENDER_REPORT "
                          "labelled RED, CLEAR would see more: seller.seller_id (OMIT to FULL)"));
  const v1::AccessChange& change = diff.access_changes.at(0);
  EXPECT_THAT(change.kinds(), ElementsAre(v1::MEMBER_KIND_AGENCY, v1::MEMBER_KIND_OBSERVER));
  EXPECT_THAT(change.labels(), ElementsAre(v1::LABEL_RED, v1::LABEL_CLEAR));
  EXPECT_THAT(change.members(), IsEmpty());
  EXPECT_THAT(change.contributor_kinds(), IsEmpty());
}

TEST_F(DiffTest, ACeilingThatAddsNothingIsNoChange) {
  *after_.add_ceilings() = before_.ceilings(0);
  after_.mutable_ceilings(2)->set_view("notice");
  EXPECT_THAT(Sentences(Diff().access_changes), IsEmpty());
}

TEST_F(DiffTest, AViewThatIsGone) {
  v1::ViewDefinition& brief = *before_.add_views();
  brief = before_.views(1);
  brief.set_name("brief");
  EXPECT_THAT(Sentences(Diff().access_changes),
              ElementsAre("NARROWS: a MARKETPLACE (OTHER) granted \"brief\" on an OFFENDER_REPORT would see "
                          "less: seller.seller_id (FULL to OMIT)",
                          "NARROWS: a BRAND, PAYMENT granted \"brief\" on an OFFENDER_REPORT would see less: "
                          "seller.seller_id (FULL to OMIT)"));
}

constexpr char kAllOfFull[] =
    "contributor (TOKEN to OMIT), seller.seller_id (FULL to OMIT), create_time (COARSE to OMIT), comment "
    "(FULL to OMIT)";

TEST_F(DiffTest, AGroupDenied) {
  members_[kCorsa - 1].groups = {{kInner, {{1, 5}}}};
  const auto deny = FromText<v1::Deny>("id: 'ring' subject { group: 'groups/inner' } labels: LABEL_RED");
  *after_.add_denies() = deny;
  // Corsa is no more in the group: it sees less of what was made before it left.
  EXPECT_THAT(
      Sentences(Diff().access_changes),
      ElementsAre(
          std::string("NARROWS: members/aurore, members/belmont, members/corsa granted \"full\" on an "
                      "OFFENDER_REPORT labelled RED would see less: ") +
              kAllOfFull,
          "NARROWS: members/aurore, members/belmont, members/corsa granted \"notice\" on an "
          "OFFENDER_REPORT labelled RED would see less: seller.seller_id (FULL to OMIT)"));
  std::swap(before_, after_);
  // And it does not see more when the denial is gone: of that it stays denied.
  EXPECT_THAT(
      Sentences(Diff().access_changes),
      ElementsAre(
          "WIDENS: members/aurore, members/belmont granted \"full\" on an OFFENDER_REPORT labelled RED "
          "would see more: contributor (OMIT to TOKEN), seller.seller_id (OMIT to FULL), create_time "
          "(OMIT to COARSE), comment (OMIT to FULL)",
          "WIDENS: members/aurore, members/belmont granted \"notice\" on an OFFENDER_REPORT labelled "
          "RED would see more: seller.seller_id (OMIT to FULL)"));
}

TEST_F(DiffTest, AMemberDeniedAndWhoIsUnderCommonControl) {
  members_[kBazaar - 1].control_group = members_[kPaylink - 1].control_group = "holding";
  *after_.add_denies() = FromText<v1::Deny>("id: 'x' subject { member: 'members/bazaar' }");
  EXPECT_THAT(
      Sentences(Diff().access_changes),
      ElementsAre("NARROWS: members/bazaar (OTHER) granted \"full\" on an OFFENDER_REPORT would see "
                  "less: seller.seller_id (FULL to OMIT)",
                  std::string("NARROWS: members/paylink granted \"full\" on an OFFENDER_REPORT would "
                              "see less: ") +
                      kAllOfFull,
                  "NARROWS: members/bazaar (OTHER) granted \"notice\" on an OFFENDER_REPORT would see "
                  "less: seller.seller_id (FULL to OMIT)",
                  "NARROWS: members/paylink granted \"notice\" on an OFFENDER_REPORT would see less: "
                  "seller.seller_id (FULL to OMIT)"));
}

TEST_F(DiffTest, AKindDeniedWhatCertainContributorsMake) {
  *after_.add_denies() = FromText<v1::Deny>(
      "id: 'x' subject { kind: MEMBER_KIND_PAYMENT } contributor_kinds: [MEMBER_KIND_BRAND, "
      "MEMBER_KIND_AGENCY] record_classes: RECORD_CLASS_OFFENDER_REPORT");
  EXPECT_THAT(Sentences(Diff().access_changes),
              ElementsAre(std::string("NARROWS: a PAYMENT granted \"full\" on an OFFENDER_REPORT of a BRAND, "
                                      "AGENCY would see less: ") +
                              kAllOfFull,
                          "NARROWS: a PAYMENT granted \"notice\" on an OFFENDER_REPORT of a BRAND, AGENCY "
                          "would see less: seller.seller_id (FULL to OMIT)"));
}

TEST_F(DiffTest, GainsWhoeverOrWhoseSiblingSeesMore) {
  members_[kWatch - 1].control_group = members_[kPaylink - 1].control_group = "holding";
  after_.mutable_views(0)->add_full("product_category");
  after_.mutable_ceilings(0)->set_kinds(0, v1::MEMBER_KIND_AGENCY);
  const State state = CoalitionState();
  const PolicyDiff diff = Diff();
  EXPECT_TRUE(Gains(state, diff, kPaylink));
  EXPECT_TRUE(Gains(state, diff, kWatch));
  EXPECT_FALSE(Gains(state, diff, kBelmont));  // sees less
  EXPECT_FALSE(Gains(state, diff, kBazaar));
  EXPECT_FALSE(Gains(state, diff, 99));
  // One administrator makes an applicant, under whomever's control it says.
  members_[kPaylink - 1].standing = v1::STANDING_APPLICANT;
  EXPECT_FALSE(Gains(CoalitionState(), diff, kPaylink));
}

TEST_F(DiffTest, GainsWhoIsNamedAndNotAllOfItsKind) {
  *before_.add_denies() = FromText<v1::Deny>("id: 'x' subject { member: 'members/belmont' }");
  const State state = CoalitionState();
  EXPECT_TRUE(Gains(state, Diff(), kBelmont));
  EXPECT_FALSE(Gains(state, Diff(), kAurore));
}

class MemberDiffTest : public DiffTest {
 protected:
  // Of records of aurore's.
  std::vector<std::string> Told(const std::string& before, const std::string& after) const {
    const auto was = FromText<v1::MemberPolicy>(before), is = FromText<v1::MemberPolicy>(after);
    return Sentences(DiffMemberPolicies(CoalitionState(), kAurore, before.empty() ? nullptr : &was, is));
  }
};

constexpr char kOnlyBrandsByNotice[] = R"(ceilings {
    kinds: MEMBER_KIND_BRAND relations: [RELATION_HOST, RELATION_OTHER]
    record_classes: RECORD_CLASS_OFFENDER_REPORT
    labels: [LABEL_RED, LABEL_AMBER_STRICT, LABEL_AMBER, LABEL_GREEN, LABEL_CLEAR] view: "notice" })";

TEST_F(MemberDiffTest, NoneAndUnboundedAreTheSame) {
  EXPECT_THAT(Told("", "unbounded: true"), IsEmpty());
  EXPECT_THAT(Told("unbounded: true", "unbounded: true"), IsEmpty());
  EXPECT_THAT(Told(kOnlyBrandsByNotice, kOnlyBrandsByNotice), IsEmpty());
}

TEST_F(MemberDiffTest, ACeiling) {
  EXPECT_THAT(
      Told("", kOnlyBrandsByNotice),
      ElementsAre("NARROWS: a MARKETPLACE (OTHER) granted \"full\" on an OFFENDER_REPORT would see "
                  "less: seller.seller_id (FULL to OMIT)",
                  std::string("NARROWS: a PAYMENT granted \"full\" on an OFFENDER_REPORT would see "
                              "less: ") +
                      kAllOfFull,
                  "NARROWS: a BRAND granted \"full\" on an OFFENDER_REPORT would see less: contributor "
                  "(TOKEN to OMIT), create_time (COARSE to OMIT), comment (FULL to OMIT)",
                  "NARROWS: a MARKETPLACE (OTHER) granted \"notice\" on an OFFENDER_REPORT would see "
                  "less: seller.seller_id (FULL to OMIT)",
                  "NARROWS: a PAYMENT granted \"notice\" on an OFFENDER_REPORT would see less: "
                  "seller.seller_id (FULL to OMIT)"));
}

TEST_F(MemberDiffTest, ACeilingForAllButHosts) {
  auto only_others = v1::MemberPolicy();
  *only_others.add_ceilings() = before_.ceilings(0);
  only_others.mutable_ceilings(0)->add_kinds(v1::MEMBER_KIND_MARKETPLACE);
  only_others.mutable_ceilings(0)->clear_relations();
  only_others.mutable_ceilings(0)->add_relations(v1::RELATION_OTHER);
  EXPECT_THAT(
      Told("", only_others.ShortDebugString()),
      ElementsAre(std::string("NARROWS: a BRAND, PAYMENT (HOST, FORMER_OR_UNASSIGNED) granted \"full\" "
                              "on an OFFENDER_REPORT would see less: ") +
                      kAllOfFull,
                  "NARROWS: a BRAND, PAYMENT (HOST, FORMER_OR_UNASSIGNED) granted \"notice\" on an "
                  "OFFENDER_REPORT would see less: seller.seller_id (FULL to OMIT)"));
}

TEST_F(MemberDiffTest, AnExclusionOfAKindAndOfAMember) {
  before_ = FromText<v1::CoalitionPolicy>(kBase);
  before_.mutable_ceilings()->RemoveLast();
  before_.mutable_views()->RemoveLast();
  EXPECT_THAT(Told("unbounded: true", "unbounded: true exclusions { kind: MEMBER_KIND_PAYMENT }"),
              ElementsAre(std::string("NARROWS: a PAYMENT granted \"full\" on an OFFENDER_REPORT would see "
                                      "less: ") +
                          kAllOfFull));
  EXPECT_THAT(
      Told("unbounded: true exclusions { group: 'groups/wide' }", "unbounded: true"),
      ElementsAre("WIDENS: members/belmont granted \"full\" on an OFFENDER_REPORT would see more: "
                  "contributor (OMIT to TOKEN), seller.seller_id (OMIT to FULL), create_time (OMIT to "
                  "COARSE), comment (OMIT to FULL)"));
}

// Who left the group sees less of what was made before, and gets none of it back.
TEST_F(MemberDiffTest, AnExclusionOfAGroupThatSomebodyLeft) {
  before_.mutable_ceilings()->RemoveLast();
  before_.mutable_views()->RemoveLast();
  members_[kBelmont - 1].groups = {{kWide, {{1, 5}}}};
  EXPECT_THAT(Told("", "unbounded: true exclusions { group: 'groups/wide' }"),
              ElementsAre(std::string("NARROWS: members/belmont granted \"full\" on an OFFENDER_REPORT would "
                                      "see less: ") +
                          kAllOfFull));
  EXPECT_THAT(Told("unbounded: true exclusions { group: 'groups/wide' }", "unbounded: true"), IsEmpty());
}

TEST_F(MemberDiffTest, NobodyHasNoPolicy) {
  EXPECT_THAT(DiffMemberPolicies(CoalitionState(), 99, nullptr, {}), IsEmpty());
}

}  // namespace
}  // namespace coalition::policy

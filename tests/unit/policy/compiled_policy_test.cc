// Policies as tables: what they say, and that whatever they do not say hides.
#include "common/policy/compiled_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/policy/fields.h"
#include "tests/unit/policy/support.h"

namespace coalition::policy {
namespace {

using ::testing::ElementsAre;

constexpr auto kBrand = v1::MEMBER_KIND_BRAND;
constexpr auto kMarketplace = v1::MEMBER_KIND_MARKETPLACE;
constexpr auto kReport = v1::RECORD_CLASS_OFFENDER_REPORT;
constexpr auto kOpinion = v1::RECORD_CLASS_OPINION;
constexpr Relation kEachRelation[] = {Relation::kOther, Relation::kHost, Relation::kFormerOrUnassigned};

uint64_t Bit(v1::RecordClass record_class, const std::string& path) {
  return uint64_t{1} << FieldIndex(record_class, path).value();
}
uint64_t Bit(const std::string& path) { return Bit(kReport, path); }

View CompileText(const std::string& text) { return CompileView(FromText<v1::ViewDefinition>(text)); }

// The fields of reports that it shows.
View CompileReport(const std::string& text) {
  return CompileText("record_class: RECORD_CLASS_OFFENDER_REPORT " + text);
}

TEST(CompileView, ShowsWhatItListsAtItsLevel) {
  const View view = CompileReport("full: 'comment' token: 'contributor' coarse: 'create_time'");
  EXPECT_EQ(view.full, Bit("comment"));
  EXPECT_EQ(view.shown, Bit("comment") | Bit("contributor") | Bit("create_time"));
}

TEST(CompileView, HidesWhatItDoesNotList) {
  EXPECT_TRUE(CompileReport("").hidden());
  EXPECT_TRUE(CompileReport("name: 'full' description: 'comment'").hidden());
}

TEST(CompileView, OfTwoLevelsTheHigherCounts) {
  EXPECT_EQ(CompileReport("token: 'contributor' full: 'contributor'"), CompileReport("full: 'contributor'"));
}

TEST(CompileView, LeavesOutWhatThereIsNot) {
  EXPECT_TRUE(CompileReport("full: ['verdict', 'seller', '', 'Comment']").hidden());
  EXPECT_TRUE(CompileReport("token: ['comment', 'create_time', 'nothing']").hidden());
  EXPECT_TRUE(CompileReport("coarse: ['comment', 'contributor', 'nothing']").hidden());
  EXPECT_TRUE(CompileText("full: 'comment'").hidden());
  EXPECT_TRUE(CompileText("record_class: 77 full: 'comment'").hidden());
  EXPECT_TRUE(CompileText("record_class: -1 full: 'comment'").hidden());
}

TEST(CeilingTable, ShowsNothingOfItself) {
  const CeilingTable table;
  for (const Relation relation : kEachRelation) {
    EXPECT_TRUE(table.At(kBrand, relation, kReport, v1::LABEL_CLEAR).hidden());
  }
}

// Every cell shows everything: only what is unknown hides.
TEST(CeilingTable, UnknownValuesHide) {
  const CeilingTable table(View{~uint64_t{0}, ~uint64_t{0}});
  EXPECT_FALSE(table.At(kBrand, Relation::kHost, kReport, v1::LABEL_RED).hidden());
  for (const int unknown : {-1, 77}) {
    for (const Relation relation : kEachRelation) {
      EXPECT_TRUE(table.At(static_cast<v1::MemberKind>(unknown), relation, kReport, v1::LABEL_RED).hidden());
      EXPECT_TRUE(table.At(kBrand, relation, static_cast<v1::RecordClass>(unknown), v1::LABEL_RED).hidden());
      EXPECT_TRUE(table.At(kBrand, relation, kReport, static_cast<v1::Label>(unknown)).hidden());
    }
  }
  EXPECT_TRUE(
      table.At(static_cast<v1::MemberKind>(kKinds), Relation::kOther, kReport, v1::LABEL_RED).hidden());
  EXPECT_TRUE(table.At(kBrand, static_cast<Relation>(3), kReport, v1::LABEL_RED).hidden());
}

TEST(CeilingTable, RaisesOneCell) {
  const View notice{3, 1};
  CeilingTable table;
  table.JoinAt(kBrand, Relation::kHost, kReport, v1::LABEL_RED, notice);
  EXPECT_EQ(table.At(kBrand, Relation::kHost, kReport, v1::LABEL_RED), notice);
  EXPECT_TRUE(table.At(kMarketplace, Relation::kHost, kReport, v1::LABEL_RED).hidden());
  EXPECT_TRUE(table.At(kBrand, Relation::kOther, kReport, v1::LABEL_RED).hidden());
  EXPECT_TRUE(table.At(kBrand, Relation::kHost, kOpinion, v1::LABEL_RED).hidden());
  EXPECT_TRUE(table.At(kBrand, Relation::kHost, kReport, v1::LABEL_AMBER).hidden());
  table.JoinAt(kBrand, Relation::kHost, kReport, v1::LABEL_RED, {4, 4});
  EXPECT_EQ(table.At(kBrand, Relation::kHost, kReport, v1::LABEL_RED), (View{7, 5}));
}

TEST(CeilingTable, FormerHoldersSeeWhatHostAndOtherBothSee) {
  CeilingTable table;
  const auto former = [&] {
    return table.At(kMarketplace, Relation::kFormerOrUnassigned, kReport, v1::LABEL_AMBER);
  };
  table.JoinAt(kMarketplace, Relation::kOther, kReport, v1::LABEL_AMBER, {7, 5});
  EXPECT_TRUE(former().hidden());
  table.JoinAt(kMarketplace, Relation::kHost, kReport, v1::LABEL_AMBER, {14, 12});
  EXPECT_EQ(former(), (View{6, 4}));
}

TEST(CeilingTable, MeetsCellByCell) {
  CeilingTable one, other;
  one.JoinAt(kBrand, Relation::kOther, kReport, v1::LABEL_RED, {7, 5});
  one.JoinAt(kBrand, Relation::kHost, kReport, v1::LABEL_RED, {7, 7});
  other.JoinAt(kBrand, Relation::kOther, kReport, v1::LABEL_RED, {14, 12});
  one.MeetWith(other);
  EXPECT_EQ(one.At(kBrand, Relation::kOther, kReport, v1::LABEL_RED), (View{6, 4}));
  EXPECT_TRUE(one.At(kBrand, Relation::kHost, kReport, v1::LABEL_RED).hidden());
}

TEST(ViewTable, UnknownValuesHide) {
  ViewTable table;
  table.Set(kReport, kViewFull, {1, 1});
  table.Set(kReport, kViewNamesMax, {2, 2});
  EXPECT_EQ(table.At(kReport, kViewFull), (View{1, 1}));
  EXPECT_EQ(table.At(kReport, kViewNamesMax), (View{2, 2}));
  EXPECT_TRUE(table.At(kOpinion, kViewFull).hidden());
  EXPECT_TRUE(table.At(kReport, kNoView).hidden());
  EXPECT_TRUE(table.At(kReport, kViewNamesMax + 1).hidden());
  EXPECT_TRUE(table.At(kReport, 255).hidden());
  EXPECT_TRUE(table.At(static_cast<v1::RecordClass>(-1), kViewFull).hidden());
  EXPECT_TRUE(table.At(static_cast<v1::RecordClass>(kClasses), kViewFull).hidden());
}

TEST(ViewTable, MeetsViewByView) {
  ViewTable one, other;
  one.Set(kReport, kViewFull, {7, 5});
  one.Set(kOpinion, kViewFull, {7, 7});
  other.Set(kReport, kViewFull, {14, 12});
  one.MeetWith(other);
  EXPECT_EQ(one.At(kReport, kViewFull), (View{6, 4}));
  EXPECT_TRUE(one.At(kOpinion, kViewFull).hidden());
}

// Its views "full" and "notice" are of two classes, and mean something else in each.
constexpr char kViews[] = R"(
    views { name: "full" record_class: RECORD_CLASS_OFFENDER_REPORT full: ["comment", "seller.seller_id"] }
    views { name: "full" record_class: RECORD_CLASS_OPINION full: "verdict" }
    views { name: "notice" record_class: RECORD_CLASS_OFFENDER_REPORT full: "infringement_types" })";

struct Compiled {
  explicit Compiled(const std::string& more) : policy(FromText<v1::CoalitionPolicy>(kViews + more), &names) {}
  View At(v1::MemberKind kind, Relation relation, v1::RecordClass of, v1::Label label) const {
    return policy.ceilings().At(kind, relation, of, label);
  }
  ViewNames names;
  CompiledPolicy policy;
};

TEST(CompiledPolicy, RaisesTheCellsOfACeilingAndNoOthers) {
  const Compiled compiled(R"(ceilings {
      kinds: [MEMBER_KIND_BRAND, MEMBER_KIND_AGENCY] relations: RELATION_HOST
      record_classes: [RECORD_CLASS_OFFENDER_REPORT, RECORD_CLASS_OPINION]
      labels: [LABEL_RED, LABEL_AMBER] view: "full" })");
  const View report{Bit("comment") | Bit("seller.seller_id"), Bit("comment") | Bit("seller.seller_id")};
  const View opinion{Bit(kOpinion, "verdict"), Bit(kOpinion, "verdict")};
  for (int kind = 0; kind < static_cast<int>(kKinds); ++kind) {
    for (const Relation relation : kEachRelation) {
      for (int of = 0; of < static_cast<int>(kClasses); ++of) {
        for (int label = 0; label < static_cast<int>(kLabels); ++label) {
          const bool raised = (kind == kBrand || kind == v1::MEMBER_KIND_AGENCY) &&
                              relation == Relation::kHost && (of == kReport || of == kOpinion) &&
                              (label == v1::LABEL_RED || label == v1::LABEL_AMBER);
          EXPECT_EQ(compiled.At(static_cast<v1::MemberKind>(kind), relation, static_cast<v1::RecordClass>(of),
                                static_cast<v1::Label>(label)),
                    !raised         ? View{}
                    : of == kReport ? report
                                    : opinion)
              << kind << " " << static_cast<int>(relation) << " " << of << " " << label;
        }
      }
    }
  }
}

TEST(CompiledPolicy, OfSeveralCeilingsAnySuffices) {
  const std::string cells =
      "kinds: MEMBER_KIND_BRAND relations: RELATION_OTHER record_classes: RECORD_CLASS_OFFENDER_REPORT "
      "labels: LABEL_RED ";
  const Compiled compiled("ceilings { " + cells + "view: 'full' } ceilings { " + cells +
                          "view: 'notice' } ceilings { " + cells + "view: 'none' }");
  const uint64_t all = Bit("comment") | Bit("seller.seller_id") | Bit("infringement_types");
  EXPECT_EQ(compiled.At(kBrand, Relation::kOther, kReport, v1::LABEL_RED), (View{all, all}));
}

// The cells that such a ceiling could mean.
void ExpectRaisesNothing(const std::string& ceiling) {
  const Compiled compiled("ceilings { " + ceiling + " }");
  EXPECT_EQ(compiled.policy.ceilings(), CeilingTable()) << ceiling;
}

TEST(CompiledPolicy, ACeilingThatIsWrongShowsNothing) {
  const std::string kind = "kinds: MEMBER_KIND_BRAND ", relation = "relations: RELATION_OTHER ",
                    of = "record_classes: RECORD_CLASS_OFFENDER_REPORT ", label = "labels: LABEL_RED ",
                    view = "view: 'full' ";
  ExpectRaisesNothing(relation + of + label + view);
  ExpectRaisesNothing(kind + of + label + view);
  ExpectRaisesNothing(kind + relation + label + view);
  ExpectRaisesNothing(kind + relation + of + view);
  ExpectRaisesNothing(kind + relation + of + label);
  ExpectRaisesNothing(kind + relation + of + label + "view: 'none'");
  ExpectRaisesNothing(kind + relation + of + label + "view: 'peer'");
  ExpectRaisesNothing(kind + relation + "record_classes: RECORD_CLASS_OPINION " + label + "view: 'notice'");
  for (const char* unknown : {"0", "-1", "77"}) {
    ExpectRaisesNothing(std::string("kinds: ") + unknown + " " + relation + of + label + view);
    ExpectRaisesNothing(kind + "relations: " + unknown + " " + of + label + view);
    ExpectRaisesNothing(kind + relation + "record_classes: " + unknown + " " + label + view);
    ExpectRaisesNothing(kind + relation + of + "labels: " + unknown + " " + view);
  }
  for (const char* relation_of_no_ceiling : {"RELATION_OWNER ", "RELATION_FORMER_OR_UNASSIGNED "}) {
    ExpectRaisesNothing(kind + "relations: " + relation_of_no_ceiling + of + label + view);
  }
}

TEST(CompiledPolicy, AddsItsNamesAndKeepsItsText) {
  const Compiled compiled(
      "title: 'x' views { name: 'peer' record_class: RECORD_CLASS_OPINION full: 'verdict' }");
  EXPECT_THAT(compiled.names.names(), ElementsAre("full", "notice", "peer"));
  EXPECT_EQ(compiled.policy.views().At(kOpinion, 3).full, Bit(kOpinion, "verdict"));
  EXPECT_TRUE(compiled.policy.views().At(kReport, 3).hidden());
  EXPECT_EQ(compiled.policy.source().title(), "x");
}

TEST(CompiledPolicy, AViewWithoutANumberOrAClassShowsNothing) {
  ViewNames names;
  while (names.names().size() < kViewNamesMax) names.Add("old-" + std::to_string(names.names().size()));
  auto policy = FromText<v1::CoalitionPolicy>(
      "views { name: 'new' record_class: RECORD_CLASS_OPINION full: 'verdict' }"
      "views { name: 'full' record_class: 77 full: 'verdict' } views { name: 'full' full: 'verdict' }");
  EXPECT_EQ(CompiledPolicy(policy, &names).views(), ViewTable());
  EXPECT_EQ(names.names().size(), size_t{kViewNamesMax});
}

// Of views that another policy has, as for a member's own policy.
TEST(CompileCeilings, GoesByTheViewsOfAnother) {
  const Compiled compiled("");
  const auto own = FromText<v1::MemberPolicy>(R"(ceilings {
      kinds: MEMBER_KIND_BRAND relations: [RELATION_HOST, RELATION_OTHER]
      record_classes: RECORD_CLASS_OFFENDER_REPORT labels: LABEL_RED view: "notice" })");
  const CeilingTable table = CompileCeilings(own.ceilings(), compiled.policy.views(), compiled.names);
  for (const Relation relation : kEachRelation) {
    EXPECT_EQ(table.At(kBrand, relation, kReport, v1::LABEL_RED).full, Bit("infringement_types"));
  }
}

DenyScope ScopeOf(const std::string& deny) {
  return Compiled("denies { id: 'x' " + deny + " }").policy.denies().at(0);
}

TEST(DenyScope, AnEmptyListMeansAll) {
  const DenyScope scope = ScopeOf("");
  for (int kind = 1; kind < static_cast<int>(kKinds); ++kind) {
    for (int of = 1; of < static_cast<int>(kClasses); ++of) {
      for (int label = 1; label < static_cast<int>(kLabels); ++label) {
        EXPECT_TRUE(scope.Covers(static_cast<v1::MemberKind>(kind), static_cast<v1::RecordClass>(of),
                                 static_cast<v1::Label>(label)));
      }
    }
  }
}

TEST(DenyScope, CoversWhatAllThreeListsName) {
  const DenyScope scope = ScopeOf(
      "contributor_kinds: [MEMBER_KIND_BRAND, MEMBER_KIND_SECRETARIAT] "
      "record_classes: RECORD_CLASS_OFFENDER_REPORT labels: [LABEL_RED, LABEL_CLEAR]");
  EXPECT_TRUE(scope.Covers(kBrand, kReport, v1::LABEL_RED));
  EXPECT_TRUE(scope.Covers(v1::MEMBER_KIND_SECRETARIAT, kReport, v1::LABEL_CLEAR));
  EXPECT_FALSE(scope.Covers(kMarketplace, kReport, v1::LABEL_RED));
  EXPECT_FALSE(scope.Covers(kBrand, kOpinion, v1::LABEL_RED));
  EXPECT_FALSE(scope.Covers(kBrand, kReport, v1::LABEL_AMBER));
}

// A denial errs on the side of denying: both what it lists and what it is asked about.
TEST(DenyScope, WhatDoesNotFitIsCovered) {
  const DenyScope scope =
      ScopeOf("contributor_kinds: MEMBER_KIND_BRAND record_classes: RECORD_CLASS_OPINION labels: LABEL_RED");
  EXPECT_TRUE(scope.Covers(static_cast<v1::MemberKind>(16), kOpinion, v1::LABEL_RED));
  EXPECT_TRUE(scope.Covers(kBrand, static_cast<v1::RecordClass>(8), v1::LABEL_RED));
  EXPECT_TRUE(scope.Covers(kBrand, kOpinion, static_cast<v1::Label>(-1)));
  EXPECT_TRUE(
      ScopeOf("contributor_kinds: [MEMBER_KIND_BRAND, 16]").Covers(kMarketplace, kReport, v1::LABEL_RED));
  EXPECT_TRUE(ScopeOf("record_classes: [RECORD_CLASS_OPINION, 8]").Covers(kBrand, kReport, v1::LABEL_RED));
  EXPECT_TRUE(ScopeOf("labels: [LABEL_AMBER, 0]").Covers(kBrand, kReport, v1::LABEL_RED));
}

TEST(DenyScope, IsByTheOrderOfTheDenials) {
  const Compiled compiled("denies { labels: LABEL_RED } denies { labels: LABEL_AMBER }");
  ASSERT_EQ(compiled.policy.denies().size(), 2U);
  EXPECT_TRUE(compiled.policy.denies()[0].Covers(kBrand, kReport, v1::LABEL_RED));
  EXPECT_FALSE(compiled.policy.denies()[0].Covers(kBrand, kReport, v1::LABEL_AMBER));
  EXPECT_TRUE(compiled.policy.denies()[1].Covers(kBrand, kReport, v1::LABEL_AMBER));
}

}  // namespace
}  // namespace coalition::policy

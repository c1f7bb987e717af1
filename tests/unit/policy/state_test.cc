#include "common/policy/state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/policy/fields.h"
#include "tests/unit/policy/support.h"

namespace coalition::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(State, FindsByNumberAndId) {
  const State state = MakeState();
  EXPECT_EQ(state.epoch(), 7U);
  EXPECT_EQ(state.member(kBazaar)->id, "bazaar");
  EXPECT_EQ(state.FindMember("souk")->number, kSouk);
  EXPECT_EQ(state.group(kInner)->id, "inner");
  EXPECT_EQ(state.FindGroup("wide")->number, kWide);
  EXPECT_EQ(state.platform(kBazaarExample)->id, "bazaar.example");
  EXPECT_EQ(state.FindPlatform("nobodys.example")->number, kNobodysExample);
  for (const uint32_t unknown : {0U, 9U, 0xffffffffU}) {
    EXPECT_EQ(state.member(unknown), nullptr);
    EXPECT_EQ(state.group(unknown), nullptr);
    EXPECT_EQ(state.platform(unknown), nullptr);
    EXPECT_EQ(state.HolderOf(unknown), 0U);
    EXPECT_THAT(state.ControlGroup(unknown), IsEmpty());
  }
  EXPECT_EQ(state.FindMember("nobody"), nullptr);
  EXPECT_EQ(state.FindMember(""), nullptr);
}

TEST(State, KnowsTheHolder) {
  EXPECT_EQ(MakeState().HolderOf(kBazaarExample), kBazaar);
  EXPECT_EQ(MakeState().HolderOf(kNobodysExample), 0U);
  EXPECT_EQ(MakeState(Members(), {{kBazaar, {1, 5}}, {kSouk, {7, kStill}}}).HolderOf(kBazaarExample), kSouk);
  EXPECT_EQ(MakeState(Members(), {{kBazaar, {1, 5}}}).HolderOf(kBazaarExample), 0U);
}

TEST(State, ControlGroups) {
  std::vector<MemberState> members = Members();
  members[kBazaar - 1].control_group = members[kPaylink - 1].control_group = "holding";
  const State state = MakeState(members);
  EXPECT_THAT(state.ControlGroup(kBazaar), ElementsAre(kBazaar, kPaylink));
  EXPECT_THAT(state.ControlGroup(kPaylink), ElementsAre(kBazaar, kPaylink));
  EXPECT_THAT(state.ControlGroup(kSouk), ElementsAre(kSouk));
}

// The whole table: what each kind may see at most, for every label, class and relation.
TEST(Ceiling, IsTheDesignsTable) {
  const State state = MakeState();
  const auto expected = [](int kind, Relation relation, v1::RecordClass record_class) {
    switch (kind) {
      case v1::MEMBER_KIND_BRAND:
      case v1::MEMBER_KIND_PAYMENT:
      case v1::MEMBER_KIND_LOGISTICS:
      case v1::MEMBER_KIND_AUTHORITY:
      case v1::MEMBER_KIND_AGENCY:
        return kViewFull;
      case v1::MEMBER_KIND_OBSERVER:
        return kViewNotice;
      case v1::MEMBER_KIND_MARKETPLACE: {
        const bool close =
            record_class == v1::RECORD_CLASS_OFFENDER_REPORT || record_class == v1::RECORD_CLASS_OPINION;
        return close && relation != Relation::kOther ? kViewNotice : kViewFull;
      }
      default:
        return kNoView;
    }
  };
  for (int kind = -1; kind <= 10; ++kind) {
    for (const auto relation : {Relation::kOther, Relation::kHost, Relation::kFormerOrUnassigned}) {
      for (int of = -1; of <= 6; ++of) {
        for (int label = -1; label <= 7; ++label) {
          const auto record_class = static_cast<v1::RecordClass>(of);
          const bool known = of >= 1 && of <= 4 && label >= 1 && label <= 5;
          const ViewId id = known ? expected(kind, relation, record_class) : kNoView;
          EXPECT_EQ(state.PeriodAt(kMade).ceilings.At(static_cast<v1::MemberKind>(kind), relation,
                                                      record_class, static_cast<v1::Label>(label)),
                    DefaultView(record_class, id))
              << kind << " " << static_cast<int>(relation) << " " << of << " " << label;
        }
      }
    }
  }
  EXPECT_TRUE(
      state.PeriodAt(kMade)
          .ceilings
          .At(v1::MEMBER_KIND_BRAND, static_cast<Relation>(9), v1::RECORD_CLASS_OPINION, v1::LABEL_CLEAR)
          .hidden());
}

TEST(StateDeathTest, RefusesWhatIsNotDenseOrUnique) {
  std::vector<MemberState> gap = Members();
  gap[2].number = 9;
  EXPECT_DEATH(MakeState(gap), "densely");
  std::vector<MemberState> twins = Members();
  twins[2].id = twins[1].id;
  EXPECT_DEATH(MakeState(twins), "unique");
}

}  // namespace
}  // namespace coalition::policy

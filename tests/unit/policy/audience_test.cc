#include "common/policy/audience.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/policy/support.h"

namespace coalition::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint64_t kRevision = 500;

v1::Audience Parse(const std::string& text) {
  v1::Audience audience;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &audience)) << text;
  return audience;
}

CompiledAudience Compile(const std::string& text, v1::Label label = v1::LABEL_GREEN,
                         const std::vector<HeaderGrant>& before = {}) {
  return CompileAudience(MakeState(), Parse(text), v1::RECORD_CLASS_OFFENDER_REPORT, label, kRevision,
                         before);
}

TEST(CompileAudience, ResolvesNames) {
  const auto compiled = Compile(R"(
    grants { subject { member: "members/belmont" } view: "full" }
    grants { subject { group: "groups/wide" } view: "notice" }
    grants { subject { kind: MEMBER_KIND_PAYMENT } view: "notice" }
    grants { subject { everyone: true } view: "notice" }
    exclusions { member: "members/corsa" }
    exclusions { group: "groups/inner" }
    exclusions { kind: MEMBER_KIND_OBSERVER })");
  EXPECT_THAT(compiled.problems, IsEmpty());
  EXPECT_THAT(compiled.grants, ElementsAre(HeaderGrant{SubjectKind::kMember, kViewFull, kBelmont, kRevision},
                                           HeaderGrant{SubjectKind::kGroup, kViewNotice, kWide, kRevision},
                                           HeaderGrant{SubjectKind::kKind, kViewNotice, 3, kRevision},
                                           HeaderGrant{SubjectKind::kEveryone, kViewNotice, 0, kRevision}));
  EXPECT_THAT(compiled.exclusions, ElementsAre(HeaderExclusion{SubjectKind::kMember, kCorsa},
                                               HeaderExclusion{SubjectKind::kGroup, kInner},
                                               HeaderExclusion{SubjectKind::kKind, 7}));
}

TEST(CompileAudience, EmptyMeansNobody) {
  const auto compiled = Compile("");
  EXPECT_THAT(compiled.grants, IsEmpty());
  EXPECT_THAT(compiled.exclusions, IsEmpty());
  EXPECT_THAT(compiled.problems, IsEmpty());
}

TEST(CompileAudience, MergesDuplicates) {
  const auto compiled = Compile(R"(
    grants { subject { member: "members/belmont" } view: "full" }
    grants { subject { member: "members/belmont" } view: "full" }
    grants { subject { member: "members/belmont" } view: "notice" }
    exclusions { member: "members/corsa" }
    exclusions { member: "members/corsa" })");
  EXPECT_EQ(compiled.grants.size(), 2U);
  EXPECT_EQ(compiled.exclusions.size(), 1U);
}

TEST(CompileAudience, AGrantThatStaysKeepsItsRevision) {
  const std::vector<HeaderGrant> before = {{SubjectKind::kKind, kViewNotice, 3, 77},
                                           {SubjectKind::kMember, kViewFull, kCorsa, 78}};
  const auto compiled = Compile(R"(
    grants { subject { kind: MEMBER_KIND_PAYMENT } view: "notice" }
    grants { subject { kind: MEMBER_KIND_PAYMENT } view: "full" }
    grants { subject { member: "members/belmont" } view: "full" })",
                                v1::LABEL_AMBER, before);
  EXPECT_THAT(compiled.grants,
              ElementsAre(HeaderGrant{SubjectKind::kKind, kViewNotice, 3, 77},
                          HeaderGrant{SubjectKind::kKind, kViewFull, 3, kRevision},
                          HeaderGrant{SubjectKind::kMember, kViewFull, kBelmont, kRevision}));
}

struct Bad {
  const char* audience;
  const char* path;
  const char* message;
};

class BadAudience : public ::testing::TestWithParam<Bad> {};

TEST_P(BadAudience, HasItsOwnError) {
  const auto compiled = Compile(GetParam().audience);
  ASSERT_EQ(compiled.problems.size(), 1U);
  EXPECT_EQ(compiled.problems[0].path, GetParam().path);
  EXPECT_THAT(compiled.problems[0].message, HasSubstr(GetParam().message));
  EXPECT_FALSE(compiled.problems[0].label_forbids);
  EXPECT_THAT(compiled.grants, IsEmpty());
  EXPECT_THAT(compiled.exclusions, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    All, BadAudience,
    ::testing::Values(
        Bad{"grants { subject { member: 'members/nobody' } view: 'full' }", "grants[0].subject.member",
            "no member"},
        Bad{"grants { subject { member: 'belmont' } view: 'full' }", "grants[0].subject.member",
            "members/{member}"},
        Bad{"grants { subject { member: 'groups/belmont' } view: 'full' }", "grants[0].subject.member",
            "no member"},
        Bad{"grants { subject { member: '' } view: 'full' }", "grants[0].subject.member", "no member"},
        Bad{"grants { subject { group: 'groups/none' } view: 'full' }", "grants[0].subject.group",
            "no group"},
        Bad{"grants { subject { kind: MEMBER_KIND_UNSPECIFIED } view: 'full' }", "grants[0].subject.kind",
            "no such kind"},
        Bad{"grants { subject { kind: 77 } view: 'full' }", "grants[0].subject.kind", "no such kind"},
        Bad{"grants { subject { everyone: false } view: 'full' }", "grants[0].subject.everyone",
            "only be true"},
        Bad{"grants { subject { } view: 'full' }", "grants[0].subject", "names nobody"},
        Bad{"grants { view: 'full' }", "grants[0].subject", "names nobody"},
        Bad{"grants { subject { member: 'members/belmont' } }", "grants[0].view", "needs a view"},
        Bad{"grants { subject { member: 'members/belmont' } view: 'FULL' }", "grants[0].view",
            "no view \"FULL\""},
        Bad{"exclusions { everyone: true }", "exclusions[0].everyone", "can't name everyone"},
        Bad{"exclusions { everyone: false }", "exclusions[0].everyone", "can't name everyone"},
        Bad{"exclusions { }", "exclusions[0]", "names nobody"},
        Bad{"exclusions { member: 'members/x' }", "exclusions[0].member", "no member"},
        Bad{"exclusions { kind: 77 }", "exclusions[0].kind", "no such kind"}));

TEST(CompileAudience, FindsEveryProblem) {
  const auto compiled = Compile(R"(
    grants { subject { member: "members/nobody" } view: "none" }
    grants { subject { member: "members/belmont" } view: "full" }
    grants { subject { group: "groups/none" } view: "full" }
    exclusions { })");
  ASSERT_EQ(compiled.problems.size(), 4U);
  EXPECT_EQ(compiled.problems[0].path, "grants[0].subject.member");
  EXPECT_EQ(compiled.problems[1].path, "grants[0].view");
  EXPECT_EQ(compiled.problems[2].path, "grants[2].subject.group");
  EXPECT_EQ(compiled.problems[3].path, "exclusions[0]");
}

// Exhaustive: each label, each kind of subject.
TEST(CompileAudience, LabelsCapTheAudience) {
  struct Row {
    const char* subject;
    int allowed_from;  // the strictest label that allows it
  };
  const Row rows[] = {{"member: 'members/belmont'", v1::LABEL_RED},
                      {"group: 'groups/inner'", v1::LABEL_AMBER_STRICT},
                      {"group: 'groups/wide'", v1::LABEL_AMBER},
                      {"kind: MEMBER_KIND_BRAND", v1::LABEL_AMBER},
                      {"everyone: true", v1::LABEL_GREEN}};
  for (const Row& row : rows) {
    const std::string grant = std::string("grants { view: 'notice' subject { ") + row.subject + " } }";
    for (int label = -1; label <= 7; ++label) {
      const auto compiled = Compile(grant, static_cast<v1::Label>(label));
      const bool allowed = label >= row.allowed_from && label <= v1::LABEL_CLEAR;
      EXPECT_EQ(compiled.problems.empty(), allowed) << row.subject << " " << label;
      EXPECT_EQ(compiled.grants.size(), allowed ? 1U : 0U) << row.subject << " " << label;
      if (!allowed) {
        EXPECT_TRUE(compiled.problems.at(0).label_forbids) << row.subject << " " << label;
      }
    }
  }
}

TEST(CompileAudience, LabelsDoNotCapExclusions) {
  const auto compiled =
      Compile("exclusions { kind: MEMBER_KIND_BRAND } exclusions { group: 'groups/wide' }", v1::LABEL_RED);
  EXPECT_THAT(compiled.problems, IsEmpty());
  EXPECT_EQ(compiled.exclusions.size(), 2U);
}

TEST(CompileAudience, RefusesMoreThanAHeaderHolds) {
  std::vector<MemberState> members;
  v1::Audience audience;
  for (uint32_t number = 1; number <= 256; ++number) {
    members.push_back(Member(number, "m" + std::to_string(number), v1::MEMBER_KIND_BRAND));
    v1::Grant* grant = audience.add_grants();
    grant->mutable_subject()->set_member("members/m" + std::to_string(number));
    grant->set_view("full");
  }
  const State state(1, members, {}, {});
  const auto over = CompileAudience(state, audience, v1::RECORD_CLASS_OFFENDER_REPORT, v1::LABEL_RED, 1, {});
  ASSERT_EQ(over.problems.size(), 1U);
  EXPECT_EQ(over.problems[0].path, "grants");
  audience.mutable_grants()->RemoveLast();
  EXPECT_THAT(
      CompileAudience(state, audience, v1::RECORD_CLASS_OFFENDER_REPORT, v1::LABEL_RED, 1, {}).problems,
      IsEmpty());
}

}  // namespace
}  // namespace coalition::policy

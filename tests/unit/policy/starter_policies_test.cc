// The policies of examples/policies/ are sound, keep what their tests say, and their tests guard it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/policy/check_policy.h"
#include "common/policy/run_tests.h"
#include "common/textproto.h"

namespace coalition::policy {
namespace {

class StarterPolicies : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const auto read = ReadTextproto(
        std::string(COALITION_SOURCE_DIR "/examples/policies/") + GetParam() + ".textproto", &policy_);
    ASSERT_TRUE(read.ok()) << read;
  }

  // The names of the tests that fail.
  static std::vector<std::string> Failing(const v1::CoalitionPolicy& policy) {
    std::vector<std::string> names;
    for (const PolicyTestResult& test : RunPolicyTests(policy)) {
      if (!test.passed) names.push_back(test.name + ": " + test.message);
    }
    return names;
  }

  v1::CoalitionPolicy policy_;
};

TEST_P(StarterPolicies, HaveNothingWrongWithThem) {
  for (const PolicyProblem& problem : CheckPolicy(policy_)) {
    ADD_FAILURE() << problem.path << ": " << problem.message;
  }
}

TEST_P(StarterPolicies, KeepWhatTheirTestsSay) {
  EXPECT_GE(policy_.policy_test_size(), 8);
  EXPECT_THAT(Failing(policy_), ::testing::IsEmpty());
}

// Any coalition can begin with one of them: nobody has the same members and groups.
TEST_P(StarterPolicies, NameKindsAlone) {
  for (const v1::Deny& deny : policy_.denies()) EXPECT_TRUE(deny.subject().has_kind()) << deny.id();
  for (const v1::NamedAudience& named : policy_.audiences()) {
    for (const v1::Grant& grant : named.audience().grants()) {
      EXPECT_TRUE(grant.subject().has_kind()) << named.id();
    }
  }
}

// A ceiling more is a cell raised: ceilings add up.
TEST_P(StarterPolicies, SayWhenAHostSeesReports) {
  v1::Ceiling& raised = *policy_.add_ceilings();
  raised.add_kinds(v1::MEMBER_KIND_MARKETPLACE);
  raised.add_relations(v1::RELATION_HOST);
  raised.add_record_classes(v1::RECORD_CLASS_OFFENDER_REPORT);
  raised.add_labels(v1::LABEL_RED);
  raised.set_view("full");
  EXPECT_TRUE(CheckPolicy(policy_).empty());
  EXPECT_THAT(Failing(policy_), ::testing::Not(::testing::IsEmpty()));
}

// Each denial alone is held by a test, where no ceiling hides the same already.
TEST_P(StarterPolicies, SayWhenADenialThatMattersIsGone) {
  const v1::CoalitionPolicy whole = policy_;
  for (const char* id : {"authorities-not-to-marketplaces", "authorities-not-to-carriers"}) {
    policy_ = whole;
    const auto denied = std::find_if(policy_.denies().begin(), policy_.denies().end(),
                                     [id](const v1::Deny& deny) { return deny.id() == id; });
    if (denied == policy_.denies().end()) continue;
    policy_.mutable_denies()->erase(denied);
    EXPECT_THAT(Failing(policy_), ::testing::Not(::testing::IsEmpty())) << id;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, StarterPolicies,
                         ::testing::Values("brands", "brands_and_marketplaces",
                                           "with_payment_and_authorities"),
                         [](const auto& of) { return std::string(of.param); });

}  // namespace
}  // namespace coalition::policy

// The verbs that read policies from the exchange, and a member's own policy.
#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "common/errors.h"
#include "common/policy/default_policy.h"
#include "common/textproto.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/unit/cli/verbs_fixture.h"

namespace coalition::cli {
namespace {

using google::protobuf::util::MessageDifferencer;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// Version 3 is in force; the member's own is at version 2.
class PolicyConnection final : public client::Connection {
 public:
  absl::StatusOr<v1::GetPolicyResponse> GetPolicy(const client::CallOptions&,
                                                  const v1::GetPolicyRequest&) override {
    v1::GetPolicyResponse response;
    response.mutable_policy()->set_version(3);
    response.mutable_policy()->set_epoch(17);
    response.mutable_policy()->set_applied_by("members/office/credentials/\x1b[2J");
    *response.mutable_policy()->mutable_policy() = in_force;
    return response;
  }
  absl::StatusOr<v1::ListPolicyVersionsResponse> ListPolicyVersions(
      const client::CallOptions&, const v1::ListPolicyVersionsRequest&) override {
    v1::ListPolicyVersionsResponse response;
    for (int version = 3; version > 0; --version) {
      v1::PolicyVersion& listed = *response.add_versions();
      listed.set_version(version);
      listed.set_title("of " + std::to_string(version));
    }
    return response;
  }
  absl::StatusOr<v1::ValidatePolicyResponse> ValidatePolicy(const client::CallOptions&,
                                                            const v1::ValidatePolicyRequest&) override {
    return validated;
  }
  absl::StatusOr<v1::GetMemberPolicyResponse> GetMemberPolicy(const client::CallOptions&,
                                                              const v1::GetMemberPolicyRequest&) override {
    v1::GetMemberPolicyResponse response;
    response.mutable_policy()->set_name("members/aurore/policy");
    response.mutable_policy()->set_version(2);
    response.mutable_policy()->set_unbounded(true);
    return response;
  }
  absl::StatusOr<v1::SetMemberPolicyResponse> SetMemberPolicy(
      const client::CallOptions&, const v1::SetMemberPolicyRequest& request) override {
    if (!refusal.ok()) return refusal;
    set.push_back(request);
    v1::SetMemberPolicyResponse response;
    v1::AccessChange& change = *response.add_access_changes();
    change.set_direction(v1::DIRECTION_NARROWS);
    change.set_sentence("bazaar sees nothing any more");
    response.mutable_own_records()->set_looked_at(40);
    response.mutable_own_records()->set_narrowed(12);
    return response;
  }

  v1::CoalitionPolicy in_force = policy::DefaultPolicy();
  v1::ValidatePolicyResponse validated;
  absl::Status refusal;
  std::vector<v1::SetMemberPolicyRequest> set;
};

class PolicyVerbsTest : public VerbsFixture<PolicyConnection> {};

constexpr char kOwn[] = "unbounded: true\nexclusions { member: \"members/bazaar\" }\n";

TEST_F(PolicyVerbsTest, WhatIsReadCanBeAppliedAgain) {
  EXPECT_EQ(Run({"policy", "get"}), kExitOk);
  EXPECT_THAT(out_.str(), StartsWith("# Version 3, since epoch 17"));
  EXPECT_THAT(out_.str(), HasSubstr("record_class: RECORD_CLASS_OPINION\n"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("\x1b")));
  v1::CoalitionPolicy read;
  ASSERT_TRUE(ParseTextproto(out_.str(), "out", &read).ok());
  EXPECT_TRUE(MessageDifferencer::Equals(read, policy::DefaultPolicy()));
  EXPECT_EQ(Run({"policy", "get", "-o", "json"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("\"version\": \"3\""));
}

TEST_F(PolicyVerbsTest, WithEveryLimit) {
  v1::PolicyLimits& limits = *connection_->in_force.mutable_limits();
  limits.set_contest_days(14);
  limits.add_shown_to_by_kind(v1::MEMBER_KIND_PAYMENT);
  limits.add_shown_to_by_kind(v1::MEMBER_KIND_AUTHORITY);
  limits.add_lifetimes()->set_days_default(365);
  limits.set_auditors_open_disclosures(true);
  limits.set_authority_reads_sealed_days(90);
  EXPECT_EQ(Run({"policy", "get"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("contest_days: 14\n"));
  EXPECT_THAT(out_.str(), HasSubstr("shown_to_by_kind: [MEMBER_KIND_PAYMENT, MEMBER_KIND_AUTHORITY]\n"));
  EXPECT_THAT(out_.str(), HasSubstr("days_default: 365\n"));
  EXPECT_THAT(out_.str(), HasSubstr("auditors_open_disclosures: true\n"));
  EXPECT_THAT(out_.str(), HasSubstr("authority_reads_sealed_days: 90\n"));
  v1::CoalitionPolicy read;
  ASSERT_TRUE(ParseTextproto(out_.str(), "out", &read).ok());
  EXPECT_TRUE(MessageDifferencer::Equals(read, connection_->in_force));
}

TEST_F(PolicyVerbsTest, TheHistoryIsATable) {
  EXPECT_EQ(Run({"policy", "history", "-o", "csv"}), kExitOk);
  EXPECT_EQ(out_.str(),
            "version,epoch,applied,by,approved_by,title\n3,0,,,,of 3\n2,0,,,,of 2\n1,0,,,,of 1\n");
  EXPECT_EQ(Run({"policy", "history", "--limit", "2", "-o", "csv"}), kExitOk);
  EXPECT_THAT(out_.str(), Not(HasSubstr("of 1")));
  EXPECT_THAT(err_.str(), HasSubstr("--limit 0"));
}

TEST_F(PolicyVerbsTest, TheServerKnowsMore) {
  const std::string text(policy::DefaultPolicyText());
  EXPECT_EQ(Run({"policy", "validate", "-", "--online"}, text), kExitOk) << err_.str();
  v1::PolicyProblem& problem = *connection_->validated.add_problems();
  problem.set_path("title");
  problem.set_message("does not please");
  EXPECT_EQ(Run({"policy", "validate", "-", "--online"}, text), kExitNo);
  EXPECT_EQ(out_.str(), "standard input:2:8: title: does not please\n");
  EXPECT_EQ(Run({"policy", "validate", "-"}, text), kExitOk);  // is not asked
  connection_->validated.clear_problems();
  connection_->validated.add_tests()->set_passed(true);
  connection_->validated.add_tests()->set_name("second");
  EXPECT_EQ(Run({"policy", "validate", "-", "--online"}, text), kExitNo);
  EXPECT_THAT(out_.str(), HasSubstr(": policy_test[1]: fails: second"));
}

TEST_F(PolicyVerbsTest, OnesOwnPolicyIsReadWithoutWhatTheServerSets) {
  EXPECT_EQ(Run({"policy", "own", "get"}), kExitOk);
  EXPECT_EQ(out_.str(), "# members/aurore/policy, version 2, since epoch 0.\nunbounded: true\n");
}

TEST_F(PolicyVerbsTest, OnesOwnPolicyIsSetWhenTheQuestionIsAnswered) {
  const std::string path = ::testing::TempDir() + "/own-" + std::to_string(::getpid());
  { std::ofstream(path) << kOwn; }
  EXPECT_EQ(Run({"policy", "own", "set", path}, "no\n"), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("bazaar sees nothing any more"));
  EXPECT_THAT(err_.str(), HasSubstr("12 of your records"));
  ASSERT_EQ(connection_->set.size(), 1u);
  EXPECT_TRUE(connection_->set[0].validate_only());
  EXPECT_EQ(Run({"policy", "own", "set", path}, "yes\n"), kExitOk);
  ASSERT_EQ(connection_->set.size(), 3u);
  EXPECT_FALSE(connection_->set[2].validate_only());
  EXPECT_EQ(connection_->set[2].expected_version(), 2);  // the one that was compared with
  EXPECT_EQ(connection_->set[2].policy().exclusions_size(), 1);
  EXPECT_EQ(Run({"policy", "own", "set", path, "--yes"}), kExitOk);
  ASSERT_EQ(connection_->set.size(), 4u);
  EXPECT_FALSE(connection_->set[3].has_expected_version());
}

TEST_F(PolicyVerbsTest, NobodyIsAskedAboutOnesOwnPolicyWhoCanNotReadTheQuestion) {
  io_.in_is_terminal = false;
  EXPECT_EQ(Run({"policy", "own", "set", "-"}, kOwn), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--yes"));
  EXPECT_THAT(connection_->set, IsEmpty());
}

TEST_F(PolicyVerbsTest, ADifferenceOfOnesOwnChangesNothing) {
  EXPECT_EQ(Run({"policy", "own", "diff", "-"}, kOwn), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("Narrows, for all records, at once and for good:\n  - bazaar"));
  ASSERT_EQ(connection_->set.size(), 1u);
  EXPECT_TRUE(connection_->set[0].validate_only());
}

TEST_F(PolicyVerbsTest, WhatTheServerRefusesIsPlacedInTheFile) {
  FieldViolations violations;
  violations.Add("policy.exclusions[0].member", "there is no such member");
  connection_->refusal = violations.ToStatus();
  EXPECT_EQ(Run({"policy", "own", "diff", "-"}, kOwn), 64 + 3);
  EXPECT_THAT(err_.str(), HasSubstr("standard input:2:22: exclusions[0].member: there is no such member"));
}

// The mistake names what is allowed, not the largest number that there is.
TEST_F(PolicyVerbsTest, AVersionAndAnEpochAreWholeNumbersThatFit) {
  for (const std::string wrong : {"x", "-1", "1.5", "99999999999999999999"}) {
    EXPECT_EQ(Run({"policy", "get", "--version=" + wrong}), kExitUsage);
    EXPECT_THAT(err_.str(), HasSubstr("--version: \"" + wrong + "\" is not a whole number from 0 on\n"));
    EXPECT_EQ(Run({"policy", "apply", "-", "--digest", "d", "--epoch=" + wrong}), kExitUsage);
    EXPECT_THAT(err_.str(), HasSubstr("--epoch: \"" + wrong + "\" is not a whole number from 1 on\n"));
  }
  EXPECT_EQ(Run({"policy", "apply", "-", "--digest", "d", "--epoch", "0"}), kExitUsage);
}

}  // namespace
}  // namespace coalition::cli

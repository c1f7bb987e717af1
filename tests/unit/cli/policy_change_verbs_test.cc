// Changes of the coalition's policy: nothing is applied that was not looked at.
#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "common/policy/default_policy.h"
#include "tests/unit/cli/verbs_fixture.h"

namespace coalition::cli {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class DiffConnection final : public client::Connection {
 public:
  absl::StatusOr<v1::DiffPolicyResponse> DiffPolicy(const client::CallOptions&,
                                                    const v1::DiffPolicyRequest&) override {
    v1::DiffPolicyResponse response;
    *response.mutable_diff() = diff;
    return response;
  }
  absl::StatusOr<v1::ApprovePolicyResponse> ApprovePolicy(const client::CallOptions&,
                                                          const v1::ApprovePolicyRequest& request) override {
    approved.push_back(request);
    v1::ApprovePolicyResponse response;
    response.set_approvals_needed(2);
    return response;
  }
  absl::StatusOr<v1::ApplyPolicyResponse> ApplyPolicy(const client::CallOptions&,
                                                      const v1::ApplyPolicyRequest& request) override {
    applied.push_back(request);
    v1::ApplyPolicyResponse response;
    response.mutable_policy()->set_version(4);
    return response;
  }

  v1::PolicyDiff diff;
  std::vector<v1::ApprovePolicyRequest> approved;
  std::vector<v1::ApplyPolicyRequest> applied;
};

class PolicyChangeTest : public VerbsFixture<DiffConnection> {
 protected:
  PolicyChangeTest() : path_(::testing::TempDir() + "/change-" + std::to_string(::getpid())) {
    std::ofstream(path_) << policy::DefaultPolicyText();
    diff().set_base_version(3);
    diff().set_epoch(17);
    diff().set_digest("d1935");
  }

  v1::PolicyDiff& diff() { return connection_->diff; }
  void Narrow() {
    v1::AccessChange& change = *diff().add_access_changes();
    change.set_direction(v1::DIRECTION_NARROWS);
    change.set_sentence("observers see less");
    diff().set_narrows(true);
    diff().mutable_own_records()->set_looked_at(2'000);
    diff().mutable_own_records()->set_narrowed(1'200);
  }
  void Widen() {
    v1::AccessChange& change = *diff().add_access_changes();
    change.set_direction(v1::DIRECTION_WIDENS);
    change.set_record_class(v1::RECORD_CLASS_OPINION);
    change.add_kinds(v1::MEMBER_KIND_BRAND);
    change.add_kinds(v1::MEMBER_KIND_AGENCY);
    change.set_sentence("hosts see \x1b more");
    v1::FieldChange& field = *change.add_fields();
    field.set_path("comment");
    field.set_before(v1::LEVEL_OMIT);
    field.set_after(v1::LEVEL_FULL);
    diff().set_widens(true);
  }

  const std::string path_;
};

TEST_F(PolicyChangeTest, ADifferenceIsToldByItsDirection) {
  Widen();
  Narrow();
  v1::OtherChange& other = *diff().add_other_changes();
  other.set_direction(v1::DIRECTION_NEITHER);
  other.set_sentence("the title is another");
  diff().set_approvals_needed(2);
  diff().add_approved_by("members/belmont");
  EXPECT_EQ(Run({"policy", "diff", path_}), kExitOk) << err_.str();
  EXPECT_EQ(out_.str(),
            "Widens, for records that are made from then on:\n"
            "  - hosts see \\x1b more\n"
            "Narrows, for all records, at once and for good:\n"
            "  - observers see less\n"
            "And, about the policy itself:\n"
            "  - the title is another\n"
            "\n"
            "AGAINST VERSION  3\n"
            "EPOCH            17\n"
            "DIGEST           d1935\n"
            "APPROVALS        1 of 2: members/belmont\n"
            "YOUR RECORDS     1,200 would be seen less of, at once; 0 more of, if you opted in; of 2,000\n");
}

TEST_F(PolicyChangeTest, AComparisonWithAnotherVersionGivesNothingToApply) {
  Narrow();
  EXPECT_EQ(Run({"policy", "diff", path_, "--against", "1"}), kExitOk);
  EXPECT_THAT(out_.str(), Not(HasSubstr("d1935")));
}

TEST_F(PolicyChangeTest, NoDifferenceIsSaid) {
  EXPECT_EQ(Run({"policy", "diff", path_}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("Nothing differs.\n"));
}

TEST_F(PolicyChangeTest, ProgramsGetTheCells) {
  Widen();
  EXPECT_EQ(Run({"policy", "diff", path_, "-o", "csv"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("\nwidens,brand; agency,,,opinion,,,,comment: omit -> full,"));
  EXPECT_EQ(Run({"policy", "diff", path_, "-o", "json"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("\"digest\": \"d1935\""));
}

TEST_F(PolicyChangeTest, ABrokenPolicyIsNotSent) {
  for (const std::vector<std::string>& verb :
       {std::vector<std::string>{"diff", "-"}, {"apply", "-", "--yes"}}) {
    std::vector<std::string> args = {"policy"};
    args.insert(args.end(), verb.begin(), verb.end());
    EXPECT_EQ(Run(args, "ceilings {}"), kExitUsage);
    EXPECT_THAT(err_.str(), HasSubstr("standard input:1:1:"));
  }
  EXPECT_THAT(connection_->applied, IsEmpty());
}

TEST_F(PolicyChangeTest, AnApprovalNamesWhatWasReviewed) {
  EXPECT_EQ(Run({"policy", "approve", path_}), kExitUsage);
  EXPECT_EQ(Run({"policy", "approve", path_, "--epoch", "17", "--digest", "d1935"}), kExitOk) << err_.str();
  ASSERT_EQ(connection_->approved.size(), 1u);
  EXPECT_EQ(connection_->approved[0].expected_epoch(), 17);
  EXPECT_EQ(connection_->approved[0].diff_digest(), "d1935");
  EXPECT_GT(connection_->approved[0].policy().views_size(), 0);
}

TEST_F(PolicyChangeTest, AnApplicationIsAskedForAndNamesWhatIsLost) {
  Narrow();
  EXPECT_EQ(Run({"policy", "apply", path_}, "no\n"), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("observers see less"));
  EXPECT_THAT(err_.str(), HasSubstr("for good"));
  EXPECT_THAT(err_.str(), HasSubstr("1,200 of your records will be seen by fewer"));
  EXPECT_THAT(err_.str(), EndsWith("Type yes: Nothing was applied.\n"));
  EXPECT_THAT(connection_->applied, IsEmpty());
  EXPECT_EQ(Run({"policy", "apply", path_}, "yes\n"), kExitOk);
  ASSERT_EQ(connection_->applied.size(), 1u);
  EXPECT_EQ(connection_->applied[0].expected_epoch(), 17);
  EXPECT_EQ(connection_->applied[0].diff_digest(), "d1935");
  EXPECT_FALSE(connection_->applied[0].validate_only());
}

TEST_F(PolicyChangeTest, AScriptMustNameAWidening) {
  Widen();
  EXPECT_EQ(Run({"policy", "apply", path_, "--yes"}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--epoch 17 --digest d1935"));
  EXPECT_THAT(connection_->applied, IsEmpty());
  EXPECT_EQ(Run({"policy", "apply", path_, "--yes", "--epoch", "16", "--digest", "d1"}), kExitOk);
  ASSERT_EQ(connection_->applied.size(), 1u);
  EXPECT_EQ(connection_->applied[0].expected_epoch(), 16);  // as it was said, not as it is now
  EXPECT_EQ(connection_->applied[0].diff_digest(), "d1");
}

TEST_F(PolicyChangeTest, AScriptMayNarrow) {
  Narrow();
  EXPECT_EQ(Run({"policy", "apply", path_, "--yes"}), kExitOk);
  ASSERT_EQ(connection_->applied.size(), 1u);
  EXPECT_EQ(connection_->applied[0].diff_digest(), "d1935");
}

TEST_F(PolicyChangeTest, WithoutTheApprovalsNothingIsAsked) {
  Widen();
  diff().set_approvals_needed(1);
  EXPECT_EQ(Run({"policy", "apply", path_}, "yes\n"), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("policy approve " + path_ + " --epoch 17 --digest d1935"));
  EXPECT_THAT(connection_->applied, IsEmpty());
}

TEST_F(PolicyChangeTest, ADryRunAppliesNothing) {
  Widen();
  io_.in_is_terminal = false;
  EXPECT_EQ(Run({"policy", "apply", path_, "--dry-run"}), kExitOk) << err_.str();
  ASSERT_EQ(connection_->applied.size(), 1u);
  EXPECT_TRUE(connection_->applied[0].validate_only());
  EXPECT_THAT(err_.str(), HasSubstr("nothing was applied"));
}

TEST_F(PolicyChangeTest, HalfOfWhatWasReviewedIsNothing) {
  EXPECT_EQ(Run({"policy", "apply", path_, "--epoch", "17"}), kExitUsage);
  EXPECT_EQ(Run({"policy", "apply", path_, "--digest", "d"}), kExitUsage);
  io_.in_is_terminal = false;
  EXPECT_EQ(Run({"policy", "apply", path_}), kExitUsage);
  EXPECT_THAT(connection_->applied, IsEmpty());
}

}  // namespace
}  // namespace coalition::cli

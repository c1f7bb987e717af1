// Who sees a record, and why; named audiences.
#include <gmock/gmock.h>

#include "tests/unit/cli/verbs_fixture.h"

namespace coalition::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kRecord[] = "records/aaaaaaaaaaaaaaaaaaaaaaaaaa";

class AccessConnection final : public client::Connection {
 public:
  absl::StatusOr<v1::PreviewAudienceResponse> PreviewAudience(
      const client::CallOptions&, const v1::PreviewAudienceRequest& request) override {
    previewed.push_back(request.record());
    return preview;
  }
  absl::StatusOr<v1::ExplainAccessResponse> ExplainAccess(const client::CallOptions&,
                                                          const v1::ExplainAccessRequest& request) override {
    asked = request;
    v1::ExplainAccessResponse response;
    for (const v1::MemberAccess& access : members) {
      if (request.member().empty() || access.member() == request.member()) *response.add_members() = access;
    }
    return response;
  }
  absl::StatusOr<v1::SaveAudienceResponse> SaveAudience(const client::CallOptions&,
                                                        const v1::SaveAudienceRequest& request) override {
    saved.push_back(request);
    return v1::SaveAudienceResponse();
  }
  absl::StatusOr<v1::ListAudiencesResponse> ListAudiences(const client::CallOptions&,
                                                          const v1::ListAudiencesRequest&) override {
    v1::ListAudiencesResponse response;
    v1::SavedAudience& audience = *response.add_audiences();
    audience.set_name("audiences/brands");
    audience.set_version(3);
    v1::Grant& grant = *audience.mutable_audience()->add_grants();
    grant.mutable_subject()->set_kind(v1::MEMBER_KIND_BRAND);
    grant.set_view("full");
    return response;
  }
  absl::StatusOr<v1::CreateRecordResponse> CreateRecord(const client::CallOptions&,
                                                        const v1::CreateRecordRequest& request) override {
    created.push_back(request.record());
    return v1::CreateRecordResponse();
  }

  v1::PreviewAudienceResponse preview;
  v1::ExplainAccessRequest asked;
  std::vector<v1::MemberAccess> members;
  std::vector<v1::Record> previewed, created;
  std::vector<v1::SaveAudienceRequest> saved;
};

class AccessVerbsTest : public VerbsFixture<AccessConnection> {
 protected:
  AccessVerbsTest() {
    v1::MemberAccess belmont;
    belmont.set_member("members/belmont");
    belmont.set_kind(v1::MEMBER_KIND_BRAND);
    belmont.set_relation(v1::RELATION_OTHER);
    belmont.set_visible(true);
    belmont.add_views("full");
    belmont.mutable_fields()->add_full("verdict");
    belmont.mutable_fields()->add_token("contributor");
    AddCause(&belmont, v1::AccessCause::LAYER_GRANT, "audience.grants[0]", "every BRAND is granted \"full\"");
    v1::MemberAccess bazaar;
    bazaar.set_member("members/bazaar");
    bazaar.set_kind(v1::MEMBER_KIND_MARKETPLACE);
    bazaar.set_relation(v1::RELATION_HOST);
    v1::AccessCause& exclusion =
        AddCause(&bazaar, v1::AccessCause::LAYER_EXCLUSION, "audience.exclusions[0]", "it is excluded");
    exclusion.set_visible_without(true);
    exclusion.mutable_fields_without()->add_full("verdict");
    connection_->members = {belmont, bazaar};
  }

  static v1::AccessCause& AddCause(v1::MemberAccess* access, v1::AccessCause::Layer layer,
                                   const std::string& clause, const std::string& text) {
    v1::AccessCause& cause = *access->add_causes();
    cause.set_layer(layer);
    cause.set_clause(clause);
    cause.set_text(text);
    return cause;
  }
};

TEST_F(AccessVerbsTest, AnExplanationIsATableAndItsCauses) {
  EXPECT_EQ(Run({"explain", kRecord}), kExitOk) << err_.str();
  EXPECT_EQ(out_.str(),
            "MEMBER           KIND         RELATION  SEES  VIEWS  FIELDS           BECAUSE\n"
            "members/belmont  brand        other     yes   full   1 full, 1 token  every BRAND is granted "
            "\"full\"\n"
            "members/bazaar   marketplace  host      no                            it is excluded\n"
            "\n"
            "belmont sees it through \"full\"\n"
            "  grant audience.grants[0]: every BRAND is granted \"full\"\n"
            "      without it: would not see the record\n"
            "\n"
            "bazaar does not see it: it is excluded\n"
            "  exclusion audience.exclusions[0]: it is excluded\n"
            "      without it: would see 1 full\n");
}

TEST_F(AccessVerbsTest, AnExplanationOfAnEpochForAProgram) {
  EXPECT_EQ(Run({"explain", kRecord, "bazaar", "--epoch", "4", "-o", "csv"}), kExitOk);
  EXPECT_EQ(out_.str(),
            "member,kind,relation,sees,views,full,token,coarse,because\n"
            "members/bazaar,marketplace,host,no,,,,,it is excluded\n");
  EXPECT_EQ(connection_->asked.name(), kRecord);
  EXPECT_EQ(connection_->asked.epoch(), 4);
  EXPECT_EQ(Run({"explain", kRecord, "-o", "json"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("\"layer\": \"LAYER_EXCLUSION\""));
}

TEST_F(AccessVerbsTest, WhetherAMemberSeesItIsTheExitCode) {
  EXPECT_EQ(Run({"can-see", kRecord, "belmont"}), kExitOk);
  EXPECT_EQ(out_.str(), "belmont sees it through \"full\"\n");
  EXPECT_EQ(Run({"can-see", kRecord, "bazaar"}), kExitNo);
  EXPECT_EQ(out_.str(), "bazaar does not see it: it is excluded\n");
  EXPECT_EQ(Run({"can-see", kRecord, "bazaar", "-o", "json"}), kExitNo);
  EXPECT_EQ(Run({"can-see", kRecord, "Bazaar!"}), kExitUsage);
  EXPECT_EQ(Run({"can-see", "nonsense", "bazaar"}), kExitUsage);
}

TEST_F(AccessVerbsTest, WhatBoundsAGrantIsSaidWithIt) {
  AddCause(&connection_->members[0], v1::AccessCause::LAYER_CEILING, "policies/1", "at most \"notice\"");
  connection_->members[0].mutable_causes()->SwapElements(0, 1);
  EXPECT_EQ(Run({"can-see", kRecord, "belmont"}), kExitOk);
  EXPECT_EQ(out_.str(), "belmont sees it through \"full\"; at most \"notice\"\n");
}

TEST_F(AccessVerbsTest, AnOwnerSeesAll) {
  connection_->members[0].set_relation(v1::RELATION_OWNER);
  connection_->members[0].clear_views();
  EXPECT_EQ(Run({"can-see", kRecord, "belmont"}), kExitOk);
  EXPECT_EQ(out_.str(), "belmont contributed it, and sees all of it\n");
}

TEST_F(AccessVerbsTest, APreviewTakesTheFlagsOfARecord) {
  for (const v1::MemberAccess& access : connection_->members) {
    *connection_->preview.add_members() = access;
  }
  EXPECT_EQ(Run({"audience", "preview", "bazaar.example/s", "--class", "notice", "--label", "green",
                 "--grant", "everyone=notice", "--exclude", "member:bazaar", "--audience", "brands"}),
            kExitOk)
      << err_.str();
  ASSERT_EQ(connection_->previewed.size(), 1u);
  const v1::Record& record = connection_->previewed[0];
  EXPECT_TRUE(record.has_takedown_notice());
  EXPECT_EQ(record.label(), v1::LABEL_GREEN);
  EXPECT_EQ(record.audience().grants(0).view(), "notice");
  EXPECT_EQ(record.audience().exclusions(0).member(), "members/bazaar");
  EXPECT_THAT(record.audience().include(), ElementsAre("audiences/brands"));
  EXPECT_THAT(out_.str(), HasSubstr("members/bazaar   marketplace  host      no"));
}

TEST_F(AccessVerbsTest, APreviewOfAFileOrOfAnOpinion) {
  EXPECT_EQ(Run({"audience", "preview", "--file", "-", "--grant", "kind:brand=full"},
                R"({"seller":{"platform":"b.example"},"takedownOutcome":{}})"),
            kExitOk);
  EXPECT_EQ(Run({"audience", "preview", "--about", kRecord}), kExitOk);
  EXPECT_THAT(err_.str(), HasSubstr("nobody but you"));
  ASSERT_EQ(connection_->previewed.size(), 2u);
  EXPECT_TRUE(connection_->previewed[0].has_takedown_outcome());
  EXPECT_EQ(connection_->previewed[1].opinion().subject(), kRecord);
  EXPECT_EQ(Run({"audience", "preview", "--grant", "kind:brand=full"}), kExitUsage);
  EXPECT_EQ(Run({"audience", "preview", "b.example", "--about", kRecord, "--class", "report"}), kExitUsage);
}

TEST_F(AccessVerbsTest, AnAudienceThatCanNotBeWrittenIsANo) {
  v1::AudienceProblem& problem = *connection_->preview.add_problems();
  problem.set_path("record.audience.grants[0]");
  problem.set_message("the label RED does not allow everyone");
  problem.set_label_forbids(true);
  EXPECT_EQ(Run({"audience", "preview", "b.example/s", "--grant", "everyone=full"}), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("record.audience.grants[0]: the label RED does not allow everyone\n"));
  EXPECT_THAT(err_.str(), HasSubstr("GREEN also everyone"));
  EXPECT_EQ(Run({"audience", "preview", "b.example/s", "-o", "json"}), kExitNo);
  EXPECT_THAT(out_.str(), HasSubstr("labelForbids"));
}

TEST_F(AccessVerbsTest, AnAudienceIsSavedFromFlagsTextOrJson) {
  EXPECT_EQ(Run({"audience", "save", "usual", "--grant", "kind:brand=full", "--description", "d"}), kExitOk);
  EXPECT_EQ(Run({"audience", "save", "usual", "--file", "-", "--exclude", "member:bazaar"},
                "grants { subject { everyone: true } view: 'notice' }"),
            kExitOk)
      << err_.str();
  EXPECT_EQ(Run({"audience", "save", "usual", "--file", "-"},
                R"( {"grants":[{"subject":{"group":"groups/ring"},"view":"full"}]})"),
            kExitOk)
      << err_.str();
  ASSERT_EQ(connection_->saved.size(), 3u);
  EXPECT_EQ(connection_->saved[0].audience_id(), "usual");
  EXPECT_EQ(connection_->saved[0].description(), "d");
  EXPECT_TRUE(connection_->saved[1].audience().grants(0).subject().everyone());
  EXPECT_EQ(connection_->saved[1].audience().exclusions_size(), 1);
  EXPECT_EQ(connection_->saved[2].audience().grants(0).subject().group(), "groups/ring");
}

TEST_F(AccessVerbsTest, AnAudienceOfNobodyIsNotSaved) {
  EXPECT_EQ(Run({"audience", "save", "usual", "--exclude", "member:bazaar"}), kExitUsage);
  EXPECT_EQ(Run({"audience", "save", "usual", "--file", "-"}, "grant {}"), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("did you mean"));
  EXPECT_THAT(connection_->saved, IsEmpty());
}

// One line for each mistake, as of a policy, and what is wrong with the JSON.
TEST_F(AccessVerbsTest, AMistakeInAnAudienceHasItsPlace) {
  const std::vector<std::string> save = {"audience", "save", "usual", "--file", "-"};
  EXPECT_EQ(Run(save, "grants { view: \"\xff\" }\n exclusions { member: '\xff' }"), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("standard input:1:16: grants[0].view: "));
  EXPECT_THAT(err_.str(), HasSubstr("\nstandard input:2:23: exclusions[0].member: "));
  EXPECT_EQ(Run(save, R"({"grants":[{"subjekt":{}}]})"), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("it is not an audience in JSON: "));
  EXPECT_THAT(err_.str(), HasSubstr("subjekt"));
  EXPECT_EQ(Run(save, "{\xff"), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("not UTF-8"));
  EXPECT_THAT(connection_->saved, IsEmpty());
}

TEST_F(AccessVerbsTest, AudiencesAreListed) {
  EXPECT_EQ(Run({"audience", "list", "-o", "csv"}), kExitOk);
  EXPECT_EQ(out_.str(),
            "audience,version,grants,exclusions,saved,description\naudiences/brands,3,kind:brand=full,,,\n");
}

TEST_F(AccessVerbsTest, ARecordNamesAudiences) {
  EXPECT_EQ(Run({"report", "b.example/s", "--infringement", "trademark", "--audience", "brands", "--audience",
                 "members/aurore/audiences/usual"}),
            kExitOk)
      << err_.str();
  ASSERT_EQ(connection_->created.size(), 1u);
  EXPECT_THAT(connection_->created[0].audience().include(),
              ElementsAre("audiences/brands", "members/aurore/audiences/usual"));
  EXPECT_EQ(err_.str(), "");  // somebody may see it
  EXPECT_EQ(Run({"report", "b.example/s", "--infringement", "trademark", "--audience", "a/b"}), kExitUsage);
}

}  // namespace
}  // namespace coalition::cli

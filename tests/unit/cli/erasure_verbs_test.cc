// coalition admin erase: what is asked of the server before somebody is asked, what is sent, and what is said
// afterwards.
#include <gmock/gmock.h>

#include <deque>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "nlohmann/json.hpp"
#include "tests/unit/cli/verbs_fixture.h"

namespace coalition::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kFirst[] = "records/aaaaaaaaaaaaaaaaaaaaaaaaaa";
constexpr char kSecond[] = "records/baaaaaaaaaaaaaaaaaaaaaaaaa";
constexpr char kThird[] = "records/caaaaaaaaaaaaaaaaaaaaaaaaa";
constexpr char kOpinion[] = "records/daaaaaaaaaaaaaaaaaaaaaaaaa";

class ErasureConnection final : public client::Connection {
 public:
  ErasureConnection() {
    Add(kFirst, "members/aurore", true, false);
    Add(kSecond, "members/aurore", false, false);
    Add(kThird, "members/belmont", false, true);
    response.add_referring(kOpinion);
  }
  absl::StatusOr<v1::EraseRecordsResponse> EraseRecords(const client::CallOptions&,
                                                        const v1::EraseRecordsRequest& request) override {
    requests.push_back(request);
    absl::Status status;
    if (!answers.empty()) {
      status = answers.front();
      answers.pop_front();
    }
    if (!status.ok()) return status;
    v1::EraseRecordsResponse answer = response;
    if (!request.validate_only()) answer.set_erasure_keys_sha256(std::string(32, '\xab'));
    return answer;
  }

  v1::EraseRecordsResponse response;
  // Of the next calls; then OK.
  std::deque<absl::Status> answers;
  std::vector<v1::EraseRecordsRequest> requests;

 private:
  void Add(const char* name, const char* contributor, bool was_live, bool erased_before) {
    v1::ErasedRecord& record = *response.add_records();
    record.set_name(name);
    record.set_contributor(contributor);
    record.set_was_live(was_live);
    record.set_erased_before(erased_before);
  }
};

class ErasureVerbsTest : public VerbsFixture<ErasureConnection> {
 protected:
  int Erase(std::vector<std::string> flags, const std::string& typed = "") {
    flags.insert(flags.begin(), {"admin", "erase", "--grounds", "court-order"});
    return Run(flags, typed);
  }
  const std::vector<v1::EraseRecordsRequest>& requests() const { return connection_->requests; }
};

TEST_F(ErasureVerbsTest, TheServerIsAskedFirstAndWhatIsLostIsNamed) {
  EXPECT_EQ(Erase({kFirst, kSecond, kThird}, "no\n"), kExitNo);
  ASSERT_THAT(requests(), SizeIs(1));
  EXPECT_TRUE(requests()[0].validate_only());
  EXPECT_THAT(requests()[0].names(), ElementsAre(kFirst, kSecond, kThird));
  EXPECT_THAT(err_.str(),
              AllOf(HasSubstr("Erasing 2 records, for good: nobody can read"),
                    HasSubstr("2 records of members/aurore, 1 of them to be seen until now\n"),
                    Not(HasSubstr("of members/belmont")), HasSubstr("1 record erased before\n"),
                    HasSubstr("1 record refers to them, may quote them"), HasSubstr(kOpinion),
                    HasSubstr("external ids stay taken"), HasSubstr("Erase 3 records? Type yes: "),
                    EndsWith("Nothing was changed.\n")));
  EXPECT_EQ(out_.str(), "");

  EXPECT_EQ(Erase({kFirst, kSecond, kThird, "--reference", "12 O 345/26"}, "yes\n"), kExitOk) << err_.str();
  ASSERT_THAT(requests(), SizeIs(3));
  EXPECT_TRUE(requests()[1].validate_only());
  EXPECT_FALSE(requests()[2].validate_only());
  EXPECT_THAT(requests()[2].names(), ElementsAre(kFirst, kSecond, kThird));
  EXPECT_EQ(requests()[2].grounds(), v1::ERASURE_GROUNDS_COURT_ORDER);
  EXPECT_EQ(requests()[2].reference(), "12 O 345/26");
}

TEST_F(ErasureVerbsTest, AfterwardsItSaysWhatBecomesOfCopiesOfTheKeys) {
  EXPECT_EQ(Erase({kFirst, "--yes"}), kExitOk) << err_.str();
  ASSERT_THAT(requests(), SizeIs(1)) << "--yes asks nobody";
  EXPECT_FALSE(requests()[0].validate_only());
  std::string sha256;
  for (int i = 0; i < 32; ++i) sha256 += "ab";
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("Erased 2 records, before 1.\n"), HasSubstr(kOpinion),
                                HasSubstr("key_dir"), HasSubstr("destroy the old ones"), HasSubstr(sha256)));
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("ERASED BEFORE"), HasSubstr(kSecond)));

  EXPECT_EQ(Erase({kFirst, "--yes", "-o", "csv"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("record,contributor,was_live,erased_before\n"));
  EXPECT_THAT(out_.str(), HasSubstr(absl::StrCat(kThird, ",members/belmont,false,true\n")));
  for (const char* format : {"json", "jsonl"}) {
    EXPECT_EQ(Erase({kFirst, "--yes", "-o", format}), kExitOk);
    const auto json = nlohmann::json::parse(out_.str(), nullptr, false);
    EXPECT_EQ(json["erasureKeysSha256"], sha256);
    EXPECT_EQ(json["records"][0]["wasLive"], true);
    EXPECT_EQ(json["referring"][0], kOpinion);
  }
}

TEST_F(ErasureVerbsTest, ADryRunErasesNothingAndAsksNobody) {
  EXPECT_EQ(Erase({kFirst, "--dry-run", "-o", "json"}), kExitOk) << err_.str();
  ASSERT_THAT(requests(), SizeIs(1));
  EXPECT_TRUE(requests()[0].validate_only());
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("Valid 2 records, before 1.\n"), EndsWith("nothing was erased.\n"),
                                Not(HasSubstr("key_dir"))));
  EXPECT_EQ(nlohmann::json::parse(out_.str(), nullptr, false)["records"].size(), 3U);
}

TEST_F(ErasureVerbsTest, AllAboutASellerIsNormalised) {
  EXPECT_EQ(Erase({"--platform", " Bazaar.Example", "--seller", "shop-4711 ", "--yes"}), kExitOk)
      << err_.str();
  ASSERT_THAT(requests(), SizeIs(1));
  EXPECT_THAT(requests()[0].names(), IsEmpty());
  EXPECT_EQ(requests()[0].seller().platform(), "bazaar.example");
  EXPECT_EQ(requests()[0].seller().seller_id(), "shop-4711");
  // Of one about whom there is nothing, nobody is asked, and no copies are to be renewed.
  connection_->response.Clear();
  EXPECT_EQ(Erase({"--platform", "bazaar.example", "--seller", "shop"}), kExitOk);
  EXPECT_THAT(requests(), SizeIs(2));
  EXPECT_EQ(err_.str(), "There is no record about that seller.\n");
  EXPECT_EQ(Erase({"--platform", "bazaar.example", "--seller", "shop", "--yes"}), kExitOk);
  EXPECT_EQ(err_.str(), "Erased 0 records, before 0.\n");
}

TEST_F(ErasureVerbsTest, MistakesAreSaidBeforeAnythingIsSent) {
  const std::vector<std::vector<std::string>> mistakes = {
      {"--yes"},
      {kFirst, "--platform", "bazaar.example", "--seller", "shop", "--yes"},
      {"--platform", "bazaar.example", "--yes"},
      {"--seller", "shop", "--yes"},
      {"records/none", "--yes"},
      {"--platform", "no platform", "--seller", "shop", "--yes"}};
  for (const std::vector<std::string>& flags : mistakes) {
    EXPECT_EQ(Erase(flags), kExitUsage) << ::testing::PrintToString(flags);
    EXPECT_THAT(err_.str(), HasSubstr("error: "));
  }
  EXPECT_EQ(Run({"admin", "erase", kFirst, "--yes"}), kExitUsage) << "no grounds";
  EXPECT_EQ(Run({"admin", "erase", kFirst, "--grounds", "anger", "--yes"}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("court-order, data-subject, contributor"));
  EXPECT_THAT(requests(), IsEmpty());
}

TEST_F(ErasureVerbsTest, WhereNobodyCanBeAskedNothingIsRead) {
  io_.in_is_terminal = false;
  EXPECT_EQ(Erase({kFirst}, "yes\n"), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--yes"));
  EXPECT_THAT(requests(), IsEmpty());
}

TEST_F(ErasureVerbsTest, WhatIsRefusedBeforeIsNotAskedAbout) {
  connection_->answers = {Error(v1::ERROR_REASON_NOT_FOUND, "not found")};
  EXPECT_EQ(Erase({kFirst}, "yes\n"), 64 + 5);
  EXPECT_THAT(requests(), SizeIs(1));
  EXPECT_THAT(err_.str(), Not(HasSubstr("Type yes")));
  EXPECT_THAT(err_.str(), Not(HasSubstr("Run it again")));
}

// A refusal of the store says of other calls that nothing of them was kept.
TEST_F(ErasureVerbsTest, WhatMayBeHalfDoneIsToBeRunAgain) {
  const std::pair<absl::Status, int> failures[] = {
      {Error(v1::ERROR_REASON_STORE_UNAVAILABLE, "the disk is full"), 64 + 14},
      {Error(v1::ERROR_REASON_WRITE_UNDETERMINED, "it is not known"), 64 + 2},
      {absl::UnavailableError("no connection"), 64 + 14},
      {absl::DeadlineExceededError("too long"), 64 + 4}};
  for (const auto& [failure, code] : failures) {
    connection_->answers = {failure};
    EXPECT_EQ(Erase({kFirst, "--yes"}), code) << failure;
    EXPECT_THAT(err_.str(),
                AllOf(HasSubstr(absl::StrCat("error: ", failure.message())),
                      EndsWith("Some of it may be erased. Run it again: what is erased stays so.\n"),
                      Not(HasSubstr("Nothing of the call was kept")), Not(HasSubstr("--request-id"))));
    EXPECT_EQ(out_.str(), "");
  }
  connection_->answers = {Error(v1::ERROR_REASON_ROLE_MISSING, "not you", {{"role", "COALITION_ADMIN"}})};
  EXPECT_EQ(Erase({kFirst, "--yes"}), 64 + 7);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("COALITION_ADMIN"), Not(HasSubstr("Run it again"))));
}

TEST_F(ErasureVerbsTest, OfVeryManyThatReferTheFirstFewAreNamed) {
  connection_->response.clear_referring();
  for (int i = 0; i < 1'021; ++i) connection_->response.add_referring(absl::StrCat("records/", i));
  EXPECT_EQ(Erase({kFirst, "--yes", "-o", "json"}), kExitOk);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("1,021 records refer to them"), HasSubstr("  records/19\n"),
                                Not(HasSubstr("  records/20\n")), HasSubstr("  and 1,001 more\n")));
  EXPECT_EQ(nlohmann::json::parse(out_.str(), nullptr, false)["referring"].size(), 1'021U);
}

}  // namespace
}  // namespace coalition::cli

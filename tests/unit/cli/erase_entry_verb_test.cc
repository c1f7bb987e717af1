// coalition admin erase-entry: what is asked of the server before somebody is asked, what is sent, and what
// is said afterwards.
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

constexpr char kFirst[] = "ledgerEntries/4711-815";
constexpr char kSecond[] = "ledgerEntries/4711-816";
constexpr char kBefore[] = "ledgerEntries/4712-0";

class EraseEntryConnection final : public client::Connection {
 public:
  EraseEntryConnection() {
    Add(kFirst, false);
    Add(kSecond, false);
    Add(kBefore, true);
  }
  absl::StatusOr<v1::EraseLedgerEntriesResponse> EraseLedgerEntries(
      const client::CallOptions&, const v1::EraseLedgerEntriesRequest& request) override {
    requests.push_back(request);
    absl::Status status;
    if (!answers.empty()) {
      status = answers.front();
      answers.pop_front();
    }
    if (!status.ok()) return status;
    return response;
  }
  void Add(const std::string& name, bool erased_before) {
    v1::ErasedLedgerEntry& entry = *response.add_entries();
    entry.set_name(name);
    entry.set_erased_before(erased_before);
    response.set_ledger_contents_sha256(std::string(32, '\xcd'));
  }

  v1::EraseLedgerEntriesResponse response;
  // Of the next calls; then OK.
  std::deque<absl::Status> answers;
  std::vector<v1::EraseLedgerEntriesRequest> requests;
};

class EraseEntryVerbTest : public VerbsFixture<EraseEntryConnection> {
 protected:
  int Erase(std::vector<std::string> flags, const std::string& typed = "") {
    flags.insert(flags.begin(), {"admin", "erase-entry", "--grounds", "data-subject"});
    return Run(flags, typed);
  }
  const std::vector<v1::EraseLedgerEntriesRequest>& requests() const { return connection_->requests; }
  static std::string Sha256() {
    std::string sha256;
    for (int i = 0; i < 32; ++i) sha256 += "cd";
    return sha256;
  }
};

TEST_F(EraseEntryVerbTest, TheServerIsAskedFirstAndWhatIsLostIsNamed) {
  EXPECT_EQ(Erase({kFirst, "4711-816", kBefore}, "no\n"), kExitNo);
  ASSERT_THAT(requests(), SizeIs(1));
  EXPECT_TRUE(requests()[0].validate_only());
  EXPECT_THAT(requests()[0].names(), ElementsAre(kFirst, kSecond, kBefore));
  EXPECT_THAT(err_.str(),
              AllOf(HasSubstr("Erasing what 2 entries of the ledger say, for good: nobody can read it"),
                    HasSubstr(absl::StrCat("  ", kFirst, "\n  ", kSecond, "\n  1 entry erased before\n")),
                    Not(HasSubstr(kBefore)), HasSubstr("who was shown which record stays known\n"),
                    HasSubstr("Erase what they say? Type yes: "), EndsWith("Nothing was changed.\n")));
  EXPECT_EQ(out_.str(), "");

  EXPECT_EQ(Erase({kFirst, kSecond, "--reference", "12 O 345/26"}, "yes\n"), kExitOk) << err_.str();
  ASSERT_THAT(requests(), SizeIs(3));
  EXPECT_TRUE(requests()[1].validate_only());
  EXPECT_FALSE(requests()[2].validate_only());
  EXPECT_THAT(requests()[2].names(), ElementsAre(kFirst, kSecond));
  EXPECT_EQ(requests()[2].grounds(), v1::ERASURE_GROUNDS_DATA_SUBJECT);
  EXPECT_EQ(requests()[2].reference(), "12 O 345/26");
}

TEST_F(EraseEntryVerbTest, OfVeryManyTheFirstFewAreNamed) {
  connection_->response.Clear();
  for (int i = 0; i < 250; ++i) connection_->Add(absl::StrCat("ledgerEntries/7-", i), false);
  EXPECT_EQ(Erase({kFirst}, "no\n"), kExitNo);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("what 250 entries"), HasSubstr("  ledgerEntries/7-19\n"),
                                Not(HasSubstr("  ledgerEntries/7-20\n")), HasSubstr("  and 230 more\n")));
}

TEST_F(EraseEntryVerbTest, WhatWasErasedBeforeIsNotAskedAbout) {
  connection_->response.Clear();
  connection_->Add(kBefore, true);
  EXPECT_EQ(Erase({kBefore}), kExitOk) << err_.str();
  ASSERT_THAT(requests(), SizeIs(2));
  EXPECT_FALSE(requests()[1].validate_only());
  EXPECT_THAT(err_.str(), AllOf(Not(HasSubstr("Type yes")), HasSubstr("Erased 0 entries, before 1.\n")));
}

TEST_F(EraseEntryVerbTest, AfterwardsItSaysWhatBecomesOfCopiesOfTheKeys) {
  EXPECT_EQ(Erase({kFirst, "--yes"}), kExitOk) << err_.str();
  ASSERT_THAT(requests(), SizeIs(1)) << "--yes asks nobody";
  EXPECT_FALSE(requests()[0].validate_only());
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("Erased 2 entries, before 1.\n"), HasSubstr("key_dir"),
                                HasSubstr("destroy the old ones"),
                                HasSubstr(absl::StrCat("ledger_contents is now ", Sha256(), ".\n"))));
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("ERASED BEFORE"), HasSubstr(kSecond)));

  EXPECT_EQ(Erase({kFirst, "--yes", "-o", "csv"}), kExitOk);
  EXPECT_EQ(out_.str(), absl::StrCat("entry,erased_before\n", kFirst, ",false\n", kSecond, ",false\n",
                                     kBefore, ",true\n"));
  for (const char* format : {"json", "jsonl"}) {
    EXPECT_EQ(Erase({kFirst, "--yes", "-o", format}), kExitOk);
    const auto json = nlohmann::json::parse(out_.str(), nullptr, false);
    EXPECT_EQ(json["ledgerContentsSha256"], Sha256());
    EXPECT_EQ(json["entries"][2]["name"], kBefore);
    EXPECT_EQ(json["entries"][2]["erasedBefore"], true);
  }
}

TEST_F(EraseEntryVerbTest, ADryRunErasesNothingAndAsksNobody) {
  EXPECT_EQ(Erase({kFirst, "--dry-run", "-o", "json"}), kExitOk) << err_.str();
  ASSERT_THAT(requests(), SizeIs(1));
  EXPECT_TRUE(requests()[0].validate_only());
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("Valid 2 entries, before 1.\n"), EndsWith("nothing was erased.\n"),
                                Not(HasSubstr("key_dir"))));
  EXPECT_EQ(nlohmann::json::parse(out_.str(), nullptr, false)["entries"].size(), 3U);
}

TEST_F(EraseEntryVerbTest, MistakesAreSaidBeforeAnythingIsSent) {
  for (const std::vector<std::string>& flags : {std::vector<std::string>{"--yes"},
                                                {"4711", "--yes"},
                                                {"records/aaaaaaaaaaaaaaaaaaaaaaaaaa", "--yes"}}) {
    EXPECT_EQ(Erase(flags), kExitUsage) << ::testing::PrintToString(flags);
  }
  EXPECT_EQ(Run({"admin", "erase-entry", kFirst, "--yes"}), kExitUsage) << "no grounds";
  EXPECT_EQ(Run({"admin", "erase-entry", kFirst, "--grounds", "anger", "--yes"}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("court-order, data-subject, contributor"));
  io_.in_is_terminal = false;
  EXPECT_EQ(Erase({kFirst}, "yes\n"), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--yes"));
  EXPECT_THAT(requests(), IsEmpty());
}

TEST_F(EraseEntryVerbTest, WhatIsRefusedBeforeIsNotAskedAbout) {
  connection_->answers = {Error(v1::ERROR_REASON_NOT_FOUND, "not found")};
  EXPECT_EQ(Erase({kFirst}, "yes\n"), 64 + 5);
  EXPECT_THAT(requests(), SizeIs(1));
  EXPECT_THAT(err_.str(), AllOf(Not(HasSubstr("Type yes")), Not(HasSubstr("Run it again"))));
}

TEST_F(EraseEntryVerbTest, WhatMayBeHalfDoneIsToBeRunAgain) {
  for (const auto& [reason, code] : {std::pair(v1::ERROR_REASON_STORE_UNAVAILABLE, 64 + 14),
                                     std::pair(v1::ERROR_REASON_WRITE_UNDETERMINED, 64 + 2)}) {
    connection_->answers = {Error(reason, "the disk is full")};
    EXPECT_EQ(Erase({kFirst, "--yes"}), code);
    EXPECT_THAT(err_.str(),
                AllOf(HasSubstr("error: the disk is full\n"),
                      EndsWith("Some of it may be erased. Run it again: what is erased stays so.\n"),
                      Not(HasSubstr("Nothing of the call was kept"))));
    EXPECT_EQ(out_.str(), "");
  }
}

}  // namespace
}  // namespace coalition::cli
